import type { AuditFault, AuditVerdict, Head } from '../core/audit.ts'
import { beginning, type Chain, headOf, type Kept, splitHead } from './chain.ts'

interface Options {
  /** The entry that the oldest kept one must stand on; absent: the beginning of the chain. */
  floor?: Head | undefined
  /** Heads of this chain that were kept elsewhere, in any order. */
  heads?: readonly Head[]
}

/**
 * Walks a chain from its oldest entry to its newest. Each entry is checked by itself (its MAC covers it and the MAC
 * before it) and then as a neighbour, so that one fault is told once and where it is. What a chain alone cannot know,
 * that its end was cut off or all of it written anew by somebody who has the key, is told by heads kept elsewhere.
 */
export async function verify(
  chain: Chain,
  entries: AsyncIterable<Kept> | Iterable<Kept>,
  options: Options = {},
): Promise<AuditVerdict> {
  const floor = splitHead(options.floor ?? beginning)
  const heads = (options.heads ?? []).map(splitHead).filter(({ seq }) => seq >= floor.seq)
  const wanted = new Map<number, Set<string>>()
  for (const { seq, mac } of heads) wanted.set(seq, (wanted.get(seq) ?? new Set()).add(mac))
  const walk = new Walk(floor, wanted)
  for await (const kept of entries) walk.step(chain, kept)
  return walk.verdict(heads.length)
}

/** A walk along the chain: what stands where it should, and what does not. */
class Walk {
  readonly #wanted: ReadonlyMap<number, ReadonlySet<string>>
  readonly #changed = new Set<number>()
  readonly #missing = new Set<number>()
  readonly #faults: AuditFault[] = []
  readonly #refuted: number[] = []
  #agreed: number
  #entries = 0
  #first: number | undefined
  /** The newest entry in its place; without a MAC when its own cannot be believed. */
  #last: { seq: number; mac: string | undefined }

  constructor(floor: { seq: number; mac: string }, wanted: ReadonlyMap<number, ReadonlySet<string>>) {
    this.#wanted = wanted
    this.#last = floor
    this.#agreed = floor.seq
    this.#hold(floor)
  }

  step(chain: Chain, kept: Kept): void {
    this.#entries += 1
    const record = chain.open(kept)
    if (!record) {
      // It may stand there in the place of the one that follows: the next sound entry shows.
      const seq = this.#last.seq + 1
      this.#first ??= seq
      this.#changed.add(seq)
      this.#last = { seq, mac: undefined }
      return
    }
    const { seq } = record
    const here = { seq, mac: Buffer.from(kept.mac).toString() }
    this.#first ??= seq
    if (seq <= this.#last.seq) {
      this.#outOfPlace(here)
      return
    }
    for (let gone = this.#last.seq + 1; gone < seq; gone++) this.#missing.add(gone)
    const follows = seq === this.#last.seq + 1
    const { mac } = this.#last
    if (follows && mac !== undefined && Buffer.from(kept.prev).toString() !== mac)
      this.#faults.push({ code: 'unlinked', from: seq, to: seq })
    this.#last = here
    this.#hold(here)
  }

  /** A sound entry with a number that has passed: it was moved here, or it is one too many. */
  #outOfPlace(here: { seq: number; mac: string }): void {
    const { seq } = here
    // What could not be believed was put in before this one, and was counted in its place.
    if (this.#last.mac === undefined && this.#changed.has(seq)) {
      for (const number of this.#changed) if (number >= seq) this.#changed.delete(number)
      this.#faults.push({ code: 'inserted', from: seq, to: seq })
      this.#last = here
      this.#hold(here)
      return
    }
    const moved = this.#missing.delete(seq)
    this.#faults.push({ code: moved ? 'moved' : 'inserted', from: seq, to: seq })
    if (moved) this.#hold(here)
  }

  /** Holds an entry against the heads that were kept elsewhere. */
  #hold({ seq, mac }: { seq: number; mac: string }): void {
    const heads = this.#wanted.get(seq)
    if (!heads) return
    if (heads.size === 1 && heads.has(mac)) this.#agreed = Math.max(this.#agreed, seq)
    else this.#refuted.push(seq)
  }

  verdict(heads: number): AuditVerdict {
    const { seq: last, mac } = this.#last
    const newest = Math.max(0, ...this.#wanted.keys())
    if (newest > last) this.#faults.push({ code: 'cut', from: last + 1, to: newest })
    if (this.#refuted.length > 0) {
      const to = Math.min(...this.#refuted)
      this.#faults.push({ code: 'rewritten', from: Math.min(this.#agreed + 1, to), to })
    }
    const allChanged = this.#entries > 1 && this.#changed.size === this.#entries
    const changed = allChanged
      ? [{ code: 'other-key' as const, from: this.#first ?? 1, to: last }]
      : ranges('changed', this.#changed)
    const faults = [...changed, ...ranges('missing', this.#missing), ...this.#faults]
    return {
      entries: this.#entries,
      ...(this.#first === undefined ? {} : { first: this.#first }),
      ...(this.#entries > 0 && mac !== undefined ? { head: headOf({ seq: last, mac }) } : {}),
      heads,
      faults: faults.sort((a, b) => a.from - b.from),
    }
  }
}

/** Neighbours are told together. */
function ranges(code: AuditFault['code'], numbers: ReadonlySet<number>): AuditFault[] {
  const found: AuditFault[] = []
  for (const seq of [...numbers].sort((a, b) => a - b)) {
    const before = found.at(-1)
    if (before && before.to === seq - 1) before.to = seq
    else found.push({ code, from: seq, to: seq })
  }
  return found
}
