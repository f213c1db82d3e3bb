import { z } from 'zod'
import { victimOf } from '../src/core/drill-order.ts'
import { timeOf } from '../src/core/drill-times.ts'
import { defineWorker } from '../src/core/worker.ts'
import { drillKinds } from '../src/ha/impact.ts'

/** Keeps a drill that comes again, as it was approved. It is a job so that it is decided, written down and told like any other. */
export default defineWorker({
  payload: z.object({
    order: z.object({
      node: z.string(),
      kind: z.enum(drillKinds),
      storage: z.string().optional(),
      accept: z.array(z.string()),
      expectsNothing: z.boolean(),
    }),
    when: z.string(),
    pattern: z.string(),
    tz: z.string(),
    noticeMs: z.number(),
    withinMs: z.number(),
    approved: z.object({
      fates: z.array(
        z.object({
          sid: z.string(),
          name: z.string(),
          outcome: z.string(),
          code: z.string().optional(),
          to: z.string().optional(),
        }),
      ),
      warnings: z.array(z.string()),
    }),
  }),
  needs: [],
  locks: () => [],
  text: {
    en: {
      title: 'Schedule drills on {node}',
      steps: { keep: 'Keep the schedule' },
      done: 'Drills on {node} are scheduled ({when}): {id}, next on {next}',
    },
    es: {
      title: 'Programar simulacros en {node}',
      steps: { keep: 'Guardar el programa' },
      done: 'Simulacros en {node} programados ({when}): {id}, el próximo el {next}',
    },
  },
  titled: ({ order }) => ({ node: victimOf(order) }),
  async run({ payload, job, step, drills, words }) {
    const { approved, ...wanted } = payload
    const fates = approved.fates.map(({ code, to, ...fate }) => ({
      ...fate,
      ...(code === undefined ? {} : { code }),
      ...(to === undefined ? {} : { to }),
    }))
    const schedule = await step('keep', () => drills.schedule(job.id, { ...wanted, approved: { ...approved, fates } }))
    const next = await drills.pending(schedule)
    const { id, when, order } = schedule
    const told = next === undefined ? words.ha.drill.times.never : timeOf(schedule, next, job)
    return { values: { node: victimOf(order), when, id, next: told } }
  },
})
