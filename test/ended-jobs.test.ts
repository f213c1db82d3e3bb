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
import { toyHouse } from './fixtures/toy-house.ts'

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
    // That the note stops it, and nothing else does: a machine without it, and without the trail, runs the job again.
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

describe('an ended order, put back into Redis for another machine', () => {
  const machine = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quorum-machine-'))
    ground.onClose(() => rm(dir, { recursive: true, force: true }))
    return dir
  }

  /** A start that has ended well, and a way to put its signed order back as if nothing had ever come of it. */
  async function done() {
    const house = toyHouse(ground)
    const { redis, prefix, desk, cluster } = house
    const here = house.worker({ told: house.toldAt(await machine()) })
    const id = (await house.jobOf(await house.say('web:ana', 'toy change 100')))!.id
    const record = (await redis.hget(`${prefix}:run:${id}`, 'record'))!
    expect(await house.ended(id)).toMatchObject({ state: 'ok' })
    await here.stop()
    const again = async (fields: Record<string, string> = { record }) => {
      const claims = await redis.keys(`${prefix}:claim:*`)
      await redis.del(`${prefix}:run:${id}`, ...claims)
      await redis.hset(`${prefix}:run:${id}`, fields)
      await (await desk.queue.getJob(id))?.remove()
      await desk.queue.add('start', {}, { jobId: id })
    }
    const forged = async () =>
      (await house.trail.list(({ kind }) => kind === 'forged', 10)).map(({ record }) => record?.result)
    // Proxmox itself no longer tells that it was done.
    const tasks = cluster.taskList.splice(0)
    return { ...house, id, again, forged, tasks }
  }

  test('is not run by one that has only the trail', async () => {
    const { id, again, forged, worker, toldAt, ended, cluster } = await done()
    const there = toldAt(await machine())
    await there.catchUp()
    await again()
    worker({ told: there })
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(await forged()).toEqual(['ended-before'])
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('nor when the trail is gone as well, by one that had read it, also after its restart; nothing else stops it', async () => {
    const { id, again, worker, toldAt, ended, cluster, redis, prefix } = await done()
    const [read, fresh] = [await machine(), await machine()]
    await toldAt(read).catchUp()
    await redis.del(`${prefix}:audit`, `${prefix}:audit:head`)
    await again()
    const knowing = worker({ told: toldAt(read) })
    await ended(id)
    expect(cluster.sent('guestPower')).toBe(1)
    await knowing.stop()
    await redis.del(`${prefix}:audit`, `${prefix}:audit:head`)
    await again()
    worker({ told: toldAt(fresh) })
    await until(() => cluster.sent('guestPower') === 2, 'a machine that never read the trail to be deceived')
  })

  test('is told to the end, when only its crash kept it from that', async () => {
    const { id, again, forged, worker, toldAt, ended, cluster, redis, prefix, message, tasks } = await done()
    cluster.taskList.push(...tasks)
    const fields = await redis.hgetall(`${prefix}:run:${id}`)
    const kept = Object.fromEntries(Object.entries(fields).filter(([field]) => !field.startsWith('view:')))
    const card = (await redis.keys(`${prefix}:card:c-*`))[0]!
    await redis.hset(card, 'order', '30')
    await again(kept)
    worker({ told: toldAt(await machine()) })
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(await message(card.split(':card:')[1]!)).toMatchObject({ state: 'ok', title: '100 runs' })
    expect(await forged()).toEqual([])
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('leaves a gap in the trail that is found by whoever had read up to it', async () => {
    const { toldAt, redis, prefix, audit } = await done()
    const broken: number[] = []
    const told = toldAt(await machine(), broken)
    await told.catchUp()
    await audit({ kind: 'asked', line: 'one' })
    await audit({ kind: 'asked', line: 'two' })
    const rows = await redis.xrevrange(`${prefix}:audit`, '+', '-', 'COUNT', 2)
    await redis.xdel(`${prefix}:audit`, rows[1]![0])
    await told.catchUp()
    expect(broken).toHaveLength(1)
    await audit({ kind: 'asked', line: 'three' })
    await told.catchUp()
    expect(broken).toHaveLength(1)
  })
})
