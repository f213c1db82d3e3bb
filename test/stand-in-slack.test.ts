import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  blockProblems,
  elementsOf,
  type SlackStandIn,
  type SlackStandInOptions,
  startSlack,
  textsIn,
  viewProblems,
} from './stand-ins/slack/index.ts'
import { httpReceiver, type SampleBot, sampleBot, socketReceiver, webClient } from './stand-ins/slack/sample-bot.ts'

const people = [
  { name: 'ana', locale: 'es-ES' },
  { name: 'guest', isRestricted: true },
  { name: 'stranger', isStranger: true },
]
const places = [
  { name: 'ops' },
  { name: 'secret', isPrivate: true },
  { name: 'closed', isPrivate: true, hasBot: false },
]
const inOps = { user: 'ana', channel: 'ops' }

async function workspace(options: Partial<SlackStandInOptions> = {}): Promise<SlackStandIn> {
  const slack = await startSlack({ users: people, channels: places, ...options })
  onTestFinished(() => slack.close())
  return slack
}

/** Two sockets behind one App: while one is being renewed, the other takes the commands. */
async function onSockets(slack: SlackStandIn): Promise<SampleBot> {
  const receivers = [socketReceiver(slack), socketReceiver(slack)]
  const bot = sampleBot(slack, receivers)
  await Promise.all(receivers.map((receiver) => receiver.start()))
  onTestFinished(async () => {
    await Promise.all(receivers.map((receiver) => receiver.client.disconnect()))
  })
  return bot
}

async function onHttp(slack: SlackStandIn): Promise<SampleBot> {
  const receiver = httpReceiver(slack)
  const bot = sampleBot(slack, [receiver])
  const server = await receiver.start({ port: 0, host: '127.0.0.1' } as never)
  onTestFinished(async () => {
    server.closeAllConnections()
    await receiver.stop()
  })
  slack.deliverTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`)
  return bot
}

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))
afterEach(() => expect(unhandled).toEqual([]))

describe.each([
  ['Socket Mode', onSockets],
  ['HTTP', onHttp],
])('Bolt over %s', (_, connect) => {
  test('slash, post, update through a 429, button, thread reply', async () => {
    const slack = await workspace()
    const { errors } = await connect(slack)
    slack.rateLimit('chat.update', 1, 0)

    const { ack, elapsedMs } = await slack.slash('/pve', 'vm start 100', inOps)
    expect(ack).toEqual({})
    expect(elapsedMs).toBeLessThan(3000)
    const card = await slack.until(() => slack.messages('ops').find(({ edits }) => edits === 1))
    expect(card).toMatchObject({ text: 'vm start 100: done', metadata: { event_payload: { id: '7' } } })
    expect(textsIn(card.blocks)).toEqual(['vm start 100: done', 'Cancel'])
    expect(slack.calls('chat.update').map(({ outcome }) => outcome)).toEqual(['429', 'ok'])

    expect(elementsOf(card).map(({ actionId }) => actionId)).toEqual(['cancel:7'])
    const click = await slack.click({ user: 'ana', target: card, actionId: 'cancel' })
    expect(click.payload.actions).toMatchObject([{ action_id: 'cancel:7', value: '7', type: 'button' }])
    await slack.until(() => card.replies.length === 1)
    expect(card.replies[0]!.text).toBe('Cancelled.')
    expect(slack.messages('ops')).toHaveLength(1)
    expect(errors).toEqual([])
    expect(slack.violations).toEqual([])
  })

  test('a modal: suggestions, refused once, then submitted', async () => {
    const slack = await workspace()
    await connect(slack)
    await slack.slash('/pve', 'form', inOps)
    const view = await slack.until(() => slack.view('ana'))
    expect(view).toMatchObject({ title: 'New guest', callbackId: 'create' })

    const target = view
    const { options } = await slack.suggest({ user: 'ana', target, actionId: 'node', value: 'pve2' })
    expect(options).toHaveLength(1)
    await expect(slack.submit({ user: 'ana', values: { name: 'web01' } })).rejects.toThrow('"Node" must be filled in')
    const refused = await slack.submit({ user: 'ana', values: { name: 'web 01', node: options[0]! } })
    expect(refused.errors).toEqual({ name: 'No spaces.' })
    expect(slack.view('ana')).toBe(view)
    await slack.submit({ user: 'ana', values: { name: 'update', node: options[0]! } })
    expect(slack.view('ana')).toMatchObject({ id: view.id, title: 'Once more' })
    await slack.submit({ user: 'ana', values: { name: 'push', node: options[0]! } })
    expect(slack.view('ana')!.title).toBe('On top')
    await slack.closeView('ana')
    expect(slack.view('ana')!.title).toBe('Once more')
    await slack.submit({ user: 'ana', values: { name: 'web01', node: options[0]! } })
    expect(slack.view('ana')).toBeUndefined()

    const dm = await slack.dm('ana')
    await slack.until(() => slack.messages(dm).some(({ text }) => text === 'web01 on pve2'))
    expect(slack.violations).toEqual([])
  })

  test('a mention, and the same event again', async () => {
    const slack = await workspace()
    const { heard } = await connect(slack)
    const mention = await slack.mention({ ...inOps, text: 'help' })
    await slack.redeliver(mention)
    const asked = slack.messages('ops').find(({ ts }) => ts === mention.ts)!
    await slack.until(() => asked.replies.length === 2)
    const id = mention.payload.event_id
    expect(heard).toEqual([`${id}#0`, `${id}#1`])
    expect(slack.violations).toEqual([])
  })

  test('what the asker alone sees: by ack, by response_url, replaced after a click', async () => {
    const slack = await workspace()
    await connect(slack)
    await slack.slash('/pve', 'version', inOps)
    await slack.slash('/pve', 'confirm', inOps)
    await slack.until(() => slack.ephemerals('ana').length === 2)
    const [version, question] = slack.ephemerals('ana')
    expect(version).toMatchObject({ text: '1.0', via: 'ack', channel: slack.channels.ops })
    expect(question).toMatchObject({ text: 'Sure?', via: 'response_url' })
    const { payload } = await slack.click({ user: 'ana', target: question!, actionId: 'Yes' })
    expect(payload.container).toMatchObject({ is_ephemeral: true, message_ts: question!.ts })
    await slack.until(() => question!.text === 'Confirmed.')
    expect(question!.blocks).toEqual([])
    expect(slack.ephemerals('guest')).toEqual([])
    expect(slack.messages('ops')).toEqual([])
    expect(slack.violations).toEqual([])
  })

  test('a menu in a message: its state goes along with the button', async () => {
    const slack = await workspace()
    await connect(slack)
    await slack.slash('/pve', 'menu', inOps)
    const target = await slack.until(() => slack.messages('ops')[0])
    const pick = async (value: string) => slack.select({ user: 'ana', target, actionId: 'menu', value })
    await expect(pick('pve9')).rejects.toThrow('no option "pve9"')
    await pick('pve2')
    await slack.click({ user: 'ana', target, actionId: 'go' })
    await slack.until(() => target.text === 'to pve2')
    expect(target).toMatchObject({ edits: 1, blocks: [] })
    expect(slack.violations).toEqual([])
  })

  test('an app that does not acknowledge is a violation', async () => {
    const slack = await workspace({ ackWithinMs: 150 })
    const { letGo } = await connect(slack)
    const { ack } = await slack.slash('/pve', 'late', inOps)
    expect(ack).toBeUndefined()
    expect(slack.violations).toEqual(['slash command /pve late: no ack within 150 ms'])
    letGo()
    await slack.until(() => slack.violations.length === 2)
    expect(slack.violations[1]).toMatch(/^slash command \/pve late: ack after \d+ ms$/)
  })
})

