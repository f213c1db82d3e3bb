import { z } from 'zod'
import { readDrill } from '../src/core/drill-facts.ts'
import { lookAtDrill, type Watched } from '../src/core/drill-look.ts'
import { bandsOf, pictureText } from '../src/core/drill-picture.ts'
import { reportCard, reportMarkdown, reportTitle } from '../src/core/drill-report.ts'
import type { DrillGuest, DrillReport } from '../src/core/drills.ts'
import { Cancelled, Refused } from '../src/core/errors.ts'
import { sidOf } from '../src/core/ha.ts'
import { fill } from '../src/core/language.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker, type RunContext, type WorkerWords } from '../src/core/worker.ts'
import {
  changes,
  type DrillLook,
  isSeen,
  measured,
  type Steady,
  type StopCode,
  stopOf,
  verdictOf,
} from '../src/ha/drill.ts'
import { drillPlanOf } from '../src/ha/drill-plan.ts'
import { lossKinds } from '../src/ha/impact.ts'

const pollMs = 500
/** Without a sight of the cluster for so long the drill is ended: it is no longer under control. */
const blindMs = 60_000
const seenWithinMs = 20 * 60_000
/** People are asked, and asked again, to start a node that nothing else can start. */
const personWithinMs = 24 * 3600_000
const goneTimes = { everyMs: pollMs, withinMs: 20 * 60_000 }
const settledWithinMs = 15 * 60_000
/** What was announced ends by itself, should nobody be left to end it. */
const quietForMs = 2 * 3600_000
const wakeEveryMs = 30_000
const askEveryMs = 10 * 60_000

interface Seen {
  guests: Record<string, Partial<DrillGuest>>
  timeline: { at: number; what: string }[]
  stop?: { code: StopCode; about: string }
  lostAt?: number
}

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
async function gone(context: Context, steady: Steady, guests: readonly Watched[], watch: Watch) {
  const seen = await brokenAndSeen(context, steady, watch)
  const backAt = await broughtBack(context, seen, watch)
  await startedAgain(context, steady, guests)
  const after = await context.step('settle', () => settled(context, steady, guests, watch))
  return { seen, backAt, after }
}

type Payload = { node: string; kind: Steady['impact']['kind']; accept: string[]; expectsNothing: boolean }
type Context = RunContext<Payload, WorkerWords & { steps: Record<string, string>; words: Record<string, string> }>
type Watch = () => Promise<DrillLook>

/** How it is before, and whether the gates are still open: people may have waited long for an approval. */
async function before({ payload, proxmox, drills, signal }: Context) {
  const { node } = payload
  const read = await readDrill(proxmox, node, signal)
  const facts = { ...read, jobs: [], incidents: [], lives: [], means: drills.means(node) }
  const { impact, gates, within } = drillPlanOf(facts, payload)
  const closed = gates.filter(({ verdict }) => verdict === 'fail').map(({ code, about }) => `${code} ${about}`.trim())
  if (closed.length > 0) throw new Refused('gates-closed', { node, gates: closed.join(', ') })
  const { ha } = read.look
  const under = new Set(ha.managed.map(({ sid }) => sid))
  const running = ha.guests.filter(({ template, status }) => !template && status === 'running')
  const watched = running.filter((guest) => guest.node === node)
  const observer = ha.nodes.find(({ name, status }) => name !== node && status === 'online')?.name ?? node
  const steady: Steady = {
    at: await proxmox.nodeTime(observer),
    online: ha.nodes.filter(({ status }) => status === 'online').map(({ name }) => name),
    running: Object.fromEntries(running.map((guest) => [sidOf(guest), guest.node])),
    errors: ha.entries.flatMap(({ sid, state }) => (sid !== undefined && state === 'error' ? [sid] : [])),
    impact,
    managed: [...under],
  }
  const guests: Watched[] = watched.map((guest) => ({ sid: sidOf(guest), vmid: guest.vmid, kind: guest.kind }))
  return { steady, guests, within }
}

