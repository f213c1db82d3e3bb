import type { Field, Message, Progress } from '../core/message.ts'
import { Order } from '../core/outbox.ts'
import type { WorkerWords } from '../core/worker.ts'
import type { RunPorts } from './run.ts'
import { type JobRecord, jobCard } from './runs.ts'

/** A card changes at most this often while its job runs, ms; the platform's own rates come on top. */
const showEveryMs = 400

/** The card of a running job: where it stands, what was found on the way, the last lines of its task. */
export class RunCard {
  readonly #record: JobRecord
  readonly #words: WorkerWords
  readonly #ports: RunPorts
  readonly #stepNames: string[]
  readonly #extra = new Map<string, string>()
  #part: { n: number; of: number; words: WorkerWords; steps: string[] } | undefined
  #progress: Progress | undefined
  #log: string[] = []
  #note: string | undefined
  #shownAt = 0
  #showing: NodeJS.Timeout | undefined
  #ended = false

  constructor(record: JobRecord, words: WorkerWords, ports: RunPorts) {
    this.#record = record
    this.#words = words
    this.#ports = ports
    this.#stepNames = Object.keys(words.steps)
  }

  /** Another kind of job has begun as a part of this one; undefined: it has ended well. */
  set part(part: { n: number; of: number; words: WorkerWords } | undefined) {
    this.#part = part && { ...part, steps: Object.keys(part.words.steps) }
  }

  /** Why it refuses, in the words of the part that was at work. */
  get refusals(): WorkerWords['refusals'] {
    return { ...this.#words.refusals, ...this.#part?.words.refusals }
  }

  get progress(): Progress | undefined {
    return this.#progress
  }

  /** A line under the title that stays until it is changed. */
  get note(): string | undefined {
    return this.#note
  }

  set note(note: string | undefined) {
    this.#note = note
    this.#show()
  }

  enter(step: string): void {
    const progress = this.#at(step, 0)
    if (this.#progress?.label !== progress.label) this.#log = []
    this.#progress = progress
    this.#show()
  }

  /** How far the task of a step is. */
  seen(step: string, percent: number, log: string[]): void {
    const before = this.#progress?.percent
    this.#progress = this.#at(step, percent)
    this.#log = log.slice(-5)
    if (this.#progress.percent !== before) this.#ports.runs.moved(this.#record.id).catch(() => {})
    this.#show()
  }

  shows(fields: Field[]): void {
    for (const { name, value } of fields) this.#extra.set(name, value)
    this.#show()
  }

  /** As the run has ended with them: those that it showed on the way, no others. */
  settle(fields: Field[]): void {
    this.shows(fields.filter(({ name }) => this.#extra.has(name)))
  }

  /** The plan's fields, those the run added, changed ones in place. */
  fields(more: Field[] = []): Field[] {
    // A plan may have several of one name: its warnings.
    const fields = this.#record.shows.map((field) => ({ ...field }))
    const added = [...this.#extra].map(([name, value]) => ({ name, value }))
    for (const { name, value } of [...added, ...more]) {
      const there = fields.find((field) => field.name === name)
      if (there) there.value = value
      else fields.push({ name, value })
    }
    return fields
  }

  /** Nothing of this run is shown any more, whatever was still to come. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#showing)
  }

  /** Where the whole job stands, `within` percent of this step being done. */
  #at(name: string, within: number): Progress {
    const part = this.#part
    const [steps, words] = part ? [part.steps, part.words] : [this.#stepNames, this.#words]
    const own = part ? name.slice(name.indexOf('/') + 1) : name
    const index = steps.indexOf(own)
    const share = (index + within / 100) / steps.length
    const label = words.steps[own] ?? own
    if (!part) return { step: index + 1, of: steps.length, percent: Math.round(share * 100), label }
    return { step: part.n, of: part.of, percent: Math.round(((part.n - 1 + share) / part.of) * 100), label }
  }

  /** Shows the run's state now or a little later, never more often than people can read. */
  #show(): void {
    if (this.#ended || this.#showing) return
    const wait = Math.max(0, this.#shownAt + showEveryMs - this.#ports.now())
    this.#showing = setTimeout(() => {
      this.#showing = undefined
      if (this.#ended) return
      this.#shownAt = this.#ports.now()
      this.#putRunning().catch(() => {})
    }, wait)
  }

  async #putRunning(): Promise<void> {
    const words = this.#ports.words[this.#record.language]
    const message: Message = {
      title: this.#record.title,
      state: 'running',
      fields: this.fields(),
      actions: [{ id: 'cancel', label: words.actions.cancel }],
    }
    if (this.#note !== undefined) message.text = this.#note
    if (this.#progress) message.progress = this.#progress
    if (this.#log.length > 0) message.log = this.#log
    await this.#ports.runs.setView(this.#record.id, {
      state: 'running',
      ...(this.#progress ? { progress: this.#progress } : {}),
    })
    await this.#ports.outbox.put(jobCard(this.#record, Order.running, message))
  }
}
