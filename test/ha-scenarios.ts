/** The recorded HA scenarios: what the API would have answered at each step, and what truly happened. */
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { EventKind } from '../src/ha/event.ts'

const FOLDER = new URL('./recordings/ha-timelines/', import.meta.url)

interface Fields {
  [key: string]: unknown
}

interface Record {
  t: number
  epoch: number
  step: string
  nodes: { [node: string]: 'online' | 'offline' | 'isolated' }
  quorate: 0 | 1
  view_node: string | null
  manager_status: Fields
  lrm_status: Fields | null
  ha_status_current: Fields[] | null
  guests: { [sid: string]: { node: string; status: string } }
  isolated_views?: { [node: string]: Fields[] }
}

interface TrueEvent {
  t: number
  kind: string
  headline: boolean
  bootstrap?: boolean
  node?: string
  sid?: string
  from?: string
  to?: string
  from_state?: string
}

/** What each endpoint answers at one moment; absent: nobody answers. */
export interface Frame {
  t: number
  epoch: number
  /** The node that is asked. */
  node?: string
  /** What is true of the nodes, whoever is asked. */
  nodes: Record['nodes']
  ha?: Fields[]
  manager?: Fields
  status?: Fields[]
  resources?: Fields[]
  tasks?: Fields[]
  /** What nodes without quorum answer to `status/current`. */
  isolated?: { [node: string]: Fields[] }
}

export interface Scenario {
  name: string
  frames: Frame[]
  /** As PVE 8 would have answered. */
  old: Frame[]
  expected: Expected[]
}

/** An event that a poller must tell. */
export interface Expected {
  t: number
  kind: EventKind
  subject: string
  to?: string
  /** Nobody who polls can see it, for this reason. */
  hidden?: string
  /** In the second in which the first master made itself at home: seen only by who looks between its steps. */
  early?: boolean
}

const lines = (folder: URL, file: string) =>
  gunzipSync(readFileSync(new URL(file, folder)))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

export function loadScenarios(): Scenario[] {
  return readdirSync(FOLDER)
    .sort()
    .map((name) => {
      const folder = new URL(`${name}/`, FOLDER)
      const timeline = lines(folder, 'timeline.jsonl.gz') as Record[]
      const old = lines(folder, 'status-v4.0.7.jsonl.gz') as { ha_status_current: Fields[] | null }[]
      const events = JSON.parse(gunzipSync(readFileSync(new URL('events.json.gz', folder))).toString()) as TrueEvent[]
      return {
        name,
        frames: timeline.map((record) => frameOf(record, record.ha_status_current)),
        old: timeline.map((record, i) => frameOf(record, old[i]!.ha_status_current)),
        expected: expectedOf(events, Math.max(0, ...events.filter(({ bootstrap }) => bootstrap).map(({ t }) => t))),
      }
    })
}

function frameOf(record: Record, ha: Fields[] | null): Frame {
  const { t, epoch, view_node: node, quorate, nodes } = record
  if (node === null || !ha) return { t, epoch, nodes }
  return {
    t,
    epoch,
    nodes,
    node,
    ha,
    manager: {
      manager_status: record.manager_status ?? {},
      quorum: { node, quorate },
      lrm_status: record.lrm_status ?? {},
    },
    status: statusOf(record, node),
    resources: Object.entries(record.guests ?? {}).map(([sid, guest]) => {
      const [kind, vmid] = sid.split(':')
      return { type: kind === 'ct' ? 'lxc' : 'qemu', vmid: Number(vmid), node: guest.node, status: guest.status }
    }),
    tasks: [],
    ...(record.isolated_views ? { isolated: record.isolated_views } : {}),
  }
}

/** `/cluster/status` is in no recording; corosync knows at once who is there. Without quorum a node sees only itself. */
function statusOf({ nodes, quorate }: Record, node: string): Fields[] {
  const names = Object.keys(nodes)
  const online = (name: string) => (quorate ? nodes[name] === 'online' : name === node)
  return [
    { type: 'cluster', id: 'cluster', name: 'recorded', nodes: names.length, quorate, version: 3 },
    ...names.map((name, i) => ({
      type: 'node',
      id: `node/${name}`,
      name,
      nodeid: i + 1,
      online: online(name) ? 1 : 0,
      local: name === node ? 1 : 0,
    })),
  ]
}

const kinds: { [kind: string]: EventKind } = {
  quorum_lost: 'quorum.lost',
  quorum_regained: 'quorum.back',
  node_offline: 'node.lost',
  node_online: 'node.back',
  node_fence_start: 'node.fencing',
  node_fenced: 'node.fenced',
  service_recovered: 'guest.recovered',
  service_moved: 'guest.moved',
  service_move_failed: 'guest.move-failed',
  service_error: 'guest.error',
  service_error_cleared: 'guest.error-cleared',
  service_recovery_failed: 'guest.no-target',
  service_frozen: 'guest.frozen',
  new_master: 'master.changed',
  node_maintenance_on: 'maintenance.on',
  node_maintenance_off: 'maintenance.off',
  disarm_requested: 'ha.disarmed',
  rearmed: 'ha.armed',
}

/** `node_self_fenced` is part of the loss of its node, `disarmed` of the disarming that was asked for. */
function expectedOf(events: TrueEvent[], bootstrapped: number): Expected[] {
  let master = events.find(({ kind, bootstrap }) => kind === 'new_master' && bootstrap)?.node
  return events.flatMap((event) => {
    const kind = kinds[event.kind]
    if (!kind || !event.headline || event.bootstrap) return []
    const isWhole = /^(quorum|master|ha)\./.test(kind)
    const subject = isWhole ? '' : (event.sid ?? event.node ?? '')
    const expected: Expected = { t: event.t, kind, subject, ...(event.to === undefined ? {} : { to: event.to }) }
    if (kind === 'master.changed') {
      if (event.node === master) expected.hidden = 'the same node is master again'
      master = event.node
    }
    if (event.t <= bootstrapped) expected.early = true
    return [expected]
  })
}
