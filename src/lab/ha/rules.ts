/** Node and resource affinity as the manager uses them: rules.cfg, or before 9.0 groups.cfg read as such rules. */
import type { ConfigKeys, HaConfig, HaRule } from '../model.ts'
import { connected, ruleFaults } from './feasibility.ts'
import { isOn, listOf, parseNodes } from './rule-values.ts'

export interface NodeAffinity {
  /** Node → priority; 0 unless given. */
  nodes: Map<string, number>
  strict: boolean
}

export interface Rules {
  /** Undefined: anywhere. */
  affinity(sid: string): NodeAffinity | undefined
  /** Whom it must be with, and whom it must avoid; itself not among them. */
  together(sid: string): string[]
  apart(sid: string): string[]
}

interface Bond {
  resources: Set<string>
}

/** Reads what counts: rules that cannot be kept are left out, and what the others imply is added. */
export function readRules(config: HaConfig): Rules {
  const faults = ruleFaults(config.rules.values(), Object.keys(config.manager.node_status).length)
  const rules = [...config.rules.values()].filter(({ rule, keys }) => !isOn(keys.disable) && !faults.has(rule))
  const places = new Map<string, NodeAffinity>()
  for (const [group, keys] of config.groups) placeGroup(places, config, group, keys)
  for (const { type, keys } of rules) {
    if (type !== 'node-affinity') continue
    for (const sid of listOf(keys.resources))
      places.set(sid, { nodes: parseNodes(keys.nodes), strict: isOn(keys.strict) })
  }
  const friends = connected(bonds(rules, 'positive')).map(merged)
  const foes = bonds(rules, 'negative')
  for (const { resources } of friends) placeTogether(places, resources)
  const together = (sid: string) => others(friends, sid)
  return {
    affinity: (sid) => places.get(sid),
    together,
    apart(sid) {
      const avoided = [sid, ...together(sid)].flatMap((one) => others(foes, one))
      return [...new Set(avoided.flatMap((foe) => [foe, ...together(foe)]))].sort()
    },
  }
}

function placeGroup(places: Map<string, NodeAffinity>, config: HaConfig, group: string, keys: ConfigKeys) {
  for (const resource of config.resources.values()) {
    if (resource.keys.group !== group) continue
    places.set(resource.sid, { nodes: parseNodes(keys.nodes), strict: isOn(keys.restricted) })
  }
}

const bonds = (rules: HaRule[], affinity: 'positive' | 'negative'): Bond[] =>
  rules
    .filter(({ type, keys }) => type === 'resource-affinity' && keys.affinity === affinity)
    .map(({ keys }) => ({ resources: new Set(listOf(keys.resources)) }))

const merged = (group: Bond[]): Bond => ({ resources: new Set(group.flatMap(({ resources }) => [...resources])) })

/** Where one of them may be, all of them may be. */
function placeTogether(places: Map<string, NodeAffinity>, resources: Set<string>) {
  const affinity = [...resources].flatMap((sid) => places.get(sid) ?? [])[0]
  if (affinity) for (const sid of resources) places.set(sid, affinity)
}

function others(of: Bond[], sid: string): string[] {
  const found = of.filter(({ resources }) => resources.has(sid)).flatMap(({ resources }) => [...resources])
  return [...new Set(found)].filter((other) => other !== sid).sort()
}
