import { setTimeout as delay } from 'node:timers/promises'
import { Crew, until } from '../crew.ts'
import { type Figure, percentiles } from './figures.ts'
import type { Stage } from './stage.ts'

const changes = 24
const pollMs = 2000
const overMs = 300

/**
 * From a change that the API shows to the message that people can read: a worker process, a bot and the web chat, at the
 * default beat. The cluster's clock stands still, so that nothing but the change happens.
 */
export async function measure(stage: Stage): Promise<Figure[]> {
  const crew = await Crew.start({ speed: 0 })
  stage.defer(() => crew.close())
  const { nodes } = crew.sim.cluster
  const { ha } = nodes[0]!.config
  const more = { channels: [{ cluster: 'main', post: ['web:ops'] }] }
  const bot = await crew.bot('latency', more)
  const worker = await crew.worker('latency', more)
  const sid = (i: number) => `vm:${200 + i}`
  const guests = Array.from({ length: changes }, (_, i) => sid(i))
  const service = (state: string) => ({ node: 'pve1', state, uid: 'u' })
  ha.manager.service_status = Object.fromEntries(guests.map((guest) => [guest, service('started')]))
  let after = 0
  /** News of this guest since the last ones. */
  const isTold = async (guest: string) => {
    const news = await bot.messages('ops', after)
    after = Math.max(after, ...news.map(({ seq }) => seq))
    return JSON.stringify(news).includes(guest)
  }
  const spent: number[] = []
  await delay(pollMs * 3)
  for (let i = 0; i < changes; i++) {
    // Spread over the beat, so that no phase of it is preferred.
    await delay((i * 370) % pollMs)
    const began = performance.now()
    ha.manager.service_status = { ...ha.manager.service_status, [sid(i)]: service('error') }
    await until(() => isTold(sid(i)), `change ${i}`)
    spent.push(performance.now() - began)
  }
  await worker.stop()
  const measured = percentiles(spent)
  const what = 'a change that the API shows → the message is in the chat, through worker, Redis and bot, at 2 s'
  const figure = { name: 'watch-latency', what, unit: 'ms', samples: spent.length, measured } as const
  const target = pollMs + overMs
  return [
    {
      ...figure,
      floor: { 'poll, p50': pollMs / 2, 'poll, p95': pollMs * 0.95 },
      target: `p95 < ${target} ms`,
      holds: measured.p95 < target,
    },
  ]
}
