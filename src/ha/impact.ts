import { type Affinities, preferenceOf } from './affinity.ts'
import type { Hindrance } from './movable.ts'
import { type Quorum, quorumOf } from './quorum.ts'
import { chooseNode, type Placed, wouldGoHome } from './selection.ts'

/** How a node goes. A network cut ends as a power loss does: the node resets itself and is fenced. */
export const lossKinds = ['shutdown', 'migrate', 'reboot', 'power', 'network'] as const
export type LossKind = (typeof lossKinds)[number]

/** What a drill does: a node goes, or it loses a storage. */
export const drillKinds = [...lossKinds, 'storage'] as const
export type DrillKind = (typeof drillKinds)[number]

export type Policy = 'conditional' | 'freeze' | 'failover' | 'migrate'

/** A guest and what ties it to nodes. */
export interface SiteGuest {
  /** `vm:100`. */
  sid: string
  name: string
  node: string
  running: boolean
  /** Bytes that it may take. */
  memory: number
  /** Proxmox starts it when its node boots. */
  onBoot: boolean
  /** Something inside hears a shutdown request: an agent, or a container. Undefined: not known. */
  listens?: boolean
  /** What keeps it from starting on some nodes; `nodes` names them, all others where it is empty. */
  hindrances: readonly Hindrance[]
  /** What lies on a storage; absent: its configuration was not read. */
  drives?: readonly { key: string; storage: string; cdrom: boolean }[]
}

/** What is known of a cluster. */
export interface Site {
  nodes: readonly { name: string; online: boolean; memory: number; maxMemory: number }[]
  quorate: boolean
  votes: readonly { name: string; votes: number }[]
  /** Of a QDevice that is connected; 0 without one. */
  qdeviceVotes: number
  master?: string
  /** Disarmed, or on the way there. */
  disarmed: boolean
  policy: Policy
  affinities: Affinities
  guests: readonly SiteGuest[]
  /** What is under HA. */
  managed: readonly {
    sid: string
    /** `started`, `stopped`, `disabled`, `ignored`. */
    wanted: string
    failback: boolean
    maxRelocate: number
    /** Where the manager has it, and its raw state; absent: the manager has not taken it yet. */
    node?: string
    state?: string
  }[]
}

/**
 * What becomes of a guest. `moves`: it is down and starts elsewhere; `migrates`: live; `relocates`: it is restarted
 * elsewhere; `waits`: down until its node is back; `down`: until somebody does something; `off`: it was off before. When
 * a storage goes: `stalls`: it stands still until that is back; `stays`: it runs on; `unknown`: it could not be read.
 */
export type Outcome = 'moves' | 'migrates' | 'relocates' | 'waits' | 'down' | 'off' | 'stalls' | 'stays' | 'unknown'

export const fateCodes = [
  'recovered',
  'recovered-preferred',
  'recovered-with',
  'after-failed-start',
  'migrates',
  'relocates',
  'restarts-if-quick',
  'frozen',
  'not-ha',
  'not-ha-boots',
  'ignored',
  'in-error',
  'disarmed',
  'no-quorum',
  'not-taken',
  'strict',
  'apart',
  'no-node',
  'local-disk',
  'storage',
  'cdrom',
  'passthrough',
  'is-off',
  'disk-gone',
  'iso-gone',
  'elsewhere',
  'off-disk',
  'unread',
] as const
export type FateCode = (typeof fateCodes)[number]

export interface Fate {
  sid: string
  name: string
  from: string
  outcome: Outcome
  /** Where it runs afterwards. */
  to?: string
  /** Where it goes once its node is back. */
  home?: string
  code: FateCode
  values: Record<string, string | number>
  /** The node may not have the memory for it. */
  tight?: true
}

