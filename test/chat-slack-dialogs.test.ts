import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Crew } from './crew.ts'
import { cardWith, chatOf, inProcessWorker, read, workspace } from './slack-crew.ts'
import { elementsOf, type SlackStandIn } from './stand-ins/slack/index.ts'

let crew: Crew
let slack: SlackStandIn
let worlds = 0
let close: (() => Promise<unknown>)[] = []
const unhandled: unknown[] = []
const onUnhandled = (error: unknown) => unhandled.push(error)

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  crew = await Crew.start({ speed: 10 })
})
afterAll(async () => {
  await crew.close()
  process.off('unhandledRejection', onUnhandled)
})
beforeEach(async () => {
  slack = await workspace()
  close = [() => slack.close()]
})
afterEach(async () => {
  for (const one of close) await one()
  expect(unhandled).toEqual([])
})

async function open(more: object = {}, withWorker = true) {
  const prefix = `dialogs${++worlds}`
  const config = chatOf(slack, more)
  const bot = await crew.bot(prefix, config)
  close.unshift(() => bot.close())
  if (withWorker) {
    const worker = await inProcessWorker(crew, prefix, config)
    close.unshift(() => worker.close())
  }
  return { bot, prefix, config }
}

const ops = { channel: 'ops' }

describe('a command that lacks something', () => {
  test('opens a modal with live lists at once; filled in, it runs on the same card', async () => {
    await open()
    const { elapsedMs } = await slack.slash('/pve', 'vm create memory:1G', { user: 'luis', ...ops })
    expect(elapsedMs).toBeLessThan(3000)
    const view = await slack.until(() => slack.view('luis'))
    expect(view.title).toBe('/pve vm create')
    const kinds = Object.fromEntries(elementsOf(view).map(({ actionId, element }) => [actionId, element.type]))
    expect(kinds).toMatchObject({
      'field.name': 'plain_text_input',
      'field.node': 'static_select',
      'field.iso': 'static_select',
      'field.cores': 'plain_text_input',
    })
    const refused = await slack.submit({ user: 'luis', values: { name: 'no good!', cores: '2' } })
    expect(refused.errors.name).toContain('DNS name')
    const sent = await slack.submit({ user: 'luis', values: { name: 'web1', node: 'pve2', disk: '8G' } })
    expect(sent.errors).toEqual({})
    expect(slack.view('luis')).toBeUndefined()
    const card = await cardWith(slack, 'ops', 'Machine web1')
    expect(read(card)).toContain('pve2')
    expect(slack.messages('ops')).toHaveLength(1)
    // Sent twice, as when an answer got lost.
    await slack.redeliver(sent)
    expect(slack.violations).toEqual([])
  })

  test('closing the modal drops the command, in the language of the one who typed it', async () => {
    await open()
    await slack.slash('/pve', 'vm create', { user: 'ana', ...ops })
    await slack.until(() => slack.view('ana'))
    await cardWith(slack, 'ops', 'vm create')
    await slack.closeView('ana')
    await cardWith(slack, 'ops', 'Descartad')
    expect(slack.violations).toEqual([])
  })

  test('in a thread it shows a button that opens the modal, for the asker alone', async () => {
    await open()
    const root = await slack.mention({ user: 'eva', channel: 'ops', text: 'help' })
    await slack.until(() => slack.messages('ops').length === 2)
    await slack.mention({ user: 'luis', channel: 'ops', text: 'vm create', threadTs: root.ts })
    const thread = () => slack.messages('ops').find(({ ts }) => ts === root.ts)!
    const card = await slack.until(() => thread().replies.find((reply) => read(reply).includes('still needs')))
    expect(slack.view('luis')).toBeUndefined()
    await slack.click({ user: 'ana', target: card, actionId: 'form.submit' })
    await slack.until(() => slack.ephemerals('ana').length === 1)
    expect(slack.view('ana')).toBeUndefined()
    await slack.click({ user: 'luis', target: card, actionId: 'form.submit' })
    await slack.until(() => slack.view('luis'))
    await slack.submit({ user: 'luis', values: { name: 'threaded', disk: '8G' } })
    await slack.until(() => read(card).includes('Machine threaded'), 20_000)
    expect(slack.violations).toEqual([])
  })

  test('an expired trigger leaves the button of the card', async () => {
    await open({}, false)
    slack.error('views.open', 'expired_trigger_id')
    await slack.slash('/pve', 'vm create', { user: 'luis', ...ops })
    const card = await cardWith(slack, 'ops', 'still needs')
    await slack.until(() => slack.calls('views.open').length === 1)
    expect(slack.view('luis')).toBeUndefined()
    await slack.click({ user: 'luis', target: card, actionId: 'form.submit' })
    await slack.until(() => slack.view('luis'))
    expect(slack.violations).toEqual([])
  })
})

describe('decisions', () => {
  test('what destroys is asked with a confirm dialog; a button that was used is gone', async () => {
    await open({ approvals: { destroys: 1 } })
    await slack.slash('/pve', 'vm create name:doomed disk:8G', { user: 'luis', ...ops })
    await cardWith(slack, 'ops', 'Machine doomed')
    await slack.slash('/pve', 'vm delete doomed', { user: 'luis', ...ops })
    const card = await slack.until(() =>
      slack
        .messages('ops')
        .find((message) => elementsOf(message).some(({ actionId }) => actionId.startsWith('confirm:'))),
    )
    const confirm = elementsOf(card).find(({ actionId }) => actionId.startsWith('confirm:'))!
    expect(confirm.element).toMatchObject({ style: 'danger', confirm: { style: 'danger' } })
    await slack.click({ user: 'eva', target: card, actionId: 'confirm:' })
    await slack.until(() => slack.ephemerals('eva').length === 1)
    await slack.click({ user: 'luis', target: card, actionId: 'confirm:' })
    await slack.until(() => elementsOf(card).some(({ actionId }) => actionId.startsWith('approve:')))
    expect(elementsOf(card).map(({ actionId }) => actionId.split(':')[0])).not.toContain('confirm')
    await slack.click({ user: 'luis', target: card, actionId: 'approve:' })
    await slack.until(() => slack.ephemerals('luis').length === 1)
    expect(read(slack.ephemerals('luis')[0])).toContain('someone else')
    const approved = await slack.click({ user: 'ana', target: card, actionId: 'approve:' })
    await slack.redeliver(approved)
    await slack.until(() => elementsOf(card).length === 0 && card.text.startsWith('✅'), 20_000)
    // Late, on a card that has ended.
    await slack.redeliver({ ...approved, payload: { ...approved.payload, actions: lateActions(approved.payload) } })
    await slack.until(() => slack.ephemerals('ana').length === 1)
    expect(slack.violations).toEqual([])
  })
})

const lateActions = ({ actions }: { actions?: unknown }) =>
  (actions as object[]).map((action) => ({ ...action, action_ts: '1.000001' }))
