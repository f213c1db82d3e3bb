import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { doneOrRefused, findIncident, mayAct, readerOf } from '../../src/core/incident.ts'
import { standing, titleOf } from '../../src/core/incident-card.ts'

/** Ends an incident. What is known to be wrong then goes on without a call; what is new begins another one. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  cluster: false,
  args: z.object({ incident: arg.text(), why: arg.text().optional() }),
  positionals: ['incident', 'why'],
  text: {
    en: {
      summary: 'Resolve an incident: it is over, whatever the cluster shows',
      args: { incident: 'Id', why: 'Why, for the timeline' },
      words: { title: 'Resolve: {title}', click: 'Press "{label}" on its card' },
    },
    es: {
      summary: 'Resolver un incidente: terminó, muestre lo que muestre el clúster',
      args: { incident: 'Id', why: 'Por qué, para la historia' },
      words: { title: 'Resolver: {title}', click: 'Pulsa «{label}» en su tarjeta' },
    },
  },
  examples: [
    { say: 'incident resolve i-77b1e0 the disk was replaced', answers: true },
    { say: 'incident resolve i-0ver00', refuses: 'incident-over' },
  ],
  async plan({ args, channel, asker, say, house, path }) {
    const seeker = { house, asker, channel }
    const incident = await findIncident(seeker, args.incident)
    await mayAct(seeker, incident, path)
    const reader = readerOf(house.words, house.access, asker)
    return act({
      title: say('title', { title: titleOf(incident, reader) }),
      shows: [{ name: reader.words.incidents.fields.state, value: standing(incident, reader) }],
      explain: { shell: [], clicks: [say('click', { label: reader.words.actions.resolve })] },
      async act(once) {
        const why = args.why === undefined ? {} : { text: args.why }
        const what = { kind: 'resolve', by: asker.identity, once, ...why } as const
        const acted = await house.incidents.act(incident.id, what, { target: channel })
        const now = doneOrRefused(acted, incident.id, reader)
        return { title: titleOf(now, reader), text: standing(now, reader), incident: now.id }
      },
    })
  },
})
