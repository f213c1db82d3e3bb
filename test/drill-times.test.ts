import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditEntry } from '../src/core/audit.ts'
import { type DrillSchedule, noticeOf, type TickEnd } from '../src/core/drill-schedule.ts'
import { cronOf } from '../src/core/when.ts'
import { DrillKeeper, type Judged } from '../src/jobs/drill-keeper.ts'
import { DrillSchedules, nextOf } from '../src/jobs/drill-schedules.ts'
import type { Redis } from '../src/jobs/redis.ts'
import { Ground } from './fixtures/ground.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})
afterAll(() => ground.close())

test.each([
  ['every month first tuesday 10:00', '0 10 * * 2#1'],
  ['first Tuesday of each month at 9:05', '5 9 * * 2#1'],
  ['last friday 22:00', '0 22 * * 5L'],
  ['every monday, thursday 03:30', '30 3 * * 1,4'],
  ['every day 03:00', '0 3 * * *'],
  ['every quarter second saturday 06:00', '0 6 * 1,4,7,10 6#2'],
  ['cada mes primer martes 10:00', '0 10 * * 2#1'],
  ['el último viernes de cada mes a las 22:00', '0 22 * * 5L'],
  ['todos los días 03:00', '0 3 * * *'],
  ['los sábados 06:15', '15 6 * * 6'],
  ['0 10 * * tue#1', '0 10 * * TUE#1'],
  ['*/5 * * * *', '*/5 * * * *'],
])('%s is %s', (said, pattern) => {
  expect(cronOf(said)).toBe(pattern)
  expect(nextOf({ pattern, tz: 'America/Guayaquil' }, Date.parse('2026-03-01T00:00:00Z'))).toBeGreaterThan(0)
})

test.each([
  'tuesday',
  '10:00',
  'first 10:00',
  'every tuesday 25:00',
  'every tuesday 10:00 11:00',
  'every blue moon 10:00',
  'first monday tuesday 10:00',
  'every month constructor 10:00',
  'day tuesday 10:00',
])('%s is no time that comes again', (said) => expect(cronOf(said)).toBeUndefined())

const hour = 3600_000
/** The first Tuesday of March 2026, 10:00 in Guayaquil. */
const first = Date.parse('2026-03-03T15:00:00Z')
const second = Date.parse('2026-04-07T15:00:00Z')

const ran: Judged = { how: 'ran', job: 'j-1', title: 'Drill', shows: [], node: 'pve2', since: 1 }
const blocked: Judged = { against: [{ code: 'busy', about: 'vzdump 100 (pve2)' }], mayPass: true }
const changed: Judged = { against: [{ code: 'changed', about: 'db (vm:105): stays down' }], mayPass: false }

/** Dies at its writing number `at`. */
function dying(redis: Redis, at: number): Redis {
  let count = 0
  return new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function' || !/^(?:hset|hsetnx|hdel|del)$/.test(String(name))) return value
      return (...given: unknown[]) => {
        count += 1
        if (count > at) throw new Error('killed')
        return (value as (...all: unknown[]) => unknown).apply(target, given)
      }
    },
  })
}

/** Keepers that are driven by hand: no queue wakes them, and what they would say and order is written down. */
class World {
  readonly plot = ground.plot()
  now = Date.parse('2026-02-20T00:00:00Z')
  found: Judged = ran
  readonly said: string[] = []
  readonly ordered = new Set<string>()
  readonly audit: AuditEntry[] = []
  readonly schedule: DrillSchedule = {
    id: 'abc123',
    cluster: 'main',
    when: 'every month first tuesday 10:00',
    pattern: '0 10 * * 2#1',
    tz: 'America/Guayaquil',
    order: { node: 'pve1', kind: 'shutdown', accept: [], expectsNothing: false },
    noticeMs: hour,
    withinMs: 0,
    approved: { fates: [], warnings: [] },
    job: 'j-0',
    line: 'drill schedule pve1',
    requester: 'web:ana',
    approvedBy: ['web:luis'],
    target: 'web:ops',
    language: 'en',
    createdAt: this.now,
    endsAt: this.now + 365 * 24 * hour,
  }

