import { type Affinities, allowed, companions, favourites, preferenceOf } from './affinity.ts'

/** What is known of a guest and of what decides about it. What could not be read is absent, and nothing is made up for it. */
export interface WhyFacts {
  sid: string
  /** As `/cluster/resources` shows it; absent: there is no such guest. */
  guest?: { node: string; status: string; template: boolean; lock?: string }
  /** `GET /cluster/ha/status/current`. */
  entries: readonly Entry[]
  manager?: Manager
  resource?: { state: string; maxRestart: number; maxRelocate: number; failback: boolean }
  affinities: Affinities
  /** Rules that Proxmox ignores, and its own words why. */
  ignored: readonly { rule: string; sids: readonly string[]; raw: string }[]
  nodes: readonly { name: string; online: boolean }[]
  /** Disks and drives whose storage some nodes do not have. */
  unreachable: readonly { key: string; storage: string; lacking: readonly string[] }[]
  /** Disks whose storage its own node does not reach now. */
  lost?: readonly { key: string; storage: string }[]
  lastFailed?: { type: string; node: string; raw: string; cause?: string }
}

interface Entry {
  type: string
  node: string
  quorate?: boolean
  timestamp?: number
  sid?: string
  state?: string
  crmState?: string
  requestState?: string
  armedState?: string
  resourceMode?: string
}

interface Manager {
  master?: string
  nodes: Readonly<Record<string, string>>
  services: Readonly<
    Record<
      string,
      { node?: string; target?: string; running: boolean; maintenanceNode?: string; failedNodes?: readonly string[] }
    >
  >
  lrms: Readonly<Record<string, { mode?: string; state?: string }>>
}

