import { z } from 'zod'
import type { Watched } from '../src/core/drill-look.ts'
import { victimOf } from '../src/core/drill-order.ts'
import { longestText } from '../src/core/drill-report.ts'
import { Cancelled, Refused } from '../src/core/errors.ts'
import { fill } from '../src/core/language.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker } from '../src/core/worker.ts'
import type { DrillContext, Seen, Watch } from '../src/drill/context.ts'
import { goesOn } from '../src/drill/cut.ts'
import { before } from '../src/drill/gates.ts'
import { probed } from '../src/drill/probes.ts'
import { withRecord } from '../src/drill/record.ts'
import { alone, type Back, broughtBack, rescue, startedAgain } from '../src/drill/restore.ts'
import { Sight } from '../src/drill/sight.ts'
import { struck } from '../src/drill/strike.ts'
import { reportOf, settled, startLine, told } from '../src/drill/verdict.ts'
import { untouched, watched } from '../src/drill/watch.ts'
import type { Steady } from '../src/ha/drill.ts'
import { drillKinds } from '../src/ha/impact.ts'

/** What was announced ends by itself, should nobody be left to end it. */
const quietForMs = 2 * 3600_000
/** What is well again is told so a few looks later; it is no reason to call anybody. */
const fadesInMs = 2 * 60_000

/**
 * Takes a node away, at most once, and measures what becomes of its guests from the other nodes. Whatever happens after
 * that, the node is brought back, what went down with it is started, and all is looked at again before a verdict is given.
 */
