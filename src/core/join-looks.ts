import { Refused } from './errors.ts'
import { type ClusterLook, type HostLook, mostClockDifference } from './joining.ts'
import type { ProxmoxPort } from './ports.ts'

type Reads = Pick<
  ProxmoxPort,
  | 'clusterStatus'
  | 'joinInfo'
  | 'addresses'
  | 'nodeVersion'
  | 'users'
  | 'storageConfig'
  | 'hostsFile'
  | 'resources'
  | 'nodeTime'
>
interface Options {
  signal?: AbortSignal
  avoid?: readonly string[]
}

/** How far a host is on its way into a cluster, as a member of it says; undefined where only others answer. */
export interface Standing {
  /** The member that says so. */
  by: string
  /** The cluster's own name. */
  cluster: string
  quorate: boolean
  /** In corosync's list of nodes. */
  listed: boolean
  online: boolean
  /** 0 where it is not listed. */
  votes: number
}

/** Asks a member, never the host itself: what it says of itself may be wishful. */
export async function standingOf(
  proxmox: Pick<ProxmoxPort, 'clusterStatus' | 'votes'>,
  host: string,
  o: Options = {},
): Promise<Standing | undefined> {
  const [{ cluster, members }, votes] = await Promise.all([
    proxmox.clusterStatus({ ...o, avoid: [host] }),
    proxmox.votes({ ...o, avoid: [host] }),
  ])
  const by = members.find(({ local }) => local)?.name
  if (!cluster || by === undefined || by === host) return undefined
  return {
    by,
    cluster: cluster.name,
    quorate: cluster.quorate,
    listed: votes.some(({ name }) => name === host),
    online: members.some(({ name, online }) => name === host && online),
    votes: votes.find(({ name }) => name === host)?.votes ?? 0,
  }
}

/** What a joining host is held against. Throws `Refused` for a host that is in no cluster. */
export async function lookAtCluster(proxmox: Reads, o: Options = {}): Promise<ClusterLook> {
  const status = await proxmox.clusterStatus(o)
  const member = status.members.find(({ local }) => local)?.name ?? ''
  const info = await proxmox.joinInfo(member || undefined, o)
  if (!status.cluster || !info) throw new Refused('no-own-cluster', { node: member })
  const [addresses, version, users, storages] = await Promise.all([
    proxmox.addresses(member, o),
    proxmox.nodeVersion(member, o),
    proxmox.users(o),
    proxmox.storageConfig(o),
  ])
  const own = info.members.find(({ name }) => name === member)
  return {
    name: info.name,
    member,
    version,
    quorate: status.cluster.quorate,
    links: (own?.links ?? []).map((address) => addresses.find((one) => one.address === address) ?? { address }),
    members: info.members.map(({ name }) => name),
    users,
    storages: storages.map(({ storage }) => storage),
  }
}

/** Everything about a host that speaks for or against a join. */
export async function lookAtHost(host: Reads): Promise<HostLook> {
  const { cluster, members } = await host.clusterStatus()
  const name = members.find(({ local }) => local)?.name ?? members[0]?.name ?? ''
  const [version, { guests }, addresses, hosts, users, storages] = await Promise.all([
    host.nodeVersion(name),
    host.resources(),
    host.addresses(name),
    host.hostsFile(name),
    host.users(),
    host.storageConfig(),
  ])
  return {
    name,
    ...(cluster ? { cluster: cluster.name } : {}),
    version,
    guests: guests.length,
    addresses,
    hosts,
    users,
    storages: storages.map(({ storage }) => storage),
  }
}

/** Two clocks, read one inside the other, so that the time between the calls is no difference. Throws `Refused`. */
export async function refuseOtherClock(
  host: { name: string; proxmox: Pick<ProxmoxPort, 'nodeTime'> },
  member: { name: string; proxmox: Pick<ProxmoxPort, 'nodeTime'> },
): Promise<void> {
  const before = await member.proxmox.nodeTime(member.name)
  const there = await host.proxmox.nodeTime(host.name)
  const after = await member.proxmox.nodeTime(member.name)
  const seconds = Math.max(before - there, there - after, 0)
  if (seconds > mostClockDifference) {
    throw new Refused('join-clock', { host: host.name, seconds, most: mostClockDifference })
  }
}
