import type { DrillFacts } from '../core/drill-facts.ts'
import { cutGates } from './cut-gates.ts'
import { type Gate, gatesOf } from './gates.ts'
import { type DrillKind, type Impact, impactOf } from './impact.ts'
import { siteOf } from './site.ts'
import { storageImpact } from './storage-cut.ts'

export interface DrillOrder {
  node: string
  kind: DrillKind
  /** Which one it loses, where it loses a storage. */
  storage?: string | undefined
  /** Guests that are not under HA and may go down too, by name or number. */
  accept: readonly string[]
  expectsNothing: boolean
}

export interface DrillPlan {
  impact: Impact
  gates: Gate[]
  /** Seconds within which what moves must run again. */
  within: number
}

/** Proxmox's own timers, and a boot. */
const slackSeconds = 60

/** The hypothesis of a drill and what must be so before it. */
export function drillPlanOf(facts: DrillFacts, order: DrillOrder): DrillPlan {
  const { look } = facts
  const site = siteOf(look)
  const { node, kind, accept: accepted, expectsNothing } = order
  const lrm = look.ha.manager?.lrms[node]
  const common = {
    ...facts,
    site,
    accepted,
    lrm: lrm?.mode === 'active' ? lrm.state : lrm?.mode,
    hasServices: site.managed.some((one) => one.node === node && one.wanted === 'started'),
  }
  if (kind === 'storage') {
    if (!facts.cut) throw new Error('a storage cut without its storage')
    const impact = storageImpact(site, { ...facts.cut, node })
    return { impact, gates: cutGates({ ...common, impact, cut: facts.cut }), within: impact.down.to + slackSeconds }
  }
  const impact = impactOf(site, { node, kind })
  const gates = gatesOf({ ...common, kind, impact, expectsNothing })
  return { impact, gates, within: impact.down.to + slackSeconds }
}

/** What an approval rests on: other places, rules or gates need a new one. */
export const decidedOnDrill = ({ impact, gates }: DrillPlan) => ({
  fates: impact.fates.map(({ sid, outcome, to, code }) => ({ sid, outcome, to, code })),
  gates: gates.filter(({ verdict }) => verdict !== 'pass').map(({ code, verdict }) => ({ code, verdict })),
})
