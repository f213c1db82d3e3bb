import { setTimeout as sleep } from 'node:timers/promises'
import { bandsOf } from '../../src/core/drill-picture.ts'
import type { DrillReport } from '../../src/core/drills.ts'
import { draw } from '../../src/picture/draw.ts'
import { en } from '../../src/text/en.ts'
import { Crew, until } from '../crew.ts'
import { Caller } from '../lab-calls.ts'
import { type Figure, percentiles, round } from './figures.ts'
import { onRequests } from './requests.ts'
import type { Stage } from './stage.ts'

const pictures = 8
const target = { pictureMs: 2000, drillMs: 30_000, errorSeconds: 2.25, requests: 1 }

/**
 * A whole graceful drill and the picture of its report: in a lab whose clock runs fifty times too fast; and once more, for
 * minutes, as on a real cluster, where a drill must not ask much.
 */
export async function measure(stage: Stage): Promise<Figure[]> {
  const fast = await played(stage, { speed: 50, isLab: true })
  const real = await played(stage, { speed: 1, isLab: false })
  const details = ({ seconds, real }: Played) => ({ downSeconds: seconds, simulatorSeconds: round(real) })
  const beyond = round(real.during - real.idle)
  return [
    await picture(fast.report),
    {
      name: 'drill',
      what: 'from the approval of a graceful drill to its report, the node back and its guest home, at clock speed 50',
      unit: 'ms',
      samples: 1,
      measured: { whole: round(fast.ms) },
      floor: {},
      target: `whole < ${target.drillMs}`,
      holds: fast.ms < target.drillMs,
      details: details(fast),
    },
    {
      name: 'drill-downtime',
      what: 'how far the reported downtime is from what the simulator knows, in seconds of the cluster',
      unit: 'seconds',
      samples: 2,
      measured: { speed50: errorOf(fast), speed1: errorOf(real) },
      floor: {},
      target: `error < ${target.errorSeconds} (a poll of 2 s and 250 ms)`,
      holds: errorOf(fast) < target.errorSeconds && errorOf(real) < target.errorSeconds,
      details: details(real),
    },
    {
      name: 'drill-requests',
      what: 'requests to the cluster from the approval to the report, beyond those of the watcher before, at clock speed 1',
      unit: 'requests a second',
      samples: 1,
      measured: { beyond },
      floor: { watcher: round(real.idle) },
      target: `beyond < ${target.requests}`,
      holds: beyond < target.requests,
      details: { seconds: round(real.ms / 1000) },
    },
  ]
}

interface Played {
  report: DrillReport
  ms: number
  /** Requests a second before it, and while it went on. */
  idle: number
  during: number
  /** How long the guest was down by the report, and by the simulator. */
  seconds: number
  real: number
}

const errorOf = ({ seconds, real }: Played) => round(Math.abs(seconds - real))

async function played(stage: Stage, { speed, isLab }: { speed: number; isLab: boolean }): Promise<Played> {
  const crew = await Crew.start({ seed: 7, speed: 0 })
  stage.defer(() => crew.close())
  crew.isLab = isLab
  await settle(crew)
  const { nodes, clock } = crew.sim.cluster
  const power = Object.fromEntries(
    nodes.map(({ name }) => [name, { webhook: `${crew.sim.control}/api/lab/nodes/${name}` }]),
  )
  const more = { power, channels: [{ cluster: 'main', post: ['web:ops'] }] }
  const [bot, worker] = await Promise.all([crew.bot('bench', more), crew.worker('bench', more)])
  clock.setSpeed(speed)
  const moments = truth(crew)
  let requests = 0
  const stop = onRequests(crew.sim.endpoints, () => {
    requests += 1
  })
  const rate = async (work: () => Promise<void>) => {
    const [before, began] = [requests, performance.now()]
    await work()
    const ms = performance.now() - began
    return { aSecond: (requests - before) / (ms / 1000), ms }
  }
  // The first looks of a watcher are not like the others.
  await sleep(8000)
  const idle = await rate(() => sleep(isLab ? 1000 : 30_000))
  const card = await ordered(bot)
  const drill = await rate(async () => {
    const isEnd = ({ state }: { state: string }) => /^(?:ok|warning|failed)$/.test(state)
    const end = await bot.card((message, { id }) => id === card && isEnd(message), 'the end', 'ops', 900_000)
    if (end.message.state !== 'ok') throw new Error(JSON.stringify(end.message))
  })
  stop()
  const report = await reportIn(bot, card)
  await Promise.all([worker.stop(), bot.close()])
  const down = moments.findIndex(({ node }) => node === undefined)
  const real = moments[down + 1]!.at - moments[down]!.at
  const seconds = report.guests[0]!.downSeconds!
  return { report, ms: drill.ms, idle: idle.aSecond, during: drill.aSecond, seconds, real }
}

