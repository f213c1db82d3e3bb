import { Queue } from 'bullmq'
import type { WriteAudit } from '../core/audit.ts'
import type { Catalogue } from '../core/catalogue.ts'
import { approvalClasses } from '../core/command.ts'
import { Refused } from '../core/errors.ts'
import type { Enqueue } from '../core/events.ts'
import type { Jobs } from '../core/house.ts'
import { fill } from '../core/language.ts'
import type { Message } from '../core/message.ts'
import { Order, type Outbox } from '../core/outbox.ts'
import type { Words } from '../core/ports.ts'
import type { Identity } from '../core/roles.ts'
import { type JobView, mustRestore } from '../core/worker.ts'
import type { EndedJobs } from './ended-jobs.ts'
import type { Locks } from './locks.ts'
import type { Redis } from './redis.ts'
import { type JobRecord, jobCard, orderOf, type Runs } from './runs.ts'

export const jobsQueue = 'jobs'
/** The first run and four retries, of Unavailable only. */
export const attempts = 5

interface Options {
  redis: Redis
  prefix: string
  runs: Runs
  locks: Locks
  outbox: Outbox
  /** Where the end of a job is kept that no worker saw. */
  ended?: EndedJobs
  audit: WriteAudit
  catalogue: Catalogue
  words: { en: Words; es: Words }
  now: () => number
  /** The lines of a task's log; asked only when a person wants to see them. */
  taskLog: (cluster: string, upid: string, most: number) => Promise<string[]>
}

/** Hands jobs to the workers, and tells and does what people ask of them. */
export class JobDesk implements Jobs {
  readonly queue: Queue
  readonly #o: Options

  constructor(options: Options) {
    this.#o = options
    this.queue = new Queue(jobsQueue, {
      connection: options.redis as never,
      prefix: options.prefix,
      defaultJobOptions: {
        attempts,
        backoff: { type: 'unavailable' },
        removeOnComplete: { age: 24 * 3600, count: 5000 },
        removeOnFail: { age: 24 * 3600, count: 5000 },
      },
    })
    this.queue.on('error', () => {})
  }

  enqueue: Enqueue = async (job) => {
    const { runs } = this.#o
    const record: JobRecord = { ...job, createdAt: this.#o.now() }
    const added = await runs.create(record)
    const stored = (await runs.record(job.id)) ?? record
    const view = await runs.view(job.id)
    // Also when it was created before: a crash may have come between storing the order and queueing it.
    if (view.endedAt === undefined) await this.#queueIt(stored)
    return { added, position: await this.queue.getWaitingCount() }
  }

  async #queueIt(record: JobRecord): Promise<void> {
    for (const lock of this.#lockNames(record)) await this.#o.locks.announce(lock, record.id, record.createdAt)
    await this.queue.add(record.worker, {}, { jobId: record.id })
  }

  #lockNames(record: JobRecord): string[] {
    const worker = this.#o.catalogue.worker(record.worker)
    return worker ? worker.locks(record.payload).map((name) => `${record.cluster}:${name}`) : []
  }

  async list(filter: { cluster?: string; live?: boolean; most: number }): Promise<JobView[]> {
    const views: JobView[] = []
    for (const id of await this.#o.runs.ids(filter.live ? 500 : filter.most * 4)) {
      const view = await this.get(id)
      if (!view || (filter.cluster !== undefined && view.cluster !== filter.cluster)) continue
      if (filter.live && view.endedAt !== undefined) continue
      views.push(view)
      if (views.length >= filter.most) break
    }
    return views
  }

