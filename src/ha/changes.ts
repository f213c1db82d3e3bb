import { type Affinities, nodesText, type RankedNode, ranked } from './affinity.ts'

/** What HA has of a guest. */
export interface ResourceSettings {
  state: 'started' | 'stopped' | 'enabled' | 'disabled' | 'ignored'
  maxRestart: number
  maxRelocate: number
  /** Since 9.0. */
  failback?: boolean | undefined
  /** Before 9.0. */
  group?: string | undefined
  comment?: string | undefined
}

export interface RuleSettings {
  kind: 'prefer' | 'together' | 'apart'
  sids: string[]
  /** Of `prefer`. */
  nodes: RankedNode[]
  /** Of `prefer`. */
  strict: boolean
}

export interface GroupSettings {
  nodes: RankedNode[]
  strict: boolean
  nofailback: boolean
}

interface Change<W extends string, S> {
  what: W
  /** `vm:100`, or the name of a rule or group. */
  id: string
  /** As it was when this was decided; null: not there. */
  was: S | null
  /** Null: to be taken away. */
  to: S | null
}

/** One section of HA's configuration, before and after. */
export type HaChange =
  | Change<'resource', ResourceSettings>
  | Change<'rule', RuleSettings>
  | Change<'group', GroupSettings>

interface Resource extends ResourceSettings {
  sid: string
}

interface Rule {
  rule: string
  type: 'node-affinity' | 'resource-affinity'
  resources: readonly string[]
  nodes: readonly RankedNode[]
  strict: boolean
  affinity?: 'positive' | 'negative'
}

interface Group {
  group: string
  nodes: readonly RankedNode[]
  restricted: boolean
  nofailback: boolean
}

/** @param nine whether the cluster has rules: failback stands with the guest there, and with the group before */
export const settingsOf = (
  { state, maxRestart, maxRelocate, failback, group, comment }: Omit<Resource, 'sid'>,
  nine: boolean,
): ResourceSettings => ({
  state,
  maxRestart,
  maxRelocate,
  ...(nine ? { failback: failback ?? true } : {}),
  ...(group === undefined ? {} : { group }),
  ...(comment === undefined ? {} : { comment }),
})

export const ruleSettings = ({ type, affinity, resources, nodes, strict }: Rule): RuleSettings => ({
  kind: type === 'node-affinity' ? 'prefer' : affinity === 'negative' ? 'apart' : 'together',
  sids: [...resources].sort(),
  nodes: type === 'node-affinity' ? ranked(nodes) : [],
  strict: type === 'node-affinity' && strict,
})

export const groupSettings = ({ nodes, restricted, nofailback }: Group): GroupSettings => ({
  nodes: ranked(nodes),
  strict: restricted,
  nofailback,
})

/** Whatever order their keys have. */
export const same = (a: object | null, b: object | null): boolean => canonical(a) === canonical(b)

const canonical = (value: object | null): string =>
  JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

/** Those that change something. */
export const needed = (changes: readonly HaChange[]): HaChange[] => changes.filter(({ was, to }) => !same(was, to))

/** What a cluster would have after these changes, for those who look for conflicts. */
export function after(affinities: Affinities, changes: readonly HaChange[], managed: readonly string[]) {
  let { preferences, bonds } = affinities
  const guests = new Set(managed)
  for (const change of changes) {
    const { id } = change
    if (change.what === 'resource') {
      if (change.to) guests.add(id)
      else guests.delete(id)
      const { group } = change.to ?? {}
      if (change.was?.group === group) continue
      preferences = preferences.map((one) => ({
        ...one,
        sids: one.name === group ? [...new Set([...one.sids, id])].sort() : one.sids.filter((sid) => sid !== id),
      }))
      continue
    }
    const before = preferences.find(({ name }) => name === id)
    preferences = preferences.filter(({ name }) => name !== id)
    bonds = bonds.filter(({ name }) => name !== id)
    if (!change.to) continue
    const { to } = change
    if ('kind' in to && to.kind !== 'prefer') {
      bonds = [...bonds, { name: id, kind: to.kind, sids: to.sids, disabled: false }]
      continue
    }
    const sids = 'kind' in to ? to.sids : (before?.sids ?? [])
    preferences = [...preferences, { name: id, nodes: to.nodes, strict: to.strict, sids, disabled: false }]
  }
  return { affinities: { preferences, bonds }, managed: [...guests].sort() }
}

