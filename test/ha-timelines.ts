import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { affinitiesOf } from '../src/ha/affinity.ts'
import type { WhyFacts } from '../src/ha/why.ts'
import type { HaEntry, HaResource, HaRule, ManagerStatus } from '../src/proxmox/port.ts'
import { HaStatusReply, ManagerStatusReply } from '../src/proxmox/replies/ha.ts'
import { HaResourcesReply, HaRulesReply } from '../src/proxmox/replies/ha-config.ts'

/** What Proxmox's own HA manager answered in its scripted scenarios (test/recordings/ha-timelines). */

const folder = new URL('./recordings/ha-timelines/', import.meta.url)

export const scenarios = readdirSync(folder).sort()

interface Raw {
  t: number
  step: string
  nodes: Record<string, 'online' | 'offline' | 'isolated'>
  quorate: number
  view_node: string | null
  manager_status: unknown
  lrm_status?: unknown
  ha_status_current: unknown[] | null
  ha_resources?: unknown
  ha_rules?: unknown
  guests?: Record<string, { node: string; status: string; lock?: string | null }>
}

/** One moment of a scenario at which somebody answered. */
export interface Moment {
  t: number
  nodes: Raw['nodes']
  entries: HaEntry[]
  manager: ManagerStatus
  resources: HaResource[]
  rules: HaRule[]
  /** The truth, which no API tells. */
  guests: NonNullable<Raw['guests']>
}

/** Its moments in order; undefined where nobody answered. */
export function momentsOf(scenario: string): (Moment | undefined)[] {
  const text = gunzipSync(readFileSync(new URL(`${scenario}/timeline.jsonl.gz`, folder))).toString()
  return text
    .trim()
    .split('\n')
    .map((line) => moment(JSON.parse(line) as Raw))
}

function moment(raw: Raw): Moment | undefined {
  if (!raw.ha_status_current) return undefined
  const { t, nodes, guests = {} } = raw
  const quorum = { node: raw.view_node ?? '', quorate: raw.quorate }
  const status = { quorum, manager_status: raw.manager_status, lrm_status: raw.lrm_status ?? {} }
  return {
    t,
    nodes,
    guests,
    entries: HaStatusReply.parse(raw.ha_status_current),
    manager: ManagerStatusReply.parse(status),
    resources: HaResourcesReply.parse(raw.ha_resources ?? []),
    rules: HaRulesReply.parse(raw.ha_rules ?? []),
  }
}

/** What the command `why` would know of a guest at that moment. */
export function whyFacts(at: Moment, sid: string): WhyFacts {
  const guest = at.guests[sid]
  const resource = at.resources.find((one) => one.sid === sid)
  return {
    sid,
    ...(guest ? { guest: { node: guest.node, status: guest.status, template: false } } : {}),
    entries: at.entries,
    manager: at.manager,
    ...(resource ? { resource } : {}),
    affinities: affinitiesOf({ rules: at.rules, resources: at.resources }),
    ignored: at.rules.flatMap(({ rule, resources: sids, errors }) =>
      Object.keys(errors).length === 0 ? [] : [{ rule, sids, raw: Object.values(errors).flat().join('; ') }],
    ),
    nodes: Object.entries(at.nodes).map(([name, state]) => ({ name, online: state === 'online' })),
    unreachable: [],
  }
}