/** Takes the node away, once, and looks until all has been seen or something speaks for stopping. */
async function brokenAndSeen(context: Context, steady: Steady, watch: Watch): Promise<Seen> {
  const { payload, proxmox, drills, change, step, job } = context
  const { node, kind } = payload
  if ((await drills.abortedBy(job.id)) !== undefined && !(await isLeaving(context)))
    return step('measure', () => seen0(context))
  const call =
    kind === 'power' || kind === 'network'
      ? `${kind} ${node} off`
      : `POST /nodes/${node}/status ${kind === 'reboot' ? kind : 'shutdown'}`
  await change('inject', {
    call,
    id: node,
    isSo: () => isLeaving(context),
    async act() {
      if (kind === 'power' || kind === 'network') {
        const cut = kind === 'power' ? drills.power(node, 'off') : drills.network(node, 'cut')
        return cut.catch((error) => {
          throw new Refused('device-failed', { node }, { raw: String(error) })
        })
      }
      return proxmox.hostPower(node, kind === 'reboot' ? 'reboot' : 'shutdown')
    },
    showsWithinMs: 30_000,
  })
  return step('measure', () => watched(context, steady, watch))
}

async function seen0({ drills, job }: Context): Promise<Seen> {
  return { guests: {}, timeline: [], stop: { code: 'aborted', about: (await drills.abortedBy(job.id)) ?? '' } }
}

/** Gone, or on its way: its agent says so before anything else shows it. */
async function isLeaving({ payload, proxmox }: Context): Promise<boolean> {
  const o = { avoid: [payload.node] }
  const [{ members }, manager] = await Promise.all([proxmox.clusterStatus(o), proxmox.managerStatus(o)])
  const member = members.find(({ name }) => name === payload.node)
  return !member?.online || /^(?:shutdown|restart|maintenance)$/.test(manager.lrms[payload.node]?.mode ?? '')
}

async function watched(context: Context, steady: Steady, watch: Watch): Promise<Seen> {
  const { payload, drills, job, until, shows, words, say } = context
  const seen: Seen = { guests: {}, timeline: [{ at: steady.at, what: `${payload.node} ${payload.kind}` }] }
  let last: DrillLook | undefined
  let blindSince: number | undefined
  let doubts = 0
  let isLabelled = false
  const silent: Record<string, number> = {}
  const end = await until(
    async () => {
      const by = await drills.abortedBy(job.id)
      if (by !== undefined) return { code: 'aborted' as const, about: by }
      const look = await watch().catch(() => undefined)
      if (!look) {
        blindSince ??= Date.now()
        return Date.now() - blindSince > blindMs ? { code: 'control-lost' as const, about: '' } : undefined
      }
      blindSince = undefined
      seen.timeline.push(...changes(last, look))
      if (!isLabelled && seen.lostAt !== undefined) {
        isLabelled = await drills.label(job.cluster, payload.node, job.requester, say('labelled', { id: job.id }))
      }
      const gap = last ? look.now - last.now : 1
      if (seen.lostAt === undefined && !look.online.includes(payload.node)) seen.lostAt = look.now
      const cutAt = payload.kind === 'power' || payload.kind === 'network' ? steady.at : (seen.lostAt ?? look.now)
      for (const fate of steady.impact.fates) {
        seen.guests[fate.sid] = { ...seen.guests[fate.sid], ...measured(fate, steady, look, cutAt, gap) }
        if ((await drills.probe(fate.sid).catch(() => undefined)) === false)
          silent[fate.sid] = (silent[fate.sid] ?? 0) + gap
      }
      last = look
      const stop = stopOf(steady, look)
      // One look may be wrong: bad news is believed when it is said twice.
      doubts = stop ? doubts + 1 : 0
      if (stop && doubts > 1) return stop
      await shows(
        steady.impact.fates
          .filter(({ sid }) => look.services[sid])
          .map(({ sid, name }) => ({
            name: `${name} (${sid})`,
            value: `${look.services[sid]?.state} @ ${look.services[sid]?.node}`,
          })),
      )
      return isSeen(steady, look, seen.lostAt) ? ('seen' as const) : undefined
    },
    { everyMs: pollMs, withinMs: seenWithinMs },
  )
  for (const [sid, seconds] of Object.entries(silent)) seen.guests[sid] = { ...seen.guests[sid], probeSeconds: seconds }
  if (end === undefined) seen.stop = { code: 'timeout', about: '' }
  else if (end !== 'seen') seen.stop = end
  return { ...seen, ...(seen.stop ? { stop: { ...seen.stop, about: seen.stop.about || words.say.unknown } } : {}) }
}

