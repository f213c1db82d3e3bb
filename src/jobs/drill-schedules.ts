import { defaultRepeatStrategy, Queue } from 'bullmq'
import type { WriteAudit } from '../core/audit.ts'
import type { DrillCalendar, DrillSchedule, Tick, TickEnd } from '../core/drill-schedule.ts'
import type { Identity } from '../core/roles.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

export const drillClock = 'drill-clock'
/** What wakes the keeper says which schedule to look at, and nothing else: all that counts is sealed or in the trail. */
export interface Wake {
  cluster: string
  id: string
}

/** So many decided times are remembered for each schedule. */
const keepTicks = 24
/** A time that is learnt of so long after it could last have begun was missed. */
export const graceMs = 5 * 60_000

interface Options {
  redis: Redis
  prefix: string
  seal: Seal
  audit: WriteAudit
  /** Notes where the trail ends now outside of Redis, so that what was just written cannot be cut off unseen. */
  note(): Promise<void>
  now(): number
}

/** When a pattern next comes after a moment, by the same reckoning as BullMQ's own. */
export function nextOf({ pattern, tz }: { pattern: string; tz: string }, after: number): number | undefined {
  try {
    return defaultRepeatStrategy(after, { pattern, tz }) || undefined
  } catch {
    return undefined
  }
}

/**
 * Drills that come again, and what became of each time. BullMQ's job schedulers wake the keeper; what it believes is
 * sealed here, and what would stop a drill (a veto, a removal) stands in the audit trail besides, where it cannot be
 * taken back.
 */
export class DrillSchedules implements DrillCalendar {
  readonly queue: Queue<Wake>
  readonly #o: Options

  constructor(options: Options) {
    this.#o = options
    this.queue = new Queue<Wake>(drillClock, {
      connection: options.redis as never,
      prefix: options.prefix,
      defaultJobOptions: {
        attempts: 5,
        backoff: { type: 'exponential', delay: 2000 },
        removeOnComplete: true,
        removeOnFail: { count: 100 },
      },
    })
    this.queue.on('error', () => {})
  }

  #all = (cluster: string) => `${this.#o.prefix}:drill-schedules:${cluster}`
  #ticks = ({ cluster, id }: Wake) => `${this.#o.prefix}:drill-ticks:${cluster}:${id}`

  /** Doing it again changes nothing. */
  async add(schedule: DrillSchedule): Promise<void> {
    await this.#keep(schedule)
    await this.arm(schedule)
    await this.wake(schedule)
  }

