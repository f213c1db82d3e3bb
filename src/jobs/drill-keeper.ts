import { Worker } from 'bullmq'
import type { Against, DrillSchedule, SkipCode, Tick, TickEnd } from '../core/drill-schedule.ts'
import type { Identity } from '../core/roles.ts'
import { type DrillSchedules, drillClock, graceMs, nextOf, type Wake } from './drill-schedules.ts'
import { type Redis, takeover } from './redis.ts'

/** What a look at the cluster says of a drill that is due. */
export type Judged = { against: Against[]; mayPass: boolean } | (TickEnd & { how: 'ran' })

interface Options {
  redis: Redis
  prefix: string
  schedules: DrillSchedules
  clusters: readonly string[]
  now(): number
  /**
   * What the audit trail says: whether it is whole, whether people ordered this and nobody took it back, and whether the
   * drill of this time has been ordered already. Undefined: nothing speaks against it.
   */
  trail(
    schedule: DrillSchedule,
    at: number,
  ): Promise<{ code: SkipCode | 'vetoed' | 'removed'; by?: Identity } | undefined>
  judge(schedule: DrillSchedule, at: number): Promise<Judged>
  /** Hands the drill over to the workers, at most once; false: it has been ordered before, and nothing came of it. */
  order(schedule: DrillSchedule, at: number, end: TickEnd & { how: 'ran' }): Promise<boolean>
  /** Announces a time in the cluster's channels, with a button to veto it. */
  announce(schedule: DrillSchedule, at: number): Promise<void>
  /** Something is against it, and it waits. */
  waits(schedule: DrillSchedule, at: number, against: readonly Against[]): Promise<void>
  /** Tells what became of a time; `announced`: it was announced before. */
  tell(schedule: DrillSchedule, at: number, end: TickEnd): Promise<void>
  /** It has ended by itself. */
  tellEnd(schedule: DrillSchedule): Promise<void>
  /** Once a week, in this zone: tells the cluster's channels what no drill has proven lately; absent: nobody wants that. */
  remind?: { tz: string; tell(cluster: string): Promise<void> } | undefined
  log: { error(about: object, text: string): void }
}

const reminder = 'remind'
const mondays = '0 9 * * 1'
/** BullMQ may wake us a moment early. */
const earlyMs = 500
const lookAgainMs = 30_000
/** Times of one schedule that are stepped over at once, at most. */
const mostMissed = 10_000

/**
 * Keeps the times of drills that come again, in every worker; each wake is one worker's. A wake says nothing but where to
 * look: what is due follows from the sealed schedule, what was decided and the clock. So a forged wake does nothing, a
 * killed worker leaves nothing out, and after a long night of all workers one missed time is told and none is made up for.
 */
export class DrillKeeper {
  readonly #o: Options
  readonly #worker: Worker<Wake>