export default defineWorker({
  payload: z.object({
    node: z.string(),
    kind: z.enum(drillKinds),
    storage: z.string().optional(),
    accept: z.array(z.string()),
    expectsNothing: z.boolean(),
  }),
  needs: [
    reads.cluster,
    reads.storages,
    { path: '/nodes/{node}', privileges: ['Sys.PowerMgmt'] },
    { path: '/vms/{vmid}', privileges: ['VM.PowerMgmt'] },
  ],
  restores: true,
  locks: () => ['ha', 'cluster'],
  text: {
    en: {
      title: 'Drill: {node} goes ({kind})',
      steps: {
        steady: 'See how it is before',
        quiet: 'Announce the work',
        began: 'Say that it begins',
        guard: 'Arm the dead-man switch',
        inject: 'Take it away',
        measure: 'Measure',
        restore: 'Bring it back',
        again: 'Start what went down with it',
        settle: 'See that all is as before',
        report: 'Report',
      },
      done: 'Drill {id} on {node}: {result}, longest down {longest}',
      words: {
        person: 'Please start {node}',
        personAgain: '{node} has been down for {minutes} minutes: please start it',
        personText: 'The drill waits. When nothing more is to be waited for: drill done',
        'how-lab': 'The lab was told to start it, and it has not come back: press its power button.',
        'how-webhook': 'Its power device was told to start it, and it has not come back: press its power button.',
        'how-wake': 'Another node sends it a packet every half minute. If it does not wake: press its power button.',
        'how-person': 'Nothing here can start it: press its power button.',
        labelled: 'DRILL {id}: done on purpose',
        unsettled: 'Not as before: {what}. See: status',
        neverGone: '{node} did not go down, and may still: host list. If it goes, start it: host wake {node}',
        away: '{node} has not come back. Press its power button, or: host wake {node}',
        seenTo: '{by} has seen to {node}: the drill waited no longer.',
        startLine: 'Then start what is not under HA: {line}',
        undone: 'Could not be taken back: {node} went down, and with it {guests}.',
        leftDown: '{node} is down because of this drill. Press its power button, or: host wake {node}',
        leftUp: '{node} is up.',
        giveBack: 'Please give {storage} back to {node}',
        giveBackText: 'The lab was told to, and {node} still does without it.',
        waited: 'Could not be taken back: up to {seconds} s of waiting for {storage}: {guests}.',
        stillCut:
          '{node} still does without {storage}. In the lab: POST /api/lab/storages/{storage} {"network":"up","node":"{node}"}. Then: storage show {storage}',
        leftCut: '{node} does without {storage} because of this drill. See: storage show {storage}',
        leftReached: '{node} reaches {storage}.',
      },
      refusals: {
        'gates-closed': {
          says: 'Since it was planned, something has changed. Nothing was done:\n{gates}',
          hint: 'drill plan {node}',
        },
        'device-failed': {
          says: 'What was to cut {node} off did not obey; whether it did anything shows the node itself.',
          hint: 'drill plan {node}',
        },
        'never-back': {
          says: '{node} is down because of this drill and has not come back. The report is in the thread.',
          hint: 'host wake {node}',
        },
        'still-cut': {
          says: '{node} does without {storage} because of this drill, and nobody could give it back. The report is in the thread.',
          hint: 'storage show {storage}',
        },
      },
    },
    es: {
      title: 'Simulacro: se va {node} ({kind})',
      steps: {
        steady: 'Ver cómo está antes',
        quiet: 'Anunciar el trabajo',
        began: 'Decir que empieza',
        guard: 'Armar el interruptor de emergencia',
        inject: 'Quitarlo',
        measure: 'Medir',
        restore: 'Traerlo de vuelta',
        again: 'Arrancar lo que se apagó con él',
        settle: 'Ver que todo está como antes',
        report: 'Informar',
      },
      done: 'Simulacro {id} en {node}: {result}, caída más larga {longest}',
      words: {
        person: 'Por favor enciende {node}',
        personAgain: '{node} lleva {minutes} minutos apagado: por favor enciéndelo',
        personText: 'El simulacro espera. Cuando ya no haya nada que esperar: drill done',
        'how-lab': 'Al laboratorio se le pidió encenderlo y no ha vuelto: usa su botón de encendido.',
        'how-webhook': 'A su dispositivo de energía se le pidió encenderlo y no ha vuelto: usa su botón de encendido.',
        'how-wake': 'Otro nodo le envía un paquete cada medio minuto. Si no despierta: usa su botón de encendido.',
        'how-person': 'Nada de aquí puede encenderlo: usa su botón de encendido.',
        labelled: 'SIMULACRO {id}: hecho a propósito',
        unsettled: 'No está como antes: {what}. Mira: status',
        neverGone: '{node} no se apagó, y todavía puede hacerlo: host list. Si se apaga, enciéndelo: host wake {node}',
        away: '{node} no ha vuelto. Usa su botón de encendido, o: host wake {node}',
        seenTo: '{by} se ocupó de {node}: el simulacro dejó de esperar.',
        startLine: 'Después arranca lo que no está bajo HA: {line}',
        undone: 'No se pudo deshacer: {node} se apagó, y con él {guests}.',
        leftDown: '{node} está apagado por este simulacro. Usa su botón de encendido, o: host wake {node}',
        leftUp: '{node} está encendido.',
        giveBack: 'Por favor devuélvele {storage} a {node}',
        giveBackText: 'Al laboratorio se le pidió, y {node} sigue sin él.',
        waited: 'No se pudo deshacer: hasta {seconds} s a la espera de {storage}: {guests}.',
        stillCut:
          '{node} sigue sin {storage}. En el laboratorio: POST /api/lab/storages/{storage} {"network":"up","node":"{node}"}. Luego: storage show {storage}',
        leftCut: '{node} está sin {storage} por este simulacro. Mira: storage show {storage}',
        leftReached: '{node} alcanza {storage}.',
      },
      refusals: {
        'gates-closed': {
          says: 'Desde que se planeó, algo cambió. No se hizo nada:\n{gates}',
          hint: 'drill plan {node}',
        },
        'device-failed': {
          says: 'Lo que debía cortar {node} no obedeció; si hizo algo lo muestra el propio nodo.',
          hint: 'drill plan {node}',
        },
        'never-back': {
          says: '{node} está apagado por este simulacro y no ha vuelto. El informe está en el hilo.',
          hint: 'host wake {node}',
        },
        'still-cut': {
          says: '{node} está sin {storage} por este simulacro, y nadie pudo devolvérselo. El informe está en el hilo.',
          hint: 'storage show {storage}',
        },
      },
    },
  },
  titled: (payload) => ({ node: victimOf(payload), kind: payload.kind }),
  async run(context) {
    const { payload, job, step, drills, say, words } = context
    const { node, kind, storage } = payload
    const { cluster, id, requester } = job
    const { steady, guests, within, observer, gone: storages } = await step('steady', () => before(context))
    const window = await step('quiet', () =>
      drills.quiet({
        cluster,
        node,
        by: requester,
        forMs: quietForMs,
        why: say('labelled', { id }),
        ...(storages ? { storages } : {}),
      }),
    )
    await step('began', async () => {
      await drills.tell({ kind: 'drill.started', cluster, node, drill: id, at: steady.at })
      return true
    })
    const sight = new Sight(context, guests)
    const watch = sight.look
    const loud = () => drills.loud(window, requester)
    const isOver = async (at: number, isWell: boolean) => {
      await drills.loud(window, requester, isWell ? fadesInMs : 0)
      await drills.tell({ kind: 'drill.ended', cluster, node, drill: id, at })
    }
    const probes = await probed(context, guests, sight)
    const letGo = drills.guard({ cluster, node, drill: id }, rescue(context, steady, guests))
    const { seen, back, after } = await gone(context, { steady, guests, observer, heard: probes.sids }, watch, loud)
      .catch(async (error) => {
        // It ends here, so that what breaks from now on calls people again.
        if (error instanceof Refused || error instanceof Cancelled) await isOver(sight.clock.now() || steady.at, false)
        throw error
      })
      .finally(() => {
        letGo()
        probes.stop()
      })
    const report = await step('report', async () => {
      const answered = await drills.answered(cluster, steady.at, after.at)
      const ends = { id, cluster, within, by: requester, back, after, words, say, answered }
      const all = reportOf(steady, probes.heard(seen), ends)
      await drills.keep(all)
      await isOver(after.at, all.settled)
      return all
    })
    await told(context, report)
    if (back.end === 'away' && storage !== undefined) throw new Refused('still-cut', { node, storage, drill: id })
    if (back.end === 'away') throw new Refused('never-back', { node, drill: id })
    const longest = longestText(report, words)
    return {
      values: { id, node: victimOf(payload), kind, result: words.ha.drill.results[report.verdict], longest },
      fields: report.guests.map(({ name, sid, to, downSeconds, probeSeconds, verdict }) => ({
        name: `${name} (${sid})`,
        value: [
          words.ha.drill.verdicts[verdict],
          to,
          downSeconds === undefined ? undefined : `${downSeconds} s`,
          storage === undefined || !probeSeconds
            ? undefined
            : fill(words.ha.drill.labels.users, { time: `${probeSeconds} s` }),
        ]
          .filter((part) => part !== undefined)
          .join(', '),
      })),
      warnings: [
        ...(report.stop === undefined ? [] : [report.stop]),
        ...(report.left ?? []),
        ...(report.verdict === 'failed' ? [words.ha.drill.results.failed] : []),
      ],
    }
  },
  async leftovers({ payload, proxmox, say, results }) {
    const { node, storage } = payload
    if (storage !== undefined) {
      const { active } = await proxmox.storageState(node, storage, { avoid: [node] })
      return [say(active ? 'leftReached' : 'leftCut', { node, storage })]
    }
    const { members } = await proxmox.clusterStatus({ avoid: [node] })
    const isUp = members.some(({ name, online }) => name === node && online)
    if (isUp) return [say('leftUp', { node })]
    const known = results.steady as Awaited<ReturnType<typeof before>> | undefined
    const guests = known ? alone(known.steady, known.guests) : []
    return [say('leftDown', { node }), ...guests.map(({ sid }) => say('startLine', { line: startLine(sid) }))]
  },
})

