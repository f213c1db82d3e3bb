import type { DrillGuest, SeenLook, SeenTask } from '../core/drills.ts'
import type { Fate, Impact } from './impact.ts'
import { isQuorate, type Look } from './look.ts'
import { holdSeconds } from './storage-cut.ts'

/** What one look at the cluster shows of a drill, from a node that is not its victim. */
export interface DrillLook {
  /** Seconds on Proxmox's clock. */
  now: number
  /** When it was so: the watcher may have looked a little before. */
  seenAt: number
  quorate: boolean
  online: readonly string[]
  services: Readonly<Record<string, { node: string; state: string }>>
  /** Guests that their own node says are running, with their uptime. */
  running: Readonly<Record<string, { node: string; uptime: number }>>
  tasks: readonly SeenTask[]
  /** Whether the node reaches the storage that it is to lose, as it said itself, and when. */
  reach?: { active: boolean; at: number }
}

/** The watcher's look as drills want it; undefined where it shows nothing that can be believed. */
export function seenIn(look: Look): SeenLook | undefined {
  const { ha, status, tasks } = look
  const quorate = isQuorate(look)
  if (quorate === undefined || !ha || !status) return undefined
  const services = ha.flatMap(({ type, sid, node, state }) =>
    type === 'service' && sid !== undefined ? [[sid, { node, state: state ?? '' }] as const] : [],
  )
  return {
    quorate,
    online: status.members.filter((member) => member.online).map(({ name }) => name),
    services: Object.fromEntries(services),
    ...(tasks === undefined ? {} : { tasks }),
  }
}

/** How it was before anything was broken. */
export interface Steady {
  at: number
  online: readonly string[]
  /** Guests that ran, and where. */
  running: Readonly<Record<string, string>>
  errors: readonly string[]
  impact: Impact
  /** HA knows it. */
  managed: readonly string[]
}

export const stopCodes = [
  'another-node',
  'quorum-gone',
  'guest-error',
  'unpredicted',
  'control-lost',
  'not-gone',
  'back-early',
  'not-allowed',
  'aborted',
  'timeout',
] as const
export type StopCode = (typeof stopCodes)[number]

/** What speaks for stopping at once; undefined: nothing. */
export function stopOf(steady: Steady, look: DrillLook): { code: StopCode; about: string } | undefined {
  const { node, kind } = steady.impact
  // Who loses a storage stays, and so does all that is on it.
  const isTaken = (one: string) => one === node && kind !== 'storage'
  const lost = steady.online.filter((one) => !isTaken(one) && !look.online.includes(one))
  if (!look.quorate) return { code: 'quorum-gone', about: '' }
  if (lost.length > 0) return { code: lost.includes(node) ? 'unpredicted' : 'another-node', about: lost.join(', ') }
  const errors = Object.entries(look.services).filter(
    ([sid, { state }]) => state === 'error' && !steady.errors.includes(sid),
  )
  if (errors.length > 0) return { code: 'guest-error', about: errors.map(([sid]) => sid).join(', ') }
  const hit = Object.entries(steady.running).filter(
    ([sid, at]) => !isTaken(at) && /^(?:fence|recovery)$/.test(look.services[sid]?.state ?? ''),
  )
  return hit.length > 0 ? { code: 'unpredicted', about: hit.map(([sid]) => sid).join(', ') } : undefined
}

const isGoing = ({ outcome }: Fate) => outcome === 'moves' || outcome === 'migrates' || outcome === 'relocates'

/** It is to stay where it is, whatever its users see of it. */
export const isInPlace = ({ outcome }: Pick<Fate, 'outcome'>) => outcome === 'stalls' || outcome === 'stays'

/** Whether all that was to be seen has been seen: the node gone, and what moves running elsewhere. */
export function isSeen(steady: Steady, look: DrillLook, lostAt: number | undefined): boolean {
  const { node, fates, kind } = steady.impact
  if (lostAt === undefined || (kind !== 'reboot' && look.online.includes(node))) return false
  return fates
    .filter((fate) => isGoing(fate) && steady.running[fate.sid] !== undefined)
    .every(({ sid }) => {
      const at = look.running[sid]
      return at !== undefined && at.node !== node && look.services[sid]?.state === 'started'
    })
}

/** One that HA starts elsewhere has run for less than the time since the drill began by at least so much. */
const restartSeconds = 30
const stops = /^(?:qm|vz)(?:shutdown|stop)$/
const starts = /^(?:qm|vz)start$/

/** A guest as far as it was seen; `downSlack`: what of its uncertainty comes from not knowing when it went down, seconds. */
export type Measured = Partial<DrillGuest> & { downSlack?: number }

/**
 * When a guest went down and when it ran again, by the times of the tasks that did it; where there is none (a power loss
 * leaves no task), by when its node was cut. The last of a start is when it runs.
 */
