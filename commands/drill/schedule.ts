import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand, type PlanContext, run } from '../../src/core/command.ts'
import { drillFacts } from '../../src/core/drill-facts.ts'
import { tellGate } from '../../src/core/drill-gate.ts'
import { accepting, drillWants, orderOf, shellOf, victimOf, whatOf } from '../../src/core/drill-order.ts'
import { endText, timeOf } from '../../src/core/drill-times.ts'
import { Refused } from '../../src/core/errors.ts'
import { tellInDrill } from '../../src/core/fate.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'
import { cronOf } from '../../src/core/when.ts'
import { consequencesOf } from '../../src/ha/drill-changes.ts'
import { drillPlanOf } from '../../src/ha/drill-plan.ts'
import type { GateCode } from '../../src/ha/gates.ts'
import { drillKinds } from '../../src/ha/impact.ts'
import drillSchedule from '../../workers/drill-schedule.ts'

const minute = 60_000
const times = { '1m': minute, '10m': 10 * minute, '1h': 60 * minute, '4h': 240 * minute, '1d': 1440 * minute }
const laters = { none: 0, '30m': 30 * minute, '1h': 60 * minute, '2h': 120 * minute, '4h': 240 * minute }
/** What comes oftener than this is a mistake. */
const leastApartMs = 60 * minute
/** What passes by itself is looked at again at each time. */
const passing: readonly GateCode[] = ['quorum', 'margin', 'busy', 'jobs', 'incidents', 'lrm', 'in-error', 'armed']