  schedules(redis = this.plot.redis): DrillSchedules {
    const schedules = new DrillSchedules({
      ...this.plot,
      redis,
      audit: async (entry) => void this.audit.push(entry),
      note: async () => {},
      now: () => this.now,
    })
    // Nothing wakes anybody here: the story looks itself.
    schedules.wake = async () => {}
    schedules.arm = async () => {}
    ground.onClose(() => schedules.close())
    return schedules
  }

  keeper(redis = this.plot.redis): DrillKeeper {
    const keeper = new DrillKeeper({
      ...this.plot,
      redis: this.plot.redis,
      schedules: this.schedules(redis),
      clusters: ['main'],
      now: () => this.now,
      trail: async ({ id }, at) => {
        const back = this.audit.find(
          ({ kind, result }) => kind === 'rejected' && (result === id || result === `${id}@${at}`),
        )
        return back && { code: 'vetoed', by: back.who! }
      },
      judge: async () => this.found,
      order: async (_, at, end) => {
        this.ordered.add(`${end.job} ${at}`)
        return true
      },
      announce: async (_, at) => void this.said.push(`announced ${at}`),
      waits: async () => void this.said.push('waits'),
      tell: async (_, at, end) => void this.said.push(`${told(end)} ${at}`),
      tellEnd: async () => void this.said.push('over'),
      log: { error: () => {} },
    })
    ground.onClose(() => keeper.close())
    return keeper
  }
}

const told = (end: TickEnd) => (end.how === 'skipped' ? end.against.map(({ code }) => code).join() : end.how)
const wake = { cluster: 'main', id: 'abc123' }

async function begun(found: Judged = ran, more: Partial<DrillSchedule> = {}) {
  const world = new World()
  world.found = found
  Object.assign(world.schedule, more)
  await world.schedules().add(world.schedule)
  const keeper = world.keeper()
  const at = async (now: number) => {
    world.now = now
    await keeper.look(wake)
  }
  return { world, keeper, at }
}

describe('a drill that comes again', () => {
  test('is announced once, runs once, and is announced again the next month', async () => {
    const { world, at } = await begun()
    await at(first - 2 * hour)
    expect(world.said).toEqual([])
    for (const now of [first - hour, first - hour / 2, first, first + 1000, first + hour]) await at(now)
    expect(world.said).toEqual([`announced ${first}`, `ran ${first}`])
    expect([...world.ordered]).toEqual([`j-1 ${first}`])
    await at(second - hour)
    expect(world.said.at(-1)).toBe(`announced ${second}`)
  })

  test('was missed while nobody was there: three months are one line, nothing runs', async () => {
    const { world, at } = await begun()
    await at(first - hour)
    const may = Date.parse('2026-05-05T15:00:00Z')
    await at(may + 30 * 60_000)
    expect(world.said).toEqual([`announced ${first}`, `missed ${may}`])
    expect(world.ordered.size).toBe(0)
  })

  test('that could not be announced in time is left out', async () => {
    const { world, at } = await begun()
    await at(first - hour / 2)
    await at(first)
    expect(world.said).toEqual([`unannounced ${first}`])
    expect(world.ordered.size).toBe(0)
  })

  test('waits in its window for a backup to end, and is left out when it does not', async () => {
    const { world, at } = await begun(blocked, { withinMs: hour })
    await at(first - hour)
    await at(first)
    expect(world.said).toEqual([`announced ${first}`, 'waits'])
    world.found = ran
    await at(first + hour / 2)
    expect(world.said.at(-1)).toBe(`ran ${first}`)
    world.found = blocked
    await at(second - hour)
    await at(second)
    await at(second + hour + 1000)
    expect(world.said.slice(-2)).toEqual(['waits', `busy ${second}`])
    expect(world.ordered.size).toBe(1)
  })

  test('is left out at once when it would do more than was approved', async () => {
    const { world, at } = await begun(changed, { withinMs: hour })
    await at(first - hour)
    await at(first)
    expect(world.said.at(-1)).toBe(`changed ${first}`)
  })

  test('is vetoed by the first who says so; the next comes again', async () => {
    const { world, at } = await begun()
    await at(first - hour)
    const schedules = world.schedules()
    expect(await schedules.veto(world.schedule, 'web:luis', second)).toBeUndefined()
    expect(await schedules.veto(world.schedule, 'web:luis', first)).toBe(first)
    expect(await schedules.veto(world.schedule, 'web:eva', first)).toBeUndefined()
    await at(first - 60_000)
    await at(first)
    expect(world.said).toEqual([`announced ${first}`, `vetoed ${first}`])
    await at(second - hour)
    await at(second)
    expect([...world.ordered]).toEqual([`j-1 ${second}`])
  })

  test('has ended: what was announced is withdrawn, and it comes no more', async () => {
    const { world, at } = await begun()
    await at(first - hour)
    await world.schedules().unschedule(world.schedule, 'web:luis')
    await at(first - 60_000)
    await at(first)
    expect(world.said).toEqual([`announced ${first}`, `vetoed ${first}`])
    expect(await world.schedules().schedules('main')).toEqual([])
  })

  test('ends by itself after its year, and says so', async () => {
    const { world, at } = await begun()
    await at(world.schedule.endsAt + 1)
    expect(world.said).toEqual(['over'])
  })
})

