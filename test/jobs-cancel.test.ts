import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
const left = { name: 'Left behind on the cluster', value: 'guest 100' }

describe.concurrent('cancelling', () => {
  test('a job that waits takes it out of the queue: it never runs', async () => {
    const { worker, order, ended, desk, card, cluster } = crewWith()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await desk.cancel(id, 'web:ana')).toBe('left-queue')
    expect(await desk.get(id)).toMatchObject({ state: 'cancelled' })
    expect(await card(id)).toMatchObject({ state: 'warning', title: `Dropped: title ${id}` })
    expect((await card(id))?.text).toContain('web:ana')
    worker()
    await ended(await order({ worker: 'start', payload: { vmid: 100 } }))
    expect(cluster.sent('guestPower')).toBe(1)
    expect(await desk.cancel(id, 'web:ana')).toBe('ended')
  })

  test('a job that waits for a lock leaves the others where they were', async () => {
    const middle = gate()
    const { worker, order, ended, desk, showing, locks } = crewWith({
      look: (vmid) => (vmid === 1 ? middle.pass() : undefined),
    })
    worker()
    const locked = { locks: ['guest:7'] }
    const first = await order({ worker: 'start', payload: { vmid: 1, ...locked } })
    await middle.arrived
    const second = await order({ worker: 'start', payload: { vmid: 2, ...locked } })
    const third = await order({ worker: 'start', payload: { vmid: 3, ...locked } })
    await showing(second, 'waiting for job')
    await until(async () => (await desk.cancel(second, 'web:ana')) !== 'stopping', 'it to leave the queue')
    expect(await locks.owner('main:guest:7')).toBe(first)
    middle.open()
    expect(await ended(third)).toMatchObject({ state: 'ok' })
    expect(await desk.get(second)).toMatchObject({ state: 'cancelled' })
  })

  test('a running job stops its Proxmox task, in whatever process, and lists what was left behind', async () => {
    const { worker, order, ended, desk, card, cluster, runs, locks } = crewWith()
    cluster.endsAtOnce = false
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await until(async () => (await runs.view(id)).progress?.label === 'Act' && cluster.taskList[0], 'the task')
    expect(await desk.cancel(id, 'web:ana')).toBe('stopping')
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
    expect(cluster.writes.map(({ call }) => call)).toEqual(['guestPower', 'stopTask'])
    expect(cluster.taskList[0]!.exit).toBeDefined()
    expect(await card(id)).toMatchObject({ state: 'warning', fields: [left], actions: [{ id: 'log' }] })
    await until(async () => (await locks.owner('main:guest:100')) === undefined, 'the lock')
  })

  test('before the effect sends nothing', async () => {
    const middle = gate()
    const { worker, order, ended, desk, cluster } = crewWith({ look: () => middle.pass() })
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await middle.arrived
    expect(await desk.cancel(id, 'web:ana')).toBe('stopping')
    middle.open()
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
    expect(cluster.writes).toEqual([])
  })

  test('while the request is under way stops the task that comes of it', async () => {
    const sending = gate()
    const { worker, order, ended, desk, cluster } = crewWith()
    cluster.endsAtOnce = false
    cluster.before = ({ call }) => (call === 'guestPower' ? sending.pass() : undefined)
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await sending.arrived
    expect(await desk.cancel(id, 'web:ana')).toBe('stopping')
    sending.open()
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
    expect(cluster.writes.map(({ call }) => call)).toEqual(['guestPower', 'stopTask'])
  })

  test('while nobody runs it: the next process stops what the dead one began', async () => {
    const { worker, order, ended, desk, cluster, runs, locksRunOut } = crewWith()
    cluster.endsAtOnce = false
    const first = worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await until(async () => (await runs.upids(id)).length === 1, 'the task')
    await first.die()
    expect(await desk.cancel(id, 'web:ana')).toBe('stopping')
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
    expect(cluster.writes.map(({ call }) => call)).toEqual(['guestPower', 'stopTask'])
  })

  test('while a lost answer is looked for still finds the task, at the same pace, and stops it', async () => {
    const { worker, order, ended, desk, cluster } = crewWith()
    cluster.endsAtOnce = false
    cluster.before = ({ call }) => {
      if (call === 'guestPower')
        throw new OutcomeUnknown({ method: 'POST', path: '/x' }, 'https://pve1', new Error('reset'))
    }
    let looks = 0
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    cluster.reading = () => void looks++
    await until(() => looks > 2, 'it to be looked for')
    expect(await desk.cancel(id, 'web:ana')).toBe('stopping')
    const before = looks
    await until(() => looks > before + 2, 'more looks')
    const late = cluster.begin('qmstart', '100', 'pve1')
    expect(looks).toBeLessThan(20)
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
    expect(cluster.writes).toEqual([{ call: 'stopTask', upid: late.upid }])
  })

  test('is told what could not be stopped', async () => {
    const { worker, order, ended, desk, card, cluster, runs } = crewWith()
    cluster.endsAtOnce = false
    cluster.before = ({ call }) => {
      if (call === 'stopTask') throw new Error('Permission check failed')
    }
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await until(async () => (await runs.upids(id)).length === 1, 'the task')
    await desk.cancel(id, 'web:ana')
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
    expect((await card(id))?.fields).toEqual([{ ...left, value: 'not known: Permission check failed\nguest 100' }])
  })

  test('that nobody of ours has wished is not believed', async () => {
    const middle = gate()
    const { worker, order, ended, redis, prefix, seal, runs } = crewWith({ look: () => middle.pass() })
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await middle.arrived
    const forged = seal.wrap('run cancel', 'another job', { value: 'web:eve' })
    for (const wish of [forged, 'x', '.{}', JSON.stringify({ value: 'web:eve' })]) {
      await redis.hset(`${prefix}:run:${id}`, 'cancel', wish)
      expect(await redis.publish(`${prefix}:cancel`, id)).toBeGreaterThan(0)
    }
    expect(await runs.read(id, 'cancel')).toBeUndefined()
    middle.open()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
  })
})