/** Back to life: by the lab, a power device, a magic packet from another node, or a person who is asked and asked again. */
async function broughtBack(context: Context, seen: Seen, watch: Watch): Promise<number> {
  const { payload, drills, step, change, until, says, say } = context
  const { node, kind } = payload
  const online = async () => (await watch().catch(() => undefined))?.online.includes(node) ?? false
  if (seen.stop?.code === 'aborted' && (await online()) && !(await isLeaving(context))) {
    return step('restore', async () => (await watch()).now)
  }
  const { restore } = drills.means(node)
  if (kind !== 'reboot') {
    // Stored: after a crash a node that has come back meanwhile is not waited for to go.
    const isGone = await step(
      'restore',
      async () => (await until(async () => ((await online()) ? undefined : true), goneTimes)) ?? false,
      4,
    )
    if (!isGone) throw new Refused('not-gone', { node })
    if (kind === 'network')
      await change('restore', { ...giving(node, online), act: () => drills.network(node, 'up') }, 2)
    if (restore === 'lab' || restore === 'webhook') {
      // A device that does not obey is no reason to leave the node down: a person is asked then.
      await change('restore', { ...giving(node, online), act: () => drills.power(node, 'on').catch(() => {}) }, 3)
    }
  }
  return step('restore', async () => {
    const since = Date.now()
    let wokenAt = 0
    let asked = restore === 'person' ? 0 : 1
    const back = await until(
      async () => {
        const look = await watch().catch(() => undefined)
        if (look?.online.includes(node)) return look.now
        if (restore === 'wake' && Date.now() - wokenAt > wakeEveryMs) {
          wokenAt = Date.now()
          await context.proxmox.wakeHost(node, { avoid: [node] }).catch(() => {})
        }
        if (Date.now() - since >= asked * askEveryMs) {
          asked += 1
          await says(`person.${asked}`, { title: say('person', { node }), state: 'waiting', text: say('personText') })
        }
        return undefined
      },
      { everyMs: pollMs, withinMs: personWithinMs },
    )
    if (back === undefined) throw new Refused('never-back', { node })
    return back
  })
}

const giving = (node: string, isSo: () => Promise<boolean>) => ({
  call: `power ${node} on`,
  id: node,
  isSo,
  showsWithinMs: 1000,
})

/** What is not under HA and ran there is started, unless Proxmox has done so at boot. */
async function startedAgain(context: Context, steady: Steady, guests: readonly Watched[]): Promise<void> {
  const { payload, proxmox, effect, follow, step } = context
  const alone = guests.filter(({ sid }) => !steady.managed.includes(sid))
  for (const [i, { vmid, kind }] of alone.entries()) {
    const guest = { node: payload.node, kind, vmid }
    const isOff = await step('again', async () => (await proxmox.guestState(guest)).status === 'stopped', 2 * i + 1)
    if (!isOff) continue
    const type = kind === 'qemu' ? 'qmstart' : 'vzstart'
    const look = { node: payload.node, types: [type], id: String(vmid), act: () => proxmox.guestPower(guest, 'start') }
    await follow('again', await effect('again', look, 2 * i + 2)).catch((error) => {
      // It was started meanwhile, at boot or by a person: what counts is seen next.
      if (!(error instanceof Refused)) throw error
    })
  }
}

