import type { Watched } from '../core/drill-look.ts'
import { bandsOf, pictureText } from '../core/drill-picture.ts'
import { reportCard, reportMarkdown, reportTitle } from '../core/drill-report.ts'
import type { DrillGuest, DrillReport } from '../core/drills.ts'
import { fill } from '../core/language.ts'
import { type DrillLook, type Steady, verdictOf } from '../ha/drill.ts'
import { type DrillContext, pollMs, type Seen, type Watch } from './context.ts'

const settledWithinMs = 15 * 60_000

/** Whether all that ran runs again, at home where it goes home by itself. */
export async function settled({ until }: DrillContext, steady: Steady, guests: readonly Watched[], watch: Watch) {
  const { fates, node } = steady.impact
  let missing: string[] = []
  let last: DrillLook | undefined
  await until(
    async () => {
      const look = await watch().catch(() => undefined)
      if (!look) return undefined
      last = look
      missing = guests
        .filter(({ sid }) => {
          const fate = fates.find((one) => one.sid === sid)
          const at = look.running[sid]
          if (!at) return true
          if (fate?.home !== undefined) return at.node !== fate.home
          return /^(?:migrate|relocate|error|freeze|fence|recovery)$/.test(look.services[sid]?.state ?? '')
        })
        .map(({ sid }) => sid)
      if (!look.online.includes(node)) missing.push(node)
      return missing.length === 0 ? true : undefined
    },
    { everyMs: pollMs * 2, withinMs: settledWithinMs },
  )
  const ends = Object.fromEntries(Object.entries(last?.running ?? {}).map(([sid, at]) => [sid, at.node]))
  return { at: last?.now ?? steady.at, missing, ends }
}

export function reportOf(
  steady: Steady,
  seen: Seen,
  more: {
    id: string
    cluster: string
    within: number
    by: string
    backAt: number
    after: { at: number; missing: string[]; ends: Record<string, string> }
    words: DrillContext['words']
  },
): DrillReport {
  const { id, cluster, within, by, backAt, after, words } = more
  const { node, kind, fates } = steady.impact
  const guests = fates
    .filter(({ sid }) => steady.running[sid] !== undefined)
    .map((fate): DrillGuest => {
      const found = seen.guests[fate.sid] ?? {}
      const { sid, name, from, outcome, to, home } = fate
      const end = after.ends[sid]
      return {
        sid,
        name,
        from,
        predicted: { outcome, within, ...(to === undefined ? {} : { to }), ...(home === undefined ? {} : { home }) },
        ...found,
        ...(end === undefined ? {} : { end }),
        verdict:
          seen.stop?.code === 'aborted' && found.downAt === undefined ? 'untouched' : verdictOf(fate, found, within),
      }
    })
  const isSettled = after.missing.length === 0
  const isGood = isSettled && guests.every(({ verdict }) => verdict === 'as-predicted')
  const stop = seen.stop && fill(words.ha.drill.stops[seen.stop.code], { about: seen.stop.about })
  return {
    id,
    cluster,
    node,
    kind,
    by,
    startedAt: steady.at,
    endedAt: after.at,
    verdict: stop !== undefined ? 'stopped' : isGood ? 'passed' : 'failed',
    guests,
    settled: isSettled,
    timeline: [
      ...seen.timeline,
      { at: backAt, what: `${node} online` },
      { at: after.at, what: isSettled ? 'as before' : 'not as before' },
    ],
    backAt,
    ...(stop === undefined ? {} : { stop }),
    ...(seen.lostAt === undefined ? {} : { lostAt: seen.lostAt }),
  }
}

/** So many characters fit into one message everywhere. */
const most = 1800

/** In the thread: the card, the same as Markdown, and as JSON. */
export async function told({ says, words, job, drills }: DrillContext, report: DrillReport): Promise<void> {
  const reader = { words, language: job.language, tz: 'UTC' }
  await says('report', reportCard(report, reader))
  const url = await drills.draw(bandsOf(report, words))
  const title = reportTitle(report, words)
  if (url !== undefined) await says('picture', { title, state: 'info', image: { alt: pictureText(report), url } })
  const parts = { markdown: reportMarkdown(report, reader), json: JSON.stringify(report) }
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
