import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { OncallPlan } from '../../src/core/oncall.ts'
import { Secret } from '../../src/core/secret.ts'
import { act, tell } from '../../src/ha/acts.ts'
import { take } from '../../src/ha/incident.ts'
import { pagerDue } from '../../src/ha/paging.ts'
import { pagerCall } from '../../src/http/pager.ts'
import { IncidentStore } from '../../src/jobs/incident-store.ts'
import { RedisIncidents } from '../../src/jobs/incidents.ts'
import { OncallBook } from '../../src/jobs/oncall-book.ts'
import { OncallKeeper } from '../../src/jobs/oncall-keeper.ts'
import { CardStore } from '../../src/jobs/outbox.ts'
import { PagerLine } from '../../src/jobs/pager-line.ts'
import { Ground } from '../fixtures/ground.ts'
import { type Figure, percentiles } from './figures.ts'

const incidentsMeasured = 40
const target = 15_000

const plan: OncallPlan = {
  tz: 'UTC',
  policy: { critical: [{ afterMs: 0, notify: ['channel', 'pager'] }], warning: [], info: [] },
}

/** From a critical incident stored to the pager's 202, in real time, on a real Redis; the watcher's look comes before. */
export async function measure(): Promise<Figure[]> {
  const ground = await Ground.start()
  const accepted = new Map<string, number>()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { dedup_key } = JSON.parse(body) as { dedup_key: string }
    response.writeHead(202).end()
    if (!accepted.has(dedup_key)) accepted.set(dedup_key, performance.now())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ground.onClose(async () => server.close())
  try {
    const began = await story(ground, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, accepted)
    const measured = percentiles(began.map(([id, at]) => accepted.get(id)! - at))
    const what = 'a critical incident stored → the pager has answered 202; the watcher adds its poll interval'
    const figure = { name: 'critical to pager', what, unit: 'ms', samples: began.length, measured, floor: {} } as const
    return [{ ...figure, target: `p95 < ${target} ms`, holds: measured.p95 < target }]
  } finally {
    await ground.close()
  }
}

async function story(ground: Ground, url: string, accepted: ReadonlyMap<string, number>) {
  const { redis, prefix, seal } = ground.plot()
  const now = Date.now
  const audit = async () => {}
  const cards = new CardStore(redis, prefix)
  const outbox = { put: async (card: Parameters<CardStore['put']>[0]) => (await cards.put(card)).stored }
  const store = new IncidentStore(redis, prefix, seal)
  const posts = () => []
  const samePerson = (a: string, b: string) => a === b
  const incidents = new RedisIncidents({ store, acts: { act, tell }, outbox, posts, audit, samePerson, now })
  const oncall = new OncallBook({ redis, prefix, seal, plan, audit, now })
  const call = pagerCall({ url, key: new Secret('key') })
  const line = new PagerLine({
    redis,
    prefix,
    seal,
    incidents,
    due: pagerDue,
    context: async () => ({ now: now(), plan, swaps: [], windows: [] }),
    call: (action, { id, cluster, severity, openedAt, kind }) =>
      call({ action, dedupKey: id, summary: id, source: cluster, severity, timestamp: openedAt, class: kind }),
  })
  const reach = () => {
    throw new Error('nobody is called')
  }
  const pager = (...given: Parameters<typeof line.wake>) => line.wake(...given)
  const log = { error: (about: object) => console.error(about) }
  const common = { redis, prefix, seal, incidents, oncall, outbox, cards, posts, reach, pager, now, log }
  const keeper = new OncallKeeper({ ...common, pagesDue: () => [] }).start()
  const began: [string, number][] = []
  for (let i = 0; i < incidentsMeasured; i++) {
    const at = new Date().toISOString()
    const event = { kind: 'node.lost', cluster: 'main', key: `k${i}`, severity: 'critical', at, node: `n${i}` } as const
    const [incident] = take([], [event], { now: now(), severities: {}, name: (value) => seal.name(value) })
    began.push([incident!.id, performance.now()])
    await store.commit('main', [{ before: undefined, after: incident! }], now())
    // Spread over the keeper's round, so that no phase of it is preferred.
    await wait(130)
  }
  while (began.some(([id]) => !accepted.has(id))) await wait(20)
  await keeper.stop()
  await line.close()
  return began
}
