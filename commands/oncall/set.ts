import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { formatTime } from '../../src/core/time.ts'
import { chainAt } from '../../src/ha/rotation.ts'

const hours = { '1h': 1, '4h': 4, '8h': 8, '12h': 12, '24h': 24, '7d': 168 }

/** Puts somebody first for a time that begins now; the rotation goes on behind them. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  cluster: false,
  args: z.object({ person: arg.text(), for: arg.choice(['1h', '4h', '8h', '12h', '24h', '7d']).prefault('8h') }),
  positionals: ['person'],
  text: {
    en: {
      summary: 'Put somebody on call from now on, for a time',
      args: { person: 'A name of the rotation', for: 'For how long' },
      words: {
        title: 'On call: {person}',
        before: 'First until now',
        until: 'Until',
        done: '{person} is on call',
        none: 'nobody',
      },
      refusals: {
        'not-in-rotation': { says: '{given} is not in the rotation: {people}.', hint: 'oncall set {first}' },
      },
    },
    es: {
      summary: 'Poner a alguien de guardia desde ahora, por un tiempo',
      args: { person: 'Un nombre de la rotación', for: 'Por cuánto tiempo' },
      words: {
        title: 'De guardia: {person}',
        before: 'Primero hasta ahora',
        until: 'Hasta',
        done: '{person} está de guardia',
        none: 'nadie',
      },
      refusals: {
        'not-in-rotation': { says: '{given} no está en la rotación: {people}.', hint: 'oncall set {first}' },
      },
    },
  },
  examples: [
    { say: 'oncall set luis for:8h', answers: true },
    { say: 'oncall set pedro', refuses: 'not-in-rotation' },
  ],
  async plan({ args, asker, say, house }) {
    const { oncall } = house
    const everyone = oncall.plan.rotation?.everyone ?? []
    const person = everyone.find((name) => name.toLowerCase() === args.person.toLowerCase())
    if (person === undefined) {
      const people = everyone.join(', ') || say('none')
      throw new Refused('not-in-rotation', { given: args.person, people, first: everyone[0] ?? 'ana' })
    }
    const from = Date.now()
    const until = from + hours[args.for] * 3_600_000
    const before = chainAt(from, oncall.plan, await oncall.swaps())[0] ?? say('none')
    return act({
      title: say('title', { person }),
      shows: [
        { name: say('before'), value: before },
        { name: say('until'), value: formatTime(until, asker) },
      ],
      explain: { shell: [], clicks: [] },
      async act() {
        await oncall.addSwap({ person, from, until, by: asker.identity })
        return { title: say('done', { person }), fields: [{ name: say('until'), value: formatTime(until, asker) }] }
      },
    })
  },
})
