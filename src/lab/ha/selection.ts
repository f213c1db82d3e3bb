/** Where a service should be: the rules first, then the node that has the fewest. */
import type { HaService } from '../model.ts'
import type { NodeAffinity, Rules } from './rules.ts'

export type Services = Record<string, HaService>

/** Nodes that a service burdens: while it moves, both ends. */
export function placesOf({ state, node, target }: HaService): string[] {
  if (state === 'stopped' || state === 'request_start') return []
  if (state === 'migrate' || state === 'relocate') return target === undefined ? [node] : [node, target]
  if (state === 'request_start_balance') return target === undefined ? [node] : [target]
  return [node]
}

/** Services on each of the nodes. */
export function countServices(services: Services, nodes: string[]): Map<string, number> {
  const counts = new Map(nodes.map((node) => [node, 0]))
  for (const service of Object.values(services)) {
    for (const node of placesOf(service)) if (counts.has(node)) counts.set(node, (counts.get(node) ?? 0) + 1)
  }
  return counts
}

/** Online nodes that a rule allows, in classes of falling priority; the nodes of a lax rule come before all others. */
function classesOf(affinity: NodeAffinity | undefined, online: string[]): string[][] {
  if (!affinity) return [online]
  const named = online.filter((node) => affinity.nodes.has(node))
  if (named.length === 0) return affinity.strict ? [] : [online]
  const priority = (node: string) => affinity.nodes.get(node) ?? 0
  const priorities = [...new Set(named.map(priority))].sort((a, b) => b - a)
  const classes = priorities.map((level) => named.filter((node) => priority(node) === level))
  const others = online.filter((node) => !affinity.nodes.has(node))
  return affinity.strict || others.length === 0 ? classes : [...classes, others]
}

/** How many of them will be on each online node, once those that move have arrived. */
function company(sids: string[], services: Services, online: string[]): Map<string, number> {
  const found = new Map<string, number>()
  for (const sid of sids) {
    const node = services[sid]?.target ?? services[sid]?.node
    if (node !== undefined && online.includes(node)) found.set(node, (found.get(node) ?? 0) + 1)
  }
  return found
}

/** Nodes that they take: while one moves, both ends. */
const taken = (sids: string[], services: Services) =>
  new Set(sids.flatMap((sid) => (services[sid] ? [services[sid].node, services[sid].target] : [])))

export interface Choice {
  sid: string
  services: Services
  rules: Rules
  /** Sorted. */
  online: string[]
  /** Home as soon as a better node is online. */
  failback: boolean
  /** Another node than these. */
  tryNext?: boolean
  tried?: string[]
  /** Where it was before its node went into maintenance. */
  before?: string | undefined
  /** Weigh all nodes anew instead of staying. */
  rebalance?: boolean
}

/** Undefined: nowhere, or nowhere else. */
export function selectNode(o: Choice): string | undefined {
  const current = o.services[o.sid]?.node ?? ''
  const stays = !o.tryNext && !o.rebalance
  const apart = taken(o.rules.apart(o.sid), o.services)
  const classes = classesOf(o.rules.affinity(o.sid), o.online).map((nodes) => nodes.filter((node) => !apart.has(node)))
  if (stays && !o.failback && meet(o, classes.flat()).includes(current)) return current
  const best = meet(o, classes.find((nodes) => nodes.length > 0) ?? [])
  if (!stays) return emptiest(o, best)
  if (o.before !== undefined && best.includes(o.before)) return o.before
  return best.includes(current) ? current : emptiest(o, best)
}

/** Those of the nodes where the ones are that it must be with; all, if none of them is there. */
function meet(o: Choice, nodes: string[]): string[] {
  const open = nodes.filter((node) => !o.tried?.includes(node))
  const meeting = majority(company(o.rules.together(o.sid), o.services, open))
  return meeting === undefined ? nodes : [meeting]
}

/** The node where most of them are; the first by name among equals. */
const majority = (counts: Map<string, number>) =>
  [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0]?.[0]

function emptiest(o: Choice, nodes: string[]): string | undefined {
  const counts = countServices(o.services, o.online)
  const byLoad = [...nodes].sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0) || (a < b ? -1 : 1))
  if (!o.tryNext) return byLoad[0]
  return byLoad.find((node) => !o.tried?.includes(node))
}
