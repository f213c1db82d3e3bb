import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Crew, until } from './crew.ts'
import { cardWith, chatOf, inProcessBot, inProcessWorker, read, workspace } from './slack-crew.ts'
import type { SlackStandIn } from './stand-ins/slack/index.ts'

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

async function open(more: object = {}) {
  const prefix = `faults${++worlds}`
  const config = chatOf(slack, more)
  const startBot = async () => {
    const bot = await inProcessBot(crew, prefix, config)
    close.unshift(() => bot.close())
    return bot
  }
  const bot = await startBot()
  const worker = await inProcessWorker(crew, prefix, config)
  close.unshift(() => worker.close())
  const ready = async () => (await (await fetch(`${bot.http}/readyz`)).json()) as Ready
  return { bot, startBot, ready }
}

interface Ready {
  ok: boolean
  parts: { slack?: boolean; slackTroubles?: string[] }
}

const ops = { channel: 'ops' }
const create = (name: string) => slack.slash('/pve', `vm create name:${name} disk:8G`, { user: 'luis', ...ops })
const done = (name: string) => cardWith(slack, 'ops', `Machine ${name}`)
/** How many messages of the channel speak of it. */
const count = (name: string) => slack.messages('ops').filter((message) => read(message).includes(name)).length

describe('Slack refuses or breaks', () => {
  test('429 on the post and on edits, 5xx in between: one card, edited to its end', async () => {
    await open()
    slack.rateLimit('chat.postMessage', 1, 1)
    slack.rateLimit('chat.update', 2, 1)
    slack.fail('chat.update', 503)
    await create('web1')
    await done('web1')
    expect(count('web1')).toBe(1)
    const limited = slack.calls('chat.update').filter(({ outcome }) => outcome === '429')
    for (const { atMs } of limited) {
      const next = slack.calls('chat.update').find((call) => call.atMs > atMs)
      expect(next!.atMs - atMs).toBeGreaterThanOrEqual(990)
    }
    expect(slack.violations).toEqual([])
  })

  test('a post whose answer is lost is found again, not posted twice', async () => {
    await open()
    slack.dropAfterProcessing('chat.postMessage')
    await create('web2')
    await done('web2')
    expect(count('web2')).toBe(1)
    expect(slack.calls('conversations.history').length).toBeGreaterThan(0)
    expect(slack.violations).toEqual([])
  })

  test('a deleted message is given up; an archived channel and a missing scope are told on /readyz', async () => {
    const { ready } = await open()
    slack.error('chat.update', 'message_not_found')
    await create('web3')
    await slack.until(() => slack.calls('chat.update').some(({ outcome }) => outcome === 'message_not_found'))
    expect((await ready()).parts.slackTroubles).toBeUndefined()
    slack.error('chat.postMessage', 'is_archived')
    await slack.slash('/pve', 'help', { user: 'luis', ...ops })
    await until(async () => (await ready()).parts.slackTroubles?.[0]?.includes('is_archived'), 'the trouble')
    expect((await ready()).ok).toBe(true)
    slack.error('chat.postMessage', 'missing_scope')
    await slack.slash('/pve', 'job list', { user: 'luis', ...ops })
    await until(async () => (await ready()).parts.slackTroubles?.[0]?.includes('missing_scope'), 'the next trouble')
    await slack.slash('/pve', 'status', { user: 'luis', ...ops })
    await until(async () => (await ready()).parts.slackTroubles === undefined, 'the end of the trouble')
    expect(slack.violations).toEqual([])
  })

  test('in a private channel that it is not in, the one who asked still learns what came of it', async () => {
    const { ready } = await open()
    await slack.slash('/pve', 'whoami', { user: 'luis', channel: 'private' })
    const shown = await slack.until(() => slack.ephemerals('luis')[0])
    expect(shown.via).toBe('response_url')
    expect(read(shown)).toContain('operator')
    await until(async () => (await ready()).parts.slackTroubles?.[0]?.includes('channel_not_found'), 'the trouble')
    expect(slack.violations.filter((one) => !one.includes('not invited'))).toEqual([])
  })

  test('a revoked token makes the bot unready, and it recovers with what it still has to say', async () => {
    const { ready } = await open()
    slack.error('chat.postMessage', 'token_revoked', 2)
    await slack.slash('/pve', 'help vm create', { user: 'luis', ...ops })
    const seen = await until(async () => {
      const now = await ready()
      return now.parts.slack === false && now
    }, 'unready')
    expect(seen.ok).toBe(false)
    await cardWith(slack, 'ops', 'vm create')
    expect((await ready()).ok).toBe(true)
    expect(slack.violations).toEqual([])
  })
})

describe('connections end', () => {
  test('refreshes and cut sockets in the middle of a job lose no command and no click', async () => {
    await open()
    expect(slack.sockets()).toBe(2)
    for (let i = 0; i < 6; i++) {
      slack.refresh({ reason: i % 2 ? 'warning' : 'refresh_requested' })
      const { ack, elapsedMs } = await slack.slash('/pve', 'whoami', { user: 'luis', ...ops })
      expect(ack).toBeDefined()
      expect(elapsedMs).toBeLessThan(3000)
      await slack.until(() => slack.sockets() === 2)
    }
    await create('web4')
    slack.dropSockets()
    await slack.until(() => slack.sockets() === 2)
    await done('web4')
    expect(count('web4')).toBe(1)
    expect(slack.violations).toEqual([])
  })

  test('a refused reconnection is no unhandled rejection, and is tried again', async () => {
    await open()
    slack.error('apps.connections.open', 'invalid_auth', 3)
    slack.dropSockets()
    await slack.until(() => slack.calls('apps.connections.open').some(({ outcome }) => outcome === 'invalid_auth'))
    await slack.until(() => slack.sockets() === 2)
    expect((await slack.slash('/pve', 'whoami', { user: 'luis', ...ops })).ack).toBeDefined()
    expect(slack.violations).toEqual([])
  })

  test('the same event twice is one card', async () => {
    await open()
    const first = await create('web5')
    await slack.redeliver(first)
    const mention = await slack.mention({ user: 'luis', channel: 'other', text: 'vm create name:web6 disk:8G' })
    await slack.redeliver(mention)
    await done('web5')
    await cardWith(slack, 'other', 'Machine web6')
    expect(count('web5')).toBe(1)
    expect(slack.messages('other').filter((message) => read(message).includes('Machine web6'))).toHaveLength(1)
    expect(slack.violations).toEqual([])
  })

  test('the bot ends in the middle of a job; the next one finishes the card', async () => {
    const { bot, startBot } = await open()
    await create('web7')
    await slack.until(() => count('web7') === 1)
    await bot.close()
    await startBot()
    await done('web7')
    expect(count('web7')).toBe(1)
    expect(slack.violations).toEqual([])
  })

  test('jobs end while Slack is away: afterwards each card is in its final state, once', async () => {
    const { ready } = await open()
    await create('web8')
    await create('web9')
    await slack.until(() => count('web8') === 1 && count('web9') === 1)
    slack.outage(true)
    await until(async () => (await ready()).parts.slack === false, 'the outage to be told')
    await until(async () => (await namesOn(crew)).filter((name) => /web[89]/.test(name)).length === 2, 'both machines')
    slack.outage(false)
    await done('web8')
    await done('web9')
    expect([count('web8'), count('web9')]).toEqual([1, 1])
    expect(slack.violations).toEqual([])
  })
})

async function namesOn({ sim }: Crew): Promise<string[]> {
  const reply = await fetch(`${sim.control}/api/lab`)
  return ((await reply.json()) as { guests: { name: string }[] }).guests.map(({ name }) => name)
}
