import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRedisUrl } from '../src/config.ts'
import type { Message } from '../src/core/message.ts'
import { Order } from '../src/core/outbox.ts'
import { BullOutbox } from '../src/jobs/outbox.ts'
import { connect, type Redis } from '../src/jobs/redis.ts'
import { Crew, until } from './crew.ts'
import { chatOf, inProcessBot, inProcessWorker, read, workspace } from './slack-crew.ts'
import type { SlackStandIn } from './stand-ins/slack/index.ts'

/** Waits for Slack pass this much faster, so that ten minutes are three seconds. */
const tempo = 200
const jobs = 30
const incidents = 4
const closers: (() => Promise<unknown>)[] = []
let crew: Crew
let slack: SlackStandIn
let redis: Redis
let outbox: BullOutbox
const unhandled: unknown[] = []
const onUnhandled = (error: unknown) => unhandled.push(error)

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  crew = await Crew.start()
  closers.push(() => crew.close())
  slack = await workspace()
  closers.unshift(() => slack.close())
  const config = chatOf(slack)
  const bot = await inProcessBot(crew, 'outage', config, { tempo })
  closers.unshift(() => bot.close())
  const worker = await inProcessWorker(crew, 'outage', config)
  closers.unshift(() => worker.close())
  redis = connect(parseRedisUrl(crew.redis.url)!, 'patient', () => {})
  closers.unshift(async () => redis.disconnect())
  outbox = new BullOutbox(redis, 'outage')
  closers.unshift(() => outbox.close())
})
afterAll(async () => {
  for (const close of closers) await close()
  process.off('unhandledRejection', onUnhandled)
})

const cards = () => ['ops', 'other'].flatMap((channel) => slack.messages(channel))
const nameOf = (i: number) => `away-${String(i).padStart(2, '0')}`
const about = (text: string) => cards().filter((message) => read(message).includes(text))

/** What happens to the cluster meanwhile, as its incidents would say it: a card that changes, lines below it. */
async function event(incident: number, step: number): Promise<void> {
  const target = `slack:${slack.channels.ops}`
  const key = `incident-${incident}`
  const isOver = step === 5
  await outbox.put({
    key,
    target,
    order: Order.waiting + step,
    message: { title: `Incident ${incident}`, state: isOver ? 'ok' : 'failed', text: `step ${step} of 5` },
  })
  const line = { title: `Incident ${incident} line ${step}`, state: 'info' as const, thread: key }
  await outbox.put({ key: `${key}-line-${step}`, target, thread: key, order: Order.final, message: line })
}

test('ten minutes without Slack: afterwards every card is in its final state, once, each thread in its order', async () => {
  for (let i = 0; i < jobs; i++) {
    const channel = i % 2 ? 'ops' : 'other'
    await slack.slash('/pve', `vm clone debian-12-template name:${nameOf(i)} full:true`, { user: 'luis', channel })
  }
  await slack.until(() => about('away-').length === jobs, 30_000)
  await event(0, 1)
  await slack.until(() => about('Incident 0').length === 1)

  slack.outage(true)
  const cut = Date.now()
  await setSpeed(60)
  for (let step = 1; step <= 5; step++) for (let i = 0; i < incidents; i++) await event(i, step)
  await until(async () => (await ended()) === jobs, 'the jobs to end', 60_000)
  await until(() => (Date.now() - cut) * tempo >= 10 * 60_000, 'ten minutes')
  expect(about('✅').map(({ text }) => text)).toEqual([])
  const callsBefore = slack.calls().length
  slack.outage(false)

  const wanted = jobs + incidents
  await slack.until(() => cards().filter(({ text }) => text.startsWith('✅')).length === wanted, 60_000)
  const lines = (i: number) => about(`Incident ${i}`)[0]?.replies ?? []
  await slack.until(() => Array.from({ length: incidents }, (_, i) => lines(i).length).every((count) => count === 5))
  expect(cards()).toHaveLength(wanted)
  for (let i = 0; i < jobs; i++) expect(about(`away-${i} `).length + about(`away-${i}\n`).length).toBeLessThan(3)
  for (let i = 0; i < incidents; i++) {
    expect(about(`Incident ${i}`)).toHaveLength(1)
    expect(lines(i).map(({ text }) => text)).toEqual([1, 2, 3, 4, 5].map((n) => `ℹ️ Incident ${i} line ${n}`))
  }
  // The newest state of each card was sent once, and last: only an edit that was under way already may be older.
  const edits = slack
    .calls()
    .slice(callsBefore)
    .filter(({ method, outcome }) => method === 'chat.update' && outcome === 'ok')
    .map(({ args }) => ({ ts: args.ts, isFinal: String(args.text).startsWith('✅') }))
  const finals = edits.filter(({ isFinal }) => isFinal)
  expect(finals).toHaveLength(jobs + 1)
  expect(new Set(finals.map(({ ts }) => ts)).size).toBe(jobs + 1)
  expect([...new Map(edits.map((edit) => [edit.ts, edit])).values()].filter(({ isFinal }) => !isFinal)).toEqual([])
  expect(slack.violations).toEqual([])
  expect(unhandled).toEqual([])
})

async function setSpeed(speed: number): Promise<void> {
  await fetch(`${crew.sim.control}/api/lab/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ speed }),
  })
}

/** How many jobs have ended well, as it is stored for when Slack is back. */
async function ended(): Promise<number> {
  const keys = await redis.keys('outage:card:c-*')
  const stored = await Promise.all(keys.map((key) => redis.hget(key, 'message')))
  return stored.filter((text) => text !== null && (JSON.parse(text) as Message).state === 'ok').length
}
