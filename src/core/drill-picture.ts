import { victimOf } from './drill-order.ts'
import { longestOf, realSeconds, reportTitle, thesisSeconds } from './drill-report.ts'
import type { BandRow, Bands, DrillGuest, DrillReport, Trend } from './drills.ts'
import type { Reader } from './incident-card.ts'
import { fill } from './language.ts'
import type { Words } from './ports.ts'
import { formatDay, formatDuration } from './time.ts'

/** What the picture of a drill shows: the node above, its machines below. Milliseconds since the drill began. */
export function bandsOf(report: DrillReport, words: Words): Bands {
  const { startedAt, endedAt, lostAt, backAt, guests, kind } = report
  const [node, off, on] =
    report.storage === undefined ? [report.node, 'offline', 'online'] : [victimOf(report), 'inactive', 'active']
  const ms = (at: number) => Math.max(0, Math.round((at - startedAt) * 1000))
  const to = ms(endedAt)
  const gone = lostAt === undefined ? to : ms(lostAt)
  const back = backAt === undefined ? to : ms(backAt)
  const first = /^(?:power|network|storage)$/.test(kind) ? 'up' : 'leaving'
  const spans = kept([
    { from: 0, to: gone, state: first },
    { from: gone, to: Math.max(gone, back), state: 'down' },
    { from: Math.max(gone, back), to, state: 'up' },
  ])
  return {
    title: reportTitle(report, words),
    ...words.ha.drill.picture,
    from: 0,
    to,
    rows: [
      { name: node, spans },
      ...guests.map((guest) =>
        guest.predicted.outcome === 'stalls' ? stillRow(guest, gone, back, to) : rowOf(guest, ms, to),
      ),
    ],
    marks: [
      ...(lostAt === undefined ? [] : [{ at: gone, label: `${node} ${off}` }]),
      ...(backAt === undefined ? [] : [{ at: back, label: `${node} ${on}` }]),
    ],
  }
}

const kept = (spans: BandRow['spans']) => spans.filter(({ from, to }) => to > from)

function rowOf({ name, sid, downAt, upAt, downSeconds }: DrillGuest, ms: (at: number) => number, to: number): BandRow {
  const row = { name: `${name} (${sid})`, ...(downSeconds === undefined ? {} : { note: formatDuration(downSeconds) }) }
  if (downAt === undefined) return { ...row, spans: kept([{ from: 0, to, state: 'up' }]) }
  const down = ms(downAt)
  const up = upAt === undefined ? to : ms(upAt)
  return {
    ...row,
    spans: kept([
      { from: 0, to: down, state: 'up' },
      { from: down, to: up, state: 'down' },
      { from: up, to, state: 'up' },
    ]),
  }
}

/** When one stood still only its probe says, and only for how long: it is drawn while its storage was gone. */
function stillRow({ name, sid, probeSeconds, verdict }: DrillGuest, gone: number, back: number, to: number): BandRow {
  const state = probeSeconds === undefined ? 'unknown' : verdict === 'went-on' ? 'up' : 'down'
  return {
    name: `${name} (${sid})`,
    ...(probeSeconds === undefined ? {} : { note: formatDuration(probeSeconds) }),
    spans: kept([
      { from: 0, to: gone, state: 'up' },
      { from: gone, to: Math.max(gone, back), state },
      { from: Math.max(gone, back), to, state: 'up' },
    ]),
  }
}

/** The same for who cannot see it: each machine and how long it was down. */
export const pictureText = ({ guests }: DrillReport): string =>
  guests
    .map(({ name, downSeconds, probeSeconds }) => {
      const seconds = downSeconds ?? probeSeconds
      return `${name}: ${seconds === undefined ? '–' : formatDuration(seconds)}`
    })
    .join('; ')

/** So many fit side by side and can be read on a phone. */
const mostBars = 8
/** The longest time that a machine was down in each of the last drills, the oldest first; undefined: none measured one. */
export function trendOf(reports: readonly DrillReport[], reader: Pick<Reader, 'words' | 'language' | 'tz'>) {
  const { words, language, tz } = reader
  const { title, axis, thesis, real } = words.ha.drill.trend
  const bars = [...reports].reverse().flatMap((report) => {
    const seconds = longestOf(report)
    const kind = words.ha.impact.kinds[report.kind as keyof typeof words.ha.impact.kinds]
    const day = formatDay(report.startedAt * 1000, { language, tz })
    const label = `${day}\n${report.node}\n${kind}`
    return seconds === undefined ? [] : [{ label, seconds, ok: report.verdict === 'passed' }]
  })
  if (bars.length === 0) return undefined
  const lines = [
    { seconds: thesisSeconds, label: thesis },
    { seconds: realSeconds, label: fill(real, { seconds: realSeconds }) },
  ]
  return { title, axis, bars: bars.slice(-mostBars), lines }
}

/** The same for who cannot see it. */
export const trendText = ({ bars }: Trend, words: Words): string =>
  bars
    .map(({ label, seconds }) => fill(words.ha.drill.trend.alt, { label: label.replaceAll('\n', ' '), seconds }))
    .join('; ')
