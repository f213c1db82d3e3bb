import { type Affinities, allowed, type Bond, companions, type Preference } from './affinity.ts'

/** What is wrong with a rule: a code that the words know, the rule, and what to put into the sentence. */
export interface Conflict {
  code:
    | 'ha-no-nodes'
    | 'ha-unknown-node'
    | 'ha-no-guests'
    | 'ha-not-managed'
    | 'ha-needs-two'
    | 'ha-two-preferences'
    | 'ha-together-and-apart'
    | 'ha-apart-too-many'
    | 'ha-apart-no-room'
    | 'ha-several-priorities'
    | 'ha-no-common-node'
  rule: string
  values: Record<string, string | number>
}

interface Site {
  /** All nodes of the cluster, whether online or not. */
  nodes: readonly string[]
  /** Guests that are under HA. */
  managed: readonly string[]
  /** Groups may be empty; rules may not. */
  mayBeEmpty: boolean
}

/**
 * Everything that Proxmox would refuse, and what it would take and then ignore. Disabled rules count for nothing but
 * their own form.
 */
export function conflictsOf(affinities: Affinities, site: Site): Conflict[] {
  const live = {
    preferences: affinities.preferences.filter(({ disabled }) => !disabled),
    bonds: affinities.bonds.filter(({ disabled }) => !disabled),
  }
  return [
    ...affinities.preferences.flatMap((one) => [...ofForm(one, site), ...unmanaged(one, site)]),
    ...affinities.bonds.flatMap((one) => [...tooFew(one), ...unmanaged(one, site)]),
    ...doubled(live),
    ...live.bonds.flatMap((one) => [...(one.kind === 'apart' ? room(one, live, site) : common(one, live))]),
    ...live.bonds.filter(({ kind }) => kind === 'apart').flatMap((one) => torn(one, live)),
    ...live.bonds.flatMap((one) => manyPriorities(one, live)),
  ]
}

/** Those that one rule has a part in. */
export const conflictsWith = (conflicts: readonly Conflict[], rule: string): Conflict[] =>
  conflicts.filter((one) => one.rule === rule || one.values.other === rule)

const ofForm = ({ name, nodes, sids }: Preference, site: Site): Conflict[] => [
  ...(nodes.length === 0 ? [{ code: 'ha-no-nodes' as const, rule: name, values: { rule: name } }] : []),
  ...(sids.length === 0 && !site.mayBeEmpty
    ? [{ code: 'ha-no-guests' as const, rule: name, values: { rule: name } }]
    : []),
  ...nodes
    .filter(({ node }) => !site.nodes.includes(node))
    .map(({ node }) => ({
      code: 'ha-unknown-node' as const,
      rule: name,
      values: { rule: name, node, nodes: site.nodes.join(', ') },
    })),
]

const tooFew = ({ name, sids }: Bond): Conflict[] =>
  new Set(sids).size < 2 ? [{ code: 'ha-needs-two', rule: name, values: { rule: name } }] : []

const unmanaged = ({ name, sids }: Preference | Bond, { managed }: Site): Conflict[] =>
  sids
    .filter((sid) => !managed.includes(sid))
    .map((sid) => ({ code: 'ha-not-managed', rule: name, values: { rule: name, sid, guest: numberOf(sid) } }))

const numberOf = (sid: string) => sid.slice(sid.indexOf(':') + 1)

/** A guest may be in one node affinity only. */
function doubled({ preferences }: Affinities): Conflict[] {
  return preferences.flatMap((one, i) =>
    preferences.slice(i + 1).flatMap((other) =>
      one.sids
        .filter((sid) => other.sids.includes(sid))
        .map((sid) => ({
          code: 'ha-two-preferences' as const,
          rule: other.name,
          values: { rule: other.name, other: one.name, sid, guest: numberOf(sid) },
        })),
    ),
  )
}

/** Two that must be together, over any number of rules, cannot be apart as well. */
function torn(bond: Bond, live: Affinities): Conflict[] {
  return bond.sids.flatMap((sid, i) => {
    const with_ = companions(live, sid)
    return bond.sids.slice(i + 1).flatMap((other) => {
      if (!with_.includes(other)) return []
      const together = live.bonds.find(({ kind, sids }) => kind === 'together' && sids.includes(sid))
      const values = { rule: bond.name, other: together?.name ?? '', sids: `${sid}, ${other}` }
      return [{ code: 'ha-together-and-apart' as const, rule: bond.name, values }]
    })
  })
}

/** Each needs a node of its own: as many as there are, and one that it may be on. */
function room({ name, sids }: Bond, live: Affinities, { nodes }: Site): Conflict[] {
  if (sids.length > nodes.length) {
    const values = { rule: name, count: sids.length, nodes: nodes.length }
    return [{ code: 'ha-apart-too-many', rule: name, values }]
  }
  const taken = new Map<string, string>()
  const place = (sid: string, tried: Set<string>): boolean =>
    allowed(live, sid, nodes).some((node) => {
      if (tried.has(node)) return false
      tried.add(node)
      const there = taken.get(node)
      if (there !== undefined && !place(there, tried)) return false
      taken.set(node, sid)
      return true
    })
  const left = sids.filter((sid) => !place(sid, new Set()))
  return left.length === 0
    ? []
    : [{ code: 'ha-apart-no-room', rule: name, values: { rule: name, sids: left.join(', ') } }]
}

/** Those that must be together need a node that all their preferences name. */
function common({ name, sids }: Bond, live: Affinities): Conflict[] {
  const members = companions(live, sids[0] ?? '')
  const theirs = live.preferences.filter((preference) => preference.sids.some((sid) => members.includes(sid)))
  const shared = theirs.map(({ nodes }) => nodes.map(({ node }) => node))
  const meet = shared.reduce<string[] | undefined>(
    (left, nodes) => (left === undefined ? nodes : left.filter((node) => nodes.includes(node))),
    undefined,
  )
  if (meet === undefined || meet.length > 0) return []
  const [first, ...rest] = theirs.map((one) => one.name)
  const values = { rule: name, preferences: [first, ...rest].join(', '), other: rest.at(-1) ?? '' }
  return [{ code: 'ha-no-common-node', rule: name, values }]
}

/** Proxmox takes no resource affinity over guests whose node affinity has more than one rank. */
function manyPriorities({ name, sids }: Bond, live: Affinities): Conflict[] {
  return live.preferences.flatMap((preference) => {
    const ranks = new Set(preference.nodes.map(({ priority }) => priority))
    const shared = preference.sids.filter((sid) => sids.includes(sid))
    if (ranks.size < 2 || shared.length === 0) return []
    const values = { rule: name, other: preference.name, sids: shared.join(', ') }
    return [{ code: 'ha-several-priorities' as const, rule: name, values }]
  })
}
