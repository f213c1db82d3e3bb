import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClusterEvent } from '../src/ha/event.ts'
import { EventLog } from '../src/jobs/event-log.ts'
import { Seal } from '../src/jobs/seal.ts'
import { Ground } from './fixtures/ground.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})
afterAll(() => ground.close())

const event = (key: string): ClusterEvent => ({
  kind: 'node.lost',
  cluster: 'main',
  key,
  severity: 'critical',
  at: '2026-01-01T00:00:00.000Z',
  node: 'pve1',
})

function opened() {
  const plot = ground.plot()
  const log = () => new EventLog<{ n: number }>({ ...plot, subscriber: ground.connection(), cluster: 'main' })
  return { ...plot, log }
}

async function leading(log: EventLog<{ n: number }>, holder: string) {
  const fence = await log.take(holder, 60_000)
  if (!fence) throw new Error(`${holder} did not get the lease`)
  return { fence, kept: await log.kept() }
}

describe('the log of a cluster', () => {
  test('stores memory and events together and gives them back in order', async () => {
    const log = opened().log()
    const { fence, kept } = await leading(log, 'a')
    expect(kept).toEqual({ revision: 0, last: 0 })
    const next = await log.append(fence, kept, { n: 1 }, [event('one'), event('two')])
    await log.append(fence, next!, { n: 2 }, [])
    expect(await log.kept()).toEqual({ memory: { n: 2 }, revision: 2, last: 2 })
    expect(await log.read(0)).toEqual([
      { cursor: 1, event: event('one') },
      { cursor: 2, event: event('two') },
    ])
    expect((await log.read(1)).map(({ cursor }) => cursor)).toEqual([2])
    expect(await log.read(2)).toEqual([])
  })

  test('has one watcher at a time; one that lost the lease stores nothing', async () => {
    const { log, redis, prefix } = opened()
    const [first, second] = [log(), log()]
    const { fence, kept } = await leading(first, 'a')
    expect(await second.take('b', 60_000)).toBeUndefined()
    expect(await first.take('a', 60_000)).toEqual(fence)
    await redis.del(`${prefix}:watch:main:lease`) // as if it had run out
    const other = await leading(second, 'b')
    expect(await first.append(fence, kept, { n: 1 }, [event('late')])).toBeUndefined()
    expect(await first.beat(fence, { at: 1, steady: 0, view: { state: 'fresh', since: '' } })).toBe(false)
    await first.drop(fence)
    expect(await first.take('a', 60_000)).toBeUndefined()
    await second.append(other.fence, other.kept, { n: 2 }, [event('right')])
    expect((await first.read(0)).map(({ event }) => event.key)).toEqual(['right'])
  })

  test('takes nothing that was worked out from an older memory', async () => {
    const log = opened().log()
    const { fence, kept } = await leading(log, 'a')
    await log.append(fence, kept, { n: 1 }, [event('one')])
    // Again from the same memory: the answer to the first was lost.
    expect(await log.append(fence, kept, { n: 1 }, [event('one')])).toBeUndefined()
    expect(await log.read(0)).toHaveLength(1)
  })

  test('passes over what was written by somebody without the key', async () => {
    const { log, redis, prefix } = opened()
    const ours = log()
    const { fence, kept } = await leading(ours, 'a')
    const next = await ours.append(fence, kept, { n: 1 }, [event('one')])
    const [, [, sealed]] = (await redis.xrange(`${prefix}:watch:main:stream`, '-', '+'))[0]!
    await redis.xadd(`${prefix}:watch:main:stream`, '2-0', 'sealed', sealed!) // moved to another place
    await redis.xadd(`${prefix}:watch:main:stream`, '3-0', 'sealed', JSON.stringify(event('invented')))
    const theirs = new Seal(randomBytes(32)).wrap('watch-memory', `${prefix}:watch:main#1.1`, { n: 9 })
    await redis.hset(`${prefix}:watch:main:kept`, 'memory', theirs)
    expect((await ours.read(0, 1)).map(({ event }) => event.key)).toEqual(['one'])
    expect(await ours.read(1, 1)).toEqual([])
    expect(await ours.kept()).toEqual({ revision: next!.revision, last: 1, forged: true })
  })

  test('wakes who waits, and who watches', async () => {
    const { log } = opened()
    const [watcher, consumer] = [log(), log()]
    const { fence, kept } = await leading(watcher, 'a')
    const waited = consumer.wait(0, new AbortController().signal)
    await watcher.append(fence, kept, { n: 1 }, [event('one')])
    await waited
    await consumer.wait(0, new AbortController().signal)
    const stop = new AbortController()
    const forever = consumer.wait(1, stop.signal)
    stop.abort()
    await forever
    const woken = new Promise<void>((resolve) => watcher.onWake(resolve))
    await consumer.wake()
    await woken
  })

  test('knows when and how well the cluster was last seen', async () => {
    const log = opened().log()
    expect([await log.lastPolledAt(), await log.view()]).toEqual([undefined, undefined])
    const { fence } = await leading(log, 'a')
    const view = { state: 'stale', since: '2026-01-01T00:00:00.000Z', answeredBy: 'pve1' } as const
    expect(await log.beat(fence, { at: 1234, steady: 5, view })).toBe(true)
    expect(await log.lastBeat()).toEqual({ at: 1234, steady: 5, view })
    expect([await log.lastPolledAt(), await log.view()]).toEqual([1234, view])
  })
})
