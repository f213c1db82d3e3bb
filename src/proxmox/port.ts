/**
 * What the rest of the house may ask of a Proxmox cluster.
 *
 * Every answer has been parsed at the boundary: booleans are booleans, numbers are numbers, absent means absent.
 * Calls fail with `PveError` (Proxmox refused), `Unreachable` (nobody answered) or `OutcomeUnknown` (a write was sent
 * and its answer lost: look for its effect, never send it again).
 */

import type { AccessReads } from './access-port.ts'
import type { ClusterReads } from './cluster-port.ts'
import type { GuestReads, GuestWrites } from './guest-port.ts'
import type { HostReads, HostWrites } from './host-port.ts'
import type { StorageReads, StorageWrites } from './storage-port.ts'

export type GuestKind = 'qemu' | 'lxc'

export interface Guest {
  vmid: number
  kind: GuestKind
  name: string
  node: string
  status: 'running' | 'stopped' | 'paused' | 'suspended' | 'prelaunch' | 'unknown'
  template: boolean
  /** Bytes. */
  maxMemory: number
  /** Bytes. */
  maxDisk: number
  cpus: number
  /** Seconds; 0 when stopped. */
  uptime: number
  tags: string[]
  pool?: string
  lock?: string
  /** Proxmox's raw CRM state, only for guests under HA. */
  haState?: string
}

export interface Node {
  name: string
  status: 'online' | 'offline' | 'unknown'
  cpus: number
  /** 0..1. */
  cpu: number
  /** Bytes. */
  memory: number
  maxMemory: number
  /** Seconds. */
  uptime: number
}

/** One storage as one node sees it. */
export interface StorageOnNode {
  storage: string
  node: string
  type: string
  status: 'available' | 'unknown'
  shared: boolean
  content: string[]
  /** Bytes; absent while the storage cannot be read. */
  used?: number
  total?: number
}

/** A storage as `storage.cfg` has it. */
export interface StorageConfig {
  storage: string
  type: string
  content: string[]
  shared: boolean
  /** Absent: every node. */
  nodes?: string[]
  disabled: boolean
  /** Of the whole file. */
  digest?: string
  /** What else the section says, in Proxmox's words: `server`, `export`, `vgname`, `base`. */
  options: Record<string, string>
}

export interface Volume {
  volid: string
  content: string
  format: string
  /** Bytes. */
  size: number
  vmid?: number
}

export interface ClusterMember {
  name: string
  online: boolean
  /** The node that answered. */
  local: boolean
  nodeid: number
  ip?: string
}

/** `GET /cluster/status`; `cluster` is absent on a host that is in none. */
export interface ClusterStatus {
  cluster?: { name: string; quorate: boolean; nodes: number; version: number }
  members: ClusterMember[]
}

/** Corosync's votes, `GET /cluster/config/nodes`; nodes known to the configuration, not those alive. */
export interface Votes {
  name: string
  votes: number
}

export interface HaEntry {
  id: string
  type: 'quorum' | 'master' | 'fencing' | 'lrm' | 'service'
  node: string
  status: string
  quorate?: boolean
  timestamp?: number
  sid?: string
  state?: string
  crmState?: string
  requestState?: string
  armedState?: string
  /** `freeze` or `ignore`, while HA is disarmed or on the way there. */
  resourceMode?: string
  /** Of a guest that is configured. */
  maxRestart?: number
  maxRelocate?: number
  /** Since 9.0. */
  failback?: boolean
  /** Before 9.0. */
  group?: string
}

/** `GET /cluster/ha/status/manager_status`: the CRM's own notes, which know what the HA list does not. */
export interface ManagerStatus {
  quorate: boolean
  /** The node that answered; cut off from quorum it answers with what it last knew. */
  answeredBy: string
  master?: string
  /** Seconds, of the master's last round. */
  timestamp?: number
  /** Node → `online`, `maintenance`, `unknown`, `fence` or `gone`. */
  nodes: Record<string, string>
  services: Record<string, ManagedService>
  lrms: Record<string, { mode?: string; state?: string; timestamp?: number }>
  /** While HA is disarmed or on the way there. */
  disarm?: { mode: string; state: string }
}

export interface ManagedService {
  node?: string
  /** Proxmox's raw CRM state. */
  state: string
  /** Where a migration goes. */
  target?: string
  running: boolean
  maintenanceNode?: string
  failedNodes?: string[]
}

/** A guest under HA, as `resources.cfg` has it, Proxmox's defaults filled in. */
export interface HaResource {
  /** `vm:100`, `ct:101`. */
  sid: string
  /** What is wanted; `enabled` is an old word for `started`. */
  state: 'started' | 'stopped' | 'enabled' | 'disabled' | 'ignored'
  maxRestart: number
  maxRelocate: number
  /** Since 9.0; before, a group has it. */
  failback: boolean
  /** Before 9.0. */
  group?: string
  comment?: string
  /** Of the whole file. */
  digest?: string
}

