import { Draft } from './draft.ts'
import type { ClusterEvent, EventKind } from './event.ts'
import type { Look } from './look.ts'
import type { Memory } from './memory.ts'
import { severityOf } from './severity.ts'

type More = Omit<Partial<ClusterEvent>, 'kind' | 'cluster' | 'key' | 'at'>

/** Collects the events of one look and counts them, so that the same memory and the same look give the same keys. */
export class Telling {
  readonly events: ClusterEvent[] = []
  /** Milliseconds on Proxmox's clock: now, and the master's last round. */
  readonly now: number
  readonly round: number
  readonly #cluster: string
  readonly #told: Draft<number>
  readonly #born: number

  constructor(cluster: string, memory: Memory, look: Look) {
    this.#cluster = cluster
    this.#told = new Draft(memory.told)
    this.#born = memory.born
    this.now = look.at + memory.skew
    const seconds = look.manager?.timestamp
    // A master that is dead, or whose clock is wrong, does not say when something happened.
    const isPlausible = seconds !== undefined && Math.abs(seconds * 1000 - this.now) < 60_000
    this.round = isPlausible ? seconds * 1000 : this.now
  }

  get told(): Readonly<Record<string, number>> {
    return this.#told.value
  }

  /** Ever, of this subject. */
  hasTold(kind: EventKind, subject: string): boolean {
    return this.#told.get(`${kind}:${subject}`) !== undefined
  }

  /** `subject` is what the event is about; `at` milliseconds on Proxmox's clock. */
  tell(kind: EventKind, subject: string, more: More, at = this.now): void {
    const name = subject === '' ? kind : `${kind}:${subject}`
    const count = (this.#told.get(name) ?? 0) + 1
    this.#told.set(name, count)
    const { severity, ...rest } = more
    const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as More
    this.events.push({
      kind,
      cluster: this.#cluster,
      key: this.#born === 0 ? `${name}:${count}` : `${name}:${this.#born}.${count}`,
      severity: severity ?? severityOf({ kind, ...(said.planned ? { planned: true } : {}) }),
      at: new Date(at).toISOString(),
      ...said,
    })
  }
}
