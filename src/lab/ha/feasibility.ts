/** What Proxmox checks about HA rules: one that cannot be kept is refused when it is made, and left out once it stands. */
import type { HaRule } from '../model.ts'
import { isOn, listOf, parseNodes } from './rule-values.ts'

interface Placed {
  rule: string
  resources: Set<string>
  nodes: Map<string, number>
}

interface Bound {
  rule: string
  resources: Set<string>
  positive: boolean
}

/** By rule, why its resources cannot be as it wants; the sentences are Proxmox's. Disabled rules have no faults. */
export type RuleFaults = Map<string, string[]>

/** `nodes` is how many nodes the cluster has, whether alive or not. */
export function ruleFaults(rules: Iterable<HaRule>, nodes: number): RuleFaults {
  const enabled = [...rules].filter(({ keys }) => !isOn(keys.disable))
  const placed = enabled.filter(({ type }) => type === 'node-affinity').map(asPlaced)
  const bound = enabled.filter(({ type }) => type === 'resource-affinity').map(asBound)
  const faults: RuleFaults = new Map()
  const blame = (rule: string, why: string) => void faults.set(rule, [...(faults.get(rule) ?? []), why])
  blameDoubled(placed, blame)
  for (const { rule, resources } of bound) {
    if (resources.size < 2) blame(rule, 'rule is ineffective as there are less than two resources')
  }
  for (const { rule, resources, positive } of bound) {
    if (!positive && resources.size > nodes) blame(rule, 'rule defines more resources than available nodes')
  }
  blameOpposites(bound, blame)
  blamePriorities(bound, placed, blame)
  blameScattered(bound, placed, blame)
  blameCrowded(bound, placed, blame)
  return faults
}

type Blame = (rule: string, why: string) => void

const asPlaced = ({ rule, keys }: HaRule): Placed => ({
  rule,
  resources: new Set(listOf(keys.resources)),
  nodes: parseNodes(keys.nodes),
})

const asBound = ({ rule, keys }: HaRule): Bound => ({
  rule,
  resources: new Set(listOf(keys.resources)),
  positive: keys.affinity === 'positive',
})

const common = (a: Set<string>, b: Set<string>) => [...a].filter((sid) => b.has(sid))
const overlap = (a: { resources: Set<string> }, b: { resources: Set<string> }) =>
  common(a.resources, b.resources).length > 0

function blameDoubled(placed: Placed[], blame: Blame) {
  for (const one of placed) {
    const others = placed.filter((other) => other !== one)
    for (const sid of [...one.resources].sort()) {
      if (!others.some(({ resources }) => resources.has(sid))) continue
      blame(one.rule, `resource '${sid}' is already used in another node affinity rule`)
    }
  }
}

function blameOpposites(bound: Bound[], blame: Blame) {
  for (const together of bound.filter(({ positive }) => positive)) {
    for (const apart of bound.filter(({ positive }) => !positive)) {
      if (common(together.resources, apart.resources).length < 2) continue
      blame(together.rule, 'rule shares two or more resources with a negative resource affinity rule')
      blame(apart.rule, 'rule shares two or more resources with a positive resource affinity rule')
    }
  }
}

function blamePriorities(bound: Bound[], placed: Placed[], blame: Blame) {
  for (const one of bound) {
    const paired = placed.filter((place) => overlap(one, place))
    if (!paired.some(({ nodes }) => new Set(nodes.values()).size > 1)) continue
    blame(one.rule, 'resources are in node affinity rules with multiple priorities')
    for (const { rule } of paired) {
      blame(
        rule,
        'resources are in a resource affinity rule and cannot be in a node affinity rule with multiple priorities',
      )
    }
  }
}

function blameScattered(bound: Bound[], placed: Placed[], blame: Blame) {
  for (const group of connected(bound.filter(({ positive }) => positive))) {
    const paired = placed.filter((place) => group.some((one) => overlap(one, place)))
    if (paired.length < 2) continue
    for (const { rule } of group) blame(rule, 'resources are in multiple node affinity rules')
    for (const { rule } of paired) {
      blame(
        rule,
        'at least one resource is in a positive resource affinity rule and there are other resources in at least one other node affinity rule already',
      )
    }
  }
}

function blameCrowded(bound: Bound[], placed: Placed[], blame: Blame) {
  for (const one of bound.filter(({ positive }) => !positive)) {
    const paired = placed.filter((place) => overlap(one, place))
    const located = new Set(paired.flatMap(({ resources }) => common(one.resources, resources)))
    const nodes = new Set(paired.flatMap((place) => [...place.nodes.keys()]))
    if (nodes.size >= located.size) continue
    blame(one.rule, 'two or more resources are restricted to less nodes than available to the resources')
    for (const { rule } of paired) {
      blame(
        rule,
        'at least one resource is in a negative resource affinity rule and this rule would restrict these to less nodes than available to the resources',
      )
    }
  }
}

/** Positive rules that hang together through shared resources. */
export function connected<Rule extends { resources: Set<string> }>(rules: Rule[]): Rule[][] {
  const groups: Rule[][] = []
  for (const rule of rules) {
    const kin = groups.filter((group) => group.some((other) => overlap(other, rule)))
    for (const group of kin) groups.splice(groups.indexOf(group), 1)
    groups.push([...kin.flat(), rule])
  }
  return groups
}