export function measured(
  fate: Fate,
  steady: Steady,
  look: DrillLook,
  cut: { at: number; slack: number },
  pollSeconds: number,
): Measured {
  const own = look.tasks.filter(isOf(fate, steady))
  const start = own.find(({ type, node, exit }) => starts.test(type) && node !== fate.from && exit === 'OK')
  const at = look.running[fate.sid]
  const to = at && at.node !== fate.from ? { to: at.node } : {}
  // Its process goes on: when it stood still only a probe of its own can tell.
  if (isInPlace(fate)) return to
  if (fate.outcome === 'migrates') {
    const isLive =
      at !== undefined && start === undefined && at.uptime >= look.now - steady.at - pollSeconds - restartSeconds
    return isLive ? { ...to, downSeconds: 0, uncertaintySeconds: 1 } : to
  }
  const stopped = stopOn(fate, own)
  const [downAt, downSlack] = stopped === undefined ? [cut.at, Math.ceil(cut.slack + 1)] : [stopped, 1]
  const upAt = start?.endtime ?? (at && at.node !== fate.from ? look.now - at.uptime : undefined)
  if (upAt === undefined) return { downAt, downSlack }
  return { ...to, ...lasted(downAt, upAt), downSlack, uncertaintySeconds: downSlack + upSlack(start, pollSeconds) }
}

/**
 * The same once its node is back and has told what it did itself: when the guest went down there is known then, and when
 * one that waited for its node ran there again. `end`: where it runs, and since when.
 */
export function recorded(
  fate: Fate,
  steady: Steady,
  seen: Measured,
  tasks: readonly SeenTask[],
  end: { node: string; since: number } | undefined,
): Measured {
  const own = tasks.filter(isOf(fate, steady))
  const stopped = stopOn(fate, own, seen.upAt)
  const [downAt, downSlack] = stopped === undefined ? [seen.downAt, seen.downSlack ?? 1] : [stopped, 1]
  if (downAt === undefined || seen.downSeconds === 0) return seen
  if (seen.upAt !== undefined) {
    const uncertaintySeconds = (seen.uncertaintySeconds ?? 0) - (seen.downSlack ?? 0) + downSlack
    return { ...seen, ...lasted(downAt, seen.upAt), downSlack, uncertaintySeconds }
  }
  if (isGoing(fate) || end?.node !== fate.from || end.since < downAt) return { ...seen, downAt, downSlack }
  const [start] = own
    .filter(({ type, exit, endtime }) => starts.test(type) && exit === 'OK' && (endtime ?? 0) > downAt)
    .toSorted((a, b) => a.endtime! - b.endtime!)
  const uncertaintySeconds = downSlack + upSlack(start, 1)
  return { ...seen, ...lasted(downAt, start?.endtime ?? end.since), downSlack, uncertaintySeconds }
}

const isOf =
  ({ sid }: Fate, steady: Steady) =>
  ({ id, starttime }: SeenTask) =>
    id === sid.slice(sid.indexOf(':') + 1) && starttime >= steady.at - 1

/** The last end of a stop on its node, up to when it ran elsewhere: a shutdown that failed is followed by a stop. */
function stopOn({ from }: Fate, own: readonly SeenTask[], until = Number.POSITIVE_INFINITY): number | undefined {
  const ends = own.flatMap(({ type, node, endtime }) =>
    stops.test(type) && node === from && endtime !== undefined && endtime <= until ? [endtime] : [],
  )
  return ends.length === 0 ? undefined : Math.max(...ends)
}

const upSlack = (start: SeenTask | undefined, pollSeconds: number) =>
  start?.endtime === undefined ? Math.ceil(pollSeconds) : 1

const lasted = (downAt: number, upAt: number) => ({
  ...{ downAt, upAt },
  downSeconds: Math.round(Math.max(0, upAt - downAt)),
})

/** A hypothesis against what was seen. */
export function verdictOf(fate: Fate, seen: Partial<DrillGuest>, within: number): DrillGuest['verdict'] {
  if (isInPlace(fate)) return inPlaceVerdict(fate, seen)
  if (!isGoing(fate)) return seen.to === undefined ? 'as-predicted' : 'elsewhere'
  if (seen.to === undefined) return 'not-back'
  if (seen.to !== fate.to) return 'elsewhere'
  if (seen.downSeconds === undefined) return 'unknown'
  return seen.downSeconds <= within ? 'as-predicted' : 'late'
}

/** Silent for half the time that its storage was gone, it stood still; without a probe nobody knows. */
function inPlaceVerdict({ outcome }: Fate, { to, probeSeconds }: Partial<DrillGuest>): DrillGuest['verdict'] {
  if (to !== undefined) return 'elsewhere'
  if (probeSeconds === undefined) return 'in-place'
  const wasSilent = probeSeconds > holdSeconds / 2
  if (outcome === 'stalls') return wasSilent ? 'as-predicted' : 'went-on'
  return wasSilent ? 'hit' : 'as-predicted'
}

/** What has changed from one look to the next, in short words for the timeline: nodes and states as Proxmox names them. */
export function changes(before: DrillLook | undefined, look: DrillLook): { at: number; what: string }[] {
  if (!before) return []
  const at = look.seenAt
  return [
    ...before.online.filter((node) => !look.online.includes(node)).map((node) => ({ at, what: `${node} offline` })),
    ...look.online.filter((node) => !before.online.includes(node)).map((node) => ({ at, what: `${node} online` })),
    ...Object.entries(look.services).flatMap(([sid, { node, state }]) => {
      const was = before.services[sid]
      return was && (was.node !== node || was.state !== state) ? [{ at, what: `${sid} ${state} @ ${node}` }] : []
    }),
  ]
}
