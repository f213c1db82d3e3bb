import type { Blueprint } from '../core/blueprint.ts'
import { sidOf } from '../core/ha.ts'
import { ranked } from '../ha/affinity.ts'
import {
  groupSettings,
  type HaChange,
  type ResourceSettings,
  ruleSettings,
  same,
  settingsOf,
  shellOf,
} from '../ha/changes.ts'
import type { Site } from './site.ts'
import { never, type Step, type StepWords, so, todo } from './step.ts'

type Wanted = Blueprint['ha']['guests'][number]

/**
 * HA: the guests, then the rules that say where they like to be; before Proxmox VE 9 the groups come first, since guests
 * name them. What a blueprint does not speak of (a comment, failback, other guests of a rule) stays as it is.
 */
export function haSteps(blueprint: Blueprint, site: Site): Step[] {
  const { prefer, guests } = blueprint.ha
  const hasRules = site.ha.rules !== undefined
  const preferences = Object.entries(prefer).map(([name, nodes]) => preference(name, nodes, blueprint, site))
  const resources = guests.map((guest) => resource(guest, blueprint, site, hasRules))
  return hasRules ? [...resources, ...preferences.flat()] : [...preferences.flat(), ...resources]
}

/** A guest by its number: as it is there, or as the blueprint brings it. */
function guestOf(vmid: number, blueprint: Blueprint, { ha }: Site): { sid: string; name: string } | undefined {
  const is = ha.guests.find((guest) => guest.vmid === vmid)
  if (is) return { sid: sidOf(is), name: is.name }
  const planned = blueprint.guests.find(({ id }) => id === vmid)
  return planned && { sid: `vm:${vmid}`, name: planned.name }
}

function resource(wanted: Wanted, blueprint: Blueprint, site: Site, hasRules: boolean): Step {
  const id = `ha ${wanted.guest}`
  const guest = guestOf(wanted.guest, blueprint, site)
  const what: StepWords = { key: 'resource', values: { guest: guest?.name ?? wanted.guest, state: wanted.state } }
  if (!guest) return never('ha', id, what, { code: 'no-guest', values: { guest: wanted.guest } })
  const { sid, name } = guest
  const is = site.ha.managed.find((one) => one.sid === sid)
  const was = is ? settingsOf(is, hasRules) : null
  const to: ResourceSettings = {
    ...(was ?? (hasRules ? { failback: true } : {})),
    state: wanted.state,
    maxRestart: wanted.maxRestart,
    maxRelocate: wanted.maxRelocate,
    ...(hasRules || wanted.prefer === undefined ? {} : { group: wanted.prefer }),
  }
  const awaits = { sid, name, state: wanted.state }
  return step(id, what, { what: 'resource', id: sid, was, to }, awaits)
}

function preference(name: string, nodes: Record<string, number>, blueprint: Blueprint, site: Site): Step[] {
  const order = ranked(Object.entries(nodes).map(([node, priority]) => ({ node, priority })))
  const known = [blueprint.cluster?.first, ...(blueprint.cluster?.join ?? []), ...site.ha.nodes.map((one) => one.name)]
  const shown = order.map(({ node, priority }) => `${node}:${priority}`).join(' ')
  const stranger = order.find(({ node }) => !known.includes(node))
  const what = (key: 'rule' | 'group'): StepWords => ({ key, values: { name, nodes: shown } })
  const { rules, groups } = site.ha
  const key = rules ? 'rule' : 'group'
  if (stranger) return [never('ha', `${key} ${name}`, what(key), { code: 'no-node', values: { node: stranger.node } })]
  if (!rules) {
    const is = groups?.find(({ group }) => group === name)
    const was = is ? groupSettings(is) : null
    const to = { ...(was ?? { strict: false, nofailback: false }), nodes: order }
    return [step(`group ${name}`, what('group'), { what: 'group', id: name, was, to })]
  }
  const is = rules.find(({ rule }) => rule === name)
  const was = is ? ruleSettings(is) : null
  const sids = blueprint.ha.guests.flatMap(({ guest, prefer }) =>
    prefer === name ? (guestOf(guest, blueprint, site)?.sid ?? []) : [],
  )
  // Proxmox keeps no rule without guests.
  if (sids.length === 0 && !was) return []
  if (was && was.kind !== 'prefer') {
    const values = { differs: `${was.kind}, not prefer` }
    return [never('ha', `rule ${name}`, what('rule'), { code: 'differs', values })]
  }
  const all = [...new Set([...(was?.sids ?? []), ...sids])].sort()
  const to = { kind: 'prefer' as const, sids: all, nodes: order, strict: was?.strict ?? false }
  return [step(`rule ${name}`, what('rule'), { what: 'rule', id: name, was, to })]
}

function step(id: string, what: StepWords, change: HaChange, awaits?: object): Step {
  if (same(change.was, change.to)) return so('ha', id, what)
  const payload = { changes: [change], ...(awaits ? { awaits } : {}) }
  return todo('ha', id, what, {
    worker: 'ha-config',
    payload,
    command: awaits ? `ha add ${change.id}` : `ha prefer ${change.id}`,
    shell: [shellOf(change)],
  })
}
