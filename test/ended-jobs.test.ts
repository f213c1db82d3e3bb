import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineWorker } from '../src/core/worker.ts'
import { begunOrderLivesMs, EndedJobs, orderLivesMs } from '../src/jobs/ended-jobs.ts'
import { Inbox, startInbox } from '../src/jobs/inbox.ts'
import type { JobRecord } from '../src/jobs/runs.ts'
import { until } from './crew.ts'
import { Ground } from './fixtures/ground.ts'
import { oneWorker } from './fixtures/one-worker.ts'

const dayMs = 24 * 3600_000
let ground: Ground
let folder: string

beforeAll(async () => {
  ground = await Ground.start()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorum-ended-'))
  return () => rm(folder, { recursive: true, force: true })
})
afterAll(() => ground.close())

describe('what has ended on a machine', () => {
  test('is known to every process of it, at once and after a restart', async () => {
    const [one, two] = [new EndedJobs(folder, Date.now), new EndedJobs(folder, Date.now)]
    expect(await two.of('j-1')).toBeUndefined()
    await Promise.all(Array.from({ length: 200 }, (_, i) => (i % 2 ? one : two).add(`j-${i}`, 'ok')))
    for (const known of [one, two, new EndedJobs(folder, Date.now)]) {
      const states = await Promise.all(Array.from({ length: 200 }, (_, i) => known.of(`j-${i}`)))
      expect(new Set(states)).toEqual(new Set(['ok']))
      expect(await known.of('j-20')).toBe('ok')
      expect(await known.of('j-2000')).toBeUndefined()
    }
    expect((await stat(join(folder, 'ended-jobs'))).mode & 0o777).toBe(0o700)
  })

  test('is kept longer than anything signed can start it again, and then let go', async () => {
    let now = Date.now()
    const ended = new EndedJobs(folder, () => now)
    await ended.add('j-old', 'failed')
    now += begunOrderLivesMs + dayMs
    await ended.add('j-new', 'ok')
    expect(await ended.of('j-old')).toBe('failed')
    expect(await new EndedJobs(folder, () => now).of('j-old')).toBe('failed')
    now += 3 * dayMs
    await ended.add('j-newer', 'ok')
    expect(await readdir(join(folder, 'ended-jobs'))).toHaveLength(2)
    expect(await ended.of('j-new')).toBe('ok')
  })
})

describe('whoever can write to Redis', () => {
  /** Counts how often it did its work. */
  function counting() {
    const done: string[] = []
    const steps = { work: 'Work' }
    const worker = defineWorker({
      payload: z.object({}),
      locks: () => [],
      text: { en: { title: 'Count', steps, done: 'Counted' }, es: { title: 'Contar', steps, done: 'Contado' } },
      run: async ({ step, job }) => {
        await step('work', async () => done.push(job.id))
        return {}
      },
    })
    const { prefix, seal } = ground.plot()
    const place = oneWorker({ connection: () => ground.connection(), prefix, seal, workers: { count: worker } })
    ground.onClose(place.close)
    const queuedAgain = async (record: JobRecord, sealed: string) => {
      // Everything but the signed order is taken back, and the job put into the queue.
      await place.redis.del(`${prefix}:run:${record.id}`)
      await place.redis.hset(`${prefix}:run:${record.id}`, 'record', sealed)
      await (await place.desk.queue.getJob(record.id))?.remove()
      await place.desk.queue.add('count', {}, { jobId: record.id })
    }
    const ended = (id: string) =>
      until(async () => ((await place.runs.view(id)).endedAt ? place.runs.view(id) : undefined), `${id} to end`, 15_000)
    const sealedOrder = (id: string) => place.redis.hget(`${prefix}:run:${id}`, 'record') as Promise<string>
    return { ...place, done, ended, sealedOrder, queuedAgain }
  }

  test('cannot have an ended job run again', async () => {
    const { worker, order, ended, sealedOrder, queuedAgain, runs, done, audited } = counting()
    worker(new EndedJobs(folder, Date.now))
    const id = await order('count')
    const sealed = await sealedOrder(id)
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    const record = (await runs.record(id))!
    await until(async () => (await new EndedJobs(folder, Date.now).of(id)) === 'ok', 'its end to be noted')
    await queuedAgain(record, sealed)
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(done).toEqual([id])
    expect(audited).toContainEqual({ kind: 'forged', job: id, result: 'ended-before' })
    // That the note stops it, and nothing else does: a machine without it runs the job again.
    const elsewhere = counting()
    elsewhere.worker()
    const other = await elsewhere.order('count')
    const itsOrder = await elsewhere.sealedOrder(other)
    await elsewhere.ended(other)
    await elsewhere.queuedAgain((await elsewhere.runs.record(other))!, itsOrder)
    await until(async () => elsewhere.done.length === 2, 'the job to run twice')
  })

  test('cannot have an old order begun: it ends, and says why', async () => {
    const { worker, order, ended, done, desk, runs } = counting()
    const queue = desk.queue
    await queue.pause()
    const id = await order('count')
    const record = (await runs.record(id))!
    // Signed a day ago.
    const old = { ...record, createdAt: Date.now() - orderLivesMs - 1000 }
    await runs.redis.del(`${runs.prefix}:run:${id}`)
    await runs.create(old)
    await queue.resume()
    worker(new EndedJobs(folder, Date.now))
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'order-too-old', values: { hours: 24 } } })
    expect(done).toEqual([])
  })

  test('cannot bring back what was typed long ago', async () => {
    const { prefix, seal } = ground.plot()
    const event = { event: 'e1', identity: 'web:ana', target: 'web:x', text: 'vm start 100', locales: [] }
    const inboxes = [Date.now() - 2 * dayMs, Date.now()].map(
      (at) => new Inbox(ground.connection(), prefix, seal, () => at),
    )
    const heard: string[] = []
    const ignored: string[] = []
    const worker = startInbox({
      redis: ground.connection(),
      prefix,
      seal,
      audit: async () => {},
      dispatch: { say: async (said) => void heard.push(said.event), click: async () => {} },
      log: { error: (_about, text) => void ignored.push(text) },
    })
    await inboxes[0]!.said(event)
    await inboxes[1]!.said({ ...event, event: 'e2' })
    await until(() => heard.length + ignored.length === 2, 'both events to be taken')
    expect(heard).toEqual(['e2'])
    expect(ignored).toEqual(['an event waited in the inbox for more than a day; ignored'])
    await worker.close()
    await Promise.all(inboxes.map((inbox) => inbox.close()))
  })
})
