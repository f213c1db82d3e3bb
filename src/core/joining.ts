import { Refused } from './errors.ts'
import type { Values } from './language.ts'

/** What a host is, looked at as root before it becomes part of a cluster. */
export interface HostLook {
  /** As it calls itself. */
  name: string
  /** The cluster that it is in already. */
  cluster?: string
  version: string
  guests: number
  addresses: { address: string; cidr?: string }[]
  /** Its `/etc/hosts`. */
  hosts: string
  users: { id: string; tokens: string[] }[]
  storages: string[]
}

/** The cluster that it shall join, as a member tells it. */
export interface ClusterLook {
  name: string
  member: string
  version: string
  quorate: boolean
  /** Of the member: the first is link 0. */
  links: { address: string; cidr?: string }[]
  members: string[]
  users: { id: string; tokens: string[] }[]
  storages: string[]
}

/** Between a host's clock and the cluster's, seconds: more spoils tickets and tempts corosync. */
export const mostClockDifference = 5

/** The number of a dotted IPv4 address; undefined for anything else. */
function numberOf(address: string): number | undefined {
  const parts = address.split('.').map(Number)
  const fits = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)
  return fits ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined
}

/** Whether an address lies in the range of `172.16.1.103/24`; undefined where that cannot be told (IPv6). */
export function inRange(address: string, cidr: string): boolean | undefined {
  const [base = '', bits = ''] = cidr.split('/')
  const [one, other] = [numberOf(address), numberOf(base)]
  if (one === undefined || other === undefined || !/^\d+$/.test(bits)) return undefined
  const size = 2 ** (32 - Number(bits))
  return Math.floor(one / size) === Math.floor(other / size)
}

/** `172.16.1.0/24` of `172.16.1.103/24`; undefined where that cannot be told (IPv6). */
export function networkOf(cidr: string): string | undefined {
  const [address = '', bits = ''] = cidr.split('/')
  const number = numberOf(address)
  if (number === undefined || !/^\d+$/.test(bits) || Number(bits) > 32) return undefined
  const base = number - (number % 2 ** (32 - Number(bits)))
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${bits}`
}

/** The name in /etc/hosts leads elsewhere than to the host itself: corosync and the others would be led astray. */
export function misled(look: Pick<HostLook, 'name' | 'hosts' | 'addresses'>): string | undefined {
  const own = look.addresses.map(({ address }) => address)
  for (const line of look.hosts.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const isItself = names.some((name) => name === look.name || name.startsWith(`${look.name}.`))
    if (address && isItself && !own.includes(address)) return address
  }
  return undefined
}

/** Refuses a link whose address is on none of the host's cards; Proxmox itself looks only when a host joins. */
export function refuseForeignLinks({ name, addresses }: Pick<HostLook, 'name' | 'addresses'>, links: Values): void {
  const own = addresses.map(({ address }) => address)
  for (const [link, address] of Object.entries(links)) {
    if (address === undefined || own.includes(String(address))) continue
    throw new Refused('join-link', { host: name, link, address, addresses: own.join(', ') })
  }
}

/** Everything that Proxmox looks at, and what it does not; a place where no harm is done yet. Throws `Refused`. */
export function refuseToJoin(host: HostLook, cluster: ClusterLook, asked: { name: string; lose: boolean }): void {
  const values = { host: asked.name, cluster: cluster.name }
  if (host.name !== asked.name) throw new Refused('join-other-host', { ...values, now: host.name })
  if (host.cluster !== undefined) throw new Refused('join-in-cluster', { ...values, other: host.cluster })
  if (cluster.members.includes(host.name)) throw new Refused('join-name-taken', values)
  if (!cluster.quorate) throw new Refused('no-quorum', { cluster: cluster.name })
  if (host.guests > 0) throw new Refused('join-guests', { ...values, count: host.guests })
  if (host.version !== cluster.version) {
    throw new Refused('join-version', { ...values, its: host.version, theirs: cluster.version })
  }
  const elsewhere = misled(host)
  if (elsewhere !== undefined) throw new Refused('join-hosts-file', { ...values, address: elsewhere })
  const lost = whatIsLost(host, cluster)
  if (lost.length > 0 && !asked.lose) throw new Refused('join-would-lose', { ...values, lost: lost.join(', ') })
}

/** The host's users, tokens and storages that the cluster has none of the same name of: a join takes them away. */
export function whatIsLost(host: HostLook, cluster: ClusterLook): string[] {
  const tokens = (users: HostLook['users']) =>
    users.flatMap((user) => [user.id, ...user.tokens.map((t) => `${user.id}!${t}`)])
  const there = new Set([...tokens(cluster.users), ...cluster.storages])
  return [...tokens(host.users), ...host.storages].filter((one) => !there.has(one))
}

/** The host's addresses for the cluster's links: those that were given, else the ones in the links' ranges. */
export function linksFor(host: HostLook, cluster: ClusterLook, given: (string | undefined)[]): string[] {
  refuseForeignLinks(host, Object.fromEntries(given.map((address, i) => [`link${i}`, address])))
  return cluster.links.map(({ address, cidr }, i) => {
    const fits = (own: string) => cidr === undefined || (inRange(own, cidr) ?? true)
    const wanted = given[i] ?? host.addresses.find((own) => cidr !== undefined && inRange(own.address, cidr))?.address
    if (wanted !== undefined && fits(wanted)) return wanted
    const addresses = wanted ?? host.addresses.map((own) => own.address).join(', ')
    throw new Refused('join-range', { host: host.name, link: `link${i}`, addresses, range: cidr ?? address })
  })
}

/** What the last line of a failed join means, with the lines before it: all that Proxmox says of the reason. */
export function joinFailure(line: string, log: readonly string[]): { code: string; values: Values } {
  const known: [RegExp, string][] = [
    [/fingerprint '[^']*' not verified/, 'join-fingerprint'],
    [/TFA-enabled login/, 'root-second-factor'],
    [/^401|authentication failure/, 'root-password'],
    [/Can't connect to (\S+)/, 'join-unreachable'],
    [/no quorum/, 'no-quorum'],
    [/can't add (?:existing )?node/, 'join-name-taken'],
    [/API version|version mismatch|unsupported cluster join/i, 'join-version-line'],
    [/config(?:uration)? lock|cfs-lock|got lock request timeout/i, 'join-busy'],
  ]
  const reasons = [line, ...log.flatMap((text) => text.split('\n')).filter((text) => text.startsWith('* '))]
  const inLog: [RegExp, string][] = [
    [/already contains virtual guests/, 'join-guests-found'],
    [/(?:(link\d): )?cannot use IP '([^']+)', not found on local node/, 'join-link-found'],
    [/already exists|already running|already in a cluster/, 'join-in-cluster-found'],
  ]
  for (const [pattern, code] of [...inLog, ...known]) {
    const match = reasons.map((reason) => pattern.exec(reason)).find((found) => found !== null)
    if (match)
      return {
        code,
        values: code === 'join-link-found' ? { link: match[1] ?? 'link0', address: match[2] } : { address: match[1] },
      }
  }
  return { code: 'join-failed', values: {} }
}
