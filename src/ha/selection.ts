import { type Affinities, companions, preferenceOf } from './affinity.ts'

/** A guest as the HA manager weighs it: where it is, and where it is bound for. */
export interface Placed {
  node: string
  target?: string
  /** It burdens no node: stopped, or not begun. */
  idle: boolean
}

export type Places = Readonly<Record<string, Placed>>

interface Choice {
  sid: string
  affinities: Affinities
  places: Places
  /** Nodes that may take it, in any order. */
  online: readonly string[]
  /** Nodes where its start has failed already. */
  tried?: readonly string[]
}

/**
 * The node that Proxmox's HA manager takes for a guest that has lost its own: the rules first, then the node that has the
 * fewest, then the first by name. Undefined: none. This is its basic scheduler; a static or dynamic one weighs load.
 */
export function chooseNode(choice: Choice): string | undefined {
  const open = opened(choice)
  const best = meet(choice, open.find((nodes) => nodes.length > 0) ?? [])
  return emptiest(choice, best)
}

/** Whether a guest would be moved from where it is once `home` is there again, and failback is on. */
export function wouldGoHome(choice: Choice & { at: string }): string | undefined {
  const best = meet(choice, opened(choice).find((nodes) => nodes.length > 0) ?? [])
  return best.length === 0 || best.includes(choice.at) ? undefined : emptiest(choice, best)
}

/** Nodes by class of falling preference, without those that others keep it from. */
function opened(choice: Choice): string[][] {
  const apart = keptFrom(choice)
  return classesOf(choice).map((nodes) =>
    nodes.filter((node) => !apart.has(node) && !(choice.tried ?? []).includes(node)),
  )
}

/** Those that must be together share the preference of whichever of them has one. */
function classesOf({ sid, affinities, online }: Choice): string[][] {
  const sorted = [...online].sort()
  const preference =
    preferenceOf(affinities, sid) ??
    companions(affinities, sid)
      .map((one) => preferenceOf(affinities, one))
      .find((one) => one !== undefined)
  const named = (preference?.nodes ?? []).filter(({ node }) => sorted.includes(node))
  if (!preference || named.length === 0) return preference?.strict ? [] : [sorted]
  const levels = [...new Set(named.map(({ priority }) => priority))].sort((a, b) => b - a)
  const classes = levels.map((level) =>
    sorted.filter((name) => named.some((n) => n.node === name && n.priority === level)),
  )
  const others = sorted.filter((name) => !named.some(({ node }) => node === name))
  return preference.strict || others.length === 0 ? classes : [...classes, others]
}

/** Nodes taken by those that it, or one that it goes with, must be apart from. */
function keptFrom({ sid, affinities, places }: Choice): Set<string> {
  const own = companions(affinities, sid)
  const foes = affinities.bonds
    .filter(({ kind, disabled, sids }) => kind === 'apart' && !disabled && sids.some((one) => own.includes(one)))
    .flatMap(({ sids }) => sids.filter((one) => !own.includes(one)))
    .flatMap((foe) => companions(affinities, foe))
  return new Set(foes.flatMap((foe) => [places[foe]?.node ?? '', places[foe]?.target ?? '']))
}

/** The one of the nodes where most of those are that it must be with; all of them while none is there. */
function meet({ sid, affinities, places }: Choice, nodes: string[]): string[] {
  const counts = new Map<string, number>()
  for (const other of companions(affinities, sid)) {
    const at = other === sid ? undefined : (places[other]?.target ?? places[other]?.node)
    if (at !== undefined && nodes.includes(at)) counts.set(at, (counts.get(at) ?? 0) + 1)
  }
  const [most] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return most ? [most[0]] : nodes
}

function emptiest({ places }: Choice, nodes: string[]): string | undefined {
  const burden = (node: string) =>
    Object.values(places).filter((one) => !one.idle && (one.node === node || one.target === node)).length
  return [...nodes].sort((a, b) => burden(a) - burden(b) || (a < b ? -1 : 1))[0]
}
