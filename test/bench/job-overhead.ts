import { Queue } from 'bullmq'
import { parseRedisUrl } from '../../src/config.ts'
import { connect } from '../../src/jobs/redis.ts'
import { Crew, until } from '../crew.ts'
import { bareQueue, type Started } from './bare-bullmq.ts'
import type { HttpsTimes } from './bare-https.ts'
import { type Figure, median, named, percentiles, round } from './figures.ts'
import { type Order, openOrdering, orderOf } from './ordering.ts'
import { watchRedis } from './redis-commands.ts'
import { answering, onRequests, type Seen } from './requests.ts'
import { type Stage, told } from './stage.ts'

const prefix = 'overhead'
/** Pairs of a create and a power job. */
const rounds = 40
const warmUps = 3
/** Rounds after the timed ones in which Redis is watched, which slows it. */
const watched = 3
const httpsTimes = 100
const target = 15
/** Simulated seconds a second, so that a job is over soon after its POST. */
const speed = 50

interface Sample {
  /** Milliseconds from BullMQ's add until the POST was at the simulator. */
  toPost: number
  /** What arrived before the POST, in that order. */
  before: Seen[]
  addedAt: number
  postAt: number
}

/**
 * What we put between the queue and Proxmox. A real worker process does one job at a time; this process orders it and
 * holds the simulator, so both ends are on one clock. Between the jobs BullMQ alone is measured, in a process of its own.
 */
export async function measure(stage: Stage): Promise<Figure[]> {
  const crew = await Crew.start({ speed })
  stage.defer(() => crew.close())
  await crew.worker(prefix)
  const https = await bareHttps(crew, stage)
  const bullmq = await openBareBullmq(crew, stage)
  const run = await openRun(crew, stage)
  const bare: number[] = []
  const samples = { 'vm-create': [] as Sample[], 'guest-power': [] as Sample[] }
  for (let i = 0; i < warmUps + rounds; i++) {
    for (const kind of ['vm-create', 'guest-power'] as const) {
      const bareMs = await bullmq()
      const sample = await run[kind](i)
      if (i < warmUps) continue
      bare.push(bareMs)
      samples[kind].push(sample)
    }
    if (i % 10 === 9) stage.say(`${i + 1} of ${warmUps + rounds} rounds`)
  }
  const commands = await countCommands(crew, run, stage)
  const floor = { ...named('BullMQ add → start', percentiles(bare)), ...https }
  return (['vm-create', 'guest-power'] as const).map((kind) =>
    figureOf(kind, samples[kind], median(bare), floor, commands[kind]),
  )
}

type Kind = 'vm-create' | 'guest-power'

function figureOf(
  kind: Kind,
  samples: Sample[],
  bare: number,
  floor: Record<string, number>,
  commands: number,
): Figure {
  const measured = percentiles(samples.map(({ toPost }) => toPost - bare))
  const typical = samples.find(({ toPost }) => round(toPost) === median(samples.map((one) => one.toPost)))
  return {
    name: `job-overhead ${kind}`,
    what: 'from BullMQ’s add until the POST is at the simulator, less the p50 of BullMQ’s own add → start',
    unit: 'ms',
    samples: samples.length,
    measured,
    floor,
    target: `p50 < ${target}`,
    holds: measured.p50 < target,
    details: {
      'whole way': percentiles(samples.map(({ toPost }) => toPost)),
      'of it the simulator at work on the requests before (p50)': median(
        samples.map(({ before, postAt }) => answering(before, postAt)),
      ),
      'Redis commands from the add to the POST, of all processes (median)': commands,
      'Proxmox requests before the POST (median)': median(samples.map(({ before }) => before.length)),
      'typical run, ms after the add': typical && timeline(typical),
    },
  }
}

const timeline = ({ before, addedAt, toPost }: Sample) => [
  ...before.map(({ at, method, path }) => `${round(at - addedAt)} ${method} ${path}`),
  `${round(toPost)} POST`,
]

/** Runs one job from its order to its end. */
async function openRun(crew: Crew, stage: Stage) {
  const ordering = await openOrdering(crew, prefix, stage)
  let before: Seen[] = []
  let posted = (_: Seen) => {}
  const stop = onRequests(crew.sim.endpoints, (request) => {
    if (request.method === 'POST') posted(request)
    else before.push(request)
  })
  stage.defer(async () => stop())
  const job = async (order: Order): Promise<Sample> => {
    before = []
    const post = new Promise<Seen>((resolve) => {
      posted = resolve
    })
    const early = before
    const addedAt = await ordering.order(order)
    const { at: postAt } = await post
    const arrived = early.filter(({ at }) => at >= addedAt && at <= postAt)
    await until(() => ordering.ended(order.id), `the end of ${order.id}`)
    return { toPost: postAt - addedAt, before: arrived, addedAt, postAt }
  }
  const since = () => Math.floor(crew.sim.cluster.clock.now())
  return {
    'vm-create': (i: number) => {
      const payload = { name: nameOf(i), node: 'pve2', storage: 'Storage', diskGiB: 1, cores: 1, memoryMiB: 512 }
      return job(orderOf({ id: `j-create-${i}`, worker: 'vm-create', path: 'vm create', payload, since: since() }))
    },
    'guest-power': (i: number) => {
      const guests = [...crew.sim.cluster.nodes[0]!.config.guests.values()]
      const guest = guests.find(({ keys }) => keys.name === nameOf(i))
      const payload = { vmid: guest?.vmid, kind: 'qemu', name: nameOf(i), action: 'start' }
      return job(orderOf({ id: `j-power-${i}`, worker: 'guest-power', path: 'vm start', payload, since: since() }))
    },
  }
}

const nameOf = (i: number) => `bench-${i}`

async function countCommands(crew: Crew, run: Awaited<ReturnType<typeof openRun>>, stage: Stage) {
  const redis = await watchRedis(crew.redis.url, stage)
  const counts: Record<Kind, number[]> = { 'vm-create': [], 'guest-power': [] }
  for (let i = warmUps + rounds; i < warmUps + rounds + watched; i++) {
    for (const kind of ['vm-create', 'guest-power'] as const) {
      const { addedAt, postAt } = await run[kind](i)
      counts[kind].push(await redis.between(addedAt, postAt, `${prefix}:`))
    }
  }
  return { 'vm-create': median(counts['vm-create']), 'guest-power': median(counts['guest-power']) }
}

/** Times one job that does nothing: from the call of `add` until a waiting worker in another process has started it. */
async function openBareBullmq(crew: Crew, stage: Stage): Promise<() => Promise<number>> {
  const child = stage.fork('bare-bullmq', { redisUrl: crew.redis.url, prefix: 'bare' })
  await told(child)
  const connection = connect(parseRedisUrl(crew.redis.url), 'patient', () => {})
  const queue = new Queue(bareQueue, { connection: connection as never, prefix: 'bare' })
  stage.defer(async () => {
    await queue.close()
    connection.disconnect()
  })
  return async () => {
    const started = told<Started>(child)
    const before = process.hrtime.bigint()
    await queue.add('nothing', {}, { removeOnComplete: true })
    return Number(BigInt((await started).at) - before) / 1e6
  }
}

async function bareHttps({ sim }: Crew, stage: Stage): Promise<Record<string, number>> {
  const orders = { endpoint: sim.endpoints[0]!, ca: sim.ca, token: sim.token, times: httpsTimes }
  const times = await told<HttpsTimes>(stage.fork('bare-https', orders))
  return {
    'HTTPS GET, kept connection.p50': median(times.kept),
    'HTTPS GET, new connection.p50': median(times.fresh),
  }
}