/**
 * One command for each socket in turn. Also before a client is stopped: to stop one whose reconnect is not through
 * makes @slack/socket-mode 3.1.0 reject a promise that nobody holds (github.com/slackapi/node-slack-sdk/issues/2656).
 */
async function everySocketWorks(slack: SlackStandIn): Promise<void> {
  for (let n = slack.sockets(); n > 0; n -= 1) expect((await slack.slash('/pve', 'refused', inOps)).ack).toEqual({})
}

describe('Socket Mode', () => {
  test('commands go on while one socket is renewed, each to one socket', async () => {
    const slack = await workspace()
    await onSockets(slack)
    expect(slack.sockets()).toBe(2)
    slack.refresh()
    expect(slack.sockets()).toBe(1)
    await Promise.all([1, 2, 3, 4].map((n) => slack.slash('/pve', `vm start ${n}`, inOps)))
    await slack.until(() => slack.messages('ops').filter(({ edits }) => edits === 1).length === 4)
    await slack.until(() => slack.sockets() === 2)
    await everySocketWorks(slack)
    expect(slack.calls('apps.connections.open')).toHaveLength(3)
    expect(slack.violations).toEqual([])
  })

  test('with no socket a command fails at once, and works again after the outage', async () => {
    const slack = await workspace()
    await onSockets(slack)
    slack.dropSockets()
    await slack.until(() => slack.sockets() === 0)
    expect((await slack.slash('/pve', 'vm list', inOps)).ack).toBeUndefined()
    expect(slack.violations.splice(0)).toEqual(['slash command /pve vm list: dispatch_failed, no socket is connected'])
    await slack.until(() => slack.sockets() === 2)
    await everySocketWorks(slack)
    expect(slack.violations).toEqual([])
  })

  test('a URL opens one socket, and an app has at most ten', async () => {
    const slack = await workspace()
    const receivers = Array.from({ length: 11 }, () => socketReceiver(slack))
    const ended = Promise.allSettled(receivers.map((receiver) => receiver.start()))
    await slack.until(() => slack.sockets() === 10 && slack.calls('apps.connections.open').length >= 11)
    expect(slack.sockets()).toBe(10)
    await Promise.all(receivers.map((receiver) => receiver.client.disconnect()))
    await ended
  })
})

