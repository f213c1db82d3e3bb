/**
 * What a host must have, minimum and optimal (the tables of the thesis that Quorum began with), against what was
 * measured. What could not be read is `unknown`, never a pass.
 */

export type Verdict = 'pass' | 'warn' | 'fail' | 'unknown'

export const topics = [
  'reach',
  'architecture',
  'virtualization',
  'passthrough',
  'memory',
  'boot-disk',
  'disks',
  'cards',
  'address',
  'links',
  'votes',
  'clock',
  'version',
  'updates',
] as const
export type Topic = (typeof topics)[number]

export interface Finding {
  topic: Topic
  node: string
  verdict: Verdict
  /** The measured value, in words by this code. */
  found: string
  values: Record<string, string | number>
  /** What to do about it, by code. */
  todo?: string
}

interface Disk {
  devpath: string
  parent?: string
  type: string
  size: number
  used?: string
  health: string
  lifeLeft?: number
}

export interface HostFacts {
  name: string
  online: boolean
  /** Installed and in no cluster; why nothing was measured of it, where nothing was. */
  lone?: 'seen' | 'unseen' | 'silent' | 'password'
  /** What could not be read is absent. */
  status?: { machine?: string; flags: readonly string[]; memory: number; version: string; rootTotal: number }
  disks?: readonly Disk[]
  interfaces?: readonly { iface: string; type: string; active: boolean; cidr?: string }[]
  cards?: readonly { iommuGroup?: number }[]
  repositories?: readonly { handle: string; on?: boolean }[]
  subscription?: string
  /** The address that the cluster knows it by. */
  address?: string
  /** Seconds that its clock is ahead of the middle of all. */
  clockAhead?: number
  /** Bytes of the storages that its own memory has to serve: Ceph, ZFS. */
  served: number
  /** Bytes promised to the guests that run on it. */
  promised: number
}

export interface SiteFacts {
  hosts: readonly HostFacts[]
  /** Absent on a lone host, or when it could not be read. */
  corosync?: readonly { name: string; votes: number; links: readonly string[] }[]
}

const GIB = 1024 ** 3
const TIB = 1024 ** 4
/** In the units that disks are sold in. */
const GB = 1e9

type Judge = (host: HostFacts, site: SiteFacts) => Omit<Finding, 'topic' | 'node'>