export interface Impact {
  node: string
  kind: DrillKind
  /** What it loses, where that is a storage. */
  storage?: string
  before: Quorum
  after: Quorum
  /** The HA manager works on this node: another one takes over first, which costs two minutes when it dies. */
  isMaster: boolean
  fates: Fate[]
  /** Bytes, of the nodes that stay. */
  memory: { node: string; before: number; after: number; max: number }[]
  /** Seconds that a guest which is recovered elsewhere is expected to be down, from and to. */
  down: { from: number; to: number }
}

/** What would happen if a node went. It is a prediction: the manager decides by what it sees then. */
export function impactOf(site: Site, loss: { node: string; kind: LossKind }): Impact {
  const { node, kind } = loss
  const before = votesOf(site)
  const after = votesOf(site, node)
  const isMaster = site.master === node
  const fates = fatesOf(site, loss, after)
  return {
    node,
    kind,
    before,
    after,
    isMaster,
    fates,
    memory: memoryAfter(site, node, fates),
    down: downOf(loss, isMaster),
  }
}

/** Votes as they are, or without one node; the QDevice's are among them. */
function votesOf(site: Site, without?: string): Quorum {
  const members = site.nodes.map(({ name, online }) => ({ name, online: online && name !== without }))
  const voters = site.votes.length > 0 ? site.votes : site.nodes.map(({ name }) => ({ name, votes: 1 }))
  if (site.qdeviceVotes === 0) {
    const quorum = quorumOf(true, members, voters)
    const quorate = quorum.present >= quorum.needed
    return quorumOf(without === undefined ? site.quorate : quorate, members, voters)
  }
  // It takes part like a node that stays, but it is none that can be lost.
  const expected = sum(voters) + site.qdeviceVotes
  const present = sum(voters.filter((one) => isOn(members, one.name))) + site.qdeviceVotes
  const needed = Math.floor(expected / 2) + 1
  const here = voters.filter((one) => isOn(members, one.name)).sort((a, b) => b.votes - a.votes)
  let left = present
  let margin = -1
  for (const { votes } of [...here, { votes: Number.POSITIVE_INFINITY }]) {
    if (left < needed) break
    margin += 1
    left -= votes
  }
  const offline = members.filter(({ online }) => !online).map(({ name }) => name)
  return { expected, present, needed, quorate: present >= needed, margin: Math.max(0, margin), offline }
}

const sum = (voters: readonly { votes: number }[]) => voters.reduce((all, { votes }) => all + votes, 0)
const isOn = (members: readonly { name: string; online: boolean }[], name: string) =>
  members.some((one) => one.name === name && one.online)

/** What a node's agent does with its guests when the node goes. */
type Way = 'recover' | 'freeze' | 'migrate'

/** A planned end goes by the policy; `migrate` as a kind is a shutdown under that policy. */
export function wayOf(kind: LossKind, policy: Policy): Way {
  if (kind === 'power' || kind === 'network') return 'recover'
  if (kind === 'migrate' || policy === 'migrate') return 'migrate'
  if (policy === 'freeze') return 'freeze'
  return kind === 'reboot' && policy === 'conditional' ? 'freeze' : 'recover'
}

/** Guests in the order in which the manager takes them; each one that is placed weighs for the next. */
function fatesOf(site: Site, { node, kind }: { node: string; kind: LossKind }, after: Quorum): Fate[] {
  const places: Record<string, Placed> = {}
  for (const one of site.managed) {
    if (one.node !== undefined) places[one.sid] = { node: one.node, idle: isIdle(one) }
  }
  const online = site.nodes.filter((one) => one.online && one.name !== node).map(({ name }) => name)
  const hit = site.guests.filter((guest) => guest.node === node)
  return [...hit]
    .sort((a, b) => (a.sid < b.sid ? -1 : 1))
    .map((guest) => {
      const fate = fateOf(site, guest, { kind, places, online, quorate: after.quorate, victim: node })
      if (fate.to !== undefined) places[guest.sid] = { node: fate.to, idle: places[guest.sid]?.idle ?? false }
      return fate
    })
}

