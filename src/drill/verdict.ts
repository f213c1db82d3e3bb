import type { Watched } from '../core/drill-look.ts'
import { victimOf } from '../core/drill-order.ts'
import { bandsOf, pictureText } from '../core/drill-picture.ts'
import { reportCard, reportJson, reportMarkdown, reportTitle } from '../core/drill-report.ts'
import type { DrillGuest, DrillReport } from '../core/drills.ts'
import { fill } from '../core/language.ts'
import { type DrillLook, type Steady, verdictOf } from '../ha/drill.ts'
import type { Fate } from '../ha/impact.ts'
import { type DrillContext, pollMs, type Seen, type Watch } from './context.ts'
import { leftOfCut } from './cut.ts'
import type { Back } from './restore.ts'

const settledWithinMs = 15 * 60_000

/** Whether all that ran runs again, at home where it goes home by itself. A node that stays away is not waited for. */
export async function settled(
  { until }: DrillContext,
  steady: Steady,
  guests: readonly Watched[],
  watch: Watch,
  back: Back,
) {
  let missing: string[] = []
  let last: DrillLook | undefined
  await until(
    async () => {
      const look = await watch().catch(() => undefined)
      if (!look) return undefined
      last = look
      missing = missingFrom(steady, guests, look)
      return missing.length === 0 || back.end === 'away' ? true : undefined
    },
    { everyMs: pollMs, withinMs: settledWithinMs },
  )
  const at = last?.now ?? back.at
  const ends = Object.fromEntries(
    Object.entries(last?.running ?? {}).map(([sid, { node, uptime }]) => [sid, { node, since: at - uptime }]),
  )
  return { at, missing, ends }
}

export type After = Awaited<ReturnType<typeof settled>>

function missingFrom({ impact }: Steady, guests: readonly Watched[], look: DrillLook): string[] {
  const isMissing = ({ sid }: Watched) => {
    const fate = impact.fates.find((one) => one.sid === sid)
    const at = look.running[sid]
    if (!at) return true
    if (fate?.home !== undefined) return at.node !== fate.home
    return /^(?:migrate|relocate|error|freeze|fence|recovery)$/.test(look.services[sid]?.state ?? '')
  }
  const missing = guests.filter(isMissing).map(({ sid }) => sid)
  const isThere = look.online.includes(impact.node) && (impact.storage === undefined || look.reach?.active === true)
  return isThere ? missing : [...missing, victimOf(impact)]
}

interface Ends {
  id: string
  cluster: string
  within: number
  by: string
  back: Back
  after: After
  words: DrillContext['words']
  say: DrillContext['say']
  answered: NonNullable<DrillReport['answered']>
}

export function reportOf(steady: Steady, seen: Seen, more: Ends): DrillReport {
  const { id, cluster, by, back, after, words } = more
  const { node, kind, storage } = steady.impact
  const guests = guestsOf(steady, seen, more)
  const isSettled = after.missing.length === 0
  const isGood = isSettled && guests.every(({ verdict }) => verdict === 'as-predicted' || verdict === 'in-place')
  const stop = seen.stop && fill(words.ha.drill.stops[seen.stop.code], { about: seen.stop.about })
  const left = storage === undefined ? leftOf(steady, seen, guests, more) : leftOfCut(steady, seen, more)
  return {
    id,
    cluster,
    node,
    kind,
    ...(storage === undefined ? {} : { storage }),
    by,
    startedAt: steady.at,
    endedAt: after.at,
    verdict: back.end === 'away' ? 'failed' : stop !== undefined ? 'stopped' : isGood ? 'passed' : 'failed',
    guests,
    settled: isSettled,
    timeline: [
      ...seen.timeline,
      ...(back.end === 'back' && !seen.isUntouched
        ? [{ at: back.at, what: storage === undefined ? `${node} online` : `${victimOf(steady.impact)} active` }]
        : []),
      { at: after.at, what: isSettled ? 'as before' : 'not as before' },
    ],
    ...answersOf(more.answered),
    ...(back.end === 'back' ? { backAt: back.at } : {}),
    ...(stop === undefined ? {} : { stop }),
    ...(left.length === 0 ? {} : { left }),
    ...(seen.lostAt === undefined ? {} : { lostAt: seen.lostAt }),
  }
}

