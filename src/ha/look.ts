/** One entry of `GET /cluster/ha/status/current`, as far as it tells what the manager's own notes do not. */
interface HaEntry {
  type: 'quorum' | 'master' | 'fencing' | 'lrm' | 'service'
  node: string
  /** Proxmox's text; read only where no field says the same. */
  status: string
  quorate?: boolean
  sid?: string
  /** What people see, `starting`, `deleting`. */
  state?: string
  requestState?: string
  armedState?: string
  resourceMode?: string
}

export interface Service {
  node?: string
  /** The CRM's raw state. */
  state: string
  target?: string
  running: boolean
  failedNodes?: string[]
}

/** `GET /cluster/ha/status/manager_status`: everything in it was written in one round of the manager. */
interface Manager {
  quorate: boolean
  answeredBy: string
  master?: string
  /** Seconds on the master's clock. */
  timestamp?: number
  nodes: Readonly<Record<string, string>>
  services: Readonly<Record<string, Service>>
  lrms: Readonly<Record<string, { mode?: string; state?: string; timestamp?: number }>>
  disarm?: { mode: string; state: string }
}

interface ClusterStatus {
  cluster?: { name: string; quorate: boolean }
  members: readonly { name: string; online: boolean; local: boolean }[]
}

interface Resources {
  /** Of `steady` when it was asked; absent: now. */
  asked?: number
  guests: readonly { vmid: number; kind: 'qemu' | 'lxc'; node: string; status: string; uptime: number }[]
  storages: readonly { storage: string; node: string; status: 'available' | 'unknown' }[]
}

export interface Task {
  upid: string
  node: string
  type: string
  id: string
  user: string
  tokenid?: string
  starttime: number
  endtime?: number
  exit?: string
}

export interface ReplicationJob {
  id: string
  guest: number
  failCount: number
  error?: string
}

/** What Proxmox answered to one look at a cluster. What was not asked, or not answered, is absent and says nothing. */
export interface Look {
  /** Milliseconds, wall clock. */
  at: number
  /** Milliseconds that have been watched so far: never goes back, whatever clocks do. */
  steady: number
  /** Milliseconds since the look before; large after a time in which nobody watched. */
  gap: number
  ha?: readonly HaEntry[]
  manager?: Manager
  status?: ClusterStatus
  resources?: Resources
  tasks?: readonly Task[]
  votes?: readonly { name: string; votes: number }[]
  /** Empty: the cluster has none. */
  qdevice?: { state?: string }
  replication?: { node: string; jobs: readonly ReplicationJob[] }
  /** Nodes that have confirmed bad news, the first that told it among them. */
  witnesses?: readonly string[]
}

/** The node that answered, as far as the answers say. */
export const answeredBy = (look: Look): string | undefined =>
  look.manager?.answeredBy ??
  look.ha?.find(({ type }) => type === 'quorum')?.node ??
  look.status?.members.find(({ local }) => local)?.name

/** Undefined: no answer says. One answer without quorum is enough to believe none of them. */
export function isQuorate(look: Look): boolean | undefined {
  const said = [
    look.manager?.quorate,
    look.ha?.find(({ type }) => type === 'quorum')?.quorate,
    look.status && (look.status.cluster?.quorate ?? true),
  ].filter((one) => one !== undefined)
  return said.length === 0 ? undefined : said.every(Boolean)
}

/** The HA manager gives signs of life, and its clock is right. */
export const isWorking = (look: Look): boolean =>
  /\((active|idle)\b/.test(look.ha?.find(({ type }) => type === 'master')?.status ?? '')
