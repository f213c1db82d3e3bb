/**
 * The state of one simulated site: its hosts, what /etc/pve holds in each cluster (or lone host), the disks that
 * several hosts reach, and what runs where. Plain data and small readings of it; who changes it: endpoints/, power.ts.
 *
 * Times are simulated seconds (clock.ts), sizes bytes.
 */
import type { Clock } from './clock.ts'
import type { HaStack } from './ha/daemons.ts'
import type { Matcher, Notifications } from './notifications.ts'
import type { Random } from './random.ts'
import type { SchemaVersion } from './schema/load.ts'
import type { TaskRecord } from './tasks.ts'

export type GuestType = 'qemu' | 'lxc'

/** Config keys as Proxmox names them; numbers stay numbers, as the wire shows them (`"cores":1`, `"memory":"64"`). */
export type ConfigKeys = Record<string, string | number>

/** `/etc/pve/nodes/NODE/qemu-server/VMID.conf` (or lxc/). Whether it runs is in `SimNode.processes`. */
export interface GuestConfig {
  vmid: number
  type: GuestType
  /** The node whose folder holds the file: where the guest belongs. */
  node: string
  /** Without `digest` and `lock`. */
  keys: ConfigKeys
  lock?: string
  template: boolean
  /** When it was made: until pvestatd's next beat the others know nothing of it but that it is there. */
  bornAt?: number
  /** Changes that wait for a restart: a value, or null for "delete". */
  pending: Record<string, string | number | null>
  snapshots: GuestSnapshot[]
  /** The snapshot that the current state descends from. */
  parent?: string
}

export interface GuestSnapshot {
  name: string
  description?: string
  snaptime: number
  parent?: string
  vmstate: boolean
  keys: ConfigKeys
}

/** A guest that runs on a node; lost with the node's power. */
export interface GuestProcess {
  vmid: number
  type: GuestType
  pid: number
  startedAt: number
  qmpstatus: 'running' | 'paused' | 'prelaunch' | 'suspended'
  /** The config it was started with (plus what was hot-plugged): `?current=1`. */
  keys: ConfigKeys
  lock?: string
  /** Seconds until its system obeys a shutdown request; absent: nobody inside answers ACPI. */
  shutdownSeconds?: number
}

/** A section of storage.cfg. */
export interface StorageEntry {
  storage: string
  type: string
  content: string[]
  shared: boolean
  /** Absent: on every node. */
  nodes?: string[]
  disable: boolean
  /** Further keys as in storage.cfg: path, vgname, thinpool, server, export… */
  options: Record<string, string | number>
}

export interface Volume {
  /** Without the storage's name: `vm-100-disk-0`, `iso/debian-12.iso`, `100/vm-100-disk-0.qcow2`. */
  name: string
  content: 'images' | 'rootdir' | 'iso' | 'vztmpl' | 'backup' | 'snippets' | 'import'
  format: string
  size: number
  used?: number
  vmid?: number
  ctime: number
  parent?: string
  notes?: string
  protected?: boolean
  /** Of a LUN: what somebody has put on it; absent, nothing. */
  holds?: { vg?: string; filesystem?: string }
  /** Of a backup: the guest's config as vzdump saved it. */
  archived?: ConfigKeys
}

/** The disk behind a storage: one per node for local storages, one for all behind a shared one. */
export interface Backing {
  total: number
  /** Beside what the volumes take. */
  baseUsed: number
  volumes: Volume[]
  /** An array or NAS that nobody reaches any more. */
  unreachable?: boolean
  /** Nodes that alone do not reach it. */
  lostBy?: Set<string>
  /** Of a CIFS or backup server: who may come in. Absent: anybody. */
  login?: { username: string; password: string }
}

/** A thin pool or a ZFS pool on a host's own disks; it exists whether or not a storage.cfg names it. */
export interface DiskPool {
  kind: 'lvmthin' | 'zfspool'
  /** `pve/data`, `tank`. */
  name: string
  total: number
  /** Of ZFS: how its disks stand together, as `zpool status` lists them. */
  vdevs?: { name: string; state: string; disks: string[] }[]
  /** Of ZFS: datasets below it. */
  datasets?: string[]
}