const isIdle = ({ state, wanted }: Site['managed'][number]) =>
  state === 'stopped' || state === 'request_start' || (state === undefined && wanted !== 'started')

interface Scene {
  kind: LossKind
  victim: string
  places: Record<string, Placed>
  online: readonly string[]
  quorate: boolean
}

function fateOf(site: Site, guest: SiteGuest, scene: Scene): Fate {
  const { sid, name, node: from } = guest
  const fate = (outcome: Outcome, code: FateCode, values: Fate['values'] = {}, more: Partial<Fate> = {}): Fate => ({
    sid,
    name,
    from,
    outcome,
    code,
    values: { node: from, guest: sid.slice(sid.indexOf(':') + 1), ...values },
    ...more,
  })
  const managed = site.managed.find((one) => one.sid === sid)
  if (!managed) {
    if (!guest.running) return fate('off', 'is-off')
    return guest.onBoot ? fate('waits', 'not-ha-boots') : fate('down', 'not-ha')
  }
  if (managed.wanted === 'ignored') return guest.running ? fate('down', 'ignored') : fate('off', 'is-off')
  if (managed.state === 'error') return fate('down', 'in-error')
  const isWanted = managed.wanted === 'started' || managed.wanted === 'enabled'
  if (!isWanted && !guest.running) return fate('off', 'is-off', {}, { ...offTo(site, managed, scene) })
  if (site.disarmed || managed.state === 'freeze') return fate('down', 'disarmed')
  if (managed.node === undefined) return fate('down', 'not-taken')
  const way = wayOf(scene.kind, site.policy)
  if (way === 'freeze') return fate('waits', 'frozen', { policy: site.policy })
  if (!scene.quorate) return fate('down', 'no-quorum')
  return placed(site, guest, managed, scene, way, fate)
}

/** One that is stopped is taken over as well, so that it can be started; one that is disabled is left where it is. */
function offTo(site: Site, managed: Site['managed'][number], scene: Scene): { to?: string } {
  const isTaken = managed.wanted === 'stopped' && managed.node !== undefined && scene.quorate && !site.disarmed
  if (!isTaken || wayOf(scene.kind, site.policy) !== 'recover') return {}
  const to = chooseNode({ ...scene, sid: managed.sid, affinities: site.affinities })
  return to === undefined ? {} : { to }
}

type MakeFate = (outcome: Outcome, code: FateCode, values?: Fate['values'], more?: Partial<Fate>) => Fate

/** Where the manager takes it, whether it can run there, and where it tries next when it cannot. */
function placed(
  site: Site,
  guest: SiteGuest,
  managed: Site['managed'][number],
  scene: Scene,
  way: Way,
  fate: MakeFate,
): Fate {
  const { sid } = guest
  const choice = { sid, affinities: site.affinities, places: scene.places, online: scene.online }
  const first = chooseNode(choice)
  if (first === undefined) return homeless(site, guest, scene, fate)
  const tried: string[] = []
  let to: string | undefined = first
  let hindered = hindranceOn(guest, first)
  while (to !== undefined && hindered && way === 'recover' && tried.length < managed.maxRelocate) {
    tried.push(to)
    to = chooseNode({ ...choice, tried })
    if (to !== undefined) hindered = hindranceOn(guest, to)
  }
  if (hindered || to === undefined) {
    const { code, values } = hindered ?? hindranceOn(guest, first)!
    return fate('down', blame[code], { ...values, to: first }, { to: first })
  }
  const more = { to, ...homeOf(site, sid, managed.failback, scene, to), ...tight(site, guest, to) }
  if (way === 'migrate') {
    return sid.startsWith('ct:')
      ? fate('relocates', 'relocates', { to }, more)
      : fate('migrates', 'migrates', { to }, more)
  }
  if (tried.length > 0) return fate('moves', 'after-failed-start', { to, first }, more)
  if (scene.kind === 'reboot') return fate('moves', 'restarts-if-quick', { to }, more)
  return { ...fate('moves', ...whyThere(site, sid, to, scene)), ...more }
}

