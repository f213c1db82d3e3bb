import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { findIncident, readerOf } from '../../src/core/incident.ts'
import { entryText, type Reader, timesOf, titleOf } from '../../src/core/incident-card.ts'
import type { Incident } from '../../src/core/incidents.ts'
import { formatDuration, formatTime } from '../../src/core/time.ts'

/** One incident whole, as text to be kept: its timeline, and how long it took people and machines. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  cluster: false,
  args: z.object({
    incident: arg.text().optional(),
    format: arg.choice(['markdown', 'json']).prefault('markdown'),
  }),
  positionals: ['incident', 'format'],
  text: {
    en: {
      summary: 'Give an incident as Markdown or JSON, to be kept elsewhere',
      args: { incident: 'Id; without it, the newest', format: 'markdown (a table), or json' },
      words: { title: 'Export of {incident}', when: 'When', what: 'What', left: '… {count} lines are left out' },
    },
    es: {
      summary: 'Entregar un incidente como Markdown o JSON, para guardarlo fuera',
      args: { incident: 'Id; sin él, el más reciente', format: 'markdown (una tabla) o json' },
      words: { title: 'Exportación de {incident}', when: 'Cuándo', what: 'Qué', left: '… se omiten {count} líneas' },
    },
  },
  examples: [
    { say: 'incident export i-4f2a9c', answers: true },
    { say: 'incident export i-4f2a9c json', answers: true },
  ],
  async plan({ args, cluster, channel, asker, say, house }) {
    const incident = await findIncident({ house, asker, channel }, args.incident, cluster)
    const reader = readerOf(house.words, house.access, asker)
    const left = incident.left === undefined ? '' : say('left', { count: incident.left })
    const columns = [say('when'), say('what')]
    const log = args.format === 'json' ? asJson(incident, reader) : asMarkdown(incident, reader, columns, left)
    return answer({ title: say('title', { incident: incident.id }), incident: incident.id, log })
  },
})

/** One document; each line of the timeline stands on a line of its own. */
function asJson(incident: Incident, reader: Reader): string[] {
  const { timeline, version: _, alerts: __, alertedAt: ___, ...about } = incident
  const whole = { ...about, title: titleOf(incident, reader), ...timesOf(incident) }
  const lines = timeline.map(({ at, event, act, told }) =>
    JSON.stringify({ at, ...(event && { event }), ...(act && { act }), ...(told && { told }) }),
  )
  return [
    `${JSON.stringify(whole).slice(0, -1)},"timeline":[`,
    ...lines.map((line, i) => line + (i < lines.length - 1 ? ',' : '')),
    ']}',
  ]
}

function asMarkdown(incident: Incident, reader: Reader, columns: string[], left: string): string[] {
  const { incidents } = reader.words
  const { fields, severities, states } = incidents
  const { mtta, mttr } = timesOf(incident)
  const when = (at: string) => formatTime(Date.parse(at), reader)
  const row = (cells: string[]) => `| ${cells.map(cell).join(' | ')} |`
  const items: [string, string | undefined][] = [
    [fields.cluster, incident.cluster],
    [fields.severity, severities[incident.severity]],
    [fields.state, states[incident.state]],
    [fields.since, when(incident.openedAt)],
    [fields.mtta, mtta === undefined ? undefined : formatDuration(mtta)],
    [fields.mttr, mttr === undefined ? undefined : formatDuration(mttr)],
  ]
  return [
    `# ${incident.id}: ${cell(titleOf(incident, reader))}`,
    ...items.flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${cell(value)}`])),
    row(columns),
    '| --- | --- |',
    ...incident.timeline.map((entry) => row([when(entry.at), entryText(entry, incident, reader)])),
    ...(left === '' ? [] : [left]),
  ]
}

/** Somebody's text stays in its cell. */
const cell = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\|`<>[\]*_]/g, '\\$&')
    .slice(0, 500)
