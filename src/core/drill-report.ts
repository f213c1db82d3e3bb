import { victimOf } from './drill-order.ts'
import type { DrillGuest, DrillReport } from './drills.ts'
import { fill, type Language } from './language.ts'
import type { Message } from './message.ts'
import type { Words } from './ports.ts'
import { formatDuration, formatTime } from './time.ts'

interface Reader {
  words: Words
  language: Language
  tz: string
}

/** By eye, in the thesis that all this began with. */
export const thesisSeconds = 10
/** The same on a real cluster of three nodes: from when its node was off until the machine ran elsewhere. */
export const realSeconds = 64

const state = { passed: 'ok', failed: 'failed', stopped: 'warning' } as const

/** The machine that was down longest, of those that HA was to bring back; where there was none, of all. */
function longest({ guests }: DrillReport): DrillGuest | undefined {
  const known = guests.filter(({ downSeconds }) => downSeconds !== undefined)
  const byHa = known.filter(({ predicted }) => /^(?:moves|migrates|relocates)$/.test(predicted.outcome))
  return (byHa.length > 0 ? byHa : known).sort((a, b) => b.downSeconds! - a.downSeconds!)[0]
}

/** How long that was; seconds. */
export const longestOf = (report: DrillReport): number | undefined => longest(report)?.downSeconds

/** The same in words: where a storage went, what users saw; where nobody measured it, that is what is known. */
export function longestText(report: DrillReport, words: Words): string {
  const seen = longestOf(report)
  if (seen !== undefined) return `${seen} s`
  const still = report.guests.filter(({ predicted }) => predicted.outcome === 'stalls')
  if (still.length === 0) return words.ha.drill.labels.nobody
  const probed = still.flatMap(({ probeSeconds }) => probeSeconds ?? [])
  return probed.length < still.length ? words.say.unknown : `${Math.max(...probed)} s`
}

/** `Drill d-4f2a9c: pve1, graceful shutdown: passed`. */
export function reportTitle(report: DrillReport, words: Words): string {
  const { id, kind, verdict } = report
  const { labels, results } = words.ha.drill
  const { kinds } = words.ha.impact
  return `${labels.drill} ${id}: ${victimOf(report)}, ${kinds[kind as keyof typeof kinds]}: ${results[verdict]}`
}

/** A report as one card: foretold beside seen, a machine a row, and its timeline. */
export function reportCard(report: DrillReport, { words, language, tz }: Reader): Message {
  const { labels, results, verdicts, proves, down } = words.ha.drill
  const outcomes = { ...words.ha.impact.outcomes, down }
  const kind = report.kind as keyof typeof proves
  return {
    title: reportTitle(report, words),
    state: state[report.verdict],
    text: proves[kind],
    fields: [
      { name: labels.when, value: formatTime(report.startedAt * 1000, { language, tz }) },
      { name: labels.mtta, value: answeredText(report, words) },
      ...phasesOf(report).map((value) => ({ name: labels.phases, value })),
      { name: labels.comparison, value: comparedText(report, words) },
      ...(report.stop === undefined ? [] : [{ name: results.stopped, value: report.stop }]),
      ...(report.left ?? []).map((value) => ({ name: labels.left, value })),
    ],
    table: {
      columns: [labels.machine, labels.foretold, labels.seen, labels.down, labels.verdict],
      rows: report.guests.map((guest) => [
        `${guest.name} (${guest.sid})`,
        fill(outcomes[guest.predicted.outcome as keyof typeof outcomes], {
          node: guest.from,
          to: guest.predicted.to ?? '',
        }),
        guest.to ?? guest.end ?? '',
        downText(guest, labels),
        verdicts[guest.verdict],
      ]),
    },
    log: report.timeline
      .slice(-30)
      .map(({ at, what }) => `+${String(Math.round(at - report.startedAt)).padStart(4)} s  ${what}`),
  }
}

/** How soon people had what the drill broke. */
function answeredText({ answered = [], mttaSeconds }: DrillReport, words: Words): string {
  const { labels } = words.ha.drill
  if (answered.length === 0) return labels.noIncident
  const each = answered.map(({ incident, ackSeconds }) =>
    ackSeconds === undefined
      ? fill(labels.unanswered, { incident })
      : fill(labels.answered, { incident, after: formatDuration(ackSeconds) }),
  )
  return [...(mttaSeconds === undefined ? [] : [formatDuration(mttaSeconds)]), ...each].join('; ')
}

/** Where the time of the machine that was down longest went: its states as HA had them, since it was down. */
function phasesOf(report: DrillReport): string[] {
  const { sid, name, downAt, downSeconds, upAt = Number.POSITIVE_INFINITY } = longest(report) ?? {}
  if (!downSeconds || downAt === undefined || sid === undefined) return []
  const steps = report.timeline.filter(
    ({ at, what }) => what.startsWith(`${sid} `) && at >= downAt && at <= upAt + phaseSlack,
  )
  const told = steps.map(({ at, what }) => `+${Math.round(at - downAt)} s ${what.slice(sid.length + 1)}`)
  return told.length === 0 ? [] : [`${name}: ${told.join(' → ')}`]
}

/** A state is seen a look later than it is. */
const phaseSlack = 20

function comparedText(report: DrillReport, words: Words): string {
  const { labels, verdicts } = words.ha.drill
  if (report.storage !== undefined) return labels.whyStorage
  const longest = longestOf(report)
  const here = longest === undefined ? verdicts.unknown : formatDuration(longest)
  const values = { here, thesis: thesisSeconds, real: realSeconds }
  const isCrash = report.kind === 'power' || report.kind === 'network'
  return [fill(labels.compared, values), ...(isCrash ? [labels.whyCrash] : [labels.whyGraceful])].join(' ')
}

/** All that was measured, beside what others have measured, for programs. */
export const reportJson = (report: DrillReport): string =>
  JSON.stringify({ ...report, compared: { thesisSeconds, realClusterSeconds: realSeconds } })

function downText(guest: DrillReport['guests'][number], labels: Words['ha']['drill']['labels']): string {
  const { downSeconds, uncertaintySeconds, probeSeconds, probeSilent, predicted } = guest
  const slack = uncertaintySeconds ? ` ± ${uncertaintySeconds} s` : ''
  return [
    downSeconds === undefined ? undefined : `${formatDuration(downSeconds)}${slack}`,
    probeSeconds === undefined ? undefined : fill(labels.users, { time: formatDuration(probeSeconds) }),
    probeSilent ? labels.probeSilent : undefined,
    predicted.outcome === 'stalls' && probeSeconds === undefined && !probeSilent ? labels.unmeasured : undefined,
  ]
    .filter((part) => part !== undefined)
    .join('; ')
}

/** The same as Markdown, to be pasted into a ticket. */
export function reportMarkdown(report: DrillReport, reader: Reader): string {
  const card = reportCard(report, reader)
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const { columns = [], rows = [] } = card.table ?? {}
  return [
    `# ${card.title}`,
    '',
    card.text ?? '',
    '',
    ...(card.fields ?? []).map(({ name, value }) => `- **${name}**: ${value}`),
    '',
    row(columns),
    row(columns.map(() => '---')),
    ...rows.map(row),
    '',
    ...(card.log ?? []).map((line) => `    ${line}`),
  ].join('\n')
}