  constructor(options: Options) {
    this.#o = options
    this.#worker = new Worker<Wake>(drillClock, (job) => this.#woken(job.name, job.data), {
      connection: options.redis as never,
      prefix: options.prefix,
      concurrency: 1,
      ...takeover,
    })
    this.#worker.on('error', (error) => options.log.error({ error: error.message }, 'the clock of drills'))
    this.#worker.on('failed', (job, error) =>
      options.log.error({ job: job?.id, error: error.message }, 'the clock of drills'),
    )
  }

  #woken = (name: string, wake: Wake): Promise<void> =>
    name === reminder ? this.remind(wake.cluster) : this.look(wake)

  async remind(cluster: string): Promise<void> {
    if (this.#o.clusters.includes(cluster)) await this.#o.remind?.tell(cluster)
  }

  /** What was missed while nobody kept it is found at the start, whatever Redis has lost of the queue. */
  async start(): Promise<this> {
    const { queue } = this.#o.schedules
    for (const cluster of this.#o.clusters) {
      const times = this.#o.remind && { pattern: mondays, tz: this.#o.remind.tz }
      const data = { name: reminder, data: { cluster, id: '' } }
      if (times) await queue.upsertJobScheduler(`${reminder}.${cluster}`, times, data)
      else await queue.removeJobScheduler(`${reminder}.${cluster}`)
      for (const schedule of await this.#o.schedules.schedules(cluster)) await this.#o.schedules.arm(schedule)
      for (const wake of await this.#o.schedules.kept(cluster)) await this.#o.schedules.wake(wake)
    }
    return this
  }

  async close(): Promise<void> {
    await this.#worker.close()
  }

  /** Does all that is due for one schedule. */
  async look(wake: Wake): Promise<void> {
    const { schedules, now, tellEnd } = this.#o
    const schedule = this.#o.clusters.includes(wake.cluster) ? await schedules.get(wake) : undefined
    if (!schedule) return schedules.forget({ cluster: String(wake.cluster), id: String(wake.id) })
    for (const tick of await schedules.ticks(schedule)) await this.#carryOut(schedule, tick)
    if (schedule.endsAt <= now()) {
      await this.#withdraw(schedule)
      if (schedule.removedBy === undefined) await tellEnd(schedule)
      return schedules.forget(wake)
    }
    const at = this.#latest(schedule, await schedules.decidedUntil(schedule))
    const isOpen = at !== undefined && (await this.#due(schedule, at))
    if (!isOpen) await this.#announceNext(schedule)
  }

  /** The newest time that has come and is not decided. */
  #latest(schedule: DrillSchedule, after: number): number | undefined {
    let latest: number | undefined
    for (let i = 0; i < mostMissed; i++) {
      const next = nextOf(schedule, latest ?? after)
      if (next === undefined || next > this.#o.now() + earlyMs) return latest
      latest = next
    }
    return latest
  }

  /** True while it waits for something that is in its way. */
  async #due(schedule: DrillSchedule, at: number): Promise<boolean> {
    const { schedules, now, waits } = this.#o
    const tick = (await schedules.ticks(schedule)).find((one) => one.at === at) ?? { at }
    const found = await this.#found(schedule, tick)
    if ('against' in found && found.mayPass && now() < at + schedule.withinMs) {
      await waits(schedule, at, found.against)
      await schedules.wake(schedule, Math.min(lookAgainMs, at + schedule.withinMs - now()))
      return true
    }
    const end: TickEnd = 'against' in found ? { how: 'skipped', against: found.against } : found
    await this.#carryOut(schedule, { ...tick, end: await schedules.decide(schedule, at, end) })
    return false
  }

  async #found(schedule: DrillSchedule, { at, announcedAt }: Tick): Promise<Judged | (TickEnd & { how: 'vetoed' })> {
    const { trail, judge, now } = this.#o
    const not = (code: SkipCode) => ({ against: [{ code, about: '' }], mayPass: false })
    if (now() > at + schedule.withinMs + graceMs) return not('missed')
    if (announcedAt === undefined || announcedAt > at - schedule.noticeMs + graceMs) return not('unannounced')
    const said = await trail(schedule, at)
    if (said?.by !== undefined) return { how: 'vetoed', by: said.by }
    if (said) return not(said.code as SkipCode)
    return judge(schedule, at)
  }

  /** What is decided is done and told, again after a crash; a drill that could not be begun in time is not begun later. */
  async #carryOut(schedule: DrillSchedule, { at, end, told }: Tick): Promise<void> {
    if (!end || told) return
    const isBegun = end.how !== 'ran' || (await this.#o.order(schedule, at, end))
    const said: TickEnd = isBegun ? end : { how: 'skipped', against: [{ code: 'unclear', about: '' }] }
    await this.#o.tell(schedule, at, said)
    await this.#o.schedules.told(schedule, at)
  }

  /** What was announced and is not to be any more. */
  async #withdraw(schedule: DrillSchedule): Promise<void> {
    const { schedules } = this.#o
    const by = schedule.removedBy
    for (const { at, end } of await schedules.ticks(schedule)) {
      if (end) continue
      const said: TickEnd = by === undefined ? skipped('unproven') : { how: 'vetoed', by }
      await this.#carryOut(schedule, { at, end: await schedules.decide(schedule, at, said) })
    }
  }

  /** Announces the next time once it is near enough, and wakes us then; one that can no longer be announced in time waits for its end. */
  async #announceNext(schedule: DrillSchedule): Promise<void> {
    const { schedules, now, announce } = this.#o
    const at = nextOf(schedule, Math.max(now() + earlyMs, await schedules.decidedUntil(schedule)))
    if (at === undefined || at > schedule.endsAt) return schedules.wake(schedule, Math.max(0, schedule.endsAt - now()))
    const from = at - schedule.noticeMs
    const isAnnounced = (await schedules.ticks(schedule)).some((tick) => tick.at === at)
    if (isAnnounced) return
    if (now() < from) return schedules.wake(schedule, from - now())
    if (now() > from + graceMs) return
    await announce(schedule, at)
    await schedules.announced(schedule, at)
  }
}

const skipped = (code: SkipCode): TickEnd => ({ how: 'skipped', against: [{ code, about: '' }] })
