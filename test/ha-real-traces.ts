/** Stories of a real cluster of three nodes, polled about once a second, as what each node would have answered. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Frame } from './ha-scenarios.ts'

interface Fields {
  [key: string]: unknown
}
interface Answer {
  status: number
  data: Fields[] & Fields
}

/** What a trace has of one moment; each has something else. */
interface Moment {
  t: number
  ha?: Answer & Fields
  manager?: Answer
  cluster?: Answer
  vms?: Answer
  tasks_cluster?: Answer
  via?: string
  what?: string
  error?: string | null
  body?: { data: Fields[] } | null
  entries?: Fields[]
  entry?: Fields[]
  qemu?: string
  sid?: string
}

/** What was known at one moment, by the newest answer to each question. */
interface Known {
  t: number
  ha: Fields[]
  manager?: Fields
  status?: Fields[]
  vms?: Fields[]
  tasks?: Fields[]
  nodes: Record<string, 'online' | 'offline' | 'isolated'>
}

const names = ['pve1', 'pve2', 'pve3']
const everySeconds = 2
/** The story goes on as it ended for so long. */
const tailSeconds = 24

/** @param t0 the moment 0 on the cluster's clock, seconds */
export function traceFrames(name: string, t0: number): Frame[] {
  const raw = gunzipSync(readFileSync(new URL(`./recordings/trace-${name}.json.gz`, import.meta.url))).toString()
  const all: Frame[] = []
  let known: Known = { t: 0, ha: calm(), nodes: Object.fromEntries(names.map((node) => [node, 'online'])) }
  for (const moment of JSON.parse(raw) as Moment[]) {
    const news = learnt(moment, known)
    // Before the first answer nothing is known.
    if (all.length === 0 && Object.keys(news).length === 0) continue
    known = { ...known, ...news, t: Math.max(known.t, moment.t) }
    all.push(frameOf(known, t0))
  }
  const frames = all.filter(({ t }, i) => slot(all[i + 1]?.t ?? Number.POSITIVE_INFINITY) !== slot(t))
  const last = frames.at(-1)!
  for (let t = everySeconds; t <= tailSeconds; t += everySeconds) {
    frames.push({ ...last, t: last.t + t, epoch: last.epoch + t })
  }
  return frames
}

const slot = (t: number) => Math.ceil(t / everySeconds)

/** Nothing is wrong; a trace that asked only for one guest says no more than that. */
const calm = (): Fields[] => [
  { type: 'quorum', id: 'quorum', node: 'pve2', status: 'OK', quorate: 1 },
  { type: 'master', id: 'master', node: 'pve2', status: 'pve2 (active, Sun Nov 22 21:18:12 2026)' },
  { type: 'fencing', id: 'fencing', node: 'pve2', status: 'armed (CRM watchdog active)', 'armed-state': 'armed' },
  ...names.map((node) => ({
    type: 'lrm',
    id: `lrm:${node}`,
    node,
    status: `${node} (active, watchdog active, Sun Nov 22 21:18:12 2026)`,
  })),
]

const replaced = (was: Fields[], now: readonly Fields[]) => [
  ...was.filter(({ id }) => !now.some((one) => one.id === id)),
  ...now,
]

function learnt(moment: Moment, { ha, nodes }: Known): Partial<Known> {
  const { what, body, via = '', error } = moment
  if (what === 'ha-current' && body) return { ha: body.data }
  if (what === 'cluster-status' && error) return { nodes: { ...nodes, [via]: 'offline' } }
  // pve1 lost its network, not its power: it still answered whoever asked from outside.
  if (what === 'cluster-status' && via === 'pve3') return { nodes: seenNodes(body!.data, 'name', nodes, 'isolated') }
  if (what !== undefined) return {}
  if (body) return { nodes: seenNodes(body.data, 'node', nodes, 'offline') }
  const entries = moment.entries ?? moment.entry ?? (moment.sid ? [moment as unknown as Fields] : undefined)
  if (entries) return { ha: replaced(ha, entries) }
  if (moment.qemu !== undefined) {
    const { node } = moment.ha as Fields
    return { ha: replaced(ha, [moment.ha as Fields]), vms: [{ type: 'qemu', vmid: 101, node, status: moment.qemu }] }
  }
  return {
    ...(moment.ha ? { ha: moment.ha.data } : {}),
    ...(moment.manager ? { manager: moment.manager.data } : {}),
    ...(moment.cluster
      ? { status: moment.cluster.data, nodes: seenNodes(moment.cluster.data, 'name', nodes, 'offline') }
      : {}),
    ...(moment.vms ? { vms: moment.vms.data } : {}),
    ...(moment.tasks_cluster ? { tasks: moment.tasks_cluster.data } : {}),
  }
}

function seenNodes(rows: Fields[], key: 'name' | 'node', was: Known['nodes'], gone: 'offline' | 'isolated') {
  const found = rows.filter(({ type }) => type === 'node')
  return Object.fromEntries(
    found.map((row) => {
      const name = String(row[key])
      const isHere = row.online === 1 || row.status === 'online'
      return [name, isHere ? 'online' : was[name] === 'offline' ? 'offline' : gone] as const
    }),
  )
}

function frameOf(known: Known, t0: number): Frame {
  const { t, ha, nodes, vms = [], tasks = [] } = known
  return {
    t,
    epoch: t0 + t,
    nodes,
    node: 'pve2',
    ha,
    manager: known.manager ?? managerOf(known, t0),
    status: known.status ?? statusOf(nodes),
    resources: vms,
    tasks,
  }
}

const statusOf = (nodes: Known['nodes']): Fields[] => [
  { type: 'cluster', id: 'cluster', name: 'demo', nodes: names.length, quorate: 1, version: 3 },
  ...names.map((name, i) => {
    return { type: 'node', id: `node/${name}`, name, nodeid: i + 1, online: nodes[name] === 'online' ? 1 : 0, local: 0 }
  }),
]

/** The manager's own notes, where nobody asked for them: what the list for people is made of. */
function managerOf({ ha, nodes, t }: Known, t0: number): Fields {
  const services = ha.filter(({ type, sid }) => type === 'service' && sid !== undefined)
  const lrms = ha.filter(({ type }) => type === 'lrm')
  const master = ha.find(({ type }) => type === 'master')
  const modeOf = (name: string) =>
    /\((maintenance|shutdown|restart) mode/.exec(String(lrms.find(({ node }) => node === name)?.status))?.[1] ??
    'active'
  const opinion = (name: string) => {
    if (services.some(({ node, crm_state: state }) => node === name && state === 'fence')) return 'fence'
    if (nodes[name] !== 'online') return 'unknown'
    return modeOf(name) === 'maintenance' ? 'maintenance' : 'online'
  }
  return {
    quorum: { node: 'pve2', quorate: 1 },
    manager_status: {
      master_node: master?.node,
      timestamp: master?.timestamp ?? Math.floor(t0 + t),
      node_status: Object.fromEntries(names.map((name) => [name, opinion(name)])),
      service_status: Object.fromEntries(
        services.map(({ sid, node, crm_state: state, state: shown }) => [
          sid,
          { node, state, ...(state === 'started' && shown === 'started' ? { running: 1 } : {}) },
        ]),
      ),
    },
    lrm_status: Object.fromEntries(names.map((name) => [name, { mode: modeOf(name), state: 'active' }])),
  }
}
