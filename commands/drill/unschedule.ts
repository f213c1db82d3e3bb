import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { victimOf } from '../../src/core/drill-order.ts'
import { Refused } from '../../src/core/errors.ts'
import { findSchedule } from '../../src/core/find-schedule.ts'

/** Ends a drill that comes again. One that runs already goes on: `drill abort`. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  args: z.object({ schedule: arg.text() }),
  positionals: ['schedule'],
  text: {
    en: {
      summary: 'End a schedule of drills',
      args: { schedule: 'Its id' },
      words: {
        title: 'End schedule {id} ({node}, {when})',
        done: 'Drills on {node} are not scheduled any more ({when})',
        runs: 'One that runs already goes on. To end that: drill abort',
      },
    },
    es: {
      summary: 'Terminar un programa de simulacros',
      args: { schedule: 'Su id' },
      words: {
        title: 'Terminar el programa {id} ({node}, {when})',
        done: 'Ya no hay simulacros programados en {node} ({when})',
        runs: 'Uno que ya corre sigue. Para terminarlo: drill abort',
      },
    },
  },
  examples: [{ say: 'drill unschedule zz0000', refuses: 'no-schedule' }],
  async plan({ args, cluster, say, house, asker }) {
    const schedule = await findSchedule(house, { cluster, given: args.schedule, path: 'drill unschedule' })
    const { id, when, order } = schedule
    const values = { id, when, node: victimOf(order) }
    return act({
      title: say('title', values),
      shows: [],
      explain: { shell: [], clicks: [] },
      async act() {
        if (!(await house.drills.unschedule(schedule, asker.identity))) throw new Refused('no-schedule', { cluster })
        return { title: say('done', values), text: say('runs') }
      },
    })
  },
})
