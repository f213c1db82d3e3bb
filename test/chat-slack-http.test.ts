import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manifest } from '../src/chat/slack/manifest.ts'
import { Crew } from './crew.ts'
import { cardWith, chatOf, inProcessBot, inProcessWorker, read, workspace } from './slack-crew.ts'
import { elementsOf, type SlackStandIn } from './stand-ins/slack/index.ts'

let crew: Crew
let slack: SlackStandIn
let url: string
let close: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  crew = await Crew.start({ speed: 10 })
  slack = await workspace()
  const config = chatOf(slack, {}, 'http')
  const bot = await inProcessBot(crew, 'http', config, { lab: true })
  const worker = await inProcessWorker(crew, 'http', config)
  url = `${bot.http}/slack/events`
  slack.deliverTo(url)
  close = [() => bot.close(), () => worker.close(), () => slack.close(), () => crew.close()]
})
afterAll(async () => {
  for (const one of close) await one()
})

const ops = { channel: 'ops' }

/** A request as Slack would sign it, but for what is changed. */
async function send(body: string, change: { secret?: string; ageSeconds?: number; type?: string } = {}) {
  const timestamp = String(Math.floor(Date.now() / 1000) - (change.ageSeconds ?? 0))
  const secret = change.secret ?? slack.signingSecret
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
  const headers = {
    'content-type': change.type ?? 'application/json',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': signature,
  }
  return (await fetch(url, { method: 'POST', body, headers })).status
}

const mention = (text: string, more: object = {}) =>
  JSON.stringify({
    type: 'event_callback',
    team_id: slack.teamId,
    event_id: `Ev${text.length}${Object.keys(more).length}`,
    event: {
      type: 'app_mention',
      user: slack.users.luis,
      channel: slack.channels.still,
      ts: '1.1',
      text: `<@${slack.botUserId}> ${text}`,
    },
    ...more,
  })

