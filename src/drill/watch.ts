import { victimOf } from '../core/drill-order.ts'
import type { StopAsked } from '../core/worker.ts'
import { changes, type DrillLook, isSeen, measured, type Steady, type StopCode, stopOf } from '../ha/drill.ts'
import { type DrillContext, pollMs, type Seen, type Watch } from './context.ts'
import { untilHeld, untilLost } from './cut.ts'
import { isLeaving, type Strike } from './strike.ts'

type Stop = { code: StopCode; about: string }

/** Without a sight of the cluster for so long the drill is ended: it is no longer under control. */
const blindMs = 60_000
const withinMs = 20 * 60_000
/** Seconds on Proxmox's clock in which a node shows that it was told to go. */
const showsWithin = 90

/** Looks until all has been seen or something speaks for stopping. That the node is gone is stored the moment it is seen. */
export async function watched(context: DrillContext, steady: Steady, strike: Strike, watch: Watch): Promise<Seen> {
  const { step, words } = context
  const first = await step('measure', () => untilGone(context, steady, strike, watch), 2)
  const seen = await step('measure', async () =>
    first.stop ? first : untilSeen(context, steady, strike, watch, first),
  )
  return seen.stop ? { ...seen, stop: { ...seen.stop, about: seen.stop.about || words.say.unknown } } : seen
}

/** Until the node is gone; taken up after a crash, it may have been, and be back. */
async function untilGone(context: DrillContext, steady: Steady, strike: Strike, watch: Watch): Promise<Seen> {
  const { node, kind } = context.payload
  const seen: Seen = { guests: {}, timeline: [{ at: strike.from, what: `${victimOf(context.payload)} ${kind}` }] }
  if (!strike.isSure) seen.isSure = false
  if (kind === 'storage') return looked(context, steady, strike, watch, seen, untilLost(context, strike, seen))
  const away: Seen = { ...seen, lostAt: strike.to, stop: { code: 'control-lost', about: '' } }
  let wasAway = strike.isResumed && (await hasBooted(context, strike.from))
  if (wasAway) return away
  let checkedAt = strike.to
  let verdict: Stop | undefined
  const gone = await looked(context, steady, strike, watch, seen, async (look) => {
    if (seen.lostAt !== undefined) return 'seen'
    if (look.now - checkedAt < showsWithin) return verdict
    checkedAt = look.now
    if (kind === 'reboot') {
      // One that is quick is away between two looks.
      if (await hasBooted(context, strike.from)) seen.lostAt = strike.to
      return seen.lostAt === undefined ? undefined : 'seen'
    }
    const isStuck = !(await isLeaving(context).catch(() => true))
    wasAway = isStuck && (await hasBooted(context, strike.from))
    verdict = isStuck ? { code: strike.isSure ? 'not-gone' : 'control-lost', about: node } : undefined
    return verdict
  })
  return wasAway ? { ...away, guests: gone.guests } : gone
}

/** Until what moves runs elsewhere, while the node stays away. */
function untilSeen(context: DrillContext, steady: Steady, strike: Strike, watch: Watch, first: Seen): Promise<Seen> {
  const { node, kind } = context.payload
  if (kind === 'storage') return looked(context, steady, strike, watch, first, untilHeld(context, first))
  return looked(context, steady, strike, watch, first, async (look) => {
    if (isSeen(steady, look, first.lostAt)) return 'seen'
    return kind !== 'reboot' && look.online.includes(node) ? { code: 'back-early', about: node } : undefined
  })
}

const stopFor = (asked: StopAsked): Stop =>
  'by' in asked ? { code: 'aborted', about: asked.by } : { code: 'not-allowed', about: '' }

/** Ended before anything was done. */
export const untouched = (asked: StopAsked): Seen => ({
  guests: {},
  timeline: [],
  isUntouched: true,
  stop: stopFor(asked),
})

async function looked(
  context: DrillContext,
  steady: Steady,
  strike: Strike,
  watch: Watch,
  seen: Seen,
  judge: (look: DrillLook) => Promise<'seen' | Stop | undefined>,
): Promise<Seen> {
  const { until } = context
  let last: DrillLook | undefined
  let sightAt = performance.now()
  let doubts = 0
  const end = await until(
    async (): Promise<'seen' | Stop | undefined> => {
      const look = await watch().catch(() => undefined)
      if (look) {
        sightAt = performance.now()
        noted(context, steady, strike, seen, last, look)
        last = look
      }
      // Looked first: what cannot be taken back is named, however soon it is stopped.
      const asked = await context.stopAsked()
      if (asked) return stopFor(asked)
      if (!look) return performance.now() - sightAt > blindMs ? { code: 'control-lost', about: '' } : undefined
      const end = (stopOf(steady, look) as Stop | undefined) ?? (await judge(look))
      // One look may be wrong: bad news is believed when it is said twice.
      doubts = end === undefined || end === 'seen' ? 0 : doubts + 1
      if (end === 'seen' || doubts > 1) return end
      await shown(context, steady, look)
      return undefined
    },
    { everyMs: pollMs, withinMs },
  )
  const stop = end === undefined ? ({ code: 'timeout', about: '' } as const) : end
  return stop === 'seen' ? seen : { ...seen, stop }
}

/** What one look adds. */
function noted(
  { payload: { node, kind } }: DrillContext,
  steady: Steady,
  strike: Strike,
  seen: Seen,
  last: DrillLook | undefined,
  look: DrillLook,
): void {
  seen.timeline.push(...changes(last, look))
  if (kind !== 'storage' && seen.lostAt === undefined && !look.online.includes(node))
    seen.lostAt = Math.max(look.seenAt, strike.to)
  const isCut = kind === 'power' || kind === 'network'
  // What is shut down in order stops somewhere between the order and the end of its node.
  const [from, to] = isCut ? [strike.from, strike.to] : [strike.to, seen.lostAt ?? look.now]
  const cut = { at: (from + to) / 2, slack: (to - from) / 2 }
  const gap = last ? look.now - last.now : 1
  for (const fate of steady.impact.fates) {
    seen.guests[fate.sid] = { ...seen.guests[fate.sid], ...measured(fate, steady, look, cut, gap) }
  }
}

const shown = ({ shows }: DrillContext, { impact }: Steady, { services }: DrillLook) =>
  shows(
    impact.fates
      .filter(({ sid }) => services[sid])
      .map(({ sid, name }) => ({
        name: `${name} (${sid})`,
        value: `${services[sid]?.state} @ ${services[sid]?.node}`,
      })),
  )

/** Whether the node was started since; one that does not answer is away. */
async function hasBooted({ payload, proxmox }: DrillContext, since: number): Promise<boolean> {
  try {
    const [{ uptime }, now] = await Promise.all([proxmox.hostStatus(payload.node), proxmox.nodeTime(payload.node)])
    return now - uptime > since
  } catch {
    return false
  }
}
