import type { ClusterEvent } from '../ha/event.ts'
import type { ClusterView } from '../ha/view.ts'
import type { EventLog, Fence, Kept } from './event-log.ts'
import { pause } from './pause.ts'

interface When {
  /** Milliseconds, wall clock. */
  at: number
  /** Milliseconds watched so far, by a clock that nobody sets. */
  steady: number
  /** Milliseconds since the look before. */
  gap: number
}

export interface WatcherOptions<M extends { steady: number }, L extends object> {
  log: EventLog<M>
  /** Names this process among others. */
  holder: string
  pollMs: number
  /** Milliseconds: the wall clock, and one that only goes on. */
  clock: { now(): number; steady(): number }
  look(memory: M | undefined, when: When): Promise<L>
  judge(memory: M | undefined, look: L, born: number): { memory: M; events: ClusterEvent[]; view: ClusterView }
  onError(error: unknown): void
  /** The memory in Redis was written by somebody else: watching begins anew. */
  onForged(): void
}

/** A watcher that was killed is replaced after so long; one that is slow keeps the lease while it lives. */
const leaseMs = 10_000
/** However often it is woken, it looks no more often than this. */
const leastMs = 1_000

interface Held<M> {
  fence: Fence
  kept: Kept<M>
  /** Of `clock.steady()` and of the memory, at the same moment. */
  from: { clock: number; steady: number }
  /** `clock.steady()` at the last look; before the first one, how long nobody had looked. */
  lookedAt?: number
  unwatchedMs: number
}

/**
 * Watches one cluster, in whichever process holds the lease; the others stand by. A lease with a growing number, not a
 * repeated job: the next look needs the connection, the memory and the time of the last one, a queue would take twenty
 * commands for each look where this takes three, and what a killed process leaves must be taken over in seconds. What
 * makes events come once is not the lease but the log: memory and events go in together, from the memory that was read.
 */
export class Watcher<M extends { steady: number }, L extends object> {
  readonly #o: WatcherOptions<M, L>
  #held: Held<M> | undefined
  #running: { stop: AbortController; ended: Promise<void> } | undefined

  constructor(options: WatcherOptions<M, L>) {
    this.#o = options
  }

  start(): void {
    if (this.#running) return
    const stop = new AbortController()
    this.#running = { stop, ended: this.#rounds(stop.signal) }
  }

  /** Finishes the look that is under way and gives the lease back. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    running?.stop.abort()
    await running?.ended
    const held = this.#held
    this.#held = undefined
    if (held) await this.#o.log.drop(held.fence).catch(() => {})
  }

  /** One look; resolves when what it saw is stored. False: another process watches. */
  async round(): Promise<boolean> {
    const held = await this.#hold()
    if (!held) return false
    const keeping = setInterval(() => void this.#keep().catch(() => {}), leaseMs / 3)
    try {
      await this.#lookOnce(held)
    } finally {
      clearInterval(keeping)
    }
    return true
  }

  async #lookOnce(held: Held<M>): Promise<void> {
    const { log, look, judge } = this.#o
    const when = this.#when(held)
    const { kept } = held
    const seen = await look(kept.memory, when)
    const { memory, events, view } = judge(kept.memory, seen, kept.last)
    const said = await log.said()
    if (said.isWanted) await log.share(seen)
    if (memory !== kept.memory || events.length > 0 || said.count > 0) {
      const next = await log.append(held.fence, kept, memory, [...events, ...said.events], said.count)
      // Another has written meanwhile: what it stored is what counts.
      if (!next) return this.#letGo()
      held.kept = next
    }
    if (!(await log.beat(held.fence, { at: when.at, steady: when.steady, view }))) this.#letGo()
  }

  #letGo(): void {
    this.#held = undefined
  }

  async #keep(): Promise<Fence | undefined> {
    return this.#o.log.take(this.#o.holder, leaseMs)
  }

  async #hold(): Promise<Held<M> | undefined> {
    const fence = await this.#keep()
    if (!fence) this.#letGo()
    if (!fence || this.#held?.fence.token === fence.token) return this.#held
    const { log, clock } = this.#o
    const [kept, last] = await Promise.all([log.kept(), log.lastBeat()])
    if (kept.forged) this.#o.onForged()
    const unwatchedMs = last === undefined ? 0 : Math.max(0, clock.now() - last.at)
    // What was watched after the memory last changed counts too, whoever it was that watched.
    const steady = kept.memory ? Math.max(kept.memory.steady, last?.steady ?? 0) : 0
    const from = { clock: clock.steady(), steady }
    this.#held = { fence, kept, from, unwatchedMs }
    return this.#held
  }

  #when(held: Held<M>): When {
    const { clock, pollMs } = this.#o
    const steadyNow = clock.steady()
    const gap = held.lookedAt === undefined ? Math.max(held.unwatchedMs, pollMs) : steadyNow - held.lookedAt
    held.lookedAt = steadyNow
    return { at: clock.now(), steady: Math.round(held.from.steady + steadyNow - held.from.clock), gap: Math.round(gap) }
  }

  async #rounds(stop: AbortSignal): Promise<void> {
    const { clock, log, onError, pollMs } = this.#o
    let nap = new AbortController()
    let isWoken = false
    const wake = () => {
      isWoken = true
      nap.abort()
    }
    const unsubscribe = log.onWake(wake)
    stop.addEventListener('abort', wake, { once: true })
    while (!stop.aborted) {
      const began = clock.steady()
      isWoken = false
      const watches = await this.round().catch((error) => {
        onError(error)
        return true
      })
      const rest = (ms: number) => Math.max(0, ms - (clock.steady() - began))
      nap = new AbortController()
      if (isWoken) nap.abort()
      await pause(rest(watches ? pollMs : leaseMs / 3), nap.signal)
      if (!stop.aborted) await pause(rest(Math.min(leastMs, pollMs)), stop)
    }
    unsubscribe()
  }
}