  async get(id: string): Promise<JobView | undefined> {
    const { runs, locks } = this.#o
    const record = await runs.record(id)
    if (!record) return undefined
    const view = await runs.view(id)
    const held = await Promise.all(
      this.#lockNames(record).map(async (name) => {
        const owner = await locks.owner(name)
        return { name, ...(owner === undefined ? {} : { owner }) }
      }),
    )
    return {
      id,
      worker: record.worker,
      title: record.title,
      cluster: record.cluster,
      requester: record.requester,
      ...(record.within === undefined ? {} : { within: record.within }),
      state: 'queued',
      createdAt: record.createdAt,
      ...view,
      upids: await runs.upids(id),
      locks: view.endedAt === undefined ? held : [],
    }
  }

  async ofCard(card: string): Promise<JobView | undefined> {
    const id = await this.#o.runs.ofCard(card)
    return id === undefined ? undefined : this.get(id)
  }

  async log(id: string, most: number): Promise<string[]> {
    const record = await this.#o.runs.record(id)
    if (!record) return []
    const logs = await Promise.all(
      (await this.#o.runs.upids(id)).map((upid) => this.#o.taskLog(record.cluster, upid, most)),
    )
    return logs.flat().slice(-most)
  }

  async cancel(id: string, by: Identity): Promise<'left-queue' | 'stopping' | 'ended'> {
    const { runs } = this.#o
    const record = await runs.record(id)
    const view = await runs.view(id)
    if (!record || view.endedAt !== undefined) return 'ended'
    const { cluster, path, target, card } = record
    const worker = this.#o.catalogue.worker(record.worker)
    const restores = worker !== undefined && mustRestore({ worker, payload: record.payload })
    // Before it is seen whether it has begun: what begins after this finds the wish.
    if (restores) await runs.askToCancel(id, by)
    // `cancelled` in the trail ends a job for good; one that must put things back first is only asked.
    const isAsked = restores && (await runs.hasBegun(id))
    const what = isAsked ? { kind: 'asked' as const, line: `job cancel ${id}` } : { kind: 'cancelled' as const }
    await this.#o.audit({ ...what, who: by, target, cluster, card, path, job: id })
    if (!restores) await runs.askToCancel(id, by)
    const job = await this.queue.getJob(id)
    // One that has begun is ended by its worker, which knows what to stop and what is left behind.
    if (job && !(await runs.hasBegun(id))) {
      const removed = await job.remove().then(
        () => true,
        () => false,
      )
      if (removed) {
        await this.#leftQueue(record, by)
        return 'left-queue'
      }
    }
    if (job && (await job.isDelayed())) await job.promote().catch(() => {})
    return 'stopping'
  }

  async #leftQueue(record: JobRecord, by: Identity): Promise<void> {
    const words = this.#o.words[record.language]
    for (const name of this.#lockNames(record)) await this.wakeNext(await this.#o.locks.free(name, record.id))
    await this.#o.runs.setView(record.id, { state: 'cancelled', endedAt: this.#o.now() })
    await this.#o.ended?.add(record.id, 'cancelled')
    await this.#show(record, Order.final, {
      title: fill(words.say.droppedTitle, { title: record.title }),
      state: 'warning',
      text: `${fill(words.say.stopped, { who: by })} ${words.say.takenFromQueue}`,
      fields: record.shows,
    })
  }

  /** Lets the job that waits next for a lock look again at once instead of after its delay. */
  async wakeNext(id: string | undefined): Promise<void> {
    if (id === undefined) return
    const job = await this.queue.getJob(id)
    if (job && (await job.isDelayed())) await job.promote().catch(() => {})
  }

  async retry(id: string, by: Identity, once?: string): Promise<{ id: string } | undefined> {
    const { runs } = this.#o
    const asked = await runs.record(id)
    const latest = asked && (await runs.ofCard(asked.card))
    const record = latest === undefined ? asked : await runs.record(latest)
    if (!record) return undefined
    const view = await runs.view(record.id)
    if (view.endedAt === undefined || view.state === 'ok' || view.state === 'warning') return undefined
    // A confirmation or an approval holds for one run: what it was given for may have changed since.
    const command = this.#o.catalogue.get(record.path)?.command
    if (!command || approvalClasses(command).length > 0 || record.approvedBy.length > 0)
      throw new Refused('decide-again', { line: record.line })
    const next: JobRecord = {
      ...record,
      // The number of the run is in its id: two clicks at once make one run.
      id: `${orderOf(record.id)}-r${record.orderBase / Order.run + 1}`,
      requester: by,
      orderBase: record.orderBase + Order.run,
      createdAt: this.#o.now(),
    }
    const { cluster, path, target, card } = record
    if (once !== undefined && !(await runs.claim(cluster, `retry:${once}`, next.id))) return { id: record.id }
    await this.#o.audit({ kind: 'retried', who: by, target, cluster, card, path, line: record.line, job: next.id })
    const words = this.#o.words[record.language]
    await this.#show(next, Order.queued, {
      title: record.title,
      state: 'queued',
      fields: record.shows,
      actions: [{ id: 'cancel', label: words.actions.cancel }],
    })
    await this.enqueue(next)
    return { id: next.id }
  }

  async #show(record: JobRecord, order: number, message: Message): Promise<void> {
    await this.#o.outbox.put(jobCard(record, order, message))
  }

  async close(): Promise<void> {
    await this.queue.close()
  }
}
