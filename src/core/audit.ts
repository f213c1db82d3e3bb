import type { Field, Target } from './message.ts'
import type { Identity } from './roles.ts'

/**
 * What the trail has a line for. `asked`: a line that changes something, with its plan. `ordered`, `retried`: a job was
 * handed to the workers. `effect`: a call to Proxmox is about to be sent. `unsent`: it was not, after all. `cancelled`:
 * somebody asked a job to stop. `acknowledged`, `noted`, `resolved`: what somebody did about an incident. `forged`: Redis held something that this installation had not signed. `trimmed`: the
 * oldest entries were let go, their time being over.
 */
export const auditKinds = [
  'asked',
  'refused',
  'confirmed',
  'approved',
  'rejected',
  'dropped',
  'expired',
  'ordered',
  'retried',
  'started',
  'effect',
  'unsent',
  'upid',
  'cancelled',
  'ended',
  'acknowledged',
  'noted',
  'resolved',
  'forged',
  'trimmed',
] as const
export type AuditKind = (typeof auditKinds)[number]

/** What happened, as the one who does it tells it. */
export interface AuditEntry {
  kind: AuditKind
  who?: Identity | undefined
  target?: Target | undefined
  cluster?: string | undefined
  /** The card that it stands on. */
  card?: string | undefined
  path?: string | undefined
  /** As typed; whatever looks like a secret is taken out before it is stored. */
  line?: string | undefined
  /** The button. */
  action?: string | undefined
  plan?: { title: string; hash: string; fields: readonly Field[] } | undefined
  approvals?: readonly Identity[] | undefined
  job?: string | undefined
  effect?: { step: string; node: string; types: readonly string[]; id?: string | undefined } | undefined
  upids?: readonly string[] | undefined
  /** `ok`, `warning`, `cancelled`, or the code of an error. */
  result?: string | undefined
}

/** Somebody, and the human that the configuration knows behind the identity. */
export interface Who {
  identity: Identity
  person?: string
}

/** An entry as it stands in the chain: numbered, dated, without secrets. */
export interface AuditRecord extends Omit<AuditEntry, 'who' | 'approvals'> {
  /** 1, 2, 3… without a gap. */
  seq: number
  /** ISO 8601, the writer's clock. */
  at: string
  who?: Who
  approvals?: Who[]
}

/**
 * Writes to the trail. Resolves when Redis has it: what must not happen unrecorded waits for that.
 * @throws Unavailable `audit-gone` when Redis refuses
 */
export type WriteAudit = (entry: AuditEntry) => Promise<void>

/** The newest entry of a chain, as `SEQ.MAC`: whoever kept it can tell later whether the chain was cut or rewritten. */
export type Head = string

/** What is wrong with a chain, and where; `from` and `to` are the numbers of entries. */
export interface AuditFault {
  code: 'other-key' | 'changed' | 'missing' | 'moved' | 'inserted' | 'unlinked' | 'cut' | 'rewritten'
  from: number
  to: number
}

export interface AuditVerdict {
  /** How many entries were looked at; the first and last of them. */
  entries: number
  first?: number
  head?: Head
  /** How many heads kept outside of Redis the chain was held against. */
  heads: number
  /** Empty: nothing was changed, taken out, put in, moved, cut off or written anew. */
  faults: AuditFault[]
}

/** An entry as it is read back; without a record it cannot be believed: somebody has changed it. */
export interface ReadEntry {
  /** As it claims. */
  seq: number
  mac: string
  prev: string
  record?: AuditRecord
}

/** Reading the trail. */
export interface AuditTrail {
  /** The newest `most` that fit, oldest first. */
  list(fits: (record: AuditRecord) => boolean, most: number): Promise<ReadEntry[]>
  /** @throws Refused `bad-head` for a text that is no head */
  verify(heads?: readonly Head[]): Promise<AuditVerdict>
}
