import { emptyTable, type Table } from './table.ts'

/** A memory of another version is none. */
export const memoryVersion = 3

/**
 * What the watcher keeps from one look to the next. Plain JSON; times named `since` are `Look.steady`, so that neither a
 * clock that jumps nor a time without a watcher makes anything late.
 */
export interface Memory {
  version: typeof memoryVersion
  /** Events that were told before this memory began; part of every key when it is not 0. */
  born: number
  steady: number
  /** Milliseconds that Proxmox's clock is ahead of ours; 0 while they agree within seconds. */
  skew: number
  /** Seconds on Proxmox's clock: what ended before the first look is no news. */
  began: number
  /** The cluster's name in corosync. */
  name?: string
  /** Kind and subject → how often told. */
  told: Readonly<Record<string, number>>
  sight: Sight
  ha: HaMemory
  nodes: Readonly<Record<string, NodeMemory>>
  /** By `vm:100`. */
  services: Table<ServiceMemory>
  /** Of guests under HA, by `vm:100`. */
  guests: Table<GuestMemory>
  /** By `storage/node`. */
  storages: Readonly<Record<string, StorageMemory>>
  tasks: TaskMemory
  votes: VotesMemory
  /** By job. */
  replication: Readonly<Record<string, ReplicationMemory>>
}

export interface Sight {
  state: 'fresh' | 'stale' | 'unseen'
  since: number
  /** ISO 8601, of the same moment. */
  sinceAt: string
  /** ISO 8601: when quorum was last seen, once it is seen no more. */
  lastSeen?: string
  /** A look with quorum has been had. */
  had: boolean
  lossTold: boolean
  unseenTold: boolean
  /** How often it went out of sight lately: who flaps must be silent longer to be told. */
  flaps: number
  flapSince: number
}

export interface HaMemory {
  master?: string
  /** Of the master's last round that was believed. */
  round: number
  /** Since when answers are older than what was already seen. */
  backSince?: number
  /** Since when no master has worked although there is something to do. */
  deadSince?: number
  deadTold?: true
  disarmed: boolean
}

export interface NodeMemory {
  up: boolean
  /** It has been seen up, or HA had met it: that it comes is a return. */
  met: boolean
  /** HA's opinion. */
  ha?: string
  /** Of its LRM, the last one that was seen: what it was about to do. */
  mode?: string
  since: number
  /** Milliseconds on Proxmox's clock: when it was lost, and how long before that may have been. */
  lostAt?: number
  lostWithin?: number
  planned?: true
  /** Its fencing has been told since it went. */
  fenced?: true
  lrmSince?: number
  lrmTold?: true
}

export interface ServiceMemory {
  node?: string
  state: string
  target?: string
  since: number
  stuckTold?: true
  /** Looks in which no node fitted; 2 = told. */
  noTarget?: number
  /** Recovered, and not yet seen running. */
  recovering?: Recovering
}

export interface Recovering {
  /** Milliseconds on Proxmox's clock. */
  downAt: number
  within: number
  planned?: true
  /** `steady`: since when the LRM says that it runs. */
  runningSince?: number
  runningAt?: number
}

export interface GuestMemory {
  /** `ServiceMemory.since` of the state that it is about. */
  of: number
  /** `steady` at which it was started, as its uptime tells; `sure` when two looks agree. */
  boot: number
  sure: boolean
  /** A later start, and since when it is seen. */
  again?: { boot: number; since: number }
  /** Seconds: the last end of a task that stops it. */
  stopped?: number
  /** Seconds: beginning and end of the last task that gives it a new beginning without its having died. */
  touched?: readonly [from: number, to: number]
}

export interface StorageMemory {
  available: boolean
  /** Looks in a row that say otherwise. */
  doubts?: number
  told?: true
}

export interface TaskMemory {
  /** UPIDs of failures that have been judged and may still be listed → their node. */
  seen: Readonly<Record<string, string>>
  /** By guest and type: Proxmox's line, and when (seconds); gone with a later success. */
  failing: Readonly<Record<string, { line: string; at: number }>>
  /** Guests that a task is moving right now. */
  moving: readonly string[]
}

export interface ReplicationMemory {
  /** How often in a row. */
  failed: number
  told?: true
}

export interface VotesMemory {
  /** By node, as corosync.conf has it. */
  votes?: readonly { name: string; votes: number }[]
  margin?: number
  /** Since when the margin is zero. */
  zeroSince?: number
  zeroTold?: true
  qdevice?: string
  qdeviceSince?: number
  qdeviceTold?: true
}

export const newMemory = (born: number, steady: number, at: number): Memory => ({
  version: memoryVersion,
  born,
  steady,
  skew: 0,
  began: 0,
  told: {},
  sight: {
    state: 'unseen',
    since: steady,
    sinceAt: new Date(at).toISOString(),
    had: false,
    lossTold: false,
    unseenTold: false,
    flaps: 0,
    flapSince: steady,
  },
  ha: { round: 0, disarmed: false },
  nodes: {},
  services: emptyTable,
  guests: emptyTable,
  storages: {},
  tasks: { seen: {}, failing: {}, moving: [] },
  votes: {},
  replication: {},
})
