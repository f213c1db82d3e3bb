import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAudit } from '../src/app.ts'
import { keepDaily } from '../src/audit/daily.ts'
import { HeadFile } from '../src/audit/head-file.ts'
import type { AuditEntry, Head } from '../src/core/audit.ts'
import { until } from './crew.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { toyCrew } from './fixtures/toy-crew.ts'
import { starter } from './fixtures/toy-workers.ts'

let ground: Ground
let folder: string

beforeAll(async () => {
  ground = await Ground.start()
  folder = await mkdtemp(join(tmpdir(), 'quorum-audit-'))
})

afterAll(async () => {
  await ground.close()
  await rm(folder, { recursive: true, force: true })
})

/** As many writers of one chain as asked for, each with a connection of its own, as processes have. */
function writers(count: number) {
  const { redis, prefix } = ground.plot()
  const key = randomBytes(32)
  const open = () => openAudit({ redis: ground.connection(), prefix, key, dataDir: join(folder, prefix) })
  return { redis, prefix, key, open, audits: Array.from({ length: count }, open) }
}

const entry = (line: string): AuditEntry => ({ kind: 'asked', who: 'web:ana', line })

test('writers at the same time make one chain, each in its own order', async () => {
  const { redis, prefix, audits } = writers(3)
  const each = 100
  await Promise.all(
    audits.flatMap(({ log }, w) => Array.from({ length: each }, (_, i) => log.append(entry(`writer${w} ${i}`)))),
  )
  // Also one after the other, when neither knows what the other has written meanwhile.
  for (let i = 0; i < 20; i++) await audits[i % 3]!.log.append(entry(`turn ${i}`))
  const total = 3 * each + 20
  expect(await audits[0]!.trail.verify()).toMatchObject({ entries: total, first: 1, faults: [] })
  const lines = (await audits[1]!.trail.list(() => true, 1000)).map(({ record }) => record?.line ?? '')
  for (const w of [0, 1, 2]) {
    const own = lines.filter((line) => line.startsWith(`writer${w} `))
    expect(own).toEqual(Array.from({ length: each }, (_, i) => `writer${w} ${i}`))
  }
  expect(await redis.xlen(`${prefix}:audit`)).toBe(total)
  expect((await audits[2]!.log.head()).split('.')[0]).toBe(String(total))
})

test('an entry takes one round trip, and so do many that come at once', async () => {
  const { audits, prefix } = writers(1)
  const { log } = audits[0]!
  await log.append(entry('first'))
  const monitor = await ground.connection().monitor()
  const commands: string[] = []
  monitor.on('monitor', (_time: string, words: string[], source: string) => {
    if (source !== 'lua' && words.some((word) => word.startsWith(prefix))) commands.push(words[0]!)
  })
  await log.append(entry('alone'))
  await Promise.all(Array.from({ length: 50 }, (_, i) => log.append(entry(`with others ${i}`))))
  await log.head()
  await until(() => commands.includes('get'), 'Redis to tell its commands')
  monitor.disconnect()
  expect(commands.filter((name) => name !== 'get')).toHaveLength(3)
})

test('an entry whose answer was lost with the connection, and which is sent again, is written once', async () => {
  const { redis, prefix, key, audits } = writers(1)
  const { log, trail } = audits[0]!
  let meanwhile = async () => {}
  const resending = new Proxy(redis, {
    get(target, name) {
      if (name !== 'eval') return Reflect.get(target, name)
      return async (...args: Parameters<typeof redis.eval>) => {
        await target.eval(...args)
        await meanwhile()
        return target.eval(...args)
      }
    },
  })
  const lossy = openAudit({ redis: resending, prefix, key, dataDir: '' })
  await Promise.all(['one', 'two'].map((line) => lossy.log.append(entry(line))))
  meanwhile = () => log.append(entry('of another process'))
  await lossy.log.append(entry('three'))
  meanwhile = async () => {}
  await lossy.log.append(entry('four'))
  const lines = (await trail.list(() => true, 100)).map(({ record }) => record?.line)
  expect(lines).toEqual(['one', 'two', 'three', 'of another process', 'four'])
  expect((await trail.verify()).faults).toEqual([])
})