const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } })
const table = { type: 'table', rows: [[{ type: 'raw_text', text: 'a' }]] }
const press = (text: string) => ({ type: 'button', action_id: 'a', text: { type: 'plain_text', text } })
const menu = (count: number) => ({
  type: 'static_select',
  action_id: 'menu',
  options: Array.from({ length: count }, (_, n) => ({ text: { type: 'plain_text', text: `n${n}` }, value: `${n}` })),
})
const actions = (...elements: object[]) => ({ type: 'actions', elements })

describe('Slack refuses, and it is recorded', () => {
  test.each([
    ['51 blocks', Array(51).fill(section('x')), 'invalid_blocks', 'blocks: 51 items, 0 to 50 are allowed'],
    ['two tables', [table, table], 'only_one_table_allowed', '2 tables in one message'],
    ['a long button', [actions(press('x'.repeat(76)))], 'invalid_blocks', 'text.text: 76 characters, at most 75'],
    [
      'an empty cell',
      [{ type: 'table', rows: [[{ type: 'raw_text', text: '' }]] }],
      'invalid_blocks',
      'must not be empty',
    ],
    ['too much text in all', Array(5).fill(section('x'.repeat(2900))), 'msg_blocks_too_long', '14500 characters'],
    ['an unknown block', [{ type: 'paragraph' }], 'invalid_blocks', 'block type "paragraph" is not known'],
    ['101 options', [actions(menu(101))], 'invalid_blocks', '101 items, 1 to 100 are allowed'],
    ['the same action twice', [actions(press('a'), press('b'))], 'invalid_blocks', 'action_id "a" is there twice'],
  ])('%s', async (_, blocks, error, says) => {
    const slack = await workspace()
    const sent = webClient(slack).chat.postMessage({ channel: slack.channels.ops!, text: 'x', blocks: blocks as never })
    await expect(sent).rejects.toMatchObject({ data: { ok: false, error } })
    expect(slack.violations).toEqual([expect.stringContaining(`chat.postMessage: blocks`)])
    expect(slack.violations[0]).toContain(says)
    expect(slack.messages('ops')).toEqual([])
  })

  test('no text beside blocks, an update over 4000 bytes, a modal without submit, a missing scope', async () => {
    const slack = await workspace({ scopes: ['chat:write'] })
    const client = webClient(slack)
    const channel = slack.channels.ops!
    const { ts } = await client.chat.postMessage({ channel, blocks: [section('x')] } as never)
    const text = 'ñ'.repeat(2001)
    await expect(client.chat.update({ channel, ts: ts!, text })).rejects.toMatchObject({
      data: { error: 'msg_too_long' },
    })
    await expect(client.users.info({ user: slack.users.ana! })).rejects.toMatchObject({
      data: { error: 'missing_scope' },
    })
    await expect(client.usergroups.list()).rejects.toMatchObject({ data: { error: 'missing_scope' } })
    await expect(client.stars.list({})).rejects.toMatchObject({ data: { error: 'unknown_method' } })
    expect(slack.violations).toEqual([
      'chat.postMessage: no top-level text beside blocks: notifications would be empty',
      'chat.update: text: more than 4000 bytes in an update',
      'users.info: missing scope users:read',
      'usergroups.list: missing scope usergroups:read',
      'stars.list: no such method in the stand-in',
    ])
  })

  test('limits by themselves', () => {
    const title = { type: 'plain_text', text: 'x'.repeat(25) }
    const input = { type: 'input', label: title, element: { type: 'plain_text_input', action_id: 'a' } }
    expect(viewProblems({ type: 'modal', title, blocks: [input] })).toEqual([
      'view.title.text: 25 characters, at most 24',
      'view: a modal with input blocks needs submit',
    ])
    expect(blockProblems([section('fine'), actions(press('ok'), menu(100)), table])).toEqual([])
  })
})

