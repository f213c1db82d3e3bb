/** The site on which the recordings were made: three small hosts pve1-3 on 10.99.0.0/24, a directory storage shared by all. */
import { formCluster, introduceHosts, makeHost } from '../src/lab/hosts.ts'
import type { ClusterConfig, GuestConfig, SimCluster, SimNode } from '../src/lab/model.ts'
import type { HostIdentity, Site } from '../src/lab/scenarios.ts'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { parseUpid } from '../src/lab/tasks.ts'
import type { Recording } from './replay.ts'

const GIB = 1024 ** 3
const DISK = 270_553_174_016

const FLAGS =
  'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht syscall nx mmxext fxsr_opt pdpe1gb rdtscp lm constant_tsc rep_good nopl xtopology nonstop_tsc cpuid extd_apicid tsc_known_freq pni pclmulqdq ssse3 fma cx16 pcid sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave avx f16c rdrand hypervisor lahf_lm cmp_legacy cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw topoext vmmcall fsgsbase tsc_adjust bmi1 avx2 smep bmi2 erms invpcid rdseed adx smap clflushopt clwb sha_ni xsaveopt xsavec xgetbv1 xsaves clzero xsaveerptr arat umip vaes vpclmulqdq rdpid fsrm'

export const ROOT_PASSWORD = 'pvetest123'
export const SECRET = '00000000-1111-2222-3333-444444444444'

/** How much of the site's history has happened: lone hosts, one in a cluster alone, two, or all three in it. */
export type Members = 0 | 1 | 2 | 3

const site = (members: Members): Site => ({
  name: 'recorded',
  hosts: [11, 12, 13].map((n, i) => ({ name: `pve${i + 1}`, ip: `10.99.0.${n}`, domain: 'example.test' })),
  ha: 'stopped',
  fill(sim, identities) {
    sim.nodes = [11, 12, 13].map((n, i) => recordedHost(sim, `pve${i + 1}`, `10.99.0.${n}`, identities[i]!))
    introduceHosts(sim.nodes)
    if (members > 0) formCluster(sim.nodes.slice(0, members), 'demo')
  },
})

function recordedHost(sim: SimCluster, name: string, ip: string, identity: HostIdentity): SimNode {
  const spec = { name, ip, domain: 'example.test', ...identity, rootPassword: ROOT_PASSWORD, uptime: 3460 }
  const node = makeHost(sim, spec)
  Object.assign(node.hardware, { cores: 2, cpus: 2, sockets: 1, cpuModel: 'AMD EPYC', cpuVendor: 'AuthenticAMD' })
  Object.assign(node.hardware, { cpuFlags: FLAGS, mhz: '2445.430', memory: 25_274_793_984, disks: [] })
  Object.assign(node.hardware, { rootTotal: DISK, rootUsed: 30 * GIB })
  node.timezone = 'Etc/UTC'
  node.dns = { search: 'example.test', dns1: '127.0.0.1' }
  node.interfaces = [
    { iface: 'eth0', type: 'eth', method: 'manual', method6: 'manual', families: ['inet'], active: 1, priority: 3 },
    {
      ...{ iface: 'vmbr0', type: 'bridge', method: 'static', method6: 'manual', families: ['inet'], active: 1 },
      ...{ priority: 4, autostart: 1, address: ip, netmask: '24', cidr: `${ip}/24`, gateway: '10.99.0.1' },
      ...{ bridge_ports: 'eth0', bridge_stp: 'off', bridge_fd: '0' },
    },
  ]
  const content = ['iso', 'vztmpl', 'images', 'snippets', 'backup', 'rootdir']
  node.config.storages.clear()
  const options = { path: '/var/lib/vz' }
  node.config.storages.set('local', { storage: 'local', type: 'dir', content, shared: false, disable: false, options })
  node.local.clear()
  node.local.set('local', { total: DISK, baseUsed: 30 * GIB, volumes: [] })
  const root = node.config.access.users.get('root@pam')
  root?.tokens.set('bot', { tokenid: 'bot', secret: SECRET, privsep: false, expire: 0, comment: 'chat-ops bot' })
  return node
}

/** Runs sixty times faster than real, so that Proxmox's three seconds before a 401 cost a test nothing. */
export async function startRecordedSim(members: Members): Promise<RunningSim> {
  return startSim({ scenario: site(members), port: 0, seed: 7, speed: 60 })
}

/** The storage made in the recordings' first minutes. */
export function addSharedStorage(sim: SimCluster, config: ClusterConfig) {
  const content = ['snippets', 'iso', 'backup', 'images', 'vztmpl']
  const local = config.storages.get('local')
  if (local) local.content = [...content]
  config.storages.set('shared', {
    ...{ storage: 'shared', type: 'dir', content, shared: true, disable: false, options: { path: '/mnt/shared' } },
  })
  sim.shared.set('dir:/mnt/shared', { total: DISK, baseUsed: 30 * GIB, volumes: [] })
}

