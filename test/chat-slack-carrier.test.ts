import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { slackCarrier } from '../src/chat/slack/carrier.ts'
import { Pace } from '../src/chat/slack/pace.ts'
import { openClients } from '../src/chat/slack/slack.ts'
import type { Message } from '../src/core/message.ts'
import { Order } from '../src/core/outbox.ts'
import { Secret } from '../src/core/secret.ts'
import { type Carrier, Gone, startDelivery, Throttled } from '../src/jobs/delivery.ts'
import { BullOutbox, CardStore } from '../src/jobs/outbox.ts'
import { until } from './crew.ts'
import { Ground } from './fixtures/ground.ts'
import { read, workspace } from './slack-crew.ts'
import type { SlackStandIn } from './stand-ins/slack/index.ts'

let ground: Ground
let slack: SlackStandIn

beforeAll(async () => {
  ground = await Ground.start()
  slack = await workspace()
})
afterAll(async () => {
  await ground.close()
  await slack.close()
})

const log = { info: () => {}, warn: () => {}, error: () => {} }

function office(carrier: Carrier) {
  const { redis, prefix } = ground.plot()
  const outbox = new BullOutbox(redis, prefix)
  const cards = new CardStore(redis, prefix)
  const own = ground.connection()
  const worker = startDelivery({ redis: own, prefix, cards, outbox, carrier, log })
  ground.onClose(() => worker.close(true))
  ground.onClose(() => outbox.close())
  const put = (key: string, message: Message, order: number, more: { thread?: string; onlyTo?: string } = {}) =>
    outbox.put({ key, target: `slack:${slack.channels.ops}`, message, order, ...more })
  return { put, cards }
}

function toSlack() {
  const clients = openClients({
    botToken: new Secret(slack.botToken),
    apiUrl: slack.apiUrl,
    log,
    names: { members: false, groups: false },
  })
  const errors = { throttled: (ms: number) => new Throttled(ms), gone: (reason: string) => new Gone(reason) }
  return slackCarrier({ clients, ...clients, pace: new Pace(Date.now), errors })
}

const ops = () => slack.messages('ops')

describe('a card in Slack', () => {
  test('its last state does not wait where its passing ones were told to', async () => {
    const shown: string[] = []
    let held = 0
    const { put } = office({
      platform: 'slack',
      passing: ({ message }) => message.state === 'running',
      async post({ message }) {
        shown.push(message.title)
        return 'C/1'
      },
      async edit({ message }) {
        if (message.state === 'running') {
          held += 1
          throw new Throttled(60_000)
        }
        shown.push(message.title)
      },
    })
    await put('a', { title: 'queued', state: 'queued' }, Order.queued)
    await until(() => shown.length === 1, 'the post')
    await put('a', { title: 'running', state: 'running' }, Order.running)
    await until(() => held > 0, 'the wait')
    await put('b', { title: 'a line in its thread', state: 'info' }, Order.final, { thread: 'a' })
    await until(() => shown.includes('a line in its thread'), 'the line')
    await put('a', { title: 'done', state: 'ok' }, Order.final)
    await until(() => shown.includes('done'), 'the last state', 5000)
    expect(shown).toEqual(['queued', 'a line in its thread', 'done'])
  })

  test('what began for everybody and ends as a refusal is the asker’s alone', async () => {
    const { put } = office(toSlack())
    await put('c', { title: 'Reading…', state: 'running' }, Order.interim)
    await slack.until(() => ops().some((message) => read(message).includes('Reading')))
    await put('c', { title: 'Not yours', state: 'refused' }, Order.waiting, { onlyTo: `slack:${slack.users.eva}` })
    await slack.until(() => slack.ephemerals('eva').length === 1)
    expect(read(slack.ephemerals('eva')[0])).toContain('Not yours')
    expect(ops().some((message) => read(message).includes('Reading'))).toBe(false)
    expect(slack.violations).toEqual([])
  })

  test('to a person it goes into their direct messages, is edited there, and found there when the answer was lost', async () => {
    const carrier = toSlack()
    const card = (title: string) => ({
      key: 'dm',
      target: `slack:${slack.users.luis}`,
      message: { title, state: 'failed' } as const,
    })
    slack.dropAfterProcessing('chat.postMessage')
    await expect(carrier.post(card('pve1 is gone'), false, undefined)).rejects.toThrow()
    const posted = await carrier.post(card('pve1 is gone'), true, undefined)
    const dm = await slack.dm('luis')
    expect(posted.split('/')[0]).toBe(dm)
    await carrier.edit(card('pve1 is back'), posted, undefined)
    expect(slack.messages(dm).map(read)).toEqual([expect.stringContaining('pve1 is back')])
    expect(slack.violations).toEqual([])
  })

  test('a picture goes into its thread, once', async () => {
    const { put, cards } = office(toSlack())
    const url = `data:image/png;base64,${Buffer.from('not really a picture').toString('base64')}`
    await put('d', { title: 'Screen', state: 'running', image: { alt: 'A screen', url } }, Order.running)
    const card = await slack.until(() => ops().find((message) => read(message).includes('Screen')))
    await slack.until(() => card.replies.some(({ files }) => files.length === 1))
    await until(async () => (await cards.get('d'))?.posted !== undefined, 'the id')
    await put('d', { title: 'Screen, later', state: 'ok', image: { alt: 'A screen', url } }, Order.final)
    await slack.until(() => read(card).includes('later'))
    await until(async () => (await cards.get('d'))?.sent === 2, 'the end')
    expect(card.replies).toHaveLength(1)
    expect(slack.violations).toEqual([])
  })

  test('a call that Slack takes and never answers is given up, and the card comes through', async () => {
    const { put } = office(toSlack())
    await put('e', { title: 'one', state: 'running' }, Order.running)
    const card = await slack.until(() => ops().find((message) => read(message).includes('one')))
    slack.hang('chat.update')
    await put('e', { title: 'two', state: 'ok' }, Order.final)
    await slack.until(() => read(card).includes('two'), 30_000)
    expect(slack.violations).toEqual([])
  })
})