interface Scene {
  steady: Steady
  guests: readonly Watched[]
  observer: string
  /** Whose probes answered before. */
  heard: readonly string[]
}

/** The node gone, seen, and back, and everything looked at again. */
async function gone(context: DrillContext, scene: Scene, watch: Watch, loud: () => Promise<void>) {
  const { steady, guests, heard } = scene
  const seen = await brokenAndSeen(context, scene, watch)
  const back = seen.isUntouched
    ? await context.step('restore', async (): Promise<Back> => ({ at: (await watch()).now, end: 'back' }))
    : await broughtBack(context, seen, watch, loud)
  if (back.end === 'back') await startedAgain(context, steady, guests)
  const first = await context.step('settle', () => settled(context, steady, guests, watch, back))
  const isStorage = context.payload.storage !== undefined && back.end === 'back'
  const after = isStorage ? await context.step('settle', () => goesOn(context, steady, first, heard), 3) : first
  const isReadable = back.end === 'back' && !seen.isUntouched
  const told = isReadable ? await context.step('settle', () => withRecord(context, steady, seen, after), 2) : seen
  return { seen: told, back, after }
}

/** Takes the node away and looks until all has been seen; not if somebody wanted it to end before. */
async function brokenAndSeen(context: DrillContext, { steady, observer }: Scene, watch: Watch): Promise<Seen> {
  // Stored: whoever takes the drill up after a crash must not find a wish that came later.
  const early = await context.step('guard', async () => (await context.stopAsked()) ?? false, 2)
  if (early) return untouched(early)
  return watched(context, steady, await struck(context, observer), watch)
}
