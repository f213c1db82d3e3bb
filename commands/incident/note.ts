import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { doneOrRefused, findIncident, mayAct, readerOf } from '../../src/core/incident.ts'
import { titleOf } from '../../src/core/incident-card.ts'

/** Writes into an incident's timeline, on every platform; also when it is over. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  cluster: false,
  args: z.object({ incident: arg.text(), text: arg.text() }),
  positionals: ['incident', 'text'],
  text: {
    en: {
      summary: 'Add a note to the timeline of an incident',
      args: { incident: 'Id', text: 'The note' },
      words: {
        title: 'Note: {title}',
        note: 'Note',
        click: 'Press "{label}" on its card',
        done: 'It stands in its timeline.',
      },
    },
    es: {
      summary: 'Agregar una nota a la historia de un incidente',
      args: { incident: 'Id', text: 'La nota' },
      words: {
        title: 'Nota: {title}',
        note: 'Nota',
        click: 'Pulsa «{label}» en su tarjeta',
        done: 'Quedó en su historia.',
      },
    },
  },
  examples: [
    { say: 'incident note i-4f2a9c the switch in rack 2 was off', answers: true },
    { say: 'incident note i-4f2a9c', asks: true },
    { say: 'incident note i-nothing text:"no such"', refuses: 'unknown-incident' },
  ],
  async plan({ args, channel, asker, say, house, path }) {
    const seeker = { house, asker, channel }
    const incident = await findIncident(seeker, args.incident)
    await mayAct(seeker, incident, path)
    const reader = readerOf(house.words, house.access, asker)
    const title = say('title', { title: titleOf(incident, reader) })
    return act({
      title,
      shows: [{ name: say('note'), value: args.text }],
      explain: { shell: [], clicks: [say('click', { label: reader.words.actions.note })] },
      async act(once) {
        const what = { kind: 'note', by: asker.identity, once, text: args.text } as const
        doneOrRefused(await house.incidents.act(incident.id, what, { target: channel }), incident.id, reader)
        return { title, text: say('done'), incident: incident.id }
      },
    })
  },
})