const judges: Record<Topic, Judge> = {
  reach({ online, lone }) {
    if (lone === 'unseen') return is('unknown', 'unseen', {}, 'root-worker')
    if (lone === 'password') return is('unknown', 'no-entry', {}, 'host-password')
    if (online) return is('pass', lone ? 'online-alone' : 'online')
    return is('fail', 'offline', {}, 'switch-on')
  },
  architecture({ status }) {
    if (!status) return unread
    const machine = status.machine ?? (status.flags.includes('lm') ? 'x86_64' : '')
    if (machine === '') return unread
    return machine === 'x86_64' ? is('pass', 'machine', { machine }) : is('fail', 'machine', { machine }, 'other-host')
  },
  virtualization({ status }) {
    if (!status || status.flags.length === 0) return unread
    const flag = status.flags.find((one) => one === 'vmx' || one === 'svm')
    if (flag) return is('pass', flag)
    return is('fail', 'no-virtualization', {}, status.flags.includes('hypervisor') ? 'nested' : 'bios')
  },
  passthrough({ cards }) {
    if (!cards || cards.length === 0) return unread
    return cards.some(({ iommuGroup }) => iommuGroup !== undefined)
      ? is('pass', 'iommu')
      : is('warn', 'no-iommu', {}, 'iommu')
  },
  memory: judgeMemory,
  'boot-disk': judgeBootDisk,
  disks: judgeDisks,
  cards({ interfaces }) {
    if (!interfaces) return unread
    const cards = interfaces.filter(({ type }) => type === 'eth')
    const up = cards.filter(({ active }) => active).length
    const values = { count: cards.length, up }
    if (cards.length === 0) return is('fail', 'cards', values, 'card')
    return cards.length === 1 ? is('warn', 'cards', values, 'second-card') : is('pass', 'cards', values)
  },
  address: judgeAddress,
  links({ name }, { corosync }) {
    const links = corosync?.find((one) => one.name === name)?.links
    if (!links || links.length === 0) return unread
    const values = { links: links.join(', ') }
    return links.length > 1 ? is('pass', 'links', values) : is('warn', 'links', values, 'second-link')
  },
  votes(_, { corosync }) {
    if (!corosync || corosync.length === 0) return unread
    const values = { nodes: corosync.length, votes: corosync.reduce((sum, { votes }) => sum + votes, 0) }
    if (corosync.length >= 3) return is('pass', 'votes', values)
    return is(corosync.length === 1 ? 'fail' : 'warn', 'votes', values, 'third-node')
  },
  clock({ clockAhead }, { hosts }) {
    if (clockAhead === undefined || hosts.filter(({ online }) => online).length < 2) return unread
    const values = { seconds: Math.round(Math.abs(clockAhead)) }
    const found = clockAhead < 0 ? 'behind' : 'ahead'
    if (values.seconds <= 2) return is('pass', 'in-step')
    return is(values.seconds > 60 ? 'fail' : 'warn', found, values, 'chrony')
  },
  version({ status }, { hosts }) {
    if (!status) return unread
    const values = { version: status.version }
    const versions = new Set(hosts.flatMap(({ status: one }) => one?.version ?? []))
    if (versions.size === 1) return is('pass', 'version', values)
    const majors = new Set([...versions].map((one) => one.split('.')[0]))
    return is(majors.size > 1 ? 'fail' : 'warn', 'version', values, 'same-version')
  },
  updates({ repositories, subscription }) {
    if (!repositories || subscription === undefined) return unread
    const on = repositories.filter((one) => one.on).map(({ handle }) => handle)
    const values = { repositories: on.join(', ') }
    const paid = subscription === 'active'
    if (on.includes('test')) return is('warn', 'test-repository', values, 'no-test')
    if (on.includes('enterprise')) {
      return paid ? is('pass', 'enterprise', values) : is('fail', 'enterprise-unpaid', values, 'no-subscription')
    }
    if (on.includes('no-subscription')) return is('pass', 'unpaid', values)
    return is('fail', 'no-repository', {}, 'no-subscription')
  },
}

/** Every topic for every host, worst first within none: in the order of `topics`. A host that is offline has one line. */
export function checkHosts(site: SiteFacts): Finding[] {
  return topics.flatMap((topic) =>
    site.hosts
      .filter(({ online }) => online || topic === 'reach')
      // What a cluster gives, a host that is in none cannot have.
      .filter(({ lone }) => lone === undefined || !ofClusters.has(topic))
      .map((host) => ({ topic, node: host.name, ...judges[topic](host, site) })),
  )
}

const ofClusters: ReadonlySet<Topic> = new Set(['links', 'votes'])

const severity: readonly Verdict[] = ['pass', 'unknown', 'warn', 'fail']

export const worst = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.reduce((one, other) => (severity.indexOf(other) > severity.indexOf(one) ? other : one), 'pass')

/** How far each clock is from the middle one, of several rounds the smallest: waiting for an answer only adds to it. */
export function clocksAhead(rounds: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const smallest: Record<string, number> = {}
  for (const round of rounds) {
    const sorted = Object.values(round).sort((a, b) => a - b)
    const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
    for (const [node, time] of Object.entries(round)) {
      const before = smallest[node]
      if (before === undefined || Math.abs(time - middle) < Math.abs(before)) smallest[node] = time - middle
    }
  }
  return smallest
}

const unread: ReturnType<Judge> = { verdict: 'unknown', found: 'unread', values: {} }

