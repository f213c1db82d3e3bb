import { z } from 'zod'
import { answer, defineCommand } from '../../src/core/command.ts'
import { formatTime } from '../../src/core/time.ts'
import { chainAt, quietUntil, turnAt } from '../../src/ha/rotation.ts'

/** Who is called now and after whom, until when, and what holds calls back. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  cluster: false,
  args: z.object({}),
  text: {
    en: {
      summary: 'Show who is on call, who comes next, and announced work',
      args: {},
      words: {
        title: '{person} is on call',
        nobody: 'Nobody is on call',
        configure: 'In quorum.yaml: oncall: { rotation: { everyone: [ana, luis], handoff: "mon 09:00" } }',
        chain: 'Called in this order',
        until: 'This turn ends',
        swaps: 'Swaps',
        swap: '{person}: {from} to {until}',
        windows: 'Announced work',
        window: '{id}: {what} until {until}',
        quiet: 'Quiet hours until {until}: only criticals call',
        hours: 'Quiet',
      },
    },
    es: {
      summary: 'Mostrar quién está de guardia, quién sigue y los trabajos anunciados',
      args: {},
      words: {
        title: '{person} está de guardia',
        nobody: 'Nadie está de guardia',
        configure: 'En quorum.yaml: oncall: { rotation: { everyone: [ana, luis], handoff: "mon 09:00" } }',
        chain: 'Se llama en este orden',
        until: 'Este turno termina',
        swaps: 'Cambios',
        swap: '{person}: {from} a {until}',
        windows: 'Trabajos anunciados',
        window: '{id}: {what} hasta {until}',
        quiet: 'Horas de silencio hasta {until}: solo llama lo crítico',
        hours: 'Silencio',
      },
    },
  },
  examples: [{ say: 'oncall who', answers: true }],
  async plan({ asker, say, house }) {
    const { plan } = house.oncall
    const now = Date.now()
    const when = (at: number) => formatTime(at, asker)
    const swaps = (await house.oncall.swaps()).filter(({ until }) => until > now)
    const windows = (await house.oncall.windows()).filter(({ until }) => until > now)
    const chain = chainAt(now, plan, swaps)
    const quiet = quietUntil(now, plan)
    const turn = plan.rotation && turnAt(now, plan.rotation, plan.tz)
    const swapped = swaps.map(({ person, from, until }) =>
      say('swap', { person, from: when(from), until: when(until) }),
    )
    const announced = windows.map(({ id, node, cluster, until }) =>
      say('window', { id, what: node ?? cluster, until: when(until) }),
    )
    return answer({
      title: chain[0] === undefined ? say('nobody') : say('title', { person: chain[0] }),
      ...(chain.length === 0 ? { text: say('configure') } : {}),
      fields: [
        ...(chain.length === 0 ? [] : [{ name: say('chain'), value: chain.join(' → ') }]),
        ...(turn ? [{ name: say('until'), value: when(turn.until) }] : []),
        ...(swapped.length === 0 ? [] : [{ name: say('swaps'), value: swapped.join('\n') }]),
        ...(announced.length === 0 ? [] : [{ name: say('windows'), value: announced.join('\n') }]),
        ...(quiet === undefined ? [] : [{ name: say('hours'), value: say('quiet', { until: when(quiet) }) }]),
      ],
    })
  },
})
