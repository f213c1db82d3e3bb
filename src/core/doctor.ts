import type { Language } from './language.ts'

/** `unknown`: it could not be looked at, which is never told as health. */
export type Verdict = 'pass' | 'warn' | 'fail' | 'unknown'

/** One thing that was looked at, in the asker's language. */
export interface Check {
  area: 'house' | 'redis' | 'chat' | 'cluster' | 'command'
  /** The cluster that it is about. */
  cluster?: string
  what: string
  verdict: Verdict
  found: string
  /** Commands to paste, in order; a line that begins with `#` says what to do where no command can. */
  next: readonly string[]
}

/** Looks at everything that Quorum stands on. */
export interface Doctor {
  /** Never rejects for what it finds: a look that fails is a check too. `clusters`: all unless given. */
  examine(ask: { language: Language; clusters?: readonly string[]; signal: AbortSignal }): Promise<Check[]>
  /** What of ours lives at one of these addresses. In the lab nothing does that counts. */
  livesAt(addresses: readonly string[]): Promise<('bot' | 'redis')[]>
}

/** The worst of them, for a title and for an exit code. */
export const worstOf = (checks: readonly Check[]): Verdict =>
  (['fail', 'warn', 'unknown'] as const).find((verdict) => checks.some((check) => check.verdict === verdict)) ?? 'pass'
