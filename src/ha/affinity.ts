/** One vocabulary over the groups of Proxmox VE 7 and 8 and the rules of 9: who prefers which nodes, who goes with whom. */

export interface RankedNode {
  node: string
  /** The highest that is online is taken. */
  priority: number
}

/** A node affinity, or a group. */
export interface Preference {
  name: string
  /** The most wanted first. */
  nodes: RankedNode[]
  /** No other node is ever taken, not even when all of these are gone. */
  strict: boolean
  sids: string[]
  disabled: boolean
}

/** A resource affinity; groups have none. */
export interface Bond {
  name: string
  kind: 'together' | 'apart'
  sids: string[]
  disabled: boolean
}

export interface Affinities {
  preferences: Preference[]
  bonds: Bond[]
}

interface Rule {
  rule: string
  type: 'node-affinity' | 'resource-affinity'
  resources: readonly string[]
  nodes: readonly RankedNode[]
  strict: boolean
  affinity?: 'positive' | 'negative'
  disabled: boolean
}

interface Group {
  group: string
  nodes: readonly RankedNode[]
  restricted: boolean
}

/** What a cluster has, in either form. A group has the guests that name it. */
export function affinitiesOf(site: {
  rules?: readonly Rule[] | undefined
  groups?: readonly Group[] | undefined
  resources: readonly { sid: string; group?: string }[]
}): Affinities {
  const { rules = [], groups = [], resources } = site
  const fromRules = rules
    .filter(({ type }) => type === 'node-affinity')
    .map(({ rule, nodes, strict, resources: sids, disabled }) => ({ name: rule, nodes, strict, sids, disabled }))
  const fromGroups = groups.map(({ group, nodes, restricted }) => ({
    name: group,
    nodes,
    strict: restricted,
    sids: resources.filter((resource) => resource.group === group).map(({ sid }) => sid),
    disabled: false,
  }))
  return {
    preferences: [...fromRules, ...fromGroups].map((one) => ({
      ...one,
      nodes: ranked(one.nodes),
      sids: [...one.sids].sort(),
    })),
    bonds: rules
      .filter(({ type }) => type === 'resource-affinity')
      .map(({ rule, affinity, resources: sids, disabled }) => ({
        name: rule,
        kind: affinity === 'negative' ? 'apart' : 'together',
        sids: [...sids].sort(),
        disabled,
      })),
  }
}

/** The most wanted first, then by name. */
export const ranked = (nodes: readonly RankedNode[]): RankedNode[] =>
  [...nodes].sort((a, b) => b.priority - a.priority || a.node.localeCompare(b.node, 'en', { numeric: true }))

/** `pve1:3,pve2:2`, as Proxmox writes it. */
export const nodesText = (nodes: readonly RankedNode[]): string =>
  ranked(nodes)
    .map(({ node, priority }) => (priority === 0 ? node : `${node}:${priority}`))
    .join(',')

/**
 * Nodes by rank out of what people type: `pve1:3 pve2:2`, `pve1,pve2`. Undefined for a text that names none, a node twice,
 * or a rank that is no number from 0 to 1000.
 */
export function parseNodes(text: string): RankedNode[] | undefined {
  const nodes: RankedNode[] = []
  for (const part of text.split(/[\s,;]+/).filter(Boolean)) {
    const match = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?::(\d{1,4}))?$/i.exec(part)
    const priority = Number(match?.[2] ?? 0)
    if (!match || priority > 1000 || nodes.some(({ node }) => node === match[1])) return undefined
    nodes.push({ node: match[1]!, priority })
  }
  return nodes.length === 0 ? undefined : ranked(nodes)
}

export const preferenceOf = ({ preferences }: Affinities, sid: string): Preference | undefined =>
  preferences.find(({ sids, disabled }) => !disabled && sids.includes(sid))

/** Nodes that a guest may ever be on, as far as strict preferences go. */
export function allowed(affinities: Affinities, sid: string, nodes: readonly string[]): string[] {
  const preference = preferenceOf(affinities, sid)
  if (!preference?.strict) return [...nodes]
  return nodes.filter((node) => preference.nodes.some((ranked) => ranked.node === node))
}

/** For each guest under HA the nodes where it may be started, as the cluster is configured now. */
export function placesIn(
  site: Omit<Parameters<typeof affinitiesOf>[0], 'resources'> & {
    managed: NonNullable<Parameters<typeof affinitiesOf>[0]['resources']>
    nodes: readonly { name: string }[]
  },
): (sid: string) => string[] {
  const affinities = affinitiesOf({ ...site, resources: site.managed })
  const names = site.nodes.map(({ name }) => name)
  return (sid) => allowed(affinities, sid, names)
}

/**
 * Those of `online` that a guest prefers most; all of them where it prefers none that is there, and none where it may be
 * on none of them.
 */
export function favourites(affinities: Affinities, sid: string, online: readonly string[]): string[] {
  const preference = preferenceOf(affinities, sid)
  const there = (preference?.nodes ?? []).filter(({ node }) => online.includes(node))
  if (there.length === 0) return preference?.strict ? [] : [...online]
  return there.filter(({ priority }) => priority === there[0]!.priority).map(({ node }) => node)
}

/** All that must be on one node with a guest, itself included, over any number of rules. */
export function companions({ bonds }: Affinities, sid: string): string[] {
  const found = new Set([sid])
  const together = bonds.filter(({ kind, disabled }) => kind === 'together' && !disabled)
  for (let before = 0; before < found.size; ) {
    before = found.size
    for (const { sids } of together) if (sids.some((one) => found.has(one))) for (const one of sids) found.add(one)
  }
  return [...found].sort()
}

/** What a wish to move one guest comes to. */
export interface Motion {
  /** Others that go with it. */
  along: string[]
  /** Guests on the target that one of them must be apart from. */
  blocking: { sid: string; rule: string }[]
  /** Those of them whose strict preference leaves the target out. */
  barred: { sid: string; rule: string }[]
}

/** @param places where each guest is now, or is on its way to */
export function motionOf(
  affinities: Affinities,
  sid: string,
  target: string,
  places: Readonly<Record<string, string>>,
): Motion {
  const movers = companions(affinities, sid)
  const apart = affinities.bonds.filter(({ kind, disabled }) => kind === 'apart' && !disabled)
  const blocking = apart.flatMap(({ name, sids }) =>
    sids.some((one) => movers.includes(one))
      ? sids.filter((one) => !movers.includes(one) && places[one] === target).map((one) => ({ sid: one, rule: name }))
      : [],
  )
  const barred = movers.flatMap((one) => {
    const preference = preferenceOf(affinities, one)
    const leavesOut = preference?.strict && !preference.nodes.some(({ node }) => node === target)
    return leavesOut ? [{ sid: one, rule: preference.name }] : []
  })
  return { along: movers.filter((one) => one !== sid), blocking, barred }
}