function answersOf(answered: NonNullable<DrillReport['answered']>): Pick<DrillReport, 'answered' | 'mttaSeconds'> {
  const waits = answered.flatMap(({ ackSeconds }) => ackSeconds ?? [])
  const mean = Math.round(waits.reduce((all, one) => all + one, 0) / waits.length)
  return { answered, ...(waits.length === 0 ? {} : { mttaSeconds: mean }) }
}

function guestsOf({ running, impact }: Steady, seen: Seen, { within, after }: Ends): DrillGuest[] {
  return impact.fates
    .filter(({ sid }) => running[sid] !== undefined)
    .map((fate): DrillGuest => {
      const { downSlack: _, ...found } = seen.guests[fate.sid] ?? {}
      const { sid, name, from, outcome, to, home } = fate
      const end = after.ends[sid]
      return {
        sid,
        name,
        from,
        predicted: { outcome, within, ...(to === undefined ? {} : { to }), ...(home === undefined ? {} : { home }) },
        ...found,
        ...(end === undefined ? {} : { end: end.node }),
        verdict: judged(seen, fate, found, within),
      }
    })
}

/** Of one that was stopped early, what was not seen is not held against it. */
function judged(seen: Seen, fate: Fate, found: Partial<DrillGuest>, within: number): DrillGuest['verdict'] {
  if (seen.isUntouched) return 'untouched'
  return seen.stop !== undefined && found.to === undefined ? 'unknown' : verdictOf(fate, found, within)
}

/** What is not as it was, and who has to do what. */
function leftOf(
  steady: Steady,
  seen: Seen,
  guests: readonly DrillGuest[],
  { back, after, say, words }: Ends,
): string[] {
  const { node } = steady.impact
  const others = after.missing.filter((one) => one !== node)
  const down = guests.filter(({ downAt }) => downAt !== undefined).map(({ name, sid }) => `${name} (${sid})`)
  const undone = { node, guests: down.join(', ') || words.ha.drill.labels.nobody }
  const lines = others.filter((sid) => !steady.managed.includes(sid)).map(startLine)
  return [
    ...(seen.stop === undefined || seen.isUntouched || back.end === 'never-gone' ? [] : [say('undone', undone)]),
    ...(back.end === 'never-gone' ? [say('neverGone', { node })] : []),
    ...(back.end === 'away' ? [say('away', { node })] : []),
    ...(back.by === undefined ? [] : [say('seenTo', { by: back.by, node })]),
    ...(others.length > 0 ? [say('unsettled', { what: others.join(', ') })] : []),
    ...lines.map((line) => say('startLine', { line })),
  ]
}

/** `vm:101` → `vm start 101`. */
export const startLine = (sid: string): string => sid.replace(':', ' start ')

/** So many characters fit into one message everywhere. */
const most = 1800

/** In the thread: the card, the same as Markdown, and as JSON. */
export async function told({ says, words, job, drills }: DrillContext, report: DrillReport): Promise<void> {
  const reader = { words, language: job.language, tz: 'UTC' }
  await says('report', reportCard(report, reader))
  const isEmpty = report.guests.every(({ verdict }) => verdict === 'untouched')
  const url = isEmpty ? undefined : await drills.draw({ kind: 'bands', bands: bandsOf(report, words) })
  const title = reportTitle(report, words)
  if (url !== undefined) await says('picture', { title, state: 'info', image: { alt: pictureText(report), url } })
  const parts = { markdown: reportMarkdown(report, reader), json: reportJson(report) }
  for (const [name, text] of Object.entries(parts)) {
    for (let i = 0; i * most < text.length; i++) {
      const log = text.slice(i * most, (i + 1) * most).split('\n')
      await says(`${name}.${i}`, {
        title: `${report.id}.${name === 'json' ? 'json' : 'md'} (${i + 1})`,
        state: 'info',
        log,
      })
    }
  }
}