/** ops@pve with its role and tokens, as seq 0164-0176 made them. */
export function addOps({ access }: ClusterConfig) {
  const token = (tokenid: string, privsep: boolean, comment?: string, expire = 0) =>
    [tokenid, { tokenid, secret: SECRET, privsep, expire, ...(comment === undefined ? {} : { comment }) }] as const
  access.roles.set('BotRole', new Set(['VM.Audit', 'VM.PowerMgmt', 'Datastore.Audit']))
  access.users.set('ops@pve', {
    ...{ userid: 'ops@pve', enable: true, expire: 0, comment: 'ops', email: '', password: 'opspassword1', groups: [] },
    tokens: new Map([token('limited', true, 'limited'), token('l2', true)]),
  })
  const grant = { path: '/vms', roleid: 'BotRole', propagate: true }
  access.acl.push({ ...grant, type: 'user', ugid: 'ops@pve' }, { ...grant, type: 'token', ugid: 'ops@pve!l2' })
}

export interface RecordedGuest {
  vmid: number
  node: string
  name: string
  cores: number
  gigabytes: number
  tags?: string
  template?: boolean
  running?: boolean
}

export function addGuest(sim: SimCluster, config: ClusterConfig, guest: RecordedGuest): GuestConfig {
  const made: GuestConfig = {
    ...{ vmid: guest.vmid, type: 'qemu', node: guest.node, template: guest.template ?? false },
    ...{ pending: {}, snapshots: [] },
    keys: {
      ...{ name: guest.name, memory: '64', cores: guest.cores, boot: 'order=scsi0;net0' },
      scsi0: `shared:${guest.vmid}/vm-${guest.vmid}-disk-0.qcow2,size=${guest.gigabytes}G`,
      ...(guest.tags === undefined ? {} : { tags: guest.tags }),
    },
  }
  config.guests.set(guest.vmid, made)
  const startedAt = sim.clock.now() - 175
  if (guest.running) {
    const { vmid, type, keys } = made
    const home = sim.nodes.find(({ name }) => name === guest.node)
    home?.processes.set(vmid, { vmid, type, keys, pid: 179, startedAt, qmpstatus: 'running' })
  }
  return made
}

/** Every task that the recordings show the end of, with its log where that was recorded. */
export interface RecordedTask {
  upid: string
  exitstatus?: string
  endtime?: number
  lines?: string[]
}

export function recordedTasks(recordings: Recording[]): Map<string, RecordedTask> {
  const tasks = new Map<string, RecordedTask>()
  const learn = (upid: string, facts: Omit<RecordedTask, 'upid'>) =>
    void tasks.set(upid, { ...tasks.get(upid), upid, ...facts })
  for (const { path, method, status, body } of recordings) {
    if (method !== 'GET' || status !== 200) continue
    const data = (body as { data?: unknown } | null)?.data
    if (/^\/(nodes\/\w+|cluster)\/tasks$/.test(path)) learnList(data as ListedTask[], learn)
    const [, encoded, part] = /\/tasks\/(UPID[^/]+)\/(status|log)$/.exec(path) ?? []
    if (encoded === undefined) continue
    const upid = decodeURIComponent(encoded)
    if (part === 'status') learn(upid, definedOnly({ exitstatus: (data as { exitstatus?: string }).exitstatus }))
    else if (Array.isArray(data)) learnLog(upid, data as { n: number; t: string }[], tasks, learn)
  }
  return tasks
}

interface ListedTask {
  upid: string
  status?: string
  endtime?: number
}

function learnList(list: ListedTask[], learn: (upid: string, facts: Omit<RecordedTask, 'upid'>) => void) {
  for (const { upid, status, endtime } of list) {
    if (endtime !== undefined) learn(upid, definedOnly({ exitstatus: status, endtime }))
  }
}

/** The longest log seen from its beginning. */
function learnLog(
  upid: string,
  log: { n: number; t: string }[],
  tasks: Map<string, RecordedTask>,
  learn: (upid: string, facts: Omit<RecordedTask, 'upid'>) => void,
) {
  const sorted = log.toSorted((a, b) => a.n - b.n)
  const known = tasks.get(upid)?.lines?.length ?? -1
  if (sorted[0]?.t.startsWith('unable to open file')) return
  const lines = sorted[0]?.t === 'no content' ? [] : sorted.map((line) => line.t)
  if ((sorted[0]?.n ?? 1) === 1 && lines.length > known) learn(upid, { lines })
}

const definedOnly = <T extends object>(o: T) =>
  Object.fromEntries(Object.entries(o).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }

type Fields = Record<string, string | number>