/** Whether all that ran runs again, at home where it goes home by itself. */
async function settled({ until }: Context, steady: Steady, guests: readonly Watched[], watch: Watch) {
  const { fates, node } = steady.impact
  let missing: string[] = []
  let last: DrillLook | undefined
  await until(
    async () => {
      const look = await watch().catch(() => undefined)
      if (!look) return undefined
      last = look
      missing = guests
        .filter(({ sid }) => {
          const fate = fates.find((one) => one.sid === sid)
          const at = look.running[sid]
          if (!at) return true
          if (fate?.home !== undefined) return at.node !== fate.home
          return /^(?:migrate|relocate|error|freeze|fence|recovery)$/.test(look.services[sid]?.state ?? '')
        })
        .map(({ sid }) => sid)
      if (!look.online.includes(node)) missing.push(node)
      return missing.length === 0 ? true : undefined
    },
    { everyMs: pollMs * 2, withinMs: settledWithinMs },
  )
  const ends = Object.fromEntries(Object.entries(last?.running ?? {}).map(([sid, at]) => [sid, at.node]))
  return { at: last?.now ?? steady.at, missing, ends }
}

function reportOf(
  steady: Steady,
  seen: Seen,
  more: {
    id: string
    cluster: string
    within: number
    by: string
    backAt: number
    after: { at: number; missing: string[]; ends: Record<string, string> }
    words: Context['words']
  },
): DrillReport {
  const { id, cluster, within, by, backAt, after, words } = more
  const { node, kind, fates } = steady.impact
  const guests = fates
    .filter(({ sid }) => steady.running[sid] !== undefined)
    .map((fate): DrillGuest => {
      const found = seen.guests[fate.sid] ?? {}
      const { sid, name, from, outcome, to, home } = fate
      const end = after.ends[sid]
      return {
        sid,
        name,
        from,
        predicted: { outcome, within, ...(to === undefined ? {} : { to }), ...(home === undefined ? {} : { home }) },
        ...found,
        ...(end === undefined ? {} : { end }),
        verdict:
          seen.stop?.code === 'aborted' && found.downAt === undefined ? 'untouched' : verdictOf(fate, found, within),
      }
    })
  const isSettled = after.missing.length === 0
  const isGood = isSettled && guests.every(({ verdict }) => verdict === 'as-predicted')
  const stop = seen.stop && fill(words.ha.drill.stops[seen.stop.code], { about: seen.stop.about })
  return {
    id,
    cluster,
    node,
    kind,
    by,
    startedAt: steady.at,
    endedAt: after.at,
    verdict: stop !== undefined ? 'stopped' : isGood ? 'passed' : 'failed',
    guests,
    settled: isSettled,
    timeline: [
      ...seen.timeline,
      { at: backAt, what: `${node} online` },
      { at: after.at, what: isSettled ? 'as before' : 'not as before' },
    ],
    backAt,
    ...(stop === undefined ? {} : { stop }),
    ...(seen.lostAt === undefined ? {} : { lostAt: seen.lostAt }),
  }
}

/** So many characters fit into one message everywhere. */
const most = 1800

/** In the thread: the card, the same as Markdown, and as JSON. */
async function told({ says, words, job, drills }: Context, report: DrillReport): Promise<void> {
  const reader = { words, language: job.language, tz: 'UTC' }
  await says('report', reportCard(report, reader))
  const url = await drills.draw(bandsOf(report, words))
  const title = reportTitle(report, words)
  if (url !== undefined) await says('picture', { title, state: 'info', image: { alt: pictureText(report), url } })
  const parts = { markdown: reportMarkdown(report, reader), json: JSON.stringify(report) }
  for (const [name, text] of Object.entries(parts)) {
    for (let i = 0; i * most < text.length; i++) {
      const log = text.slice(i * most, (i + 1) * most).split('\n')
      await says(`${name}.${i}`, {
        title: `${report.id}.${name === 'json' ? 'json' : 'md'} (${i + 1})`,
        state: 'info',
        log,
      })
    }
  }
}