/** The same by hand. */
export function shellOf(change: HaChange): string {
  if (change.what === 'resource') return resourceShell(change)
  if (change.what === 'group') return groupShell(change)
  const { id, was, to } = change
  if (!to) return `ha-manager rules remove ${id}`
  const verb = was ? 'set' : 'add'
  const resources = `--resources ${to.sids.join(',')}`
  if (to.kind !== 'prefer') {
    const affinity = to.kind === 'apart' ? 'negative' : 'positive'
    return `ha-manager rules ${verb} resource-affinity ${id} ${resources} --affinity ${affinity}`
  }
  const strict = to.strict || was?.strict ? ` --strict ${Number(to.strict)}` : ''
  return `ha-manager rules ${verb} node-affinity ${id} ${resources} --nodes ${nodesText(to.nodes)}${strict}`
}

function resourceShell({ id, was, to }: HaChange & { what: 'resource' }): string {
  if (!to) return `ha-manager remove ${id}`
  const options: [string, string | number | undefined, string | number | undefined][] = [
    ['state', was?.state, to.state],
    ['max_restart', was?.maxRestart, to.maxRestart],
    ['max_relocate', was?.maxRelocate, to.maxRelocate],
    ['failback', Number(was?.failback ?? true), Number(to.failback ?? true)],
    ['group', was?.group, to.group],
    ['comment', was?.comment, to.comment],
  ]
  const changed = options.filter(([, before, now]) => before !== now)
  const set = changed.filter(([, , now]) => now !== undefined).map(([key, , now]) => `--${key} ${quoted(String(now))}`)
  const gone = changed.filter(([, , now]) => now === undefined).map(([key]) => key)
  const drop = gone.length > 0 ? [`--delete ${gone.join(',')}`] : []
  return ['ha-manager', was ? 'set' : 'add', id, ...set, ...drop].join(' ')
}

function groupShell({ id, was, to }: HaChange & { what: 'group' }): string {
  if (!to) return `ha-manager groupremove ${id}`
  const restricted = to.strict || was?.strict ? ` --restricted ${Number(to.strict)}` : ''
  return `ha-manager ${was ? 'groupset' : 'groupadd'} ${id} --nodes ${nodesText(to.nodes)}${restricted}`
}

const quoted = (text: string) => (/^[\w.:,@/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

interface Words {
  wanted: Record<ResourceSettings['state'], string>
  labels: Record<
    | 'wanted'
    | 'restart'
    | 'relocate'
    | 'failback'
    | 'comment'
    | 'prefers'
    | 'guests'
    | 'nodes'
    | 'strict'
    | 'together'
    | 'apart',
    string
  >
  yes: string
  no: string
  none: string
}

/** Each setting that changes, as before → after; of something new only what it will be. */
export function shown(changes: readonly HaChange[], words: Words): { name: string; value: string }[] {
  return changes.flatMap((change) => {
    const { id } = change
    const was = values(change.what, change.was, words)
    const to = values(change.what, change.to, words)
    const names = [...new Set([...Object.keys(was), ...Object.keys(to)])]
    return names.flatMap((name) => {
      if (was[name] === to[name]) return []
      const label = changes.length > 1 || change.what !== 'resource' ? `${id}: ${name}` : name
      const before = change.was ? `${was[name] ?? words.none} → ` : ''
      return [{ name: label, value: `${before}${to[name] ?? words.none}` }]
    })
  })
}

function values(what: HaChange['what'], settings: HaChange['to'], words: Words): Record<string, string> {
  if (!settings) return {}
  const { labels } = words
  const bit = (on: boolean) => (on ? words.yes : words.no)
  if (what === 'resource') {
    const { state, maxRestart, maxRelocate, failback, group, comment } = settings as ResourceSettings
    return {
      [labels.wanted]: words.wanted[state],
      [labels.restart]: String(maxRestart),
      [labels.relocate]: String(maxRelocate),
      ...(failback === undefined ? {} : { [labels.failback]: bit(failback) }),
      ...(group === undefined ? {} : { [labels.prefers]: group }),
      ...(comment === undefined ? {} : { [labels.comment]: comment }),
    }
  }
  const { nodes, strict } = settings as GroupSettings | RuleSettings
  const listed =
    nodes.length === 0 ? {} : { [labels.nodes]: nodesText(nodes).replaceAll(',', ' '), [labels.strict]: bit(strict) }
  const sids = 'sids' in settings ? { [labels.guests]: settings.sids.join(', ') } : {}
  return { ...listed, ...sids }
}