const is = (verdict: Verdict, found: string, values: Finding['values'] = {}, todo?: string): ReturnType<Judge> => ({
  verdict,
  found,
  values,
  ...(todo === undefined ? {} : { todo }),
})

/** One GB is the least for the hypervisor, two and one for each TB of Ceph or ZFS are good; guests come on top. */
function judgeMemory({ status, served, promised }: HostFacts) {
  if (!status) return unread
  const wanted = 2 * GIB + Math.ceil(served / TIB) * GIB
  const left = status.memory - promised
  const values = { total: status.memory, promised, wanted }
  // What a host of one GB has is less: the kernel keeps some to itself.
  if (status.memory < 0.9 * GIB) return is('fail', 'memory', values, 'memory')
  return left < 0.9 * wanted ? is('warn', 'memory', values, 'memory-left') : is('pass', 'memory', values)
}

/** The disks that the firmware can start from; with two of them one may die. */
function bootDisks(disks: readonly Disk[]): Disk[] {
  const from = new Set(
    disks.filter(({ parent, used }) => parent && (used === 'EFI' || used === 'BIOS boot')).map(({ parent }) => parent),
  )
  return disks.filter(({ devpath, parent }) => !parent && from.has(devpath))
}

function judgeBootDisk({ disks }: HostFacts) {
  const boot = bootDisks(disks ?? [])
  const [first] = boot
  if (!first) return unread
  const values = { disks: boot.map(({ devpath }) => devpath).join(', '), kind: first.type, size: first.size }
  if (boot.some(({ type }) => type === 'usb')) return is('warn', 'boot-disk', values, 'boot-usb')
  if (boot.some(({ size }) => size < 32 * GB)) return is('warn', 'boot-disk', values, 'boot-small')
  return boot.length > 1 ? is('pass', 'boot-disks', values) : is('pass', 'boot-disk', values, 'boot-single')
}

function judgeDisks({ disks }: HostFacts) {
  const whole = disks?.filter(({ parent }) => !parent)
  if (!whole || whole.length === 0) return unread
  const kinds = [...new Set(whole.map(({ type }) => type))].sort()
  const values = { count: whole.length, kinds: kinds.join(', '), disk: '' }
  const failing = whole.find(({ health }) => /^fail/i.test(health))
  if (failing) return is('fail', 'disk-failing', { ...values, disk: failing.devpath }, 'replace')
  const worn = whole.find(({ lifeLeft }) => lifeLeft !== undefined && lifeLeft < 10)
  if (worn) return is('warn', 'disk-worn', { ...values, disk: worn.devpath, left: worn.lifeLeft ?? 0 }, 'replace')
  return kinds.some((kind) => kind === 'ssd' || kind === 'nvme')
    ? is('pass', 'disks', values)
    : is('warn', 'disks', values, 'ssd')
}

function judgeAddress({ name, ...host }: HostFacts, { hosts }: SiteFacts) {
  const mine = networkOf(host)
  if (!mine) return unread
  const others = hosts.flatMap((one) => (one.name === name ? [] : (networkOf(one) ?? [])))
  const values = { address: mine.cidr, network: mine.network }
  const strange = others.filter(({ network }) => network !== mine.network)
  if (strange.length === 0) return is('pass', 'address', values)
  return is('warn', 'address', values, 'one-range')
}

function networkOf({ address, interfaces }: Pick<HostFacts, 'address' | 'interfaces'>) {
  const cidr = interfaces?.find((one) => address !== undefined && one.cidr?.startsWith(`${address}/`))?.cidr
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr ?? '')
  if (!cidr || !match) return undefined
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match.slice(1).map(Number)
  const block = 2 ** (32 - bits)
  const start = Math.floor((((a * 256 + b) * 256 + c) * 256 + d) / block) * block
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256)
  return { cidr, network: `${parts.join('.')}/${bits}` }
}
