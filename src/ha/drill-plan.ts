import type { DrillFacts } from '../core/drill-facts.ts'
import { type Gate, gatesOf } from './gates.ts'
import { type Impact, impactOf, type LossKind } from './impact.ts'
import { siteOf } from './site.ts'

export interface DrillOrder {
  node: string
  kind: LossKind
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
  const { node, kind } = order
  const impact = impactOf(site, order)
  const lrm = look.ha.manager?.lrms[node]
  const gates = gatesOf({
    ...facts,
    kind,
    site,
    impact,
    lrm: lrm?.mode === 'active' ? lrm.state : lrm?.mode,
    hasServices: site.managed.some((one) => one.node === node && one.wanted === 'started'),
    accepted: order.accept,
    expectsNothing: order.expectsNothing,
  })
  return { impact, gates, within: impact.down.to + slackSeconds }
}

/** What an approval rests on: other places, rules or gates need a new one. */
export const decidedOnDrill = ({ impact, gates }: DrillPlan) => ({
  fates: impact.fates.map(({ sid, outcome, to, code }) => ({ sid, outcome, to, code })),
  gates: gates.filter(({ verdict }) => verdict !== 'pass').map(({ code, verdict }) => ({ code, verdict })),
})