/** The seed's guest under HA on pve1, its disk shared. */
async function settle(crew: Crew): Promise<void> {
  const { clock, nodes } = crew.sim.cluster
  await new Caller(crew.sim).begin('POST', '/nodes/pve1/qemu', { vmid: 100, name: 'Win11', scsi0: 'Storage:8' })
  await clock.advance(22)
  const { ha } = nodes[0]!.config
  ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started' } })
  const keys = { resources: 'vm:100', nodes: 'pve1:3,pve2:2,pve3:1' }
  ha.rules.set('grupoHA', { rule: 'grupoHA', type: 'node-affinity', order: 1, keys })
  await clock.advance(60)
}

/** When vm 100 ran, and where, twice a second of the cluster. */
function truth(crew: Crew) {
  const { clock, nodes } = crew.sim.cluster
  const moments: { at: number; node: string | undefined }[] = []
  const look = () => {
    const node = nodes.find(({ processes }) => processes.has(100))?.name
    if (moments.length === 0 || moments.at(-1)?.node !== node) moments.push({ at: clock.now(), node })
    clock.after(0.5, look)
  }
  look()
  return moments
}

async function ordered(bot: Awaited<ReturnType<Crew['bot']>>): Promise<string> {
  await bot.say('operator', 'drill run pve1 kind:shutdown', 'ops')
  const asked = await bot.card(({ state }) => state === 'waiting', 'the plan', 'ops')
  await bot.click('operator', asked.id, 'confirm')
  const canApprove = ({ actions = [] }: { actions?: { id: string }[] }) => actions.some(({ id }) => id === 'approve')
  await bot.card(canApprove, 'the question', 'ops')
  await bot.click('admin', asked.id, 'approve')
  return asked.id
}

/** The report as the thread has it, in pieces of JSON. */
async function reportIn(bot: Awaited<ReturnType<Crew['bot']>>, card: string): Promise<DrillReport> {
  return until(async () => {
    const lines = (await bot.messages('ops')).filter(({ threadId }) => threadId === card)
    const parts = lines.filter(({ message }) => /\.json \(\d+\)$/.test(message.title))
    const text = parts.map(({ message }) => (message.log ?? []).join('\n')).join('')
    try {
      return JSON.parse(text) as DrillReport
    } catch {
      return undefined
    }
  }, 'the JSON of the report')
}

async function picture(report: DrillReport): Promise<Figure> {
  const bands = bandsOf(report, en)
  const spent: number[] = []
  for (let i = 0; i < pictures; i++) {
    const began = performance.now()
    await draw({ kind: 'bands', bands })
    spent.push(performance.now() - began)
  }
  const measured = percentiles(spent)
  return {
    name: 'drill-picture',
    what: 'the picture of a drill as a PNG, in a thread of its own that is begun for it',
    unit: 'ms',
    samples: pictures,
    measured,
    floor: {},
    target: `p95 < ${target.pictureMs}`,
    holds: measured.p95 < target.pictureMs,
  }
}
