import { Queue, Worker } from 'bullmq'
import type { WriteAudit } from '../core/audit.ts'
import type { Clicked, Said } from '../core/events.ts'
import { eventLivesMs } from './ended-jobs.ts'
import { type Redis, takeover } from './redis.ts'
import type { Seal } from './seal.ts'

type Event = { kind: 'said'; event: Said } | { kind: 'clicked'; event: Clicked }
/** Dated, so that an old one cannot be put back years later. */
type Entry = Event & { at: number }

const queueName = 'inbox'
/** An event that has killed so many processes is let go of: no message may take every bot down, one after the other. */
const crashesAllowed = 5

/**
 * What people said and clicked, stored before the chat is told that it arrived: a bot that dies in between takes it up
 * again, and an event that the platform delivers twice is one.
 */
export class Inbox {
  readonly #queue: Queue<{ sealed: string }>
  readonly #seal: Seal
  readonly #now: () => number

  constructor(redis: Redis, prefix: string, seal: Seal, now: () => number = Date.now) {
    this.#seal = seal
    this.#now = now
    this.#queue = new Queue(queueName, {
      connection: redis as never,
      prefix,
      defaultJobOptions: {
        // Kept for a day, so that a late redelivery finds that it was done.
        removeOnComplete: { age: 24 * 3600, count: 20_000 },
        removeOnFail: { age: 24 * 3600, count: 20_000 },
        attempts: 8,
        backoff: { type: 'exponential', delay: 250 },
      },
    })
    this.#queue.on('error', () => {})
  }

  async said(event: Said): Promise<void> {
    await this.#add({ kind: 'said', event })
  }

  async clicked(event: Clicked): Promise<void> {
    await this.#add({ kind: 'clicked', event })
  }

  async #add(event: Event): Promise<void> {
    const id = `i-${this.#seal.name(event.event.event)}`
    const entry: Entry = { ...event, at: this.#now() }
    await this.#queue.add(entry.kind, { sealed: this.#seal.wrap('inbox', id, entry) }, { jobId: id })
  }

  async close(): Promise<void> {
    await this.#queue.close()
  }
}

/** Hands the stored events to `dispatch`, side by side; one that fails is tried again, since dispatch repeats nothing. */
export function startInbox(options: {
  redis: Redis
  prefix: string
  seal: Seal
  audit: WriteAudit
  now?: () => number
  dispatch: { say(said: Said): Promise<void>; click(clicked: Clicked): Promise<void> }
  log: { error(about: object, text: string): void }
}): Worker<{ sealed: string }> {
  const worker = new Worker<{ sealed: string }>(
    queueName,
    async (job) => {
      const entry = options.seal.unwrap<Entry>('inbox', job.id!, job.data.sealed)
      if (!entry) {
        options.log.error({ job: job.id }, 'an event in the inbox was not signed by this installation; ignored')
        await options.audit({ kind: 'forged', card: job.id, result: 'forged-event' })
        return
      }
      if ((options.now ?? Date.now)() - entry.at > eventLivesMs) {
        options.log.error({ job: job.id }, 'an event waited in the inbox for more than a day; ignored')
        return
      }
      if (job.stalledCounter >= crashesAllowed) {
        options.log.error({ job: job.id }, 'an event killed every process that took it up; ignored')
        return
      }
      if (entry.kind === 'said') await options.dispatch.say(entry.event)
      else await options.dispatch.click(entry.event)
    },
    { connection: options.redis as never, prefix: options.prefix, concurrency: 100, ...takeover },
  )
  worker.on('failed', (job, error) =>
    options.log.error({ job: job?.id, error: error.message }, 'an event could not be handled'),
  )
  worker.on('error', (error) => options.log.error({ error: error.message }, 'inbox worker'))
  return worker
}
