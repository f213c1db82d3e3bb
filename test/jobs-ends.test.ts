import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refused, Unavailable } from '../src/core/errors.ts'
import { OutcomeUnknown } from '../src/proxmox/errors.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { newDesk, toyCommands } from './fixtures/toy-commands.ts'
import { toyCrew } from './fixtures/toy-crew.ts'
import { type Between, starter } from './fixtures/toy-workers.ts'
import { until } from './until.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

function crewWith(between: Between = {}) {
  const start = starter(between)
  return toyCrew(ground, { workers: { start }, commands: toyCommands(start, newDesk()) })
}

const unavailable = () => new Unavailable('proxmox-unreachable', { service: 'Proxmox main' })

describe.concurrent('a job that meets', () => {
  test('a service that does not answer is tried again, says which try it is, and goes on where it was', async () => {
    let failures = 2
    const looked: string[] = []
    const { worker, order, ended, cluster, showing, card } = crewWith({ look: () => void looked.push('look') })
    cluster.before = () => {
      if (failures-- > 0) throw unavailable()
    }
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await showing(id, 'retry 2 of 5')
    expect(await card(id)).toMatchObject({ state: 'running', actions: [{ id: 'cancel' }] })
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(looked).toEqual(['look'])
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('a service that never answers ends after five tries', async () => {
    let tries = 0
    const { worker, order, ended, cluster, card } = crewWith()
    cluster.before = () => {
      tries += 1
      throw unavailable()
    }
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'proxmox-unreachable' } })
    expect(tries).toBe(5)
    expect(await card(id)).toMatchObject({ state: 'failed', actions: [{ id: 'retry' }, { id: 'log' }] })
  })

  test('a refusal ends at once, in the words of its worker, with what is left behind', async () => {
    let tries = 0
    const { worker, order, ended, card } = crewWith({
      look: () => {
        tries += 1
        throw new Refused('no-such', { vmid: 100 })
      },
    })
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'no-such' } })
    expect(tries).toBe(1)
    expect(await card(id)).toMatchObject({
      state: 'failed',
      job: id,
      fields: [{ name: 'Left behind on the cluster', value: 'guest 100' }],
      error: { code: 'no-such', says: 'There is no 100.', hint: 'vm list' },
    })
  })

  test('a fault of ours ends with the id under which the log has it, and nothing of its inside', async () => {
    const { worker, order, ended, card, faults } = crewWith({
      look: () => {
        throw new TypeError('Cannot read properties of undefined')
      },
    })
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'internal' } })
    expect(faults).toHaveLength(1)
    const shown = JSON.stringify(await card(id))
    expect(shown).toContain('q-1')
    expect(shown).not.toMatch(/TypeError|undefined|\.ts/)
  })

  test('a failed task ends with Proxmox’s own line', async () => {
    const { worker, order, ended, cluster, card } = crewWith()
    cluster.after = () => cluster.end(cluster.taskList[0]!, 'got timeout')
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'task-failed', raw: 'got timeout' } })
    expect((await card(id))?.error?.raw).toBe('got timeout')
  })

  test('a worker that no longer knows its cluster says so', async () => {
    const { worker, order, ended } = crewWith()
    worker({
      proxmox: () => {
        throw new Refused('unknown-cluster', { given: 'main', clusters: 'other', first: 'other' })
      },
    })
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'unknown-cluster' } })
  })

  test('a right that was taken away while it waited does nothing', async () => {
    const { worker, order, ended, cluster } = crewWith()
    worker({ allowed: async () => new Refused('not-allowed', { command: 'x', needs: 'admin', have: '-', who: 'ana' }) })
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'not-allowed' } })
    expect(cluster.writes).toEqual([])
  })
})