export interface User {
  userid: string
  enable: boolean
  expire: number
  comment?: string
  email?: string
  firstname?: string
  lastname?: string
  keys?: string
  password?: string
  /** It has a second factor, which no API can give for it. */
  tfa?: boolean
  groups: string[]
  tokens: Map<string, Token>
}

export interface Token {
  tokenid: string
  secret: string
  privsep: boolean
  expire: number
  comment?: string
}

export interface AclEntry {
  path: string
  type: 'user' | 'group' | 'token'
  ugid: string
  roleid: string
  propagate: boolean
}

export interface Pool {
  poolid: string
  comment?: string
  vmids: Set<number>
  storages: Set<string>
}

export interface Realm {
  realm: string
  type: string
  comment?: string
  default?: boolean
  options: Record<string, string | number>
  /** Of the account that it looks with; in a file of its own that no call shows. */
  password?: string
}

/** A server of accounts that realms look into, LDAP or Active Directory, as it answers the cluster's nodes. */
export interface Directory {
  /** Who may look, by name; a look without a name is refused where somebody is listed. */
  binds: Map<string, string>
  users: { name: string; firstname?: string; lastname?: string; email?: string; groups: string[] }[]
  groups: string[]
  unreachable?: boolean
}

export interface AccessConfig {
  users: Map<string, User>
  groups: Map<string, { groupid: string; comment?: string }>
  /** Role → privileges; the built-in ones included. */
  roles: Map<string, Set<string>>
  acl: AclEntry[]
  pools: Map<string, Pool>
  realms: Map<string, Realm>
}

export interface CorosyncNode {
  name: string
  nodeid: number
  votes: number
  ring0: string
  /** The second link, if it has one. */
  ring1?: string
}

/** corosync.conf; absent on a lone host. */
export interface Corosync {
  name: string
  version: number
  nodes: CorosyncNode[]
}

/** A section of ha/resources.cfg; a key that is absent has Proxmox's default. */
export interface HaResource {
  sid: string
  type: 'vm' | 'ct'
  /** state, max_restart, max_relocate, failback, group, comment */
  keys: ConfigKeys
}

/** A section of ha/rules.cfg. */
export interface HaRule {
  rule: string
  type: 'node-affinity' | 'resource-affinity'
  order: number
  /** resources, nodes, strict, affinity, disable, comment */
  keys: ConfigKeys
}

/** One service as the CRM keeps it; keys as in the file, since the API shows it whole. */
export interface HaService {
  state: string
  node: string
  uid: string
  target?: string
  running?: 1
  failed_nodes?: string[]
  maintenance_node?: string
  /** What somebody asked for and the manager has not acted on. */
  cmd?: (string | number)[]
  /** Seconds for a stop that somebody asked for. */
  timeout?: string | number
}

/** ha/manager_status. Nothing but an empty `node_status` until a CRM became master for the first time. */
export interface HaManagerStatus {
  master_node?: string
  timestamp?: number
  node_status: Record<string, string>
  service_status?: Record<string, HaService>
  node_request?: Record<string, Record<string, number>>
  disarm?: { mode: 'freeze' | 'ignore'; state: 'disarming' | 'disarmed' }
}

/** nodes/NODE/lrm_status */
export interface HaLrmStatus {
  mode: string
  state: string
  timestamp: number
  results: Record<string, { sid: string; state: string; exit_code: number }>
}

/** What /etc/pve/ha holds. */
export interface HaConfig {
  resources: Map<string, HaResource>
  rules: Map<string, HaRule>
  /** Before 9.0. */
  groups: Map<string, ConfigKeys>
  manager: HaManagerStatus
  lrm: Map<string, HaLrmStatus>
  /** Commands that the CRM has not read yet. */
  commands: string[]
}

export interface ClusterLogEntry {
  uid: number
  node: string
  time: number
  pri: number
  tag: string
  pid: number
  user: string
  msg: string
}

