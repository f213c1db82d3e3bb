/** Clusters in the making: what is read before hosts are brought together, and what only root@pam in person may do. */
import type { Secret } from '../core/secret.ts'
import type { CallOptions, Params, ProxmoxWriter, Upid } from './port.ts'

/** One node as a joining host is told of it. */
export interface JoinMember {
  name: string
  nodeid: number
  votes: number
  /** The addresses of its links, the first one first. */
  links: string[]
  /** Where a joining host logs in. */
  address?: string
  /** SHA-256 of its certificate, `AB:CD:…`. */
  fingerprint?: string
}

/** `GET /cluster/config/join`: everything for a join but the secret. */
export interface JoinInfo {
  /** The cluster's own name, which need not be the one in our configuration. */
  name: string
  /** Of corosync.conf; grows with each change. */
  version: number
  /** The member that the answer recommends. */
  preferred: string
  members: JoinMember[]
}

export interface NetworkAddress {
  /** The interface: `vmbr0`. */
  iface: string
  address: string
  /** `172.16.1.103/24`. */
  cidr?: string
}

export interface ProxmoxUser {
  /** `user@realm`. */
  id: string
  tokens: string[]
}

export interface ReplicationPlan {
  /** `100-0`. */
  id: string
  guest: number
  target: string
}

export interface ClusterReads {
  /** Undefined on a host that is in no cluster. `node`: the member to recommend. */
  joinInfo(node?: string, o?: CallOptions): Promise<JoinInfo | undefined>
  /** Addresses on the interfaces of a node. */
  addresses(node: string, o?: CallOptions): Promise<NetworkAddress[]>
  /** The node's `/etc/hosts`. */
  hostsFile(node: string, o?: CallOptions): Promise<string>
  /** The version that one node runs; `version` is that of whichever node answers. */
  nodeVersion(node: string, o?: CallOptions): Promise<string>
  /** Those that our rights show, with their tokens. */
  users(o?: CallOptions): Promise<ProxmoxUser[]>
  /** Whether an account wants a second factor at login. */
  hasSecondFactor(user: string, o?: CallOptions): Promise<boolean>
  /** Of the whole cluster, as far as our rights show them. */
  replicationPlans(o?: CallOptions): Promise<ReplicationPlan[]>
  /** Nodes that run a part of Ceph; empty where Ceph is not installed. */
  cephNodes(o?: CallOptions): Promise<string[]>
}

export interface JoinRequest {
  /** The member where the joining host logs in as root. */
  hostname: string
  /** Of that member's certificate. */
  fingerprint: string
  /** root's, on that member. */
  password: Secret
  links: string[]
}

/** Acting as root@pam by ticket. Only a worker started with `--root` can come by one. */
export interface ProxmoxRoot extends ProxmoxWriter {
  /** Whether the password opens the door; other failures are thrown. */
  logIn(o?: CallOptions): Promise<'in' | 'wrong-password' | 'second-factor'>
  createCluster(params: Params, o?: CallOptions): Promise<Upid>
  joinCluster(request: JoinRequest, o?: CallOptions): Promise<Upid>
  removeNode(node: string, o?: CallOptions): Promise<void>
  close(): Promise<void>
}

/** How root gets in: by password, on the hosts and clusters of the configuration alone. */
export interface RootAccess {
  /** The cluster's nodes are known by fingerprints: a new one has to be written down. */
  isPinned(cluster: string): boolean
  /** Whether the configuration tells root's password there. */
  knows(place: RootPlace): boolean
  /** `password`: handed over by a person; else the configured one. Throws `Refused('unknown-host')`. */
  open(place: RootPlace, password?: Secret): ProxmoxRoot
  /** root's password there as it is configured. */
  password(place: RootPlace): Secret | undefined
  /**
   * The certificate that the host shows at its configured address, held against the one that a member of its cluster
   * says it has. False: another one, or nobody answers.
   */
  shows(host: string, fingerprint: string): Promise<boolean>
}

/** A host of the configuration's `hosts`; with `cluster`, a node of that one, which `hosts` need not name. */
export interface RootPlace {
  host: string
  cluster?: string
}

declare module '../core/ports.ts' {
  interface Ports {
    proxmoxRoot: RootAccess
  }
}
