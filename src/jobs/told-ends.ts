import type { AuditRecord } from '../core/audit.ts'
import { begunOrderLivesMs, type EndedJobs, eventLivesMs } from './ended-jobs.ts'

interface Kept {
  id: string
  entry: Uint8Array
  prev: Uint8Array
  mac: Uint8Array
}

interface Parts {
  /** Entries of the trail behind this id of its stream, oldest first. */
  entries(after: string): AsyncIterable<Kept>
  /** Undefined for an entry that was not linked by this installation. */
  open(kept: Kept): AuditRecord | undefined
  /** Where this machine keeps what it has read. */
  ended: EndedJobs
  now(): number
  /** Called with the number of the entry where the trail does not go on from what this process has read of it. */
  broken(at: number): void
}

const lookEveryMs = 1000
const lookBackMs = begunOrderLivesMs + eventLivesMs

/**
 * Which jobs have ended on any machine, by the audit trail, which nobody can write without the key. Each process that
 * works reads it on as it grows and keeps what it has read in a file: an end that it has read once cannot be taken back
 * in Redis. What was cut off before it was read, within about a second, only the machine of that job knows.
 */
export class ToldEnds {
  readonly #o: Parts
  #last: { id: string; seq: number; mac: string } | undefined
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  readonly #timer: NodeJS.Timeout

  constructor(parts: Parts) {
    this.#o = parts
    this.#timer = setInterval(() => void this.catchUp().catch(() => {}), lookEveryMs)
    this.#timer.unref()
  }

  /** The result of a job that has ended; `cancelled` also for one that was asked to stop and has not ended yet. */
  async of(job: string): Promise<string | undefined> {
    return this.#o.ended.of(job)
  }

  /** Resolves when everything is read that was written before this call. */
  catchUp(): Promise<void> {
    // One that has not begun yet serves all who ask meanwhile.
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        this.#running = this.#read()
        return this.#running
      })
    return this.#next
  }

  async #read(): Promise<void> {
    const after = this.#last?.id ?? String(Math.max(0, this.#o.now() - lookBackMs))
    for await (const kept of this.#o.entries(after)) {
      const record = this.#o.open(kept)
      if (!record) {
        this.#o.broken((this.#last?.seq ?? 0) + 1)
        continue
      }
      const { seq } = record
      const isNext = this.#last === undefined || (seq === this.#last.seq + 1 && text(kept.prev) === this.#last.mac)
      if (!isNext) this.#o.broken(seq)
      await this.#note(record)
      this.#last = { id: kept.id, seq, mac: text(kept.mac) }
    }
  }

  async #note({ kind, job, result }: AuditRecord): Promise<void> {
    if (job === undefined || (kind !== 'ended' && kind !== 'cancelled')) return
    const state = kind === 'cancelled' ? kind : (result ?? kind)
    if ((await this.#o.ended.of(job)) !== state) await this.#o.ended.add(job, state)
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
