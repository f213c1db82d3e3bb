import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { doneOrRefused, findIncident, mayAct, readerOf } from '../../src/core/incident.ts'
import { standing, titleOf } from '../../src/core/incident-card.ts'

const hours = { '15m': 0.25, '1h': 1, '4h': 4, '8h': 8, '24h': 24 }

/** Takes an incident: nobody else is called for it until that ends. Again by the same person, it is renewed. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  cluster: false,
  args: z.object({
    incident: arg.text().optional(),
    for: arg.choice(['15m', '1h', '4h', '8h', '24h']).prefault('1h'),
  }),
  positionals: ['incident'],
  text: {
    en: {
      summary: 'Acknowledge an incident: you see to it',
      args: {
        incident: 'Id; without it, the newest that is not over',
        for: 'For how long; then people are told again',
      },
      words: { title: 'Acknowledge: {title}', for: 'Holds for', click: 'Press "{label}" on its card' },
    },
    es: {
      summary: 'Atender un incidente: tú te ocupas',
      args: {
        incident: 'Id; sin él, el más reciente que no ha terminado',
        for: 'Por cuánto tiempo; después se avisa otra vez',
      },
      words: { title: 'Atender: {title}', for: 'Vale por', click: 'Pulsa «{label}» en su tarjeta' },
    },
  },
  examples: [
    { say: 'incident ack', answers: true },
    { say: 'incident ack i-4f2a9c for:4h', answers: true },
    { say: 'incident ack i-0ver00', refuses: 'incident-over' },
  ],
  async plan({ args, cluster, channel, asker, say, house, path }) {
    const seeker = { house, asker, channel }
    const incident = await findIncident(seeker, args.incident, cluster)
    await mayAct(seeker, incident, path)
    const reader = readerOf(house.words, house.access, asker)
    const { fields } = reader.words.incidents
    return act({
      title: say('title', { title: titleOf(incident, reader) }),
      shows: [
        { name: fields.state, value: standing(incident, reader) },
        { name: say('for'), value: args.for },
      ],
      explain: { shell: [], clicks: [say('click', { label: reader.words.actions.ack })] },
      async act(once) {
        const what = { kind: 'ack', by: asker.identity, once, forMs: hours[args.for] * 3_600_000 } as const
        const acted = await house.incidents.act(incident.id, what, { target: channel })
        const now = doneOrRefused(acted, incident.id, reader)
        return { title: titleOf(now, reader), text: standing(now, reader), incident: now.id }
      },
    })
  },
})
