import type { DrillReport } from './drills.ts'
import { fill, type Language } from './language.ts'
import type { Message } from './message.ts'
import type { Words } from './ports.ts'
import { formatDuration, formatTime } from './time.ts'

interface Reader {
  words: Words
  language: Language
  tz: string
}

const state = { passed: 'ok', failed: 'failed', stopped: 'warning' } as const

export const longestOf = ({ guests }: DrillReport): number | undefined => {
  const all = guests.flatMap(({ downSeconds }) => downSeconds ?? [])
  return all.length === 0 ? undefined : Math.max(...all)
}

/** `Drill d-4f2a9c: pve1, graceful shutdown: passed`. */
export function reportTitle({ id, node, kind, verdict }: DrillReport, words: Words): string {
  const { labels, results } = words.ha.drill
  const { kinds } = words.ha.impact
  return `${labels.drill} ${id}: ${node}, ${kinds[kind as keyof typeof kinds]}: ${results[verdict]}`
}

/** A report as one card: foretold beside seen, a machine a row, and its timeline. */
export function reportCard(report: DrillReport, { words, language, tz }: Reader): Message {
  const { labels, results, verdicts, proves } = words.ha.drill
  const { outcomes } = words.ha.impact
  const kind = report.kind as keyof typeof proves
  return {
    title: reportTitle(report, words),
    state: state[report.verdict],
    text: `${proves[kind]}\n${labels.compared}`,
    fields: [
      { name: labels.when, value: formatTime(report.startedAt * 1000, { language, tz }) },
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

function downText(guest: DrillReport['guests'][number], labels: Words['ha']['drill']['labels']): string {
  const { downSeconds, uncertaintySeconds, probeSeconds, probeSilent } = guest
  const slack = uncertaintySeconds ? ` ± ${uncertaintySeconds} s` : ''
  return [
    downSeconds === undefined ? undefined : `${formatDuration(downSeconds)}${slack}`,
    probeSeconds === undefined ? undefined : fill(labels.users, { time: formatDuration(probeSeconds) }),
    probeSilent ? labels.probeSilent : undefined,
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
    ...(card.fields ?? []).map(({ name, value }) => `- **${name}**: ${value}`),
    '',
    row(columns),
    row(columns.map(() => '---')),
    ...rows.map(row),
    '',
    ...(card.log ?? []).map((line) => `    ${line}`),
  ].join('\n')
}
