import { setTimeout as delay } from 'node:timers/promises'
import { slackCarrier } from '../../src/chat/slack/carrier.ts'
import { Pace } from '../../src/chat/slack/pace.ts'
import { openClients } from '../../src/chat/slack/slack.ts'
import type { State } from '../../src/core/message.ts'
import { Order } from '../../src/core/outbox.ts'
import { Secret } from '../../src/core/secret.ts'
import { Gone, startDelivery, Throttled } from '../../src/jobs/delivery.ts'
import { BullOutbox, CardStore } from '../../src/jobs/outbox.ts'
import { Ground } from '../fixtures/ground.ts'
import { type SlackStandIn, startSlack } from '../stand-ins/slack/index.ts'
import { type Figure, round } from './figures.ts'
import type { Stage } from './stage.ts'

const cards = 300
const channels = 10
/** Waits pass so much faster, as in no real house; what the machine needs counts as much more. */
const tempo = 6
/** What Slack takes: chat.update 50 a minute (Tier 3), one message a second and channel. */
const editEveryMs = 60_000 / 50
const postEveryMs = 1000
const alone = 8
const target = { backlog: 1.2, aloneMs: 2000 }

/** The real outbox, delivery, pace and web client against the Slack stand-in. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const ground = await Ground.start()
  stage.defer(() => ground.close())
  const one = await office(ground, stage, 1)
  const aloneMs = await oneAlone(one)
  const all = await office(ground, stage, tempo)
  return [aloneMs, ...(await backlog(all, stage))]
}

type Office = Awaited<ReturnType<typeof office>>

async function office(ground: Ground, stage: Stage, tempo: number) {
  const names = Array.from({ length: channels }, (_, i) => `c${i}`)
  const slack = await startSlack({ users: [], channels: names.map((name) => ({ name })) })
  stage.defer(() => slack.close())
  const { redis, prefix } = ground.plot()
  const outbox = new BullOutbox(redis, prefix)
  stage.defer(() => outbox.close())
  const quiet = { info: () => {}, warn: () => {}, error: () => {} }
  const access = { botToken: new Secret(slack.botToken), apiUrl: slack.apiUrl, log: quiet }
  const clients = openClients({ ...access, names: { members: false, groups: false } })
  const errors = { throttled: (ms: number) => new Throttled(ms), gone: (reason: string) => new Gone(reason) }
  const pace = new Pace(() => Date.now() * tempo)
  const carrier = slackCarrier({ clients, ...clients, pace, errors })
  const store = new CardStore(redis, prefix)
  const worker = startDelivery({ redis, prefix, cards: store, outbox, carrier, tempo, log: quiet })
  stage.defer(() => worker.close(true))
  const put = (i: number, state: State, order: number, text = '') =>
    outbox.put({
      key: `card-${i}`,
      target: `slack:${slack.channels[`c${i % channels}`]}`,
      order,
      message: { title: `Card ${i}`, state, ...(text ? { text } : {}) },
    })
  return { slack, put }
}

async function oneAlone({ slack, put }: Office): Promise<Figure> {
  const waits: number[] = []
  for (let i = 0; i < alone; i++) {
    await put(i, 'running', Order.running)
    await slack.until(() => count(slack, '⏳') === 1)
    // The next one comes after a rest, as a single card does.
    await delay(2600)
    const start = performance.now()
    await put(i, 'ok', Order.final)
    await slack.until(() => count(slack, '✅') === i + 1)
    waits.push(performance.now() - start)
  }
  const longest = round(Math.max(...waits))
  return {
    name: 'slack-card-alone',
    what: 'one card alone: from its final state put into the outbox to its message edited',
    unit: 'ms',
    samples: alone,
    measured: { longest },
    floor: {},
    target: `longest < ${target.aloneMs}`,
    holds: longest < target.aloneMs,
  }
}

async function backlog({ slack, put }: Office, stage: Stage): Promise<Figure[]> {
  for (let i = 0; i < cards; i++) await put(i, 'queued', Order.queued)
  await slack.until(() => count(slack, '🕓') === cards, 120_000)
  stage.say(`slack-cards: ${cards} posted`)
  for (let i = 0; i < cards; i++) await put(i, 'running', Order.running, '1 %')
  const start = Date.now()
  for (let i = 0; i < cards; i++) await put(i, 'ok', Order.final)
  // Progress goes on beside them; it may go only when no final state waits.
  for (let i = 0; i < cards / 10; i++) await put(cards + i, 'queued', Order.queued)
  await slack.until(() => count(slack, '✅') === cards, 120_000)
  const edits = slack.calls('chat.update').map((call) => ({ ...call, at: (call.atMs - start) * tempo }))
  const finals = edits.filter(({ args }) => String(args.text).startsWith('✅')).map(({ at }) => at)
  const early = edits.filter(({ args, at }) => !String(args.text).startsWith('✅') && at > 0 && at < finals.at(-1)!)
  // The first ones go at once; a ratio says something from the tenth on.
  const times = finals.map((at, i) => at / ((i + 1) * editEveryMs)).slice(10)
  const worst = round(Math.max(...times))
  const minute = busiest(
    slack.calls('chat.update').map(({ atMs }) => atMs * tempo),
    60_000,
  )
  const posts = slack.calls('chat.postMessage')
  const byChannel = Object.values(slack.channels).map((id) =>
    busiest(
      posts.filter(({ args }) => args.channel === id).map(({ atMs }) => atMs * tempo),
      10 * postEveryMs,
    ),
  )
  const limited = slack.calls().filter(({ outcome }) => outcome === '429').length
  const isWithinRates = minute <= 50 && Math.max(...byChannel) <= 12 && limited === 0
  return [
    {
      name: 'slack-cards',
      what: `${cards} live cards end at once: the last final edit, at ${tempo} times the real tempo, in real time`,
      unit: 'ms',
      samples: cards,
      measured: { last: round(finals.at(-1)!), 'worst, times the limit': worst },
      floor: { 'by the limit': cards * editEveryMs },
      target: `each within ${target.backlog} × the limit's time, finals before progress, within the rates`,
      holds: worst <= target.backlog && early.length <= 2 && isWithinRates,
      details: {
        'edits in the busiest minute (at most 50)': minute,
        'posts to a channel in the busiest 10 s (at most 12)': Math.max(...byChannel),
        'progress edits before the last final one': early.length,
        violations: slack.violations.length,
      },
    },
  ]
}

const count = (slack: SlackStandIn, mark: string) =>
  Array.from({ length: channels }, (_, i) => slack.messages(`c${i}`))
    .flat()
    .filter(({ text }) => text.startsWith(mark)).length

/** The most that fall into any stretch of that length. */
function busiest(times: number[], withinMs: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return Math.max(0, ...sorted.map((start, i) => sorted.slice(i).filter((at) => at < start + withinMs).length))
}