export const reasonCodes = [
  'no-guest',
  'no-quorum',
  'disk-lost',
  'not-under-ha',
  'let-go',
  'ignored',
  'disarmed',
  'disarming',
  'template',
  'no-master',
  'master-silent',
  'queued',
  'error',
  'gave-up',
  'wrong-node',
  'clearing',
  'frozen',
  'frozen-node-gone',
  'fencing',
  'waits-for-fence',
  'no-target-strict',
  'no-target-apart',
  'no-target',
  'moving',
  'failed-starts',
  'waits-for-lock',
  'starting',
  'stopping',
  'off-as-wanted',
  'off-disabled',
  'off-unmanaged',
  'away-for-maintenance',
  'leaving-maintenance',
  'failback-off',
  'favourite-away',
  'follows',
  'kept-apart',
  'on-favourite',
  'runs-as-wanted',
  'runs-unmanaged',
  'rule-ignored',
  'storage-lacking',
  'locked',
  'last-failure',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

export interface Reason {
  code: ReasonCode
  values: Record<string, string | number>
  /** Proxmox's own line. */
  raw?: string
}

/** After this long without a sign Proxmox itself calls its manager dead, seconds. */
const silentAfter = 30

/**
 * Why a guest is where it is and as it is, from the state alone: the decisive reason first, then what else bears on it.
 * Nothing at all means that it is not known.
 */
export function whyOf(facts: WhyFacts): Reason[] {
  const decisive = whole(facts) ?? service(facts) ?? place(facts)
  return [...still(facts), ...decisive, ...beside(facts, decisive)]
}

/** It is called running, and what runs inside waits for its disk. */
function still({ guest, lost = [] }: WhyFacts): Reason[] {
  if (guest?.status !== 'running') return []
  return lost.map(({ key, storage }) => reason('disk-lost', { key, storage, node: guest.node }))
}

const reason = (code: ReasonCode, values: Reason['values'] = {}): Reason => ({ code, values })

/** What holds for every guest of the cluster, or for one that HA has no part in. */
function whole(facts: WhyFacts): Reason[] | undefined {
  const { sid, guest, entries } = facts
  const entry = entryOf(facts)
  if (!guest && !entry) return [reason('no-guest', { sid })]
  const quorum = entries.find(({ type }) => type === 'quorum')
  if (quorum && !quorum.quorate) return [reason('no-quorum', { node: quorum.node })]
  if (!entry) return guest ? unmanaged(guest) : undefined
  if (entry.state === 'deleting') return [reason('let-go')]
  if (entry.requestState === 'ignored') return [reason('ignored')]
  return disarmed(facts) ?? headless(facts)
}

function unmanaged({ template, status, node }: NonNullable<WhyFacts['guest']>): Reason[] {
  const now = template ? [] : [reason(status === 'running' ? 'runs-unmanaged' : 'off-unmanaged', { node })]
  return [reason('not-under-ha'), ...now]
}

function disarmed({ entries }: WhyFacts): Reason[] | undefined {
  const fencing = entries.find(({ type }) => type === 'fencing')
  const mode = fencing?.resourceMode ?? ''
  if (fencing?.armedState === 'disarmed') return [reason('disarmed', { mode })]
  if (fencing?.armedState === 'disarming') return [reason('disarming', { mode })]
  return undefined
}

/** Nobody decides at present: no manager yet, or one that fell silent. */
function headless(facts: WhyFacts): Reason[] | undefined {
  const master = facts.entries.find(({ type }) => type === 'master')
  const queued = entryOf(facts)?.state === 'queued' ? [reason('queued')] : []
  if (!master) return [...queued, reason('no-master')]
  const lrms = facts.entries.filter(({ type, timestamp }) => type === 'lrm' && timestamp !== undefined)
  const newest = Math.max(0, ...lrms.map(({ timestamp }) => timestamp!))
  const silence = newest - (master.timestamp ?? newest)
  return silence > silentAfter ? [reason('master-silent', { node: master.node, seconds: silence })] : undefined
}

/** What the manager's own state of the guest says. */
function service(facts: WhyFacts): Reason[] | undefined {
  const entry = entryOf(facts)!
  const { sid, guest, resource } = facts
  const node = entry.node
  const managed = facts.manager?.services[sid]
  const state = entry.crmState ?? entry.state ?? ''
  if (entry.state === 'queued') return [...template(facts), reason('queued')]
  if (entry.state === 'clearing error flag') return [reason('clearing', { node })]
  if (state === 'error') return [...template(facts), inError(facts)]
  if (state === 'freeze') return [frozen(facts, node)]
  if (state === 'fence') return [reason('fencing', { node })]
  if (state === 'recovery') return [withoutTarget(facts, node)]
  if (state === 'migrate' || state === 'relocate' || state === 'request_start_balance') {
    return [...leaving(facts, node), reason('moving', { node, target: managed?.target ?? '?', how: state })]
  }
  if (facts.manager?.nodes[node] === 'unknown' && state !== 'stopped') return [reason('waits-for-fence', { node })]
  if (entry.state === 'stopping' || state === 'request_stop') return [reason('stopping', { node })]
  if (entry.state === 'disabled') return [reason('off-disabled', { node })]
  if (state === 'stopped' && (resource?.state ?? entry.requestState) === 'stopped') {
    return [reason('off-as-wanted', { node })]
  }
  if (entry.state === 'starting' || state === 'request_start' || state === 'stopped') {
    return [...template(facts), starting(facts, node, guest?.status === 'running')]
  }
  return undefined
}

const template = ({ guest }: WhyFacts) => (guest?.template ? [reason('template')] : [])

/** It is on another node than HA has it; or too many starts failed; or a stop, an unknown exit, which nothing in the API tells apart. */
function inError({ sid, manager, resource, guest, entries }: WhyFacts): Reason {
  const failed = manager?.services[sid]?.failedNodes ?? []
  const { maxRestart: restart = 1, maxRelocate: relocate = 1 } = resource ?? {}
  const node = entries.find((entry) => entry.sid === sid)?.node
  if (guest && node && guest.node !== node) return reason('wrong-node', { node, real: guest.node })
  return failed.length > relocate
    ? reason('gave-up', { nodes: failed.join(', '), restart, relocate })
    : reason('error', { nodes: failed.join(', ') })
}

function frozen({ nodes }: WhyFacts, node: string): Reason {
  const online = nodes.find(({ name }) => name === node)?.online ?? true
  return reason(online ? 'frozen' : 'frozen-node-gone', { node })
}

function withoutTarget(facts: WhyFacts, node: string): Reason {
  const { sid, affinities } = facts
  const online = usable(facts)
  const preference = preferenceOf(affinities, sid)
  const left = allowed(affinities, sid, online)
  if (preference?.strict && left.length === 0) {
    const names = preference.nodes.map((one) => one.node).join(', ')
    return reason('no-target-strict', { node, rule: preference.name, nodes: names })
  }
  const apart = keptFrom(facts)
  const open = left.filter((one) => !apart.some((other) => other.node === one))
  if (left.length > 0 && open.length === 0 && apart.length > 0) {
    return reason('no-target-apart', { node, rule: apart[0]!.rule, sids: apart.map((one) => one.sid).join(', ') })
  }
  return reason('no-target', { node })
}

function starting(facts: WhyFacts, node: string, isRunning: boolean): Reason {
  const { sid, manager } = facts
  const failed = manager?.services[sid]?.failedNodes ?? []
  if (failed.length > 0 && !isRunning) return reason('failed-starts', { nodes: failed.join(', '), node })
  const lrm = manager?.lrms[node]
  if (lrm?.state === 'wait_for_agent_lock' || lrm?.state === 'lost_agent_lock') {
    return reason('waits-for-lock', { node })
  }
  return reason('starting', { node })
}

/** It runs, as far as HA knows: what made it be there. */
function place(facts: WhyFacts): Reason[] {
  const { sid, affinities, manager, resource } = facts
  const entry = entryOf(facts)
  if (entry?.state !== 'started') return []
  const { node } = entry
  const managed = manager?.services[sid]
  if (managed?.maintenanceNode && managed.maintenanceNode !== node) {
    return [reason('away-for-maintenance', { node, home: managed.maintenanceNode })]
  }
  const left = leaving(facts, node)
  if (left.length > 0) return left
  const preference = preferenceOf(affinities, sid)
  const others = companions(affinities, sid).filter((one) => one !== sid)
  if (!preference) {
    const bond = affinities.bonds.find(
      ({ kind, disabled, sids }) => kind === 'together' && !disabled && sids.includes(sid),
    )
    const with_ = others.filter((one) => facts.entries.some((other) => other.sid === one && other.node === node))
    if (bond && with_.length > 0) return [reason('follows', { node, sids: with_.join(', '), rule: bond.name })]
    return [reason('runs-as-wanted', { node })]
  }
  const wanted = favourites(affinities, sid, usable(facts))
  const rule = preference.name
  if (wanted.includes(node) && preference.nodes.some((one) => one.node === node)) {
    const first = preference.nodes.filter(({ priority }) => priority === preference.nodes[0]!.priority)
    if (first.some((one) => one.node === node)) return [reason('on-favourite', { node, rule })]
    return [reason('favourite-away', { node, rule, away: first.map((one) => one.node).join(', ') })]
  }
  if (wanted.length === 0 || !preference.nodes.some((one) => wanted.includes(one.node))) {
    return [reason('favourite-away', { node, rule, away: preference.nodes.map((one) => one.node).join(', ') })]
  }
  const apart = keptFrom(facts).find((one) => wanted.includes(one.node))
  if (apart) return [reason('kept-apart', { node, rule: apart.rule, sids: apart.sid, away: apart.node })]
  if (resource && !resource.failback) return [reason('failback-off', { node, rule, home: wanted.join(', ') })]
  return []
}

const leaving = ({ manager }: WhyFacts, node: string): Reason[] =>
  manager?.nodes[node] === 'maintenance' ? [reason('leaving-maintenance', { node })] : []

/** Nodes that the manager may choose. */
const usable = ({ nodes, manager }: WhyFacts): string[] =>
  nodes
    .filter(({ name, online }) => (manager?.nodes[name] ?? (online ? 'online' : '')) === 'online')
    .map(({ name }) => name)

/** Guests that this one must be apart from, and where they are. */
function keptFrom({ affinities, sid, entries }: WhyFacts): { sid: string; node: string; rule: string }[] {
  const apart = affinities.bonds.filter(
    ({ kind, disabled, sids }) => kind === 'apart' && !disabled && sids.includes(sid),
  )
  return apart.flatMap(({ name, sids }) =>
    sids
      .filter((one) => one !== sid)
      .flatMap((one) => {
        const node = entries.find((entry) => entry.sid === one)?.node
        return node === undefined ? [] : [{ sid: one, node, rule: name }]
      }),
  )
}

const entryOf = ({ entries, sid }: WhyFacts) => entries.find((entry) => entry.type === 'service' && entry.sid === sid)

/** What bears on it without deciding: a rule that is ignored, a storage that other nodes lack, a lock, a failed task. */
function beside(facts: WhyFacts, decisive: readonly Reason[]): Reason[] {
  const { sid, guest, ignored, unreachable, lastFailed } = facts
  if (decisive.some(({ code }) => code === 'no-guest' || code === 'no-quorum')) return []
  const rules = ignored
    .filter(({ sids }) => sids.includes(sid))
    .map(({ rule, raw }) => ({ ...reason('rule-ignored', { rule }), raw }))
  const storages = entryOf(facts)
    ? unreachable.map(({ key, storage, lacking }) =>
        reason('storage-lacking', { key, storage, nodes: lacking.join(', ') }),
      )
    : []
  const lock = guest?.lock === undefined ? [] : [reason('locked', { lock: guest.lock })]
  const failed = lastFailed
    ? [
        {
          ...reason('last-failure', { type: lastFailed.type, node: lastFailed.node, cause: lastFailed.cause ?? '' }),
          raw: lastFailed.raw,
        },
      ]
    : []
  return [...rules, ...storages, ...lock, ...failed]
}
