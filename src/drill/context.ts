import type { RunContext, WorkerWords } from '../core/worker.ts'
import type { DrillLook, Measured, Steady, StopCode } from '../ha/drill.ts'

export interface DrillPayload {
  node: string
  kind: Steady['impact']['kind']
  /** Which one it loses, where it loses a storage. */
  storage?: string | undefined
  accept: string[]
  expectsNothing: boolean
}

/** What the rooms of a drill are handed: a job's run, and one look at the cluster from beside the victim. */
export type DrillContext = RunContext<
  DrillPayload,
  WorkerWords & { steps: Record<string, string>; words: Record<string, string> }
>
export type Watch = () => Promise<DrillLook>

/** What was seen while the node was away. */
export interface Seen {
  guests: Record<string, Measured>
  timeline: { at: number; what: string }[]
  stop?: { code: StopCode; about: string }
  lostAt?: number
  /** It was ended before anything was done. */
  isUntouched?: true
  /** False: a crash hid whether the node was ever told to go. */
  isSure?: false
}

export const pollMs = 250
