import { openHouse, openJobDesk, openReaders } from '../../src/app.ts'
import { loadConfig, parseRedisUrl, readEnvironment } from '../../src/config.ts'
import type { Enqueue } from '../../src/core/events.ts'
import { localMembership } from '../../src/membership.ts'
import type { Crew } from '../crew.ts'
import type { Stage } from './stage.ts'

export type Order = Parameters<Enqueue>[0]

export interface Ordering {
  /** Queues the job as the bot does; when BullMQ was asked to add it, in milliseconds of `performance.now()`. */
  order(order: Order): Promise<number>
  ended(id: string): Promise<boolean>
}

/** The bot's side of a job in this process: the same house and desk, signed with the same key. */
export async function openOrdering(crew: Crew, prefix: string, stage: Stage): Promise<Ordering> {
  const env = await crew.environment(prefix)
  const config = loadConfig({ role: 'bot', env })
  const house = await openHouse({
    config,
    environment: { ...readEnvironment({ ...env, LOG_LEVEL: 'silent' }), redis: parseRedisUrl(crew.redis.url) },
    key: Buffer.from(env.QUORUM_KEY ?? '', 'hex'),
    membership: localMembership(true),
    name: 'bench',
  })
  stage.defer(() => house.close())
  const desk = openJobDesk(house, openReaders(config))
  stage.defer(() => desk.close())
  let addedAt = 0
  const add = desk.queue.add.bind(desk.queue)
  desk.queue.add = (...job) => {
    addedAt = performance.now()
    return add(...job)
  }
  return {
    async order(order) {
      await desk.enqueue(order)
      return addedAt
    },
    async ended(id) {
      const { endedAt, state, error } = await house.runs.view(id)
      if (state === 'failed') throw new Error(`job ${id} failed: ${JSON.stringify(error)}`)
      return endedAt !== undefined
    },
  }
}

/** What every order of the bench has in common. `since` is the node's own clock, in seconds. */
export const orderOf = (order: Pick<Order, 'id' | 'worker' | 'path' | 'payload' | 'since'>): Order => ({
  ...order,
  title: order.path,
  line: order.path,
  cluster: 'main',
  requester: 'web:operator',
  approvedBy: [],
  card: `c-${order.id}`,
  target: 'web:bench',
  language: 'en',
  node: 'pve2',
  orderBase: 0,
  shows: [],
})
