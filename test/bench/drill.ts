import { bandsOf } from '../../src/core/drill-picture.ts'
import type { DrillReport } from '../../src/core/drills.ts'
import { draw } from '../../src/picture/draw.ts'
import { en } from '../../src/text/en.ts'
import { Crew, until } from '../crew.ts'
import { Caller } from '../lab-calls.ts'
import { type Figure, percentiles, round } from './figures.ts'
import { onRequests } from './requests.ts'
import type { Stage } from './stage.ts'

const speed = 50
const pictures = 8
const target = { pictureMs: 2000, drillMs: 30_000, errorSeconds: 2.25, requests: 1 }

/** A whole graceful drill in a lab whose clock runs fifty times too fast, and the picture of its report. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const crew = await Crew.start({ seed: 7, speed: 0 })
  stage.defer(() => crew.close())
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
    return { requests: requests - before, ms: performance.now() - began }
  }
  const idle = await rate(() => new Promise((resolve) => setTimeout(resolve, 8000)))
  const card = await ordered(bot)
  const drill = await rate(async () => {
    const isEnd = ({ state }: { state: string }) => /^(?:ok|warning|failed)$/.test(state)
    const end = await bot.card((message, { id }) => id === card && isEnd(message), 'the end', 'ops', 120_000)
    if (end.message.state !== 'ok') throw new Error(JSON.stringify(end.message))
  })
  stop()
  const report = await reportIn(bot, card)
  await worker.stop()
  const [guest] = report.guests
  const down = moments.findIndex(({ node }) => node === undefined)
  const real = moments[down + 1]!.at - moments[down]!.at
  const error = round(Math.abs(guest!.downSeconds! - real))
  const beyond = round(drill.requests / (drill.ms / 1000) - idle.requests / (idle.ms / 1000))
  return [
    await picture(report),
    {
      name: 'drill',
      what: `from the approval of a graceful drill to its report, the node back and its guest home, at clock speed ${speed}`,
      unit: 'ms',
      samples: 1,
      measured: { whole: round(drill.ms) },
      floor: {},
      target: `whole < ${target.drillMs}`,
      holds: drill.ms < target.drillMs,
      details: { downSeconds: guest!.downSeconds, simulatorSeconds: round(real) },
    },
    {
      name: 'drill-downtime',
      what: 'how far the reported downtime is from what the simulator knows, in seconds of the cluster',
      unit: 'seconds',
      samples: 1,
      measured: { error },
      floor: {},
      target: `error < ${target.errorSeconds} (a poll of 2 s and 250 ms)`,
      holds: error < target.errorSeconds,
    },
    {
      name: 'drill-requests',
      what: 'requests to the cluster while a drill is under way, beyond those of the watcher before it',
      unit: 'requests a second',
      samples: 1,
      measured: { beyond },
      floor: { watcher: round(idle.requests / (idle.ms / 1000)) },
      target: `beyond < ${target.requests}`,
      holds: beyond < target.requests,
    },
  ]
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
