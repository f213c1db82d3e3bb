import type { Against, Consequences, SkipCode } from '../core/drill-schedule.ts'
import type { Window } from '../core/oncall.ts'
import type { DrillPlan } from './drill-plan.ts'
import type { GateCode } from './gates.ts'

/** What of a plan an approval for many times rests on. */
export function consequencesOf({ impact, gates }: DrillPlan): Consequences {
  return {
    fates: impact.fates
      .filter(({ outcome }) => outcome !== 'off' && outcome !== 'stays')
      .map(({ sid, name, outcome, code, to }) => ({ sid, name, outcome, code, ...(to === undefined ? {} : { to }) })),
    warnings: gates.filter(({ verdict }) => verdict === 'warn').map(({ code }) => code),
  }
}

/**
 * What a plan would do beyond what was approved: machines that it did not touch then, or touches in another way, and
 * warnings that nobody has seen. One that is gone or off by now, or that is to come up on another node, is no more harm.
 */
export function beyond(approved: Consequences, plan: DrillPlan, tell: (outcome: string) => string): string[] {
  const now = consequencesOf(plan)
  return now.fates.flatMap(({ sid, name, outcome }) => {
    const before = approved.fates.find((one) => one.sid === sid)
    if (before?.outcome === outcome) return []
    return [`${name} (${sid}): ${before ? `${tell(before.outcome)} → ` : ''}${tell(outcome)}`]
  })
}

/** A gate that time opens again, and what it is called when it keeps a scheduled drill from beginning. */
const passing: Partial<Record<GateCode, SkipCode>> = {
  quorum: 'margin',
  margin: 'margin',
  busy: 'busy',
  jobs: 'jobs',
  incidents: 'incidents',
}

/** Warnings that were not there when people agreed count as much as a gate that is closed. */
export function standsAgainst(
  plan: DrillPlan,
  approved: Consequences,
  words: { outcome(name: string): string; gate(code: GateCode): string },
): Against[] {
  const changed = beyond(approved, plan, words.outcome).map((about): Against => ({ code: 'changed', about }))
  // What is not under HA and new is told once, as the change that it is.
  if (changed.length > 0) return changed
  return plan.gates.flatMap(({ code, verdict, about }): Against[] => {
    if (verdict === 'pass' || (verdict === 'warn' && isKnown(code, approved))) return []
    const own = passing[code]
    return [own ? { code: own, about } : { code: 'gate', about: `${words.gate(code)}${about && ` (${about})`}` }]
  })
}

/** An open incident always counts; which node is the manager's never does: it changes by itself and harms nothing. */
const isKnown = (code: GateCode, approved: Consequences): boolean =>
  code === 'master' || (code !== 'incidents' && approved.warnings.includes(code))

/** Whether waiting helps: all that stands against it passes by itself. */
export const mayPass = (against: readonly Against[]): boolean =>
  against.every(({ code }) => /^(?:margin|busy|jobs|incidents|maintenance|unseen)$/.test(code))

/** Work that others have announced on this cluster at this time. */
export const othersAtWork = (windows: readonly Window[], cluster: string, now: number): Window[] =>
  windows.filter((one) => one.cluster === cluster && one.from <= now && one.until > now)
