import type { AuditRecord, AuditTrail, AuditVerdict, Head, ReadEntry } from '../core/audit.ts'
import { Refused } from '../core/errors.ts'
import { type Chain, type Kept, splitHead } from './chain.ts'
import { verify } from './verify.ts'

interface Source {
  entries(): AsyncIterable<Kept & { id: string }>
  newest(): AsyncIterable<Kept>
  floor(): Promise<string | undefined>
  trim(id: string, floor: string): Promise<void>
}

/** How far back a list looks for what fits. */
const mostRead = 20_000

/** The trail as people read it; each entry is believed only if its own MAC holds. */
export class Trail implements AuditTrail {
  readonly #chain: Chain
  readonly #source: Source
  readonly #keptHeads: () => readonly Head[]

  /** @param keptHeads what this machine has noted outside of Redis */
  constructor(chain: Chain, source: Source, keptHeads: () => readonly Head[]) {
    this.#chain = chain
    this.#source = source
    this.#keptHeads = keptHeads
  }

  async list(fits: (record: AuditRecord) => boolean, most: number): Promise<ReadEntry[]> {
    const found: ReadEntry[] = []
    let read = 0
    for await (const kept of this.#source.newest()) {
      const entry = this.#read(kept)
      // What somebody has changed fits everything: it must not vanish behind a filter.
      if (!entry.record || fits(entry.record)) found.unshift(entry)
      if (found.length >= most || ++read >= mostRead) break
    }
    return found
  }

  #read(kept: Kept): ReadEntry {
    const record = this.#chain.open(kept)
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
    return {
      seq: record?.seq ?? claimed(text(kept.entry)),
      mac: text(kept.mac),
      prev: text(kept.prev),
      ...(record === undefined ? {} : { record }),
    }
  }

  async verify(heads: readonly Head[] = []): Promise<AuditVerdict> {
    for (const head of heads) asHead(head)
    const sealed = await this.#source.floor()
    const floor = sealed === undefined ? undefined : this.#chain.openFloor(sealed)
    const all = [...heads, ...this.#keptHeads()]
    return verify(this.#chain, this.#source.entries(), { floor, heads: all })
  }

  /** Lets go of what is older than `before` (milliseconds); how many entries went. Nothing that was changed goes. */
  async letGo(before: number): Promise<number> {
    let last: { id: string; head: Head } | undefined
    let count = 0
    for await (const kept of this.#source.entries()) {
      const record = this.#chain.open(kept)
      if (!record || Date.parse(record.at) >= before) break
      last = { id: kept.id, head: `${record.seq}.${Buffer.from(kept.mac).toString()}` }
      count += 1
    }
    if (last) await this.#source.trim(last.id, this.#chain.sealFloor(last.head))
    return count
  }
}

function asHead(head: string) {
  try {
    return splitHead(head)
  } catch {
    throw new Refused('bad-head', { given: head.slice(0, 80) })
  }
}

function claimed(text: string): number {
  const seq = Number(/"seq":(\d{1,15})/.exec(text)?.[1])
  return Number.isFinite(seq) ? seq : 0
}
