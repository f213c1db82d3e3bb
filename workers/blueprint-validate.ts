import { z } from 'zod'
import type { DrillReport } from '../src/core/drills.ts'
import type { Field } from '../src/core/message.ts'
import { leftOfParts } from '../src/core/parts.ts'
import { defineWorker, partOf } from '../src/core/worker.ts'
import drill from './drill.ts'

const one = z.object({
  title: z.string(),
  drill: drill.payload,
  /** Seconds in which what is expected must run again. */
  within: z.int(),
  expect: z.array(z.object({ sid: z.string(), name: z.string(), to: z.string() })),
})
type Wanted = z.output<typeof one>

/**
 * The drills that a blueprint names, one after the other, each held against what the file expects. After one that did not
 * pass no other is begun: a site that did not do as it should is not broken further.
 */
export default defineWorker({
  payload: z.object({ name: z.string(), drills: z.array(one).min(1) }),
  needs: drill.needs ?? [],
  parts: ({ drills }) => drills.map((wanted) => drill.job(wanted.drill)),
  locks: ({ drills }) => [...new Set(drills.flatMap((wanted) => drill.locks(wanted.drill)))],
  text: {
    en: {
      title: 'Validate blueprint {name}',
      steps: { drills: 'Drills' },
      done: 'Blueprint {name}: validation {result}',
      words: {
        running: 'running',
        waits: 'not begun',
        passed: 'passed',
        failed: 'FAILED',
        met: '{name} ran again on {to} after {seconds} s (wanted: {to}, within {within} s)',
        missed: '{name}: {seen} (wanted: {to}, within {within} s)',
        ran: 'on {node} after {seconds} s',
        nowhere: 'not seen to run again',
        stopped: 'stopped: {why}',
        other: 'not all was as foretold. See: drill report {id}',
      },
    },
    es: {
      title: 'Validar el plano {name}',
      steps: { drills: 'Simulacros' },
      done: 'Plano {name}: validación {result}',
      words: {
        running: 'en curso',
        waits: 'no empezó',
        passed: 'aprobada',
        failed: 'REPROBADA',
        met: '{name} volvió a correr en {to} después de {seconds} s (se quería: {to}, en {within} s)',
        missed: '{name}: {seen} (se quería: {to}, en {within} s)',
        ran: 'en {node} después de {seconds} s',
        nowhere: 'no se la vio correr otra vez',
        stopped: 'detenido: {why}',
        other: 'no todo fue como se predijo. Mira: drill report {id}',
      },
    },
  },
  titled: ({ name }) => ({ name }),
  async run({ payload, job, drills, part, step, shows, say }) {
    const { name } = payload
    const fields: Field[] = payload.drills.map(({ title }, i) => ({ name: fieldOf(title, i), value: say('waits') }))
    const warnings: string[] = []
    for (const [i, wanted] of payload.drills.entries()) {
      const field = fields[i]!
      await shows([{ ...field, value: say('running') }])
      await part({ n: i + 1, of: payload.drills.length }, drill.job(wanted.drill))
      const id = partOf(job.id, i + 1)
      const lines = await step(
        'drills',
        async () => judged((await drills.list(job.cluster)).find((r) => r.id === id)),
        i + 1,
      )
      field.value = [say(lines.passed ? 'passed' : 'failed'), ...lines.told].join('\n')
      await shows([field])
      if (lines.passed) continue
      warnings.push(`${wanted.title}: ${lines.told.join('; ')}`)
      break

      function judged(report: DrillReport | undefined) {
        const met = wanted.expect.map((one) => ({ one, seen: report?.guests.find(({ sid }) => sid === one.sid) }))
        const hasMet = ({ one, seen }: (typeof met)[number]) =>
          seen?.to === one.to && seen.downSeconds !== undefined && seen.downSeconds <= wanted.within
        const told = met.map((pair) => {
          const { to, name } = pair.one
          const [node, seconds] = [pair.seen?.to, pair.seen?.downSeconds]
          const about = { name, to, within: wanted.within, seconds }
          if (hasMet(pair)) return say('met', about)
          const seen = node === undefined ? say('nowhere') : say('ran', { node, seconds: seconds ?? '?' })
          return say('missed', { ...about, seen })
        })
        const stop = report?.stop === undefined ? [] : [say('stopped', { why: report.stop })]
        const isAsForetold = report?.verdict === 'passed'
        const other = !isAsForetold && met.every(hasMet) && stop.length === 0 ? [say('other', { id })] : []
        return { passed: isAsForetold && met.every(hasMet), told: [...told, ...stop, ...other] }
      }
    }
    const result = say(warnings.length === 0 ? 'passed' : 'failed')
    return { values: { name, result }, fields, warnings }
  },
  leftovers: ({ payload: { drills }, ...rest }) =>
    leftOfParts(
      drills.map((wanted) => drill.job(wanted.drill)),
      rest,
    ),
})

/** A drill's own field on the card. */
export const fieldOf = (title: Wanted['title'], i: number): string => `${i + 1}. ${title}`
