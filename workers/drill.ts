import { z } from 'zod'
import { lookAtDrill, type Watched } from '../src/core/drill-look.ts'
import { Cancelled, Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker } from '../src/core/worker.ts'
import type { DrillContext, Seen, Watch } from '../src/drill/context.ts'
import { before } from '../src/drill/gates.ts'
import { broughtBack, startedAgain } from '../src/drill/restore.ts'
import { isLeaving, struck } from '../src/drill/strike.ts'
import { reportOf, settled, told } from '../src/drill/verdict.ts'
import { watched } from '../src/drill/watch.ts'
import type { Steady } from '../src/ha/drill.ts'
import { lossKinds } from '../src/ha/impact.ts'

/** What was announced ends by itself, should nobody be left to end it. */
const quietForMs = 2 * 3600_000

/**
 * Takes a node away, at most once, and measures what becomes of its guests from the other nodes. Whatever happens after
 * that, the node is brought back, what went down with it is started, and all is looked at again before a verdict is given.
 */
export default defineWorker({
  payload: z.object({
    node: z.string(),
    kind: z.enum(lossKinds),
    accept: z.array(z.string()),
    expectsNothing: z.boolean(),
  }),
  needs: [
    reads.cluster,
    reads.storages,
    { path: '/nodes/{node}', privileges: ['Sys.PowerMgmt'] },
    { path: '/vms/{vmid}', privileges: ['VM.PowerMgmt'] },
  ],
  locks: () => ['ha', 'cluster'],
  text: {
    en: {
      title: 'Drill: {node} goes ({kind})',
      steps: {
        steady: 'See how it is before',
        quiet: 'Announce the work',
        began: 'Say that it begins',
        inject: 'Take the node away',
        measure: 'Measure',
        restore: 'Bring the node back',
        again: 'Start what went down with it',
        settle: 'See that all is as before',
        report: 'Report',
      },
      done: 'Drill {id} on {node}: {result}, longest down {longest}',
      words: {
        person: 'Please start {node}',
        personText: 'Nothing here can start it: press its power button, or wake it. The drill waits.',
        labelled: 'DRILL {id}: this was done on purpose',
        unsettled: 'Not all is as before: {what}. See: status',
        nothing: 'nothing',
        leftDown: '{node} is down because of this drill. Start it: by its power button, or host wake {node}',
        leftUp: '{node} is up.',
      },
      refusals: {
        'gates-closed': {
          says: 'Since it was planned, something has changed: {gates}. Nothing was done.',
          hint: 'drill plan {node}',
        },
        'device-failed': {
          says: 'What was to cut {node} off did not obey; whether it did anything shows the node itself.',
          hint: 'drill plan {node}',
        },
        'not-gone': { says: '{node} did not go down in time.', hint: 'host list' },
        'never-back': { says: '{node} has not come back.', hint: 'host list' },
      },
    },
    es: {
      title: 'Simulacro: se va {node} ({kind})',
      steps: {
        steady: 'Ver cómo está antes',
        quiet: 'Anunciar el trabajo',
        began: 'Decir que empieza',
        inject: 'Quitar el nodo',
        measure: 'Medir',
        restore: 'Traer el nodo de vuelta',
        again: 'Arrancar lo que se apagó con él',
        settle: 'Ver que todo está como antes',
        report: 'Informar',
      },
      done: 'Simulacro {id} en {node}: {result}, caída más larga {longest}',
      words: {
        person: 'Por favor enciende {node}',
        personText: 'Nada de aquí puede encenderlo: usa su botón de encendido o despiértalo. El simulacro espera.',
        labelled: 'SIMULACRO {id}: esto se hizo a propósito',
        unsettled: 'No todo está como antes: {what}. Mira: status',
        nothing: 'nada',
        leftDown: '{node} está apagado por este simulacro. Enciéndelo: con su botón, o host wake {node}',
        leftUp: '{node} está encendido.',
      },
      refusals: {
        'gates-closed': {
          says: 'Desde que se planeó, algo cambió: {gates}. No se hizo nada.',
          hint: 'drill plan {node}',
        },
        'device-failed': {
          says: 'Lo que debía cortar {node} no obedeció; si hizo algo lo muestra el propio nodo.',
          hint: 'drill plan {node}',
        },
        'not-gone': { says: '{node} no se apagó a tiempo.', hint: 'host list' },
        'never-back': { says: '{node} no ha vuelto.', hint: 'host list' },
      },
    },
  },
  titled: ({ node, kind }) => ({ node, kind }),
  async run(context) {
    const { payload, job, step, drills, say, words } = context
    const { node, kind } = payload
    const { cluster, id, requester } = job
    const { steady, guests, within } = await step('steady', () => before(context))
    const window = await step('quiet', () => drills.quiet(cluster, node, requester, quietForMs))
    await step('began', async () => {
      await drills.tell({ kind: 'drill.started', cluster, node, drill: id, at: steady.at })
      return true
    })
    const watch = async () => lookAtDrill(context.proxmox, guests, node)
    const { seen, backAt, after } = await gone(context, steady, guests, watch).catch(async (error) => {
      // It ends here, so that what breaks from now on calls people again.
      if (error instanceof Refused || error instanceof Cancelled) {
        await drills.loud(window, requester)
        await drills.tell({ kind: 'drill.ended', cluster, node, drill: id, at: steady.at })
      }
      throw error
    })
    const report = await step('report', async () => {
      const all = reportOf(steady, seen, { id, cluster, within, by: requester, backAt, after, words })
      await drills.keep(all)
      await drills.loud(window, requester)
      await drills.tell({ kind: 'drill.ended', cluster, node, drill: id, at: after.at })
      return all
    })
    await told(context, report)
    const downs = report.guests.flatMap(({ downSeconds }) => downSeconds ?? [])
    const longest = downs.length === 0 ? words.ha.drill.labels.nobody : `${Math.max(...downs)} s`
    return {
      values: { id, node, kind, result: words.ha.drill.results[report.verdict], longest },
      fields: report.guests.map(({ name, sid, to, downSeconds, verdict }) => ({
        name: `${name} (${sid})`,
        value: [words.ha.drill.verdicts[verdict], to, downSeconds === undefined ? undefined : `${downSeconds} s`]
          .filter((part) => part !== undefined)
          .join(', '),
      })),
      warnings: [
        ...(report.stop === undefined ? [] : [report.stop]),
        ...(report.settled ? [] : [say('unsettled', { what: after.missing.join(', ') })]),
        ...(report.verdict === 'failed' ? [words.ha.drill.results.failed] : []),
      ],
    }
  },
  async leftovers({ payload, proxmox, say }) {
    const { members } = await proxmox.clusterStatus({ avoid: [payload.node] })
    const isUp = members.some(({ name, online }) => name === payload.node && online)
    return [say(isUp ? 'leftUp' : 'leftDown', { node: payload.node })]
  },
})

/** The node gone, seen, and back, and everything looked at again. */
async function gone(context: DrillContext, steady: Steady, guests: readonly Watched[], watch: Watch) {
  const seen = await brokenAndSeen(context, steady, watch)
  const backAt = await broughtBack(context, seen, watch)
  await startedAgain(context, steady, guests)
  const after = await context.step('settle', () => settled(context, steady, guests, watch))
  return { seen, backAt, after }
}

/** Takes the node away and looks until all has been seen; not if somebody aborted it before. */
async function brokenAndSeen(context: DrillContext, steady: Steady, watch: Watch): Promise<Seen> {
  const { drills, step, job } = context
  const by = await drills.abortedBy(job.id)
  if (by !== undefined && !(await isLeaving(context))) {
    return step('measure', async () => ({ guests: {}, timeline: [], stop: { code: 'aborted' as const, about: by } }))
  }
  await struck(context)
  return step('measure', () => watched(context, steady, watch))
}