test('what Redis refuses is told to the writer, and the chain goes on whole afterwards', async () => {
  const { redis, prefix, audits } = writers(1)
  const { log, trail } = audits[0]!
  await log.append(entry('one'))
  await redis.rename(`${prefix}:audit`, `${prefix}:kept`)
  await redis.set(`${prefix}:audit`, 'not a stream')
  await expect(log.append(entry('two'))).rejects.toMatchObject({ name: 'Unavailable', code: 'audit-gone' })
  await redis.rename(`${prefix}:kept`, `${prefix}:audit`)
  await log.append(entry('three'))
  expect(await trail.verify()).toMatchObject({ entries: 2, faults: [] })
})

test('an end that was cut off shows as soon as the next entry is written', async () => {
  const { redis, prefix, audits } = writers(1)
  const { log, trail } = audits[0]!
  for (let i = 1; i <= 5; i++) await log.append(entry(`${i}`))
  const rows = await redis.xrevrange(`${prefix}:audit`, '+', '-', 'COUNT', 2)
  await redis.xdel(`${prefix}:audit`, ...rows.map(([id]) => id))
  await log.append(entry('6'))
  expect((await trail.verify()).faults).toEqual([{ code: 'missing', from: 4, to: 5 }])
})

test('a head that was cut back or made up is found, and writing goes on', async () => {
  const { redis, prefix, audits, open } = writers(1)
  const { log, trail, file } = audits[0]!
  for (let i = 1; i <= 3; i++) await log.append(entry(`${i}`))
  file.add('2026-01-02', await log.head())
  await redis.set(`${prefix}:audit:head`, 'nonsense')
  await log.append(entry('again'))
  await open().log.append(entry('and again'))
  const { faults } = await trail.verify()
  expect(faults).toContainEqual({ code: 'inserted', from: 1, to: 1 })
  await redis.del(`${prefix}:audit`, `${prefix}:audit:head`)
  expect((await trail.verify()).faults).toEqual([{ code: 'cut', from: 1, to: 3 }])
})

test('more fields than ours, or others, are a change', async () => {
  const { redis, prefix, audits } = writers(1)
  const { log, trail } = audits[0]!
  for (let i = 1; i <= 3; i++) await log.append(entry(`${i}`))
  const rows = await redis.xrange(`${prefix}:audit`, '-', '+')
  await redis.del(`${prefix}:audit`)
  for (const [i, [id, fields]] of rows.entries()) {
    await redis.xadd(`${prefix}:audit`, id, ...fields, ...(i === 1 ? ['more', 'x'] : []))
  }
  expect((await trail.verify()).faults).toEqual([{ code: 'changed', from: 2, to: 2 }])
})

test('the head file is for its owner alone, keeps each chain apart, and is read back', async () => {
  const path = join(folder, 'heads', 'audit-head.log')
  const [main, lab] = [new HeadFile(path, 'main'), new HeadFile(path, 'lab')]
  expect(main.heads()).toEqual([])
  const mac = 'm'.repeat(43)
  main.add('2026-01-02T00:00:00.000Z', `3.${mac}`)
  lab.add('2026-01-02T00:00:00.000Z', `9.${mac}`)
  main.add('2026-01-03T00:00:00.000Z', `5.${mac}`)
  expect(main.heads()).toEqual([`3.${mac}`, `5.${mac}`])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(4)
})