/** Drills that come again: approved once with what they do, announced before each, vetoed by one click. */
export default defineCommand({
  role: 'operator',
  risk: 'endangers',
  approval: 'drill',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({
    node: arg.node().optional(),
    when: arg.text().optional(),
    kind: arg.choice(drillKinds).prefault('shutdown'),
    storage: arg.storage().optional(),
    accept: arg.text().optional(),
    expect: arg.choice(['moves', 'nothing']).prefault('moves'),
    notice: arg.choice(['1m', '10m', '1h', '4h', '1d']).prefault('1h'),
    window: arg.choice(['none', '30m', '1h', '2h', '4h']).prefault('1h'),
    tz: arg.text().optional(),
  }),
  positionals: ['node', 'when'],
  wants(values) {
    if (values.node === undefined) return { must: [], never: [] }
    const { must, never } = drillWants(values)
    return { must: ['when', ...must], never }
  },
  text: {
    en: {
      summary: 'Run a drill again and again; without a node, list what is scheduled',
      args: {
        node: 'The node that goes',
        when: 'When: every month first tuesday 10:00, every monday 03:00, or cron',
        kind: 'How it goes',
        storage: 'Which storage it loses (kind:storage)',
        accept: 'Machines not under HA that may go down too',
        expect: 'Whether something is to move',
        notice: 'How long before it is announced',
        window: 'How much later it may begin, if something is in its way',
        tz: 'Its time zone; yours unless given',
      },
      words: {
        title: 'Drills on {node}, {when}',
        list: 'Scheduled drills: {count}',
        none: 'None. To schedule some: drill schedule NODE every month first tuesday 10:00',
        next: 'Next times',
        clicks: 'Proxmox has no such thing: write it into a calendar, and each time select node {node}, then Shutdown',
        lasts: 'What you agree to holds for a year. A drill that would do more than this is left out, and says so.',
        change: 'To leave out the next one: drill skip ID. To end it: drill unschedule ID',
      },
      refusals: {
        'no-time': {
          says: '"{given}" is no time that comes again. Give days and a time, or cron: when:"0 10 * * 2#1".',
          hint: 'drill schedule {node} every month first tuesday 10:00',
        },
        'too-often': {
          says: '"{given}" comes more than once an hour.',
          hint: 'drill schedule {node} every monday 10:00',
        },
        'no-zone': {
          says: '"{given}" is no time zone.',
          hint: 'drill schedule {node} when:"{when}" tz:America/Guayaquil',
        },
        'gate-closed': {
          says: 'Drills on {node} cannot be scheduled yet:\n{gates}',
          hint: 'drill plan {node} kind:{what}',
        },
      },
    },
    es: {
      summary: 'Correr un simulacro una y otra vez; sin nodo, listar lo programado',
      args: {
        node: 'El nodo que se va',
        when: 'Cuándo: cada mes primer martes 10:00, cada lunes 03:00, o cron',
        kind: 'Cómo se va',
        storage: 'Qué almacenamiento pierde (kind:storage)',
        accept: 'Máquinas fuera de HA que también pueden apagarse',
        expect: 'Si algo ha de moverse',
        notice: 'Cuánto antes se anuncia',
        window: 'Cuánto más tarde puede empezar, si algo lo impide',
        tz: 'Su zona horaria; la tuya si no se da',
      },
      words: {
        title: 'Simulacros en {node}, {when}',
        list: 'Simulacros programados: {count}',
        none: 'Ninguno. Para programar: drill schedule NODO cada mes primer martes 10:00',
        next: 'Próximas veces',
        clicks:
          'Proxmox no tiene tal cosa: anótalo en un calendario, y cada vez selecciona el nodo {node}, luego Shutdown',
        lasts: 'Lo que se acuerda vale por un año. Un simulacro que haría más que esto queda fuera, y lo dice.',
        change: 'Para dejar fuera el próximo: drill skip ID. Para terminarlo: drill unschedule ID',
      },
      refusals: {
        'no-time': {
          says: '"{given}" no es una hora que se repita. Da días y una hora, o cron: when:"0 10 * * 2#1".',
          hint: 'drill schedule {node} cada mes primer martes 10:00',
        },
        'too-often': {
          says: '"{given}" llega más de una vez por hora.',
          hint: 'drill schedule {node} cada lunes 10:00',
        },
        'no-zone': {
          says: '"{given}" no es una zona horaria.',
          hint: 'drill schedule {node} when:"{when}" tz:America/Guayaquil',
        },
        'gate-closed': {
          says: 'En {node} todavía no se pueden programar simulacros:\n{gates}',
          hint: 'drill plan {node} kind:{what}',
        },
      },
    },
  },
  examples: [
    { say: 'drill schedule pve1 every month first tuesday 10:00 accept:web1', plans: 'drill-schedule' },
    {
      say: 'drill schedule pve1 when:"0 3 * * 6L" accept:web1 notice:1d tz:America/Guayaquil',
      plans: 'drill-schedule',
    },
    { say: 'drill schedule', answers: true },
    { say: 'drill schedule pve1', asks: true },
    { say: 'drill schedule pve1 every now and then', refuses: 'no-time' },
    { say: 'drill schedule pve1 when:"*/5 * * * *" accept:web1', refuses: 'too-often' },
    { say: 'drill schedule pve1 every monday 10:00', refuses: 'gate-closed' },
  ],
  async plan(context) {
    const { args, proxmox, cluster, say, house, asker, signal } = context
    if (args.node === undefined || args.when === undefined) return listed(context)
    const words = house.words[asker.language]
    const { drill, impact: said } = words.ha
    const { nodes } = await proxmox.resources({ signal })
    const order = await orderOf(proxmox, { ...args, node: args.node }, { nodes, cluster, signal })
    const { node, kind } = order
    const at = timesOf({ ...args, when: args.when, node }, context)
    const facts = await drillFacts(proxmox, { ...order, house, cluster, signal })
    const plan = drillPlanOf(facts, order)
    const bad = plan.gates.filter(({ code, verdict }) => verdict !== 'pass' && !passing.includes(code))
    const told = (verdict: 'fail' | 'warn') =>
      bad.filter((gate) => gate.verdict === verdict).map((gate) => tellGate(gate, node, drill))
    if (told('fail').length > 0) {
      const what = whatOf(accepting(order, plan.gates))
      throw new Refused('gate-closed', { node, what, gates: told('fail').join('\n') })
    }
    const observer = nodes.find(({ name, status }) => name !== node && status === 'online')?.name ?? node
    const approved = consequencesOf(plan)
    const { pattern, tz, next, noticeMs } = at
    const withinMs = laters[args.window]
    return run(drillSchedule.job({ order, when: args.when, pattern, tz, noticeMs, withinMs, approved }), {
      title: say('title', { node: victimOf(order), when: args.when }),
      node: observer,
      shows: [
        { name: say('next'), value: next.map((one) => timeOf({ tz }, one, asker)).join('\n') },
        { name: drill.labels.kind, value: `${said.kinds[kind]}. ${drill.proves[kind]}` },
        ...plan.impact.fates
          .filter(({ outcome }) => outcome !== 'off')
          .map((fate) => ({ name: `${fate.name} (${fate.sid})`, value: tellInDrill(fate, words)[0] })),
        { name: drill.times.notice, value: formatDuration(noticeMs / 1000) },
        { name: drill.times.within, value: formatDuration(withinMs / 1000) },
      ],
      warnings: [...told('warn'), say('lasts')],
      explain: {
        shell: shellOf(order, facts.look.storages),
        clicks: [say('clicks', { node })],
      },
      state: approved,
    })
  },
})