describe.concurrent('a job whose process', () => {
  test('dies of it five times in a row is ended, and what exists is listed', async () => {
    let starts = 0
    const { worker, order, ended, locksRunOut, card, cluster } = crewWith({
      look: () => {
        starts += 1
        return new Promise(() => {})
      },
    })
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    for (let crash = 1; crash <= 5; crash++) {
      const process = worker()
      await until(() => starts === crash, `start ${crash}`)
      await process.die()
      await locksRunOut(id)
    }
    worker()
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'keeps-crashing' } })
    expect(starts).toBe(5)
    expect(cluster.writes).toEqual([])
    expect((await card(id))?.error?.says).toContain('guest 100')
  })

  test('dies often but gets further each time is no such job', async () => {
    const reached: string[] = []
    const { worker, order, ended, locksRunOut, cluster } = crewWith({
      look: () => {
        reached.push('look')
        return reached.length > 3 ? undefined : new Promise(() => {})
      },
      check: () => {
        reached.push('check')
        return reached.length > 7 ? undefined : new Promise(() => {})
      },
    })
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    let crashes = 0
    for (const at of [1, 2, 3, 5, 6, 7]) {
      const process = worker()
      await until(() => reached.length === at, `crash ${++crashes}`)
      await process.die()
      await locksRunOut(id)
    }
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('is stopped for an update, again and again, goes on in the next one at once and has failed at nothing', async () => {
    const { worker, order, ended, cluster, runs, redis, prefix } = crewWith()
    cluster.endsAtOnce = false
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    const isRun = async () =>
      (await runs.upids(id)).length === 1 && (await redis.exists(`${prefix}:jobs:${id}:lock`)) === 1
    for (let update = 1; update <= 7; update++) {
      const process = worker()
      await until(isRun, `it to run before update ${update}`)
      await process.stop()
    }
    cluster.endsAtOnce = true
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('is frozen writes no end over that of its successor', async () => {
    const frozen = gate()
    let looks = 0
    const { worker, order, ended, steal, locksRunOut, letGo, card, cards } = crewWith({
      look: async () => {
        looks += 1
        if (looks > 1) return
        await frozen.pass()
        throw new Refused('no-such', { vmid: 100 })
      },
    })
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await frozen.arrived
    await steal(id)
    frozen.open()
    await until(() => letGo.includes(id), 'the frozen one to let go')
    expect((await card(id))?.state).not.toBe('failed')
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect((await cards.get(`c-${id}`))?.message.state).toBe('ok')
  })

  test('is frozen does not take the task from under its successor when it thaws', async () => {
    const { worker, order, ended, locksRunOut, letGo, cluster, runs, redis, prefix } = crewWith()
    cluster.endsAtOnce = false
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await until(async () => (await runs.upids(id)).length === 1, 'the task')
    const lock = `${prefix}:jobs:${id}:lock`
    const token = await redis.get(lock)
    await locksRunOut(id)
    worker()
    await until(async () => ![null, token].includes(await redis.get(lock)), 'the successor')
    await until(() => letGo.includes(id), 'the first one to notice')
    cluster.endsAtOnce = true
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(1)
  })
})

describe.concurrent('the retry button', () => {
  const noSpace = 'no space left on device'

  test('runs a failed job again on the same card, under a new id, with an effect of its own', async () => {
    const { worker, order, ended, cluster, desk, card, runs } = crewWith()
    cluster.after = () => cluster.end(cluster.taskList.at(-1)!, noSpace)
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'no-space' } })
    cluster.after = () => {}
    const again = await desk.retry(id, 'web:luis')
    expect(again?.id).toBe(`${id}-r1`)
    expect(await ended(again!.id)).toMatchObject({ state: 'ok' })
    expect(cluster.sent('guestPower')).toBe(2)
    expect(await card(id)).toMatchObject({ state: 'ok', job: again!.id })
    expect(await runs.view(id)).toMatchObject({ state: 'failed' })
    expect(await desk.retry(id, 'web:luis')).toBeUndefined()
  })

  test('pressed twice at once makes one run, and can be pressed again when that fails too', async () => {
    const { worker, order, ended, cluster, desk } = crewWith()
    cluster.after = () => cluster.end(cluster.taskList.at(-1)!, noSpace)
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await ended(id)
    const both = await Promise.all([desk.retry(id, 'web:ana'), desk.retry(id, 'web:ana')])
    expect(new Set(both.flatMap((made) => made?.id ?? []))).toEqual(new Set([`${id}-r1`]))
    expect(await ended(`${id}-r1`)).toMatchObject({ state: 'failed' })
    expect(cluster.sent('guestPower')).toBe(2)
    // The order is delivered once more, late: the card still shows its newest run.
    await order({ worker: 'start', payload: { vmid: 100 }, id })
    expect((await desk.ofCard(`c-${id}`))?.id).toBe(`${id}-r1`)
    expect((await desk.retry(id, 'web:ana'))?.id).toBe(`${id}-r2`)
    expect(await ended(`${id}-r2`)).toMatchObject({ state: 'failed' })
    expect(cluster.sent('guestPower')).toBe(3)
  })

  test('after a lost answer finds the task that has shown up since, and sends nothing', async () => {
    const { worker, order, ended, cluster, desk } = crewWith()
    let late = true
    cluster.before = () => {
      if (late) throw new OutcomeUnknown({ method: 'POST', path: '/x' }, 'https://pve1', new Error('reset'))
    }
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'outcome-unknown' } })
    late = false
    const found = cluster.begin('qmstart', '100', 'pve1')
    const again = await desk.retry(id, 'web:ana')
    expect(await ended(again!.id)).toMatchObject({ state: 'ok' })
    expect(cluster.writes).toEqual([])
    expect((await desk.get(again!.id))?.upids).toEqual([found.upid])
  })

  test('has nothing to do while the job runs', async () => {
    const middle = gate()
    const { worker, order, ended, desk } = crewWith({ look: () => middle.pass() })
    worker()
    const id = await order({ worker: 'start', payload: { vmid: 100 } })
    await middle.arrived
    expect(await desk.retry(id, 'web:ana')).toBeUndefined()
    middle.open()
    await ended(id)
  })
})
