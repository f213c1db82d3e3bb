import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { findIncident, readerOf } from '../../src/core/incident.ts'
import { entryText, incidentCard } from '../../src/core/incident-card.ts'
import { formatTime } from '../../src/core/time.ts'

/** One incident with its timeline. A look: the card that edits itself and has the buttons is another one. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  cluster: false,
  args: z.object({ incident: arg.text().optional() }),
  positionals: ['incident'],
  text: {
    en: {
      summary: 'Show an incident and its timeline',
      args: { incident: 'Id; without it, the newest that is not over' },
      words: { when: 'When', what: 'What', left: '… {count} lines are left out' },
    },
    es: {
      summary: 'Mostrar un incidente y su historia',
      args: { incident: 'Id; sin él, el más reciente que no ha terminado' },
      words: { when: 'Cuándo', what: 'Qué', left: '… se omiten {count} líneas' },
    },
  },
  examples: [
    { say: 'incident show', answers: true },
    { say: 'incident show i-4f2a9c', answers: true },
    { say: 'incident show i-nothing', refuses: 'unknown-incident' },
  ],
  async plan({ args, cluster, channel, asker, say, house }) {
    const incident = await findIncident({ house, asker, channel }, args.incident, cluster)
    const reader = readerOf(house.words, house.access, asker)
    const { actions: _, event: __, ...card } = incidentCard(incident, reader)
    const rows = incident.timeline.map((entry) => [
      formatTime(Date.parse(entry.at), asker),
      entryText(entry, incident, reader),
    ])
    if (incident.left !== undefined) rows.push(['', say('left', { count: incident.left })])
    return answer({ ...card, table: { columns: [say('when'), say('what')], rows } })
  },
})