/** Puts the guests of a recorded /cluster/resources in place, running ones running. */
export function applyResources(sim: SimCluster, config: ClusterConfig, body: unknown) {
  for (const node of sim.nodes) node.processes.clear()
  config.guests.clear()
  config.access.pools.clear()
  for (const entry of (body as { data: Fields[] }).data) {
    if (entry.pool !== undefined) applyPool(config, entry)
    if (entry.type === 'node' && entry.hastate !== undefined) {
      config.ha.manager.node_status[String(entry.node)] = String(entry.hastate)
    }
    if (entry.type !== 'qemu') continue
    const guest = addGuest(sim, config, {
      vmid: Number(entry.vmid),
      node: String(entry.node),
      name: String(entry.name),
      cores: Number(entry.maxcpu),
      gigabytes: Number(entry.maxdisk) / GIB,
      template: entry.template === 1,
      running: entry.status === 'running',
      ...(entry.tags === undefined ? {} : { tags: String(entry.tags) }),
    })
    if (entry.status === 'unknown') guest.bornAt = sim.clock.now() + 1000
    if (entry.lock !== undefined) guest.lock = String(entry.lock)
    config.ha.manager.service_status ??= {}
    const services = config.ha.manager.service_status
    const sid = `vm:${entry.vmid}`
    if (entry.hastate === undefined) delete services[sid]
    else services[sid] = { state: String(entry.hastate), node: guest.node, uid: 'AAAAAAAAAAAAAAAAAAAAAA' }
  }
}

function applyPool({ access }: ClusterConfig, { pool, vmid }: Fields) {
  const poolid = String(pool)
  const known = access.pools.get(poolid) ?? { poolid, vmids: new Set<number>(), storages: new Set<string>() }
  if (vmid !== undefined) known.vmids.add(Number(vmid))
  access.pools.set(poolid, known)
}

const LRM_MODES: Record<string, string> = {
  maintenance: 'maintenance',
  disarm: 'disarm',
  restart: 'restart',
  shutdown: 'shutdown',
}

/** Puts the HA stack into the state that a recorded status/current shows; its times are moved to the simulator's. */
export function applyHaStatus(sim: SimCluster, config: ClusterConfig, body: unknown) {
  const entries = (body as { data: Fields[] }).data
  const newest = Math.max(...entries.map((entry) => Number(entry.timestamp ?? 0)))
  const shift = Math.floor(sim.clock.now()) - newest
  const { ha } = config
  ha.manager = { node_status: {}, service_status: {} }
  ha.resources.clear()
  ha.lrm.clear()
  for (const entry of entries) {
    const timestamp = Number(entry.timestamp ?? 0) + shift
    const node = String(entry.node)
    if (entry.type === 'master') Object.assign(ha.manager, { master_node: node, timestamp })
    if (entry.type === 'fencing' && entry.resource_mode !== undefined) {
      const state = entry['armed-state'] === 'disarmed' ? 'disarmed' : 'disarming'
      ha.manager.disarm = { state, mode: entry.resource_mode === 'ignore' ? 'ignore' : 'freeze' }
    }
    if (entry.type === 'lrm') {
      const [, said = ''] = /\((.*?), /.exec(String(entry.status)) ?? []
      const mode = LRM_MODES[said.replace(' mode', '')] ?? 'active'
      const holds = String(entry.status).includes('watchdog active')
      const state = said === 'active' || holds ? 'active' : 'wait_for_agent_lock'
      ha.manager.node_status[node] = 'online'
      ha.lrm.set(node, { mode, state, timestamp, results: {} })
    }
    if (entry.type === 'service') applyService(sim, config, entry)
  }
}

function applyService(sim: SimCluster, config: ClusterConfig, entry: Fields) {
  const sid = String(entry.sid)
  const vmid = Number(sid.split(':')[1])
  const node = String(entry.node)
  if (config.guests.get(vmid)?.node !== node)
    addGuest(sim, config, { vmid, node, name: 'guest', cores: 1, gigabytes: 1 })
  if (entry.crm_state !== undefined) {
    const running = entry.state === 'started' || entry.state === 'stopping' ? { running: 1 as const } : {}
    const uid = 'AAAAAAAAAAAAAAAAAAAAAA'
    config.ha.manager.service_status![sid] = { state: String(entry.crm_state), node, uid, ...running }
  }
  if (entry.request_state === undefined) return
  const { request_state: state, max_restart, max_relocate, failback, comment } = entry
  const keys = { state, max_restart, max_relocate, failback, comment }
  const given = Object.entries(keys).filter((pair): pair is [string, string | number] => pair[1] !== undefined)
  config.ha.resources.set(sid, { sid, type: 'vm', keys: Object.fromEntries(given) })
}

/** Makes the recorded tasks of a node its own, those that had ended by `asOf`. */
export function applyTasks(node: SimNode, tasks: Iterable<RecordedTask>, asOf: number) {
  node.tasks = []
  for (const task of tasks) {
    const parts = parseUpid(task.upid)
    if (!parts || parts.node !== node.name || parts.starttime > asOf) continue
    const ended = task.endtime !== undefined && task.endtime <= asOf
    node.tasks.push({
      ...parts,
      upid: task.upid,
      lines: task.lines ?? [],
      warnings: 0,
      tag: 'pvedaemon',
      stop: new AbortController(),
      ...(ended ? { endtime: task.endtime, exitstatus: task.exitstatus ?? 'OK' } : {}),
    })
  }
  node.tasks.sort((a, b) => a.starttime - b.starttime || a.pid - b.pid)
}