export interface RankedNode {
  node: string
  /** The highest that is online is taken. */
  priority: number
}

/** Since 9.0. */
export interface HaRule {
  rule: string
  type: 'node-affinity' | 'resource-affinity'
  resources: string[]
  /** Of a node affinity. */
  nodes: RankedNode[]
  /** Of a node affinity: no other node is ever taken. */
  strict: boolean
  /** Of a resource affinity. */
  affinity?: 'positive' | 'negative'
  disabled: boolean
  comment?: string
  /** Parameter → why the manager ignores the rule. */
  errors: Record<string, string[]>
  digest?: string
}

/** Before 9.0; what rules took the place of. */
export interface HaGroup {
  group: string
  nodes: RankedNode[]
  /** No other node is ever taken. */
  restricted: boolean
  nofailback: boolean
  comment?: string
  digest?: string
}

export type ShutdownPolicy = 'conditional' | 'freeze' | 'failover' | 'migrate'

/** What `datacenter.cfg` sets for all nodes, as far as we use it. */
export interface ClusterOptions {
  /** Absent: Proxmox's default, `conditional`. */
  shutdownPolicy?: ShutdownPolicy
}

/** What the manager says to a wish to move; before 9.0 it says nothing. */
export interface HaMove {
  comigrated: string[]
  blocking: { sid: string; cause: string }[]
}

/** A replication job as its source node sees it. */
export interface ReplicationJob {
  /** `100-0`. */
  id: string
  guest: number
  /** 0 after a success. */
  failCount: number
  error?: string
}

/** Corosync's outside vote, as one node sees it; empty where there is none. */
export interface Qdevice {
  /** `Connected`, or what else corosync says. */
  state?: string
}

export type Upid = string

/** A line of a task list. Times are seconds on the clock of the node that ran the task. */
export interface Task {
  upid: Upid
  node: string
  type: string
  id: string
  /** `user@realm`, without the token's name. */
  user: string
  tokenid?: string
  starttime: number
  endtime?: number
  /** Absent while it runs: `OK`, `WARNINGS: n`, or the error. */
  exit?: string
}

export interface TaskLog {
  lines: string[]
  /** Lines the log holds so far. */
  total: number
}

export interface Version {
  release: string
  version: string
  major: number
  minor: number
}

/** What this version can do; probed once per cluster. Whether HA can be disarmed is seen in its `fencing` entry. */
export interface Capabilities {
  version: Version
  haRules: boolean
  haGroups: boolean
}

/** `GET …/config`: Proxmox's own keys; `digest` goes back with a change. */
export type GuestConfig = Record<string, string> & { digest?: string }

export interface GuestState {
  status: Guest['status']
  qmpStatus?: string
  /** Seconds. */
  uptime: number
  name: string
  lock?: string
  haManaged: boolean
}

/** One line of the access control list. */
export interface AclEntry {
  path: string
  type: 'user' | 'group' | 'token'
  /** `user@realm`, `user@realm!token` or a group. */
  who: string
  role: string
  propagate: boolean
}

export interface AccessRole {
  name: string
  /** Proxmox's own, which nobody can change. */
  builtIn: boolean
  privileges: string[]
}

export interface CallOptions {
  signal?: AbortSignal
  /** Milliseconds over headers and body together, and over all endpoints that are tried. */
  timeoutMs?: number
  /** The node to ask first, if one of the endpoints is its own. */
  prefer?: string
  /** Nodes to ask last: a drill's victim, or one whose bad news another node should confirm. */
  avoid?: readonly string[]
}