/** The last figures that a node told the others about a guest, before it fell silent. */
export interface LastSeen {
  node: string
  type: GuestType
  status: string
  uptime: number
  mem: number
  cpu: number
  netin: number
  netout: number
  diskread: number
  diskwrite: number
}

/**
 * What /etc/pve holds. One object for all members of a cluster, one for each lone host; a node cut from quorum reads a
 * copy frozen at that moment (`viewOf`). Plain data, so that it can be cloned.
 */
export interface ClusterConfig {
  corosync?: Corosync
  storages: Map<string, StorageEntry>
  guests: Map<number, GuestConfig>
  access: AccessConfig
  /** datacenter.cfg as GET /cluster/options shows it. */
  options: Record<string, string | number>
  ha: HaConfig
  log: ClusterLogEntry[]
  /** Backup jobs, by id. */
  backupJobs: Map<string, Record<string, string | number>>
  /** notifications.cfg */
  notifications: Notifications
  lastSeen: Map<number, LastSeen>
  /** The task lists that silent nodes sent last, by node. */
  lastTasks: Map<string, TaskRecord[]>
  /** /etc/pve/pve-root-ca.pem: a lone host's own, or the cluster's. */
  authority: NodeCertificate
  /** Secret that tickets are signed with; a join replaces the joiner's, which ends its old tickets. */
  ticketKey: string
  ticketKeySince: number
}

export interface Hardware {
  /** Physical cores of all sockets, and the threads on them that guests can have. */
  cores: number
  cpus: number
  sockets: number
  cpuFlags: string
  cpuModel: string
  cpuVendor: string
  mhz: string
  memory: number
  rootTotal: number
  rootUsed: number
  disks: DiskDevice[]
  /** Absent: a PC's. */
  machine?: string
  /** VT-d or AMD-Vi, switched on; absent: it is. */
  iommu?: boolean
}

export interface DiskDevice {
  devpath: string
  model: string
  serial: string
  vendor: string
  size: number
  type: 'ssd' | 'hdd' | 'nvme' | 'usb'
  rpm: number
  used: string
  wearout: number | 'N/A'
  health: string
  gpt: boolean
}

/** An interface of /etc/network/interfaces, keys as the API shows them. */
export type NetworkInterface = Record<string, string | number | string[]> & { iface: string; type: string }

export interface NodeCertificate {
  pem: string
  key: string
  /** "AB:CD:…", SHA-256 */
  fingerprint: string
  notBefore: number
  notAfter: number
  sans: string[]
}

export type Power = 'on' | 'off' | 'booting' | 'stopping'

export interface SimNode {
  name: string
  /** 0 outside of a cluster. */
  nodeid: number
  ip: string
  domain: string
  power: Power
  /** How it went off: after a clean shutdown its address still refuses connections, after a power cut nothing answers. */
  offBy?: 'shutdown' | 'cut'
  network: 'up' | 'cut'
  bootedAt: number
  hardware: Hardware
  certificate: NodeCertificate
  /** False for the first seconds of a host's life: figures are absent and the status is `unknown`. */
  reporting: boolean
  /** The shared one of its cluster, or its own. */
  config: ClusterConfig
  /** Set while the node is cut from the others: /etc/pve as it was then. */
  frozen?: ClusterConfig
  /** Corosync has it in the main partition (lags behind power and network by the token timeout). */
  member: boolean
  /** Corosync on the node itself has noticed that it is alone. */
  isolated: boolean
  /** pmxcfs is being restarted: nobody's ticket or token can be checked. */
  restarting?: boolean
  /** Passwords of the realm pam: they are the host's own, not the cluster's. */
  shadow: Map<string, string>
  processes: Map<number, GuestProcess>
  /** Locks that workers hold on guests' config files, by VMID (qemu-locks.ts). */
  guestLocks?: Map<number, { shared: boolean; holders: number }>
  /** Backings of its local storages, by storage.cfg id. */
  local: Map<string, Backing>
  /** Beside the thin pool that the installer makes. */
  pools?: DiskPool[]
  interfaces: NetworkInterface[]
  pendingInterfaces?: NetworkInterface[]
  dns: Record<string, string>
  /** Of `node.cfg`: where a magic packet wakes it. */
  wakeonlan?: string
  /** Which of Proxmox's repositories are there, and switched on; absent: as installed. */
  repositories?: Partial<Record<'enterprise' | 'no-subscription' | 'test', boolean>>
  updates?: { name: string; old: string; version: string; origin: string }[]
  /** Seconds that its clock is ahead. */
  clockAhead?: number
  hosts: string
  timezone: string
  /** Newest last; running ones included. */
  tasks: TaskRecord[]
  nextPid: number
  /** Unit → running; what is not named runs as installed. */
  services: Map<string, 'running' | 'stopped'>
  syslog: string[]
}