  async #keep(schedule: DrillSchedule): Promise<void> {
    const { cluster, id } = schedule
    const sealed = this.#o.seal.wrap('drill-schedule', `${cluster}/${id}`, schedule)
    await this.#o.redis.hset(this.#all(cluster), id, sealed)
  }

  /** So that BullMQ wakes the keeper at each of its times. */
  async arm({ cluster, id, pattern, tz }: DrillSchedule): Promise<void> {
    await this.queue.upsertJobScheduler(
      schedulerOf({ cluster, id }),
      { pattern, tz },
      { name: 'due', data: { cluster, id } },
    )
  }

  /** Now, or after a while; the same moment is one wake. */
  async wake({ cluster, id }: Wake, delay = 0): Promise<void> {
    const moment = Math.ceil((this.#o.now() + delay) / 1000)
    await this.queue.add('look', { cluster, id }, delay === 0 ? {} : { delay, jobId: `${cluster}.${id}.${moment}` })
  }

  async schedules(cluster: string): Promise<DrillSchedule[]> {
    const rows = Object.entries(await this.#o.redis.hgetall(this.#all(cluster)))
    const now = this.#o.now()
    const all = rows.flatMap(([id, raw]) => this.#open(cluster, id, raw) ?? []).filter(({ endsAt }) => endsAt > now)
    const next = (one: DrillSchedule) => nextOf(one, now) ?? Number.POSITIVE_INFINITY
    return all.sort((a, b) => next(a) - next(b))
  }

  async get({ cluster, id }: Wake): Promise<DrillSchedule | undefined> {
    return this.#open(cluster, id, await this.#o.redis.hget(this.#all(cluster), id))
  }

  #open = (cluster: string, id: string, raw: unknown) =>
    this.#o.seal.unwrap<DrillSchedule>('drill-schedule', `${cluster}/${id}`, raw)

  next = nextOf

  async unschedule(schedule: DrillSchedule, by: Identity): Promise<boolean> {
    const { cluster, id } = schedule
    if (!(await this.get(schedule))) return false
    await this.#written('unschedule', schedule, by)
    const ended: DrillSchedule = { ...schedule, endsAt: this.#o.now(), removedBy: by }
    await this.#keep(ended)
    // The keeper takes the buttons off what it has announced, and forgets it.
    await this.wake({ cluster, id })
    return true
  }

  /** It has ended, or is none of ours. */
  async forget(wake: Wake): Promise<void> {
    await this.#o.redis.hdel(this.#all(wake.cluster), wake.id)
    await this.#o.redis.del(this.#ticks(wake))
    await this.queue.removeJobScheduler(schedulerOf(wake))
  }

  /** All that is kept, also what has ended and is not told yet. */
  async kept(cluster: string): Promise<Wake[]> {
    return (await this.#o.redis.hkeys(this.#all(cluster))).map((id) => ({ cluster, id }))
  }

  async #written(
    what: 'unschedule' | 'skip',
    { cluster, id }: DrillSchedule,
    who: Identity,
    at?: number,
  ): Promise<void> {
    const path = `drill ${what}`
    const result = at === undefined ? id : `${id}@${at}`
    await this.#o.audit({ kind: 'rejected', who, cluster, path, line: `${path} ${id}`, result })
    await this.#o.note()
  }

  /** Decided or announced times, the newest first. */
  async ticks(schedule: Wake): Promise<Tick[]> {
    const found = new Map<number, Tick>()
    for (const [field, raw] of Object.entries(await this.#o.redis.hgetall(this.#ticks(schedule)))) {
      const [kind, when] = field.split('@')
      const at = Number(when)
      const value = this.#value(schedule, field, raw)
      if (value === undefined) continue
      const tick = found.get(at) ?? { at }
      if (kind === 'end') tick.end = value as TickEnd
      if (kind === 'notice') tick.announcedAt = value as number
      if (kind === 'told') tick.told = true
      found.set(at, tick)
    }
    return [...found.values()].sort((a, b) => b.at - a.at)
  }

  async past(schedule: DrillSchedule): Promise<Tick[]> {
    return (await this.ticks(schedule)).filter(({ end }) => end !== undefined)
  }

  #value(schedule: Wake, field: string, raw: unknown): unknown {
    return this.#o.seal.unwrap<{ value: unknown }>('drill-tick', placeOf(schedule, field), raw)?.value
  }

  /** Only the first counts. True for the first. */
  async #first(schedule: Wake, field: string, value: unknown): Promise<boolean> {
    const sealed = this.#o.seal.wrap('drill-tick', placeOf(schedule, field), { value })
    const key = this.#ticks(schedule)
    const raw = await this.#o.redis.hget(key, field)
    // What somebody else has put there is no decision of ours.
    if (raw !== null && this.#value(schedule, field, raw) === undefined) await this.#o.redis.hdel(key, field)
    return (await this.#o.redis.hsetnx(key, field, sealed)) === 1
  }

  async announced(schedule: Wake, at: number): Promise<void> {
    await this.#first(schedule, `notice@${at}`, this.#o.now())
  }

  /** People have been told what became of it. */
  async told(schedule: Wake, at: number): Promise<void> {
    await this.#first(schedule, `told@${at}`, true)
  }

  /** How this time ends, decided once: what stands is returned. */
  async decide(schedule: DrillSchedule, at: number, end: TickEnd): Promise<TickEnd> {
    if (await this.#first(schedule, `end@${at}`, end)) await this.#trim(schedule)
    return (await this.ticks(schedule)).find((tick) => tick.at === at)?.end ?? end
  }

  async #trim(schedule: DrillSchedule): Promise<void> {
    const old = (await this.ticks(schedule))
      .slice(keepTicks)
      .flatMap(({ at }) => [`notice@${at}`, `end@${at}`, `told@${at}`])
    if (old.length > 0) await this.#o.redis.hdel(this.#ticks(schedule), ...old)
  }

  /** Everything up to here is decided; what came before its first notice could be given was never meant. */
  async decidedUntil(schedule: DrillSchedule): Promise<number> {
    return Math.max(schedule.createdAt + schedule.noticeMs, ...(await this.past(schedule)).map(({ at }) => at))
  }

  async pending(schedule: DrillSchedule): Promise<number | undefined> {
    const decided = await this.decidedUntil(schedule)
    return nextOf(schedule, Math.max(decided, this.#o.now() - schedule.withinMs - graceMs))
  }

  async veto(schedule: DrillSchedule, by: Identity, at?: number): Promise<number | undefined> {
    const next = await this.pending(schedule)
    if (next === undefined || (at !== undefined && at !== next)) return undefined
    await this.#written('skip', schedule, by, next)
    const end = await this.decide(schedule, next, { how: 'vetoed', by })
    await this.wake(schedule)
    return end.how === 'vetoed' && end.by === by ? next : undefined
  }

  async close(): Promise<void> {
    await this.queue.close()
  }
}

const schedulerOf = ({ cluster, id }: Wake) => `${cluster}.${id}`
const placeOf = ({ cluster, id }: Wake, field: string) => `${cluster}/${id}/${field}`