/** Reading; what the bot holds (a PVEAuditor token suffices). */
export interface Proxmox extends AccessReads, ClusterReads, GuestReads, HostReads, StorageReads {
  /** The name of the cluster in our configuration. */
  readonly cluster: string
  version(o?: CallOptions): Promise<Version>
  capabilities(o?: CallOptions): Promise<Capabilities>
  clusterStatus(o?: CallOptions): Promise<ClusterStatus>
  votes(o?: CallOptions): Promise<Votes[]>
  qdevice(o?: CallOptions): Promise<Qdevice>
  /** Of the jobs whose guests are on this node. */
  replication(node: string, o?: CallOptions): Promise<ReplicationJob[]>
  /** One request for guests, nodes and storages, however many there are (`GET /cluster/resources`). */
  resources(o?: CallOptions): Promise<{ guests: Guest[]; nodes: Node[]; storages: StorageOnNode[] }>
  haStatus(o?: CallOptions): Promise<HaEntry[]>
  managerStatus(o?: CallOptions): Promise<ManagerStatus>
  haResources(o?: CallOptions): Promise<HaResource[]>
  /** Since 9.0 (`capabilities().haRules`). */
  haRules(o?: CallOptions): Promise<HaRule[]>
  /** Before 9.0; from then on every call is refused once groups have been migrated. */
  haGroups(o?: CallOptions): Promise<HaGroup[]>
  clusterOptions(o?: CallOptions): Promise<ClusterOptions>
  storageConfig(o?: CallOptions): Promise<StorageConfig[]>
  storageContents(node: string, storage: string, content?: string, o?: CallOptions): Promise<Volume[]>
  guestConfig(guest: GuestRef, o?: CallOptions): Promise<GuestConfig>
  guestState(guest: GuestRef, o?: CallOptions): Promise<GuestState>
  /** The lowest free VMID, or, given one, whether it is free. Proxmox reserves nothing by this. */
  nextId(vmid?: number, o?: CallOptions): Promise<{ vmid: number; free: boolean }>
  /** The node's own clock, seconds. */
  nodeTime(node: string, o?: CallOptions): Promise<number>
  tasks(node: string, filter?: TaskFilter, o?: CallOptions): Promise<Task[]>
  /** The last tasks of the whole cluster, about 25 a node. */
  clusterTasks(o?: CallOptions): Promise<Task[]>
  task(upid: Upid, o?: CallOptions): Promise<Task>
  /** `start` counts from 0; `limit` 0 = all. */
  taskLog(upid: Upid, page: { start: number; limit: number }, o?: CallOptions): Promise<TaskLog>
  /**
   * What our own token may do: path → privileges. A privilege that is there is held; its value says whether it also
   * holds for the paths below.
   */
  permissions(o?: CallOptions): Promise<Record<string, Record<string, boolean>>>
  /** The lines that our token may see: all of them with `Sys.Audit` on `/access`, else none or a few. */
  accessList(o?: CallOptions): Promise<AclEntry[]>
  accessRoles(o?: CallOptions): Promise<AccessRole[]>
  /** `user@realm` and token name that these calls are made as. */
  readonly identity: { user: string; tokenid?: string }
}

export interface GuestRef {
  node: string
  kind: GuestKind
  vmid: number
}

export interface TaskFilter {
  source?: 'archive' | 'active' | 'all'
  /** Seconds on the node's clock. */
  since?: number
  vmid?: number
  typefilter?: string
  limit?: number
  start?: number
}

/** Acting; what a worker holds. Every call here is sent at most once. */
export interface ProxmoxWriter extends Proxmox, GuestWrites, HostWrites, StorageWrites {
  createGuest(node: string, kind: GuestKind, params: Params, o?: CallOptions): Promise<Upid>
  cloneGuest(source: GuestRef, params: Params, o?: CallOptions): Promise<Upid>
  guestPower(
    guest: GuestRef,
    action: 'start' | 'stop' | 'shutdown' | 'reboot' | 'reset' | 'suspend' | 'resume',
    params?: Params,
    o?: CallOptions,
  ): Promise<Upid>
  deleteGuest(guest: GuestRef, params?: Params, o?: CallOptions): Promise<Upid>
  stopTask(upid: Upid, o?: CallOptions): Promise<void>
  /** Calls about HA make no task: what came of them is seen in the configuration, and a round of the manager later. */
  createHaResource(params: Params, o?: CallOptions): Promise<void>
  updateHaResource(sid: string, params: Params, o?: CallOptions): Promise<void>
  deleteHaResource(sid: string, params?: Params, o?: CallOptions): Promise<void>
  createHaRule(params: Params, o?: CallOptions): Promise<void>
  updateHaRule(rule: string, params: Params, o?: CallOptions): Promise<void>
  deleteHaRule(rule: string, o?: CallOptions): Promise<void>
  createHaGroup(params: Params, o?: CallOptions): Promise<void>
  updateHaGroup(group: string, params: Params, o?: CallOptions): Promise<void>
  deleteHaGroup(group: string, o?: CallOptions): Promise<void>
  /** `migrate` moves a running machine live; `relocate` stops it and starts it on the other node. */
  moveHaResource(sid: string, how: 'migrate' | 'relocate', node: string, o?: CallOptions): Promise<HaMove>
  armHa(o?: CallOptions): Promise<void>
  disarmHa(mode: 'freeze' | 'ignore', o?: CallOptions): Promise<void>
  updateClusterOptions(params: Params, o?: CallOptions): Promise<void>
}

/** Parameters as Proxmox names them; `undefined` is left out, booleans travel as 0 and 1. */
export type Params = Record<string, string | number | boolean | undefined>

/** Hands out clients by cluster name. Throws `Refused('unknown-cluster')` for a name that is not configured. */
export interface Clusters<P extends Proxmox = Proxmox> {
  readonly names: string[]
  get(cluster: string): P
}

declare module '../core/ports.ts' {
  interface Ports {
    proxmox: Proxmox
    proxmoxWriter: ProxmoxWriter
  }
}
