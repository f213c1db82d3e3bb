import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LostLock } from '../src/core/errors.ts'
import { OutcomeUnknown } from '../src/proxmox/errors.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { toyCrew } from './fixtures/toy-crew.ts'
import { type Between, starter } from './fixtures/toy-workers.ts'
import { until } from './until.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

const crewWith = (between: Between = {}) => toyCrew(ground, { workers: { start: starter(between) } })

describe.concurrent('what a job stores', () => {
  test('is written by the process that owns the job, and by no other', async () => {
    const { runs, redis, prefix } = crewWith()
    const lock = `${prefix}:jobs:j1:lock`
    await redis.set(lock, 'mine', 'PX', 10_000)
    await runs.write('j1', 'mine', 'step:a', { result: 1 })
    await expect(runs.write('j1', 'yours', 'step:a', { result: 2 })).rejects.toThrow(LostLock)
    await redis.del(lock)
    await expect(runs.write('j1', 'mine', 'step:a', { result: 3 })).rejects.toThrow(LostLock)
    expect(await runs.read('j1', 'step:a')).toEqual({ result: 1 })
    expect(await runs.results('j1')).toEqual({ a: { result: 1 } })
  })

  test('lets nobody act whose ownership is about to run out', async () => {
    const { runs, redis, prefix } = crewWith()
    const lock = `${prefix}:jobs:j1:lock`
    await redis.set(lock, 'mine', 'PX', 10_000)
    await expect(runs.fence('j1', 'mine')).resolves.toBeUndefined()
    await expect(runs.fence('j1', 'yours')).rejects.toThrow(LostLock)
    await redis.pexpire(lock, 2000)
    await expect(runs.fence('j1', 'mine')).rejects.toThrow(LostLock)
  })

  test('holds for its own place only: copied to another step or job, or altered, it is not found', async () => {
    const { runs, redis, prefix } = crewWith()
    await redis.set(`${prefix}:jobs:j1:lock`, 'mine')
    await runs.write('j1', 'mine', 'step:a', { result: 'yes' })
    const sealed = (await redis.hget(`${prefix}:run:j1`, 'step:a'))!
    await redis.hset(`${prefix}:run:j1`, 'step:b', sealed, 'step:a', sealed.replace('yes', 'no!'))
    await redis.hset(`${prefix}:run:j2`, 'step:a', sealed, 'cancel', sealed)
    expect(await runs.read('j1', 'step:a')).toBeUndefined()
    expect(await runs.read('j1', 'step:b')).toBeUndefined()
    expect(await runs.read('j2', 'step:a')).toBeUndefined()
    expect(await runs.read('j2', 'cancel')).toBeUndefined()
  })

  test('is claimed by one job only, whoever asks at once', async () => {
    const { runs } = crewWith()
    const jobs = Array.from({ length: 20 }, (_, i) => `j${i}`)
    const claims = await Promise.all(jobs.map((job) => runs.claim('main', 'vmid:100', job)))
    expect(claims.filter(Boolean)).toHaveLength(1)
    const owner = jobs[claims.indexOf(true)]!
    expect(await runs.claim('main', 'vmid:100', owner)).toBe(true)
    expect(await runs.claim('other', 'vmid:100', 'j99')).toBe(true)
  })

  test('of an ended job stays as it is, whatever a late process writes', async () => {
    const { runs } = crewWith()
    await runs.setView('j1', { state: 'running', progress: { step: 1, of: 3 } })
    await runs.setView('j1', { state: 'ok', endedAt: 7 })
    await runs.setView('j1', { state: 'running' })
    expect(await runs.view('j1')).toEqual({ state: 'ok', progress: { step: 1, of: 3 }, endedAt: 7 })
  })
})