export type SimEvent =
  | { kind: 'power'; node: SimNode }
  | { kind: 'network'; node: SimNode }
  | { kind: 'membership'; node: SimNode }
  | { kind: 'certificate'; node: SimNode }
  | { kind: 'task'; node: SimNode; task: TaskRecord }
  /** Proxmox's mails FENCE and SUCCEED, sent by the master `node`. */
  | { kind: 'fencing'; node: SimNode; fenced: string; acknowledged: boolean }

export interface SimCluster {
  pve: PveRelease
  scenario: string
  clock: Clock
  random: Random
  nodes: SimNode[]
  /** Arrays and NAS boxes, by `backingKey`; they exist whether or not a storage.cfg names them. */
  shared: Map<string, Backing>
  /** Servers of accounts, by the address that realms name. */
  directories: Map<string, Directory>
  /** Told of what happens; the HA manager and the picture of the cluster live from this. */
  listeners: Set<(event: SimEvent) => void>
  /** Once the HA daemons run. */
  ha?: HaStack
}

export interface PveRelease {
  version: SchemaVersion
  /** As GET /version says it. */
  full: string
  repoid: string
  /** HA rules instead of groups, and `failback` of a resource instead of a group's `nofailback`. */
  haRules: boolean
  /** HA can be disarmed, and its status tells of fencing and watchdogs. */
  haArming: boolean
  /** Services on their way to a node count among what keeps its agent busy, and those in error do not. */
  haCountsArriving: boolean
  /** 401 does not say what was wrong with the login (since 9.1.5). */
  sparing401: boolean
}

export const emit = (sim: SimCluster, event: SimEvent) => {
  for (const listener of [...sim.listeners]) listener(event)
}

export const nodeByName = (sim: SimCluster, name: string) => sim.nodes.find((node) => node.name === name)

/** /etc/pve as this node reads it. */
export const viewOf = (node: SimNode): ClusterConfig => node.frozen ?? node.config

/** Members of the same cluster, whether alive or not, in the order of corosync.conf; a lone host alone. */
export function clusterNodes(sim: SimCluster, node: SimNode): SimNode[] {
  const corosync = viewOf(node).corosync
  if (!corosync) return [node]
  return corosync.nodes.flatMap(({ name }) => nodeByName(sim, name) ?? [])
}

/** What corosync on `viewer` calls online. */
export function seesOnline(viewer: SimNode, other: SimNode): boolean {
  if (viewer === other) return true
  return !viewer.isolated && viewer.member && other.member && viewer.config === other.config
}

/** Whether `node` may write to /etc/pve; a lone host always may. */
export function isQuorate(sim: SimCluster, node: SimNode): boolean {
  const corosync = viewOf(node).corosync
  if (!corosync) return true
  let votes = 0
  let expected = 0
  for (const entry of corosync.nodes) {
    expected += entry.votes
    const other = nodeByName(sim, entry.name)
    if (other && seesOnline(node, other)) votes += entry.votes
  }
  return votes >= Math.floor(expected / 2) + 1
}

/** Whether `from` gets through to `to` over the network right now. */
export function reaches(from: SimNode, to: SimNode): boolean {
  if (from === to) return true
  return from.network === 'up' && to.network === 'up' && isRunning(to)
}

/** The host's system is up: its API answers and its guests run. */
export const isRunning = (node: SimNode) => node.power === 'on' || node.power === 'stopping'

