import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineWorker, type Worker } from '../src/core/worker.ts'
import { Ground } from './fixtures/ground.ts'
import { toyCrew } from './fixtures/toy-crew.ts'
import { starter } from './fixtures/toy-workers.ts'
import { until } from './until.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

const start = starter() as unknown as Worker
const kinds: Record<string, Worker> = {
  start,
  careful: { ...start, unstoppable: true },
  roots: { ...start, needs: [{ rootOnly: 'POST /cluster/config' }] },
}
const texts = { title: 'Several', steps: { parts: 'Parts' }, done: 'All' }

/** Starts one guest after another, each by a worker of its kind. */
const several = defineWorker({
  payload: z.object({ kinds: z.array(z.string()) }),
  parts: ({ kinds: names }) => names.map((name, i) => ({ worker: kinds[name]!, payload: { vmid: 100 + i } })),
  locks: () => [],
  text: { en: texts, es: texts },
  async run({ payload, part }) {
    const jobs = several.parts!(payload)
    for (const [i, job] of jobs.entries()) await part({ n: i + 1, of: jobs.length }, job)
    return {}
  },
})

const crew = () => toyCrew(ground, { workers: { several: several as unknown as Worker } })

describe.concurrent('a job of parts', () => {
  test('waits for root when a part is root’s, and not when none is', async () => {
    const { worker, order, ended, showing, cluster } = crew()
    worker()
    const waits = await order({ worker: 'several', payload: { kinds: ['start', 'roots'] } })
    const plain = await order({ worker: 'several', payload: { kinds: ['start', 'start'] } })
    expect(await ended(plain)).toMatchObject({ state: 'ok' })
    await showing(waits, '--root')
    expect(cluster.sent('guestPower')).toBe(2)
  })

  test('cancelled while nobody runs it: of what the dead one began, only what may be stopped is stopped', async () => {
    for (const [kind, calls] of [
      ['start', ['guestPower', 'stopTask']],
      ['careful', ['guestPower']],
    ] as const) {
      const { worker, order, ended, desk, cluster, runs, locksRunOut } = crew()
      cluster.endsAtOnce = false
      const first = worker()
      const id = await order({ worker: 'several', payload: { kinds: [kind] } })
      await until(async () => (await runs.upids(id)).length > 0, 'the task')
      await first.die()
      await desk.cancel(id, 'web:ana')
      await locksRunOut(id)
      worker()
      expect(await ended(id)).toMatchObject({ state: 'cancelled' })
      expect(cluster.writes.map(({ call }) => call)).toEqual(calls)
    }
  })
})
