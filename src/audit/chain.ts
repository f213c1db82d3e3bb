import { createHmac, hkdfSync } from 'node:crypto'
import type { AuditEntry, AuditRecord, Head, Who } from '../core/audit.ts'
import { canonical } from '../core/canonical.ts'
import type { Identity } from '../core/roles.ts'
import { redact } from './redact.ts'

/** An entry as Redis has it, byte by byte: a look at decoded text would take one broken character for another. */
export interface Kept {
  entry: Uint8Array
  prev: Uint8Array
  mac: Uint8Array
}

export interface Sealed {
  entry: string
  prev: string
  mac: string
}

/** What the first entry stands on. */
export const beginning: Head = '0.start'

const longestText = 4000

/**
 * The chain: an entry's MAC covers every byte of it and the MAC before it, under a key that Redis never sees. Whoever
 * can write to Redis can destroy the trail, and cannot make it tell something else.
 */
export class Chain {
  readonly #key: Buffer

  /**
   * @param key 32 bytes, `QUORUM_KEY`
   * @param name which chain this is (the prefix in Redis): an entry of another one does not hold here
   */
  constructor(key: Buffer, name: string) {
    if (key.length !== 32) throw new RangeError('the key must have 32 bytes')
    this.#key = Buffer.from(hkdfSync('sha256', key, '', `quorum audit v1 ${name}`, 32))
  }

  #mac(purpose: string, prev: Uint8Array | string, entry: Uint8Array | string): string {
    // The lengths first, so that no two different pairs give the same bytes.
    const lengths = `${Buffer.byteLength(prev)}:${Buffer.byteLength(entry)}:`
    return createHmac('sha256', this.#key)
      .update(`${purpose}:${lengths}`)
      .update(prev)
      .update(entry)
      .digest('base64url')
  }

  /** The next entry behind `head`; secrets are taken out before anything is written down. */
  link(entry: AuditEntry, at: string, head: Head, personOf: (identity: Identity) => string | undefined): Sealed {
    const { seq, mac: prev } = splitHead(head)
    const whoIs = (identity: Identity): Who => {
      const person = personOf(identity)
      return { identity, ...(person === undefined ? {} : { person }) }
    }
    const { who, approvals, ...rest } = entry
    const record: AuditRecord = {
      ...cleaned(rest),
      seq: seq + 1,
      at,
      ...(who === undefined ? {} : { who: whoIs(who) }),
      ...(approvals === undefined ? {} : { approvals: approvals.map(whoIs) }),
    }
    const text = canonical(record)
    return { entry: text, prev, mac: this.#mac('entry', prev, text) }
  }

  /** Undefined for an entry that was not linked here exactly like this. */
  open({ entry, prev, mac }: Kept): AuditRecord | undefined {
    const right = this.#mac('entry', prev, entry)
    if (!Buffer.from(right).equals(mac)) return undefined
    return JSON.parse(Buffer.from(entry).toString()) as AuditRecord
  }

  /** The newest of the entries that were let go, signed: the oldest that is kept stands on it. */
  sealFloor(head: Head): string {
    return `${head} ${this.#mac('floor', '', head)}`
  }

  openFloor(sealed: string): Head | undefined {
    const [head = ''] = sealed.split(' ')
    return this.sealFloor(head) === sealed ? head : undefined
  }
}

export const headOf = ({ seq, mac }: { seq: number; mac: string }): Head => `${seq}.${mac}`

/** @throws RangeError for a text that is no head */
export function splitHead(head: Head): { seq: number; mac: string } {
  const match = /^(\d{1,15})\.([\w-]{43}|start)$/.exec(head.trim())
  if (!match) throw new RangeError(`"${head.slice(0, 80)}" is no head of an audit trail`)
  return { seq: Number(match[1]), mac: match[2]! }
}

type Rest = Omit<AuditEntry, 'who' | 'approvals'>

/** Texts that people or Proxmox wrote, short enough and without secrets; ids, hashes and UPIDs stay whole. */
function cleaned(entry: Rest): Rest {
  const { line, plan, ...rest } = entry
  const clean = (text: string) => {
    const without = redact(text)
    return without.length > longestText ? `${without.slice(0, longestText)}…` : without
  }
  return {
    ...rest,
    ...(line === undefined ? {} : { line: clean(line) }),
    ...(plan === undefined
      ? {}
      : {
          plan: {
            title: clean(plan.title),
            hash: plan.hash,
            fields: plan.fields.map(({ name, value }) => ({ name: clean(name), value: clean(value) })),
          },
        }),
  }
}