describe('signed HTTP', () => {
  test('a command, its modal and a button come and go as over sockets; each card says that it is simulated', async () => {
    const { ack, elapsedMs } = await slack.slash('/pve', 'vm create', { user: 'luis', ...ops })
    expect(ack).toBeDefined()
    expect(elapsedMs).toBeLessThan(3000)
    const view = await slack.until(() => slack.view('luis'))
    expect(elementsOf(view).length).toBeGreaterThan(3)
    expect((await slack.submit({ user: 'luis', values: { name: 'over-http', disk: '8G' } })).errors).toEqual({})
    expect(read(await cardWith(slack, 'ops', 'Machine over-http'))).toContain('SIMULATED')
    await slack.slash('/pve', 'whoami', { user: 'ana', ...ops })
    expect(read(await cardWith(slack, 'ops', 'SIMULADO'))).not.toContain('SIMULATED')
    await slack.slash('/pve', 'vm create name:x', { user: 'eva', ...ops })
    expect(read(await slack.until(() => slack.ephemerals('eva').at(-1)))).toContain('SIMULATED')
    expect(slack.violations).toEqual([])
  })

  test('a retry of Slack’s does nothing twice', async () => {
    const before = slack.messages('other').length
    const said = await slack.mention({ user: 'eva', channel: 'other', text: 'whoami' })
    await slack.redeliver(said, { num: 1, reason: 'http_timeout' })
    await slack.redeliver(said, { num: 2, reason: 'http_timeout' })
    await slack.mention({ user: 'eva', channel: 'other', text: 'help' })
    // The mentions themselves, and one answer to each.
    await slack.until(() => slack.messages('other').length === before + 4)
    expect(slack.violations).toEqual([])
  })

  test('wrong signatures, old requests and malformed bodies are refused, and nothing comes of them', async () => {
    // The same request with nothing wrong about it is answered.
    expect(await send(mention('help'))).toBe(200)
    await slack.until(() => slack.messages('still').length === 1)
    const calls = slack.calls().length
    expect(await send(mention('status'), { secret: 'wrong' })).toBe(401)
    expect(await send(mention('status'), { ageSeconds: 301 })).toBe(401)
    expect(await send('{"type":')).toBe(400)
    expect(await send('payload=%7Bnot', { type: 'application/x-www-form-urlencoded' })).toBe(400)
    expect((await fetch(url, { method: 'POST', body: mention('status') })).status).toBe(401)
    expect((await fetch(url)).status).toBe(404)
    expect(await send(mention('whoami', { team_id: 'T0OTHER', authorizations: [{ team_id: 'T0OTHER' }] }))).toBe(200)
    expect(
      await send(JSON.stringify({ type: 'event_callback', team_id: slack.teamId, event: { type: 'never_heard_of' } })),
    ).toBe(200)
    // Whatever would have come of them is there by the time that this one is answered.
    for (const line of ['status', 'vm list']) {
      const cards = slack.messages('ops').length
      await slack.slash('/pve', line, { user: 'luis', ...ops })
      await slack.until(() => slack.messages('ops').length > cards)
    }
    expect(
      slack
        .calls()
        .slice(calls)
        .filter(({ args }) => args.channel === slack.channels.still),
    ).toEqual([])
    expect(slack.violations).toEqual([])
  })

  test('an unknown command, a button with another value, 10,000 characters and a message to the bot are answered or ignored', async () => {
    expect((await slack.slash('/other', 'status', { user: 'luis', ...ops })).ack).toBeDefined()
    const long = await slack.slash('/pve', `vm show ${'x'.repeat(10_000)}`, { user: 'eva', ...ops })
    expect(long.ack).toBeDefined()
    await slack.until(() => slack.ephemerals('eva').some((shown) => read(shown).includes('at most')))
    const dm = await slack.dm('luis')
    const im = { type: 'message', channel_type: 'im', channel: dm, user: slack.users.luis, text: 'whoami', ts: '2.2' }
    expect((await slack.event(im)).ack).toBeDefined()
    await slack.until(() => slack.messages(dm).length === 1)
    // A card's button, with the id of another card put into it.
    const card = await cardWith(slack, 'ops', 'over-http')
    const forged = {
      ...card,
      blocks: [
        {
          type: 'actions',
          block_id: 'b',
          elements: [
            { type: 'button', action_id: 'retry:c-1', value: 'c-2', text: { type: 'plain_text', text: 'Retry' } },
          ],
        },
      ],
    }
    const shown = slack.ephemerals('luis').length
    expect((await slack.click({ user: 'luis', target: forged, actionId: 'retry:' })).ack).toBeDefined()
    // Our own messages come back as events; they order nothing.
    await slack.event({ ...im, user: slack.botUserId, bot_id: 'B1', text: 'vm create never' })
    await slack.slash('/pve', 'vm show nobody', { user: 'luis', ...ops })
    await slack.until(() => slack.ephemerals('luis').length === shown + 1)
    expect(read(slack.ephemerals('luis').at(-1))).toContain('nobody')
    expect(slack.messages(dm)).toHaveLength(1)
    expect(slack.violations).toEqual([])
  })
})

test('the manifest asks for the scopes that are used, and for nothing over HTTP without an address', () => {
  const socket = JSON.parse(JSON.stringify(manifest({ socketMode: true })))
  expect(socket.settings).toMatchObject({ socket_mode_enabled: true, interactivity: { is_enabled: true } })
  expect(JSON.stringify(socket)).not.toContain('http')
  const http = JSON.parse(JSON.stringify(manifest({ socketMode: false, publicUrl: 'https://q.example' })))
  expect(http.settings.event_subscriptions.request_url).toBe('https://q.example/slack/events')
  expect(http.features.slash_commands[0].url).toBe('https://q.example/slack/events')
  expect(http.oauth_config.scopes.bot).toEqual(socket.oauth_config.scopes.bot)
})