describe('the Web API', () => {
  test('faults: an error, a status, a lost answer, silence, an outage', async () => {
    const slack = await workspace()
    const once = webClient(slack, { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: 300 })
    const post = (text: string) => once.chat.postMessage({ channel: slack.channels.ops!, text })
    slack.error('chat.postMessage', 'is_archived')
    slack.fail('chat.postMessage', 503)
    slack.rateLimit('chat.postMessage', 1, 30)
    slack.dropAfterProcessing('chat.postMessage')
    slack.hang('chat.postMessage')
    await expect(post('1')).rejects.toMatchObject({ data: { error: 'is_archived' } })
    await expect(post('2')).rejects.toMatchObject({ statusCode: 503 })
    await expect(post('3')).rejects.toMatchObject({ retryAfter: 30 })
    await expect(post('4')).rejects.toThrow()
    await expect(post('5')).rejects.toThrow()
    slack.outage(true)
    await expect(post('6')).rejects.toThrow()
    slack.outage(false)
    await post('7')
    expect(slack.messages('ops').map(({ text }) => text)).toEqual(['4', '7'])
    expect(slack.calls().map(({ outcome }) => outcome)).toEqual(['is_archived', '503', '429', 'ok', 'hang', 'ok'])
  })

  test('who people are', async () => {
    const slack = await workspace({ usergroups: [{ id: 'S1', handle: 'operators', users: ['ana'] }] })
    const client = webClient(slack)
    const info = async (name: string) =>
      (await client.users.info({ user: slack.users[name]!, include_locale: true })).user
    expect(await info('ana')).toMatchObject({ id: slack.users.ana, locale: 'es-ES', is_restricted: false })
    expect(await info('guest')).toMatchObject({ is_restricted: true, is_ultra_restricted: false })
    expect(await info('stranger')).toMatchObject({ is_stranger: true })
    expect((await info('stranger'))!.team_id).not.toBe(slack.teamId)
    expect((await client.usergroups.users.list({ usergroup: 'S1' })).users).toEqual([slack.users.ana])
    slack.usergroups[0]!.users = ['ana', 'guest']
    expect((await client.usergroups.users.list({ usergroup: 'S1' })).users).toHaveLength(2)
    expect(slack.violations).toEqual([])
  })

  test('metadata of the past, threads, files, ephemerals, deletion, a channel without the bot', async () => {
    const slack = await workspace()
    const client = webClient(slack)
    const channel = slack.channels.secret!
    const metadata = { event_type: 'job', event_payload: { id: '7' } }
    const first = await client.chat.postMessage({ channel, text: 'one', metadata })
    const later = await client.chat.postMessage({ channel, text: 'two' })
    const past = await client.conversations.history({ channel, include_all_metadata: true, latest: later.ts! })
    expect(past.messages).toMatchObject([{ text: 'one', metadata }])
    expect((await client.conversations.history({ channel })).messages!.some((message) => message.metadata)).toBe(false)

    await client.filesUploadV2({ channel_id: channel, thread_ts: first.ts!, filename: 'log.txt', content: 'ok' })
    expect(slack.messages('secret')[0]).toMatchObject({ replies: [{ files: [{ name: 'log.txt', size: 2 }] }] })
    await client.chat.postEphemeral({ channel, user: slack.users.ana!, text: 'only you' })
    expect(slack.ephemerals('ana')).toMatchObject([{ text: 'only you', via: 'chat.postEphemeral' }])
    await client.chat.delete({ channel, ts: later.ts! })
    expect(slack.messages('secret').map(({ text }) => text)).toEqual(['one'])
    const shut = client.chat.postMessage({ channel: slack.channels.closed!, text: 'x' })
    await expect(shut).rejects.toMatchObject({ data: { error: 'channel_not_found' } })
    expect(slack.violations).toEqual(['chat.postMessage: not invited'])
  })

  test('a trigger and a response_url are used up and grow old', async () => {
    const slack = await workspace()
    await onHttp(slack)
    const client = webClient(slack)
    const { payload } = await slack.slash('/pve', 'refused', inOps)
    await slack.until(() => slack.ephemerals('ana').length === 1)
    const view = {
      type: 'modal' as const,
      title: { type: 'plain_text' as const, text: 'T' },
      blocks: [section('x') as never],
    }
    const open = (trigger: unknown) => client.views.open({ trigger_id: String(trigger), view })
    await open(payload.trigger_id)
    expect(slack.view('ana')!.blocks[0]!.block_id).toMatch(/^\w{5}$/)
    await expect(open(payload.trigger_id)).rejects.toMatchObject({ data: { error: 'exchanged_trigger_id' } })

    const respond = async () => {
      const init = { method: 'POST', body: JSON.stringify({ text: 'x' }) }
      return (await fetch(String(payload.response_url), init)).status
    }
    const used = [await respond(), await respond(), await respond(), await respond(), await respond()]
    expect(used).toEqual([200, 200, 200, 200, 404])
    const other = (await slack.slash('/pve', 'refused', inOps)).payload
    slack.advance(30 * 60_000 + 1)
    await expect(open(other.trigger_id)).rejects.toMatchObject({ data: { error: 'expired_trigger_id' } })
    expect((await fetch(String(other.response_url), { method: 'POST', body: '{}' })).status).toBe(404)
  })
})
