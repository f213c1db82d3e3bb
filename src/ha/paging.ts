import type { Incident } from '../core/incidents.ts'
import type { Means, OncallPlan, Swap, Window } from '../core/oncall.ts'
import { windowOf } from './announced.ts'
import { chainAt, quietUntil } from './rotation.ts'

/** Somebody must be told; doing it twice under one id tells once. */
export interface Page {
  /** Of the incident, its damage, the step and whom it is for. */
  id: string
  means: 'person' | 'channel'
  /** A name of `people`; absent for the channel. */
  person?: string
  dueAt: number
}

interface Context {
  now: number
  plan: OncallPlan
  swaps: readonly Swap[]
  windows: readonly Window[]
}

/** Nobody is called again sooner than this. */
const leastAgainMs = 5 * 60_000

/** From when on people may be told of the newest damage; undefined: not now. */
function begins(incident: Incident, { now, plan, windows }: Context): number | undefined {
  if (windowOf(incident, windows, now)) return undefined
  const alerted = Date.parse(incident.alertedAt)
  // What a window held back is told when the window ends.
  const held = windows.filter(({ until }) => until <= now && until > alerted)
  const base = Math.max(alerted, ...held.filter((one) => windowOf(incident, [one], one.until - 1)).map((w) => w.until))
  if (incident.severity === 'critical') return base
  if (quietUntil(now, plan) !== undefined) return undefined
  return quietUntil(base, plan) ?? base
}

/** Whom to tell by now of what nobody has acknowledged. Of repetitions that were missed, the newest alone. */
export function pagesDue(incident: Incident, context: Context): Page[] {
  const { now, plan, swaps } = context
  if (incident.state !== 'open' || incident.quiet) return []
  const base = begins(incident, context)
  if (base === undefined) return []
  const steps = plan.policy[incident.severity]
  const chain = chainAt(base, plan, swaps)
  const pages: Page[] = []
  let place = 0
  const add = (step: string, means: Means, dueAt: number) => {
    if (means === 'pager' || dueAt > now) return
    const id = `${incident.id}.${incident.alerts}.${step}`
    // The card itself is in every channel from the beginning.
    if (means === 'channel' && incident.alerts === 1 && dueAt === base) return
    if (means === 'channel') return void pages.push({ id: `${id}.channel`, means, dueAt })
    if (means === 'next') place += 1
    const person = chain[means === 'next' ? place % chain.length : 0]
    if (person !== undefined) pages.push({ id: `${id}.${slug(person)}`, means: 'person', person, dueAt })
  }
  steps.forEach(({ afterMs, notify }, i) => {
    for (const means of notify) add(String(i), means, base + afterMs)
  })
  const calls = steps.some(({ notify }) => notify.includes('person') || notify.includes('next'))
  if (!calls || chain.length === 0) return pages
  const last = steps.at(-1)!.afterMs
  const every = Math.max(leastAgainMs, last - (steps.at(-2)?.afterMs ?? 0))
  const round = Math.floor((now - base - last) / every)
  if (round < 1) return pages
  const dueAt = base + last + round * every
  const person = chain[(place + round) % chain.length]!
  pages.push({ id: `${incident.id}.${incident.alerts}.again${round}.${slug(person)}`, means: 'person', person, dueAt })
  return pages
}

const slug = (person: string) => person.replaceAll(/[^\p{L}\p{N}_-]/gu, '_')

/**
 * What the pager should know of an incident now; undefined: nothing. `alerts`: the damage that it was triggered by;
 * `keys`: how many of its own incidents there are for it, 1 unless it says.
 */
export type PagerState = { alerts: number; state: 'triggered' | 'acknowledged' | 'resolved'; keys?: number }

export type PagerAction = 'trigger' | 'acknowledge' | 'resolve'

/**
 * What to send to the pager next, in order, one dedup key throughout, until somebody has acknowledged it: a pager does not
 * ring for what is added to an acknowledged incident of its own, so new damage then has a key of its own, and all of
 * them end together. `keys`: those that the action is about.
 */
export function pagerDue(
  incident: Incident,
  sent: PagerState | undefined,
  context: Context,
): { action: PagerAction; keys: number[]; leaves: PagerState } | undefined {
  const { alerts, state } = incident
  const newest = sent?.keys ?? 1
  if (state === 'resolved') {
    const keys = Array.from({ length: newest }, (_, i) => i + 1)
    if (!sent || sent.state === 'resolved') return undefined
    return { action: 'resolve', keys, leaves: { ...sent, state: 'resolved' } }
  }
  if (state === 'acknowledged') {
    if (sent?.state !== 'triggered') return undefined
    return { action: 'acknowledge', keys: [newest], leaves: { ...sent, state: 'acknowledged' } }
  }
  if (sent && sent.alerts >= alerts && sent.state !== 'resolved') return undefined
  const base = incident.quiet ? undefined : begins(incident, context)
  const step = context.plan.policy[incident.severity].find(({ notify }) => notify.includes('pager'))
  if (base === undefined || !step || base + step.afterMs > context.now) return undefined
  const key = sent?.state === 'acknowledged' ? newest + 1 : newest
  return { action: 'trigger', keys: [key], leaves: { alerts, state: 'triggered', ...(key > 1 ? { keys: key } : {}) } }
}
