import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { readerOf, visibleIncidents } from '../../src/core/incident.ts'
import { standing, titleOf } from '../../src/core/incident-card.ts'
import type { Incident } from '../../src/core/incidents.ts'
import { formatTime } from '../../src/core/time.ts'

/** Incidents that are not over, or with `all` the newest of them all. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  cluster: false,
  args: z.object({ all: arg.boolean().prefault('false'), most: arg.integer({ min: 1, max: 50 }).prefault('20') }),
  text: {
    en: {
      summary: 'List the incidents that are not over',
      args: { all: 'Those that are over too', most: 'How many, the newest' },
      words: {
        title: 'Incidents: {count}',
        none: 'Nothing is wrong, as far as is known.',
        id: 'Incident',
        what: 'What',
        began: 'Began',
      },
    },
    es: {
      summary: 'Listar los incidentes que no han terminado',
      args: { all: 'También los que terminaron', most: 'Cuántos, los más recientes' },
      words: {
        title: 'Incidentes: {count}',
        none: 'Nada está mal, que se sepa.',
        id: 'Incidente',
        what: 'Qué',
        began: 'Empezó',
      },
    },
  },
  examples: [
    { say: 'incident list', answers: true },
    { say: 'incident list all:true most:5', answers: true },
  ],
  async plan({ args, cluster, channel, asker, say, house }) {
    const filter = { ...(cluster === '' ? {} : { cluster }), live: !args.all, most: args.most }
    const incidents = await visibleIncidents({ house, asker, channel }, await house.incidents.list(filter))
    const title = say('title', { count: incidents.length })
    if (incidents.length === 0) return answer({ title, ...(args.all ? {} : { text: say('none') }) })
    const reader = readerOf(house.words, house.access, asker)
    const { fields } = reader.words.incidents
    const row = (incident: Incident) => [
      incident.id,
      titleOf(incident, reader),
      incident.cluster,
      formatTime(Date.parse(incident.openedAt), asker),
      standing(incident, reader),
    ]
    return answer({
      title,
      state: incidents.some(({ state }) => state !== 'resolved') ? 'warning' : 'info',
      table: {
        columns: [say('id'), say('what'), fields.cluster, say('began'), fields.state],
        rows: incidents.map(row),
      },
    })
  },
})