describe.concurrent('a job', () => {
  test('whose process died goes on behind its last stored step', async () => {
    const looked: string[] = []
    const dying = gate()
    const { worker, order, ended, locksRunOut, cluster } = crewWith({
      look: () => void looked.push('look'),
      check: () => {
        looked.push('check')
        return looked.length > 2 ? undefined : dying.pass()
      },
    })
    const first = worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await dying.arrived
    await first.die()
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(looked).toEqual(['look', 'check', 'check'])
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('that lost its lock before the effect sends nothing, and the new owner sends it once', async () => {
    const before = gate()
    let looks = 0
    const { worker, order, ended, steal, locksRunOut, cluster, letGo } = crewWith({
      look: () => (looks++ === 0 ? before.pass() : undefined),
    })
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await before.arrived
    await steal(id)
    before.open()
    await until(() => letGo.includes(id), 'the first to be fenced off')
    expect(cluster.writes).toEqual([])
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('that lost its lock while it looked for the effect does not send it', async () => {
    const reading = gate()
    const { worker, order, ended, steal, locksRunOut, cluster, runs, letGo } = crewWith({
      look: () => {
        cluster.reading = () => reading.pass()
      },
    })
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await reading.arrived
    await steal(id)
    cluster.reading = () => {}
    reading.open()
    await until(() => letGo.includes(id), 'the first to be fenced off')
    expect(cluster.writes).toEqual([])
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(1)
    expect(await runs.upids(id)).toHaveLength(1)
  })

  test.each([
    ['before its request was answered', []],
    ['and Redis lost the intent', ['intent:act']],
    ['and Redis lost all that it had stored', ['intent:act', 'step:look', 'upid:act']],
  ])('that died right after its effect %s adopts it', async (_, lost) => {
    const dying = gate()
    const { worker, order, ended, locksRunOut, cluster, redis, prefix, card } = crewWith()
    cluster.after = () => dying.pass()
    const first = worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await dying.arrived
    await first.die()
    for (const field of lost) await redis.hdel(`${prefix}:run:${id}`, field)
    cluster.after = () => {}
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(1)
    expect((await card(id))?.state).toBe('ok')
  })

  test('finds its effect on another node too, by that node’s own clock, when Redis lost the intent', async () => {
    const dying = gate()
    const { worker, order, ended, locksRunOut, cluster, redis, prefix } = crewWith()
    cluster.clocks.pve1 = 1_800_000_000
    cluster.clocks.pve2 = 1_700_000_000
    cluster.after = () => dying.pass()
    const first = worker()
    const id = await order({ worker: 'start', payload: { vmid: 100, node: 'pve2' }, since: cluster.clocks.pve1 })
    await dying.arrived
    await first.die()
    await redis.hdel(`${prefix}:run:${id}`, 'intent:act')
    cluster.after = () => {}
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('takes no task for its own that is older, of another token, or another job’s', async () => {
    const { worker, order, ended, cluster, runs } = crewWith()
    cluster.now -= 60
    const older = cluster.begin('qmstart', '100', 'pve1')
    cluster.now += 60
    const somebodys = cluster.begin('qmstart', '100', 'pve1', 'ansible')
    worker()
    const first = await order({ worker: 'start', payload: { vmid: 100 } })
    await ended(first)
    const second = await order({ worker: 'start', payload: { vmid: 100 } })
    await ended(second)
    expect(cluster.sent('guestPower')).toBe(2)
    const upids = [...(await runs.upids(first)), ...(await runs.upids(second))]
    expect(new Set(upids).size).toBe(2)
    expect(upids).not.toContain(older.upid)
    expect(upids).not.toContain(somebodys.upid)
  })

  const lostAnswer = () =>
    new OutcomeUnknown({ method: 'POST', path: '/x' }, 'https://pve1', new Error('socket hang up'))

  test('whose answer was lost finds the task that it caused', async () => {
    const { worker, order, ended, cluster, runs } = crewWith()
    cluster.after = () => {
      throw lostAnswer()
    }
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(1)
    expect(await runs.upids(id)).toEqual([cluster.taskList[0]!.upid])
  })

  test('whose answer was lost and whose task is nowhere is never sent again, and says so', async () => {
    let tries = 0
    const { worker, order, ended, cluster, card, showing } = crewWith()
    cluster.before = () => {
      tries += 1
      throw lostAnswer()
    }
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await showing(id, 'retry 2 of 5')
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'outcome-unknown' } })
    expect(tries).toBe(1)
    expect((await card(id))?.error?.code).toBe('outcome-unknown')
  })
})