test('each process notes the head when it starts; one of them all posts it that day', async () => {
  const { audits } = writers(4)
  await audits[0]!.log.append(entry('one'))
  const posts: string[] = []
  const faults: unknown[] = []
  const noted: Head[] = []
  const stops = audits.map(({ log, trail }) =>
    keepDaily({
      head: () => log.head(),
      note: (_at, head) => noted.push(head),
      first: (name) => log.first(name),
      post: async (day, head) => void posts.push(`${day} ${head}`),
      letGo: (before) => trail.letGo(before),
      append: log.append,
      now: () => Date.UTC(2026, 0, 2, 3),
      report: (error) => void faults.push(error),
    }),
  )
  await until(() => noted.length === 4 && posts.length > 0, 'four notes')
  for (const { log } of audits) await log.head()
  for (const stop of stops) stop()
  const head = await audits[0]!.log.head()
  expect(noted).toEqual([head, head, head, head])
  expect(posts).toEqual([`2026-01-02 ${head}`])
  expect(faults).toEqual([])
})

test('no audit, no effect: nothing is sent to the cluster while the trail cannot be written', async () => {
  const spoil = async () => {
    await redis.rename(`${prefix}:audit`, `${prefix}:kept`)
    await redis.set(`${prefix}:audit`, 'not a stream')
  }
  // After the job has started, right before its effect.
  const crew = toyCrew(ground, { workers: { start: starter({ look: () => spoil() }) } })
  const { redis, prefix, worker, order, ended, cluster, card, trail } = crew
  worker()
  const id = await order({ worker: 'start', payload: { vmid: 100 } })
  expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'audit-gone' } })
  expect(cluster.sent('guestPower')).toBe(0)
  expect((await card(id))?.error).toMatchObject({ code: 'audit-gone' })
  await redis.rename(`${prefix}:kept`, `${prefix}:audit`)
  const kinds = (await trail.list(({ job }) => job === id, 50)).map(({ record }) => record?.kind)
  expect(kinds).toEqual(['started'])
})

test('a job tells its start, its effect before it is sent, its task and its end', async () => {
  const crew = toyCrew(ground, { workers: { start: starter() } })
  crew.worker()
  const id = await crew.order({ worker: 'start', payload: { vmid: 100 } })
  await crew.ended(id)
  const records = (await crew.trail.list(({ job }) => job === id, 50)).map(({ record }) => record!)
  expect(records.map(({ kind }) => kind)).toEqual(['started', 'effect', 'upid', 'ended'])
  const [, effect, task, end] = records
  expect(effect?.effect).toEqual({ step: 'act', node: 'pve1', types: ['qmstart'], id: '100' })
  expect(task?.upids).toEqual(end?.upids)
  expect(end).toMatchObject({ result: 'ok', who: { identity: 'web:ana' }, cluster: 'main' })
  expect(await crew.trail.verify()).toMatchObject({ entries: 4, faults: [] })
})

test('an effect that was announced and then not sent, the job having gone to another process, says so', async () => {
  const looking = gate()
  const { worker, order, steal, cluster, runs, letGo, trail } = toyCrew(ground, { workers: { start: starter() } })
  const port = cluster.port()
  const tasks: typeof port.tasks = async (...of) => {
    await looking.pass()
    return port.tasks(...of)
  }
  worker({ proxmox: () => ({ ...port, tasks }) })
  const id = await order({ worker: 'start', payload: { vmid: 100 } })
  await looking.arrived
  await until(() => runs.read(id, 'intent:act'), 'the intent', 10_000)
  await steal(id)
  looking.open()
  await until(() => letGo.includes(id), 'the first to be fenced off')
  const kinds = (await trail.list(({ job }) => job === id, 50)).map(({ record }) => record?.kind)
  expect(kinds).toEqual(['started', 'effect', 'unsent'])
  expect(cluster.sent('guestPower')).toBe(0)
})

test('a job that nobody here ordered is not run, and stands in the trail', async () => {
  const crew = toyCrew(ground, { workers: { start: starter() } })
  crew.worker()
  await crew.desk.queue.add('start', { vmid: 100 }, { jobId: 'j-forged' })
  const forged = await until(
    async () => (await crew.trail.list(({ kind }) => kind === 'forged', 5))[0],
    'the forged job in the trail',
  )
  expect(forged.record).toMatchObject({ job: 'j-forged', result: 'forged-job' })
  expect(crew.cluster.sent('guestPower')).toBe(0)
})