export const processOf = (sim: SimCluster, guest: GuestConfig): GuestProcess | undefined =>
  nodeByName(sim, guest.node)?.processes.get(guest.vmid)

/** Whether the HA stack has the say over a guest. */
export function isUnderHa(config: ClusterConfig, { type, vmid }: { type: GuestType; vmid: number }): boolean {
  const resource = config.ha.resources.get(`${type === 'lxc' ? 'ct' : 'vm'}:${vmid}`)
  return resource !== undefined && resource.keys.state !== 'ignored'
}

/** Cuts the pids of a node's processes and tasks from one row, as its kernel does. */
export function takePid(node: SimNode): number {
  node.nextPid += 1
  return node.nextPid
}

/** Where a storage's bytes lie: on the node itself, or on the array or NAS that its options name. */
export function backingKey(entry: StorageEntry): string | undefined {
  const { type, options } = entry
  if (type === 'nfs') return `nfs:${options.server}:${options.export}`
  if (type === 'cifs') return `cifs:${options.server}:${options.share}`
  if (type === 'lvm' && (entry.shared || options.base !== undefined)) return `lvm:${options.vgname}`
  if (type === 'iscsi' || type === 'iscsidirect') return `iscsi:${options.portal}:${options.target}`
  if (type === 'pbs') return `pbs:${options.server}:${options.datastore}`
  if (type === 'rbd' || type === 'cephfs') return `ceph:${options.pool ?? options['fs-name'] ?? 'default'}`
  if (entry.shared) return `dir:${options.path ?? entry.storage}`
  return undefined
}

/** Undefined where the node has no such disk, or the array or NAS is not there. */
export function backingOf(sim: SimCluster, node: SimNode, entry: StorageEntry): Backing | undefined {
  const key = backingKey(entry)
  const backing = key === undefined ? node.local.get(entry.storage) : sim.shared.get(key)
  const lun = entry.options.base
  const array = lun === undefined ? undefined : viewOf(node).storages.get(String(lun).split(':')[0]!)
  // A volume group is gone with the array that it lies on.
  if (array && array !== entry && !backingOf(sim, node, array)) return undefined
  return backing?.unreachable || backing?.lostBy?.has(node.name) ? undefined : backing
}

/** Bytes taken on a backing. */
export const usedOn = (backing: Backing) =>
  backing.volumes.reduce((sum, volume) => sum + (volume.used ?? volume.size), backing.baseUsed)

/** Whether storage.cfg offers this storage on the node. */
export const storageOnNode = (entry: StorageEntry, node: string) =>
  !entry.disable && (entry.nodes === undefined || entry.nodes.includes(node))

export const emptyHa = (): HaConfig => ({
  resources: new Map(),
  rules: new Map(),
  groups: new Map(),
  manager: { node_status: {} },
  lrm: new Map(),
  commands: [],
})

/** Of every installation: all goes to root's mail. */
const rootsMail: Matcher = {
  ...{ name: 'default-matcher', disable: false, mode: 'all', invert: false },
  ...{ severities: [], fields: [], targets: ['mail-to-root'] },
}

export function emptyConfig(o: { ticketKey: string; now: number; authority: NodeCertificate }): ClusterConfig {
  return {
    storages: new Map(),
    guests: new Map(),
    access: { users: new Map(), groups: new Map(), roles: new Map(), acl: [], pools: new Map(), realms: new Map() },
    options: {},
    ha: emptyHa(),
    log: [],
    backupJobs: new Map(),
    notifications: { webhooks: new Map(), matchers: new Map([[rootsMail.name, rootsMail]]) },
    lastSeen: new Map(),
    lastTasks: new Map(),
    authority: o.authority,
    ticketKey: o.ticketKey,
    ticketKeySince: o.now,
  }
}

/** Adds a line to the cluster log, newest last; pmxcfs forgets old ones by size. */
export function logToCluster(config: ClusterConfig, entry: Omit<ClusterLogEntry, 'uid'>) {
  const mine = config.log.filter((line) => line.node === entry.node)
  config.log.push({ uid: (mine.at(-1)?.uid ?? 0) + 1, ...entry })
  if (config.log.length > 500) config.log.shift()
}
