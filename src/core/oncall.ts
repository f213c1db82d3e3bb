import type { IncidentSeverity } from './incidents.ts'
import type { Identity } from './roles.ts'

/** Who has their turn when; `weekday` as ISO 8601 has it, `minute` of the day in the on-call time zone. */
export interface Turns {
  everyone: readonly string[]
  handoff: { weekday: number; minute: number }
}

/** What the configuration says about being on call. */
export interface OncallPlan {
  /** IANA name. */
  tz: string
  rotation?: Turns | undefined
  quiet?: { fromMinute: number; toMinute: number } | undefined
  policy: Record<IncidentSeverity, readonly { afterMs: number; notify: readonly Means[] }[]>
}

export type Means = 'channel' | 'person' | 'pager' | 'next'

/** For a time, somebody stands first. Milliseconds, our clock. */
export interface Swap {
  id: string
  person: string
  from: number
  until: number
  by: Identity
}

/** Work that was announced: what it is expected to break is told and pages nobody. It ends by itself. */
export interface Window {
  id: string
  cluster: string
  /** Absent: the whole cluster. */
  node?: string
  /** Storages that the node loses, where that is all it is to lose. */
  storages?: string[]
  /** What the work is, as its announcer said it. */
  why?: string
  from: number
  /** When it ends; an end before its time is put here too. */
  until: number
  by: Identity
}

/** Swaps and windows as commands and on-call see them. */
export interface Oncall {
  readonly plan: OncallPlan
  /** Those that hold or will, or ended lately; oldest first. */
  swaps(): Promise<Swap[]>
  addSwap(swap: Omit<Swap, 'id'>): Promise<Swap>
  windows(): Promise<Window[]>
  openWindow(window: Omit<Window, 'id'>): Promise<Window>
  /** Now, or a little later. False: none of that name is open. */
  endWindow(id: string, by: Identity, afterMs?: number): Promise<boolean>
}