/** Prefers that node, follows others there, or the node simply has the fewest. */
function whyThere(site: Site, sid: string, to: string, { places }: Scene): [FateCode, Fate['values']] {
  const together = site.affinities.bonds.find(
    ({ kind, disabled, sids }) =>
      kind === 'together' &&
      !disabled &&
      sids.includes(sid) &&
      sids.some((one) => one !== sid && places[one]?.node === to),
  )
  if (together) return ['recovered-with', { to, rule: together.name }]
  const preference = preferenceOf(site.affinities, sid)
  const rank = preference?.nodes.find(({ node }) => node === to)
  if (preference && rank) return ['recovered-preferred', { to, rule: preference.name, priority: rank.priority }]
  return ['recovered', { to }]
}

function homeless(site: Site, { sid }: SiteGuest, scene: Scene, fate: MakeFate): Fate {
  const preference = preferenceOf(site.affinities, sid)
  const isShutOut = preference?.strict && !preference.nodes.some(({ node }) => scene.online.includes(node))
  if (isShutOut) return fate('waits', 'strict', { rule: preference.name })
  const apart = site.affinities.bonds.find(
    ({ kind, disabled, sids }) => kind === 'apart' && !disabled && sids.includes(sid),
  )
  return apart ? fate('waits', 'apart', { rule: apart.name }) : fate('waits', 'no-node')
}

const blame: Record<Hindrance['code'], FateCode> = {
  'ha-template': 'in-error',
  'ha-local-disk': 'local-disk',
  'ha-cdrom': 'cdrom',
  'ha-storage': 'storage',
  'ha-host-file': 'local-disk',
  'ha-passthrough': 'passthrough',
}

const hindranceOn = ({ hindrances }: SiteGuest, node: string): Hindrance | undefined =>
  hindrances.find(({ values }) => values.nodes === '' || values.nodes.split(', ').includes(node))

/** Once its node is back, a guest that prefers it goes home, unless failback is off. */
function homeOf(site: Site, sid: string, failback: boolean, scene: Scene, to: string): { home?: string } {
  if (!failback) return {}
  const places = { ...scene.places, [sid]: { node: to, idle: false } }
  const online = [...scene.online, scene.victim]
  const home = wouldGoHome({ sid, affinities: site.affinities, places, online, at: to })
  return home === undefined ? {} : { home }
}

function tight({ nodes }: Site, { memory }: SiteGuest, to: string): { tight?: true } {
  const there = nodes.find(({ name }) => name === to)
  return there && there.maxMemory > 0 && there.memory + memory > there.maxMemory ? { tight: true } : {}
}

function memoryAfter({ nodes, guests }: Site, victim: string, fates: readonly Fate[]): Impact['memory'] {
  return nodes
    .filter(({ name, online }) => online && name !== victim)
    .map(({ name, memory, maxMemory }) => {
      const coming = fates.filter(({ to, outcome }) => to === name && outcome !== 'down' && outcome !== 'off')
      const more = coming.reduce((all, { sid }) => all + (guests.find((one) => one.sid === sid)?.memory ?? 0), 0)
      return { node: name, before: memory, after: memory + more, max: maxMemory }
    })
}

/**
 * Seconds, as Proxmox's own timers make them: 60 s until a node that is not heard of is fenced, 120 s until the lock of a
 * dead agent is free, rounds of 10 s, and the same again when the manager itself has died.
 */
function downOf({ kind }: { kind: LossKind }, isMaster: boolean): Impact['down'] {
  if (kind === 'migrate') return { from: 0, to: 0 }
  if (kind === 'power' || kind === 'network') return isMaster ? { from: 180, to: 240 } : { from: 120, to: 180 }
  return isMaster ? { from: 60, to: 240 } : { from: 55, to: 180 }
}
