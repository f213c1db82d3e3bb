import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import type { Turns } from '../../src/core/oncall.ts'
import { formatTime } from '../../src/core/time.ts'
import { turnAt } from '../../src/ha/rotation.ts'

/** Two people of the rotation take each other's next turn; one that runs already is taken from now on. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  cluster: false,
  args: z.object({ one: arg.text(), other: arg.text() }),
  positionals: ['one', 'other'],
  text: {
    en: {
      summary: 'Swap the next turns of two people',
      args: { one: 'A name of the rotation', other: 'Another one' },
      words: {
        title: 'Swap: {one} and {other}',
        turn: '{from} to {until}',
        done: '{one} and {other} have swapped turns',
      },
      refusals: {
        'no-such-pair': {
          says: '{one} and {other} are not two people of the rotation: {people}.',
          hint: 'oncall who',
        },
      },
    },
    es: {
      summary: 'Cambiar entre sí los próximos turnos de dos personas',
      args: { one: 'Un nombre de la rotación', other: 'Otro' },
      words: { title: 'Cambio: {one} y {other}', turn: '{from} a {until}', done: '{one} y {other} cambiaron de turno' },
      refusals: {
        'no-such-pair': {
          says: '{one} y {other} no son dos personas de la rotación: {people}.',
          hint: 'oncall who',
        },
      },
    },
  },
  examples: [
    { say: 'oncall swap ana luis', answers: true },
    { say: 'oncall swap ana ana', refuses: 'no-such-pair' },
  ],
  async plan({ args, asker, say, house }) {
    const { plan } = house.oncall
    const turns = plan.rotation ?? { everyone: [], handoff: { weekday: 1, minute: 0 } }
    const [one, other] = [args.one, args.other].map((given) =>
      turns.everyone.find((name) => name.toLowerCase() === given.toLowerCase()),
    )
    if (one === undefined || other === undefined || one === other) {
      throw new Refused('no-such-pair', { one: args.one, other: args.other, people: turns.everyone.join(', ') })
    }
    const now = Date.now()
    const swaps = [
      { person: other, ...nextTurn(one, now, turns, plan.tz), by: asker.identity },
      { person: one, ...nextTurn(other, now, turns, plan.tz), by: asker.identity },
    ]
    const shows = swaps.map(({ person, from, until }) => ({
      name: person,
      value: say('turn', { from: formatTime(from, asker), until: formatTime(until, asker) }),
    }))
    return act({
      title: say('title', { one, other }),
      shows,
      explain: { shell: [], clicks: [] },
      async act() {
        for (const swap of swaps) await house.oncall.addSwap(swap)
        return { title: say('done', { one, other }), fields: shows }
      },
    })
  },
})

function nextTurn(person: string, now: number, turns: Turns, tz: string): { from: number; until: number } {
  let turn = turnAt(now, turns, tz)
  while (turn.person !== person) turn = turnAt(turn.until, turns, tz)
  return { from: Math.max(now, turn.from), until: turn.until }
}