describe('who can write to Redis', () => {
  test('orders nothing: what was not sealed here is no schedule, a wake at any time is none', async () => {
    const { world, at } = await begun()
    const { redis, prefix } = world.plot
    await redis.hset(`${prefix}:drill-schedules:main`, 'evil00', JSON.stringify({ ...world.schedule, id: 'evil00' }))
    const sealed = (await redis.hget(`${prefix}:drill-schedules:main`, 'abc123'))!
    await redis.hset(`${prefix}:drill-schedules:main`, 'moved0', sealed)
    world.now = first
    for (const id of ['evil00', 'moved0', '../abc123']) await world.keeper().look({ cluster: 'main', id })
    await world.keeper().look({ cluster: 'other', id: 'abc123' })
    for (let now = first - 10 * hour; now < first - 2 * hour; now += hour) await at(now)
    expect(world.said).toEqual([])
    expect(world.ordered.size).toBe(0)
  })

  test('takes back no veto and no end: both stand in the trail', async () => {
    const { world, at } = await begun()
    const { redis, prefix } = world.plot
    await at(first - hour)
    const key = `${prefix}:drill-ticks:main:abc123`
    await world.schedules().veto(world.schedule, 'web:luis', first)
    await redis.hdel(key, `end@${first}`)
    await at(first)
    expect(world.said.at(-1)).toBe(`vetoed ${first}`)
    const sealed = (await redis.hget(`${prefix}:drill-schedules:main`, 'abc123'))!
    await world.schedules().unschedule(world.schedule, 'web:luis')
    await at(first + hour)
    await redis.hset(`${prefix}:drill-schedules:main`, 'abc123', sealed)
    await at(second - hour)
    await at(second)
    expect(world.said.at(-1)).toBe(`vetoed ${second}`)
    expect(world.ordered.size).toBe(0)
  })
})

test('killed at any writing, the next keeper does the rest, and the drill is one', async () => {
  let at = 0
  for (; ; at++) {
    const world = new World()
    await world.schedules().add(world.schedule)
    world.now = first - hour
    const weak = world.keeper(dying(world.plot.redis, at))
    let isWhole = true
    const died = async () => {
      isWhole = false
    }
    await weak.look(wake).catch(died)
    if (!isWhole) await world.keeper().look(wake)
    world.now = first
    await weak.look(wake).catch(died)
    await world.keeper().look(wake)
    expect([...world.ordered]).toEqual([`j-1 ${first}`])
    expect(new Set(world.said)).toEqual(new Set([`announced ${first}`, `ran ${first}`]))
    if (isWhole) break
  }
  expect(at).toBeGreaterThan(2)
})

test('the card that announces a time leads back to it', async () => {
  const { announcedBy } = await import('../src/core/drill-schedule.ts')
  expect(announcedBy(`${noticeOf({ id: 'abc123' }, first)}~x1`)).toEqual({ id: 'abc123', at: first })
  expect(announcedBy('c-4f2a9c')).toBeUndefined()
})
