import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { timeOf } from '../../src/core/drill-times.ts'
import { Refused } from '../../src/core/errors.ts'
import { findSchedule } from '../../src/core/find-schedule.ts'

/** The veto in words: the next time of a drill that comes again is left out. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  args: z.object({ schedule: arg.text().optional() }),
  positionals: ['schedule'],
  text: {
    en: {
      summary: 'Leave out the next drill of a schedule: its veto',
      args: { schedule: 'Its id; the only one unless given' },
      words: {
        title: 'Leave out the next drill on {node}',
        done: 'The drill on {node} at {time} is left out',
        after: 'The one after that: {next}',
        never: 'none',
      },
      refusals: {
        'nothing-next': { says: 'Schedule {id} does not come again.', hint: 'drill schedule' },
      },
    },
    es: {
      summary: 'Dejar fuera el próximo simulacro de un programa: su veto',
      args: { schedule: 'Su id; el único si no se da' },
      words: {
        title: 'Dejar fuera el próximo simulacro en {node}',
        done: 'El simulacro en {node} del {time} queda fuera',
        after: 'El siguiente: {next}',
        never: 'ninguno',
      },
      refusals: {
        'nothing-next': { says: 'El programa {id} no se repite más.', hint: 'drill schedule' },
      },
    },
  },
  examples: [{ say: 'drill skip zz0000', refuses: 'no-schedule' }],
  async plan({ args, cluster, say, house, asker }) {
    const schedule = await findSchedule(house, { cluster, given: args.schedule, path: 'drill skip' })
    const { id, order } = schedule
    const next = await house.drills.pending(schedule)
    if (next === undefined) throw new Refused('nothing-next', { id })
    const { node } = order
    return act({
      title: say('title', { node }),
      shows: [],
      explain: { shell: [], clicks: [] },
      async act() {
        const at = await house.drills.veto(schedule, asker.identity, next)
        if (at === undefined) throw new Refused('drill-decided')
        const after = house.drills.next(schedule, at)
        const told = after === undefined ? say('never') : timeOf(schedule, after, asker)
        return { title: say('done', { node, time: timeOf(schedule, at, asker) }), text: say('after', { next: told }) }
      },
    })
  },
})
