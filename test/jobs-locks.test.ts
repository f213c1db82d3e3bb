import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Locks } from '../src/jobs/locks.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { toyCrew } from './fixtures/toy-crew.ts'
import { starter } from './fixtures/toy-workers.ts'
import { until } from './until.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

function lockOnly() {
  const { redis, prefix } = ground.plot()
  return { redis, prefix, locks: new Locks(redis, prefix) }
}

describe.concurrent('a lock', () => {
  test('goes to whoever asked first, in whatever order they come to take it', async () => {
    const { locks } = lockOnly()
    await locks.announce('guest:1', 'second', 2)
    await locks.announce('guest:1', 'first', 1)
    expect(await locks.take('guest:1', 'third', 3)).toBe('first')
    expect(await locks.take('guest:1', 'second', 2)).toBe('first')
    expect(await locks.take('guest:1', 'first', 1)).toBeUndefined()
    expect(await locks.take('guest:1', 'second', 2)).toBe('first')
    expect(await locks.free('guest:1', 'first')).toBe('second')
    expect(await locks.take('guest:1', 'third', 3)).toBe('second')
    expect(await locks.take('guest:1', 'second', 2)).toBeUndefined()
    expect(await locks.free('guest:1', 'second')).toBe('third')
    expect(await locks.take('guest:1', 'third', 3)).toBeUndefined()
    expect(await locks.free('guest:1', 'third')).toBeUndefined()
  })

  test('belongs to a job, not to a process: the next process of the same job goes on with it', async () => {
    const { locks } = lockOnly()
    expect(await locks.take('guest:1', 'job', 1)).toBeUndefined()
    expect(await locks.take('guest:1', 'other', 0)).toBe('job')
    expect(await locks.take('guest:1', 'job', 1)).toBeUndefined()
    expect(await locks.owner('guest:1')).toBe('job')
  })

  test('ends by itself when nobody renews it, and is not renewed by anybody else', async () => {
    const { locks, redis, prefix } = lockOnly()
    const key = `${prefix}:lock:guest:1`
    await locks.take('guest:1', 'dead', 1)
    expect(await redis.pttl(key)).toBeGreaterThan(20_000)
    await redis.pexpire(key, 1000)
    expect(await locks.renew('guest:1', 'other')).toBe(false)
    expect(await locks.renew('guest:1', 'dead')).toBe(true)
    expect(await redis.pttl(key)).toBeGreaterThan(20_000)
    await redis.pexpire(key, 1)
    await until(async () => (await locks.take('guest:1', 'other', 2)) === undefined, 'the other to have it')
    expect(await locks.renew('guest:1', 'dead')).toBe(false)
    await locks.free('guest:1', 'dead')
    expect(await locks.owner('guest:1')).toBe('other')
  })
})

/** A crew whose jobs stop in the middle until their gate is opened, and tell who runs when. */
function gated() {
  const gates = new Map<string, ReturnType<typeof gate>>()
  const of = (vmid: number) => {
    const made = gates.get(`${vmid}`) ?? gate()
    gates.set(`${vmid}`, made)
    return made
  }
  const events: string[] = []
  const start = starter({
    look: async (vmid) => {
      events.push(`begin ${vmid}`)
      await of(vmid).pass()
    },
    check: (vmid) => void events.push(`end ${vmid}`),
  })
  return { ...toyCrew(ground, { workers: { start } }), events, of }
}

describe.concurrent('jobs', () => {
  test('on one guest run one after another in the order asked, while those on other guests run beside them', async () => {
    const { worker, order, ended, events, of, showing, locks } = gated()
    worker()
    worker()
    // One guest, named by its lock; the vmid tells the jobs apart.
    const locked = { locks: ['guest:100'] }
    const ids: string[] = []
    for (const vmid of [1, 2, 3, 4]) ids.push(await order({ worker: 'start', payload: { vmid, ...locked } }))
    const beside = await order({ worker: 'start', payload: { vmid: 9 } })
    await Promise.all([of(1).arrived, of(9).arrived])
    await showing(ids[1]!, `waiting for job ${ids[0]}, which holds guest:100`)
    expect(await locks.owner('main:guest:100')).toBe(ids[0])
    of(9).open()
    expect(await ended(beside)).toMatchObject({ state: 'ok' })
    expect(events.filter((event) => !event.endsWith('9'))).toEqual(['begin 1'])
    for (const vmid of [4, 3, 2, 1]) of(vmid).open()
    for (const id of ids) expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(events.filter((event) => !event.endsWith('9'))).toEqual(
      [1, 2, 3, 4].flatMap((vmid) => [`begin ${vmid}`, `end ${vmid}`]),
    )
  })

  test('that name the same two locks in opposite order never wait for each other', async () => {
    const { worker, order, ended, of, showing, deskOf } = gated()
    worker()
    const first = await order({ worker: 'start', payload: { vmid: 1, locks: ['a'] } })
    await of(1).arrived
    const late = await order({ worker: 'start', payload: { vmid: 2, locks: ['b', 'a'] } })
    await showing(late, `waiting for job ${first}`)
    // Its bot's clock is behind: it asked before the one that already waits.
    const early = await order({ worker: 'start', payload: { vmid: 3, locks: ['a', 'b'] } }, deskOf(60_000))
    await showing(early, `waiting for job ${first}`)
    for (const vmid of [1, 2, 3]) of(vmid).open()
    for (const id of [first, early, late]) expect(await ended(id)).toMatchObject({ state: 'ok' })
  })

  test('are not held up by one that left the queue, or by an owner that ended without giving back', async () => {
    const { worker, order, ended, of, locks, desk, runs } = gated()
    of(1).open()
    of(2).open()
    const first = await order({ worker: 'start', payload: { vmid: 1, locks: ['guest:7'] } })
    const second = await order({ worker: 'start', payload: { vmid: 2, locks: ['guest:7'] } })
    // Announced by a bot that died before it queued the job.
    await locks.announce('main:guest:7', 'never queued', 1)
    expect(await desk.cancel(first, 'web:ana')).toBe('left-queue')
    await locks.take('main:guest:7', 'never queued', 1)
    await runs.setView('never queued', { state: 'ok', endedAt: 1 })
    worker()
    expect(await ended(second)).toMatchObject({ state: 'ok' })
    expect(await runs.view(first)).toMatchObject({ state: 'cancelled' })
    expect(await locks.owner('main:guest:7')).toBeUndefined()
  })

  test('give back their locks when they fail, and the next in line does not wait for its second', async () => {
    const { worker, order, runs, cluster, of, locks } = gated()
    worker()
    cluster.endsAtOnce = false
    const failing = await order({ worker: 'start', payload: { vmid: 1, locks: ['guest:7'] } })
    const next = await order({ worker: 'start', payload: { vmid: 2, locks: ['guest:7'] } })
    await of(1).arrived
    of(1).open()
    const task = await until(() => cluster.taskList[0], 'the task')
    cluster.end(task, 'no space left on device')
    await until(async () => (await runs.view(failing)).state === 'failed', 'the failure')
    await of(2).arrived
    expect(await locks.owner('main:guest:7')).toBe(next)
    of(2).open()
    cluster.endsAtOnce = true
    await until(async () => (await runs.view(next)).state === 'ok', 'the next')
  })
})
