/** Node and resource affinity as the manager uses them: rules.cfg, or before 9.0 groups.cfg read as such rules. */
import type { ConfigKeys, HaConfig } from '../model.ts'

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

const list = (value: unknown) =>
  String(value ?? '')
    .split(/[,; ]+/)
    .filter((part) => part !== '')

const isOn = (value: unknown) => value !== undefined && value !== null && Number(value) !== 0

/** `pve1:3,pve2` */
export function parseNodes(value: unknown): Map<string, number> {
  return new Map(
    list(value).map((entry) => {
      const [node = '', priority] = entry.split(':')
      return [node, Number(priority ?? 0)] as const
    }),
  )
}

interface Bond {
  kind: 'positive' | 'negative'
  members: Set<string>
}

/** Reads what counts: rules that contradict each other are left out, as the manager leaves them out. */
export function readRules(config: HaConfig): Rules {
  const places = new Map<string, NodeAffinity>()
  for (const [group, keys] of config.groups) placeGroup(places, config, group, keys)
  for (const { type, keys } of config.rules.values()) {
    if (type !== 'node-affinity' || isOn(keys.disable)) continue
    for (const sid of list(keys.resources)) {
      places.set(sid, { nodes: parseNodes(keys.nodes), strict: isOn(keys.strict) })
    }
  }
  const bonds = feasible(readBonds(config), places, Object.keys(config.manager.node_status).length)
  const members = (sid: string, kind: Bond['kind']) => {
    const found = bonds.filter((bond) => bond.kind === kind && bond.members.has(sid))
    return [...new Set(found.flatMap((bond) => [...bond.members]))].filter((other) => other !== sid).sort()
  }
  const together = (sid: string) => members(sid, 'positive')
  /** Whoever must be together is placed, and kept apart from others, as one. */
  const party = (sid: string) => [sid, ...together(sid)]
  return {
    affinity: (sid) => party(sid).flatMap((each) => places.get(each) ?? [])[0],
    together,
    apart: (sid) => [...new Set(party(sid).flatMap((each) => members(each, 'negative').flatMap(party)))],
  }
}

function placeGroup(places: Map<string, NodeAffinity>, config: HaConfig, group: string, keys: ConfigKeys) {
  for (const resource of config.resources.values()) {
    if (resource.keys.group !== group) continue
    places.set(resource.sid, { nodes: parseNodes(keys.nodes), strict: isOn(keys.restricted) })
  }
}

/** Positive rules that share a member are one. */
function readBonds(config: HaConfig): Bond[] {
  const bonds: Bond[] = []
  for (const { type, keys } of config.rules.values()) {
    if (type !== 'resource-affinity' || isOn(keys.disable)) continue
    const kind = keys.affinity === 'positive' ? 'positive' : 'negative'
    const members = new Set(list(keys.resources))
    if (members.size < 2) continue
    const kin = kind === 'positive' ? bonds.filter((bond) => bond.kind === kind && overlaps(bond.members, members)) : []
    for (const bond of kin) {
      for (const sid of bond.members) members.add(sid)
      bonds.splice(bonds.indexOf(bond), 1)
    }
    bonds.push({ kind, members })
  }
  return bonds
}

const overlaps = (a: Set<string>, b: Set<string>) => [...a].some((sid) => b.has(sid))
const shared = (a: Set<string>, b: Set<string>) => [...a].filter((sid) => b.has(sid)).length

/** `nodes`: how many the manager knows. */
function feasible(bonds: Bond[], places: Map<string, NodeAffinity>, nodes: number): Bond[] {
  return bonds.filter((bond) => {
    const opposite = bonds.filter(({ kind }) => kind !== bond.kind)
    if (opposite.some(({ members }) => shared(members, bond.members) > 1)) return false
    if (bond.kind === 'positive') return haveCommonNode(bond, places)
    return bond.members.size <= nodes && haveNodesEnough(bond, places)
  })
}

const strictPlaces = ({ members }: Bond, places: Map<string, NodeAffinity>) =>
  [...members].flatMap((sid) => places.get(sid) ?? []).filter(({ strict }) => strict)

function haveCommonNode(bond: Bond, places: Map<string, NodeAffinity>) {
  const [first, ...others] = strictPlaces(bond, places)
  if (!first) return true
  return [...first.nodes.keys()].some((node) => others.every(({ nodes }) => nodes.has(node)))
}

function haveNodesEnough(bond: Bond, places: Map<string, NodeAffinity>) {
  const strict = strictPlaces(bond, places)
  return new Set(strict.flatMap(({ nodes }) => [...nodes.keys()])).size >= strict.length
}