type Context = Pick<PlanContext<unknown, { summary: string; args: Record<string, string> }>, 'house' | 'asker'>

/** The pattern of what was typed, and its next three times. */
function timesOf(
  {
    when,
    tz: given,
    node,
    notice,
  }: { when: string; tz?: string | undefined; node: string; notice: keyof typeof times },
  { house, asker }: Context,
) {
  const tz = given ?? asker.tz
  if (!isZone(tz)) throw new Refused('no-zone', { given: tz, node, when })
  const pattern = cronOf(when)
  const noticeMs = times[notice]
  const next: number[] = []
  for (let after = Date.now() + noticeMs; next.length < 3; ) {
    const at = pattern === undefined ? undefined : house.drills.next({ pattern, tz }, after)
    if (at === undefined) break
    next.push(at)
    after = at
  }
  const [first, second] = next
  if (pattern === undefined || first === undefined) throw new Refused('no-time', { given: when, node })
  if (second !== undefined && second - first < leastApartMs) throw new Refused('too-often', { given: when, node })
  return { pattern, tz, next, noticeMs }
}

function isZone(tz: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: tz }) !== undefined
  } catch {
    return false
  }
}

/** What is scheduled here, when it comes next, and what became of the last time. */
async function listed({
  house,
  cluster,
  asker,
  say,
}: Pick<PlanContext<unknown, never>, 'house' | 'cluster' | 'asker'> & {
  say(key: 'list' | 'none' | 'change', values?: { count: number }): string
}) {
  const words = house.words[asker.language]
  const { labels, times: said } = words.ha.drill
  const nameOf = (identity: string) => house.access.person(identity)?.name ?? identity
  const all = await house.drills.schedules(cluster)
  const title = say('list', { count: all.length })
  if (all.length === 0) return answer({ title, text: say('none') })
  const rows = all.map(async (schedule) => {
    const next = await house.drills.pending(schedule)
    const [last] = (await house.drills.past(schedule)).filter(({ at }) => at <= Date.now())
    const { id, order, when } = schedule
    const kind = words.ha.impact.kinds[order.kind as keyof typeof words.ha.impact.kinds]
    const time = next === undefined ? said.never : timeOf(schedule, next, asker)
    return [id, victimOf(order), kind, when, time, last?.end ? endText(last.end, { words, nameOf }) : '']
  })
  const columns = [said.id, labels.node, labels.kind, labels.when, said.next, said.last]
  return answer({ title, text: say('change'), table: { columns, rows: await Promise.all(rows) } })
}
