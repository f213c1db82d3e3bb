import type { Language } from './language.ts'
import type { Target } from './message.ts'
import type { Within } from './pools.ts'
import type { Identity } from './roles.ts'

/** A command that waits for somebody's click; kept under the key of the card that asks. */
export interface Pending {
  kind: 'form' | 'confirm' | 'approve'
  /** The command's path, its arguments as text, and the line as it was typed. */
  path: string
  values: Record<string, string>
  line: string
  cluster?: string
  explain: boolean
  requester: Identity
  target: Target
  thread?: string
  language: Language
  tz: string
  /** Hash of the plan and of the state it was computed from. */
  plan?: string
  approvedBy: Identity[]
  /** Where each of them decided: rights are held per channel, and looked at again there when the job runs. */
  approvedIn?: Record<Identity, Target>
  /** Where it acts, for roles that are limited to pools. */
  within?: Within
  /** Of a form: the pools that its asker is limited to. */
  pools?: readonly string[]
  /** Confirmed by somebody who has nobody to ask: a second time not before `from`, and not by the same click again. */
  solo?: { from: number; event: string }
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** Raised at every change: two clicks at once cannot both take the same step. */
  version: number
}

/** Keeps what waits, across restarts; entries are signed, and a forged or altered one is not found. */
export interface Desk {
  find(card: string): Promise<Pending | undefined>
  /** Stores `pending` if nobody has changed it since `version` (0 = it must be new). */
  keep(card: string, pending: Pending, version: number): Promise<boolean>
  /** Takes it off, if nobody has changed it since; true for exactly one caller. */
  take(card: string, version: number): Promise<boolean>
}
