import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { parseRedisUrl } from '../../src/config.ts'
import { connect } from '../../src/jobs/redis.ts'
import { RedisTaskBoard } from '../../src/jobs/task-board.ts'
import { isTaskRunning } from '../../src/lab/tasks.ts'
import { Crew } from '../crew.ts'
import { type Figure, round } from './figures.ts'
import { onRequests, type Seen } from './requests.ts'
import type { Stage } from './stage.ts'

const tasks = 300
const measuredMs = 25_000
/** Slow enough that the shortest download (64 MiB at 110 MiB/s) outlasts the measurement. */
const speed = 0.02
const windowMs = 2000
const prefix = 'tracked'

/** What following 300 running tasks costs the cluster: a worker process polls, this process has put them on the board. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const crew = await Crew.start({ speed })
  stage.defer(() => crew.close())
  await crew.worker(prefix)
  const upids = await startDownloads(crew, stage)
  const requests: Seen[] = []
  const stop = onRequests(crew.sim.endpoints, (request) => requests.push(request))
  stage.defer(async () => stop())
  const seen = follow(crew, upids, stage)
  stage.say(`following ${upids.length} tasks for ${measuredMs / 1000} s`)
  const start = performance.now()
  await delay(measuredMs)
  const tookMs = performance.now() - start
  stop()
  const nodes = crew.sim.endpoints.length
  const most = nodes + 5
  const running = crew.sim.cluster.nodes.flatMap((node) => node.tasks.filter(isTaskRunning)).length
  const measured = {
    average: round(requests.length / (tookMs / 1000)),
    [`worst ${windowMs / 1000} s`]: round(busiest(requests) / (windowMs / 1000)),
  }
  return [
    {
      name: 'tracked-tasks',
      what: `requests that reach the ${nodes} nodes while ${tasks} running downloads are followed for ${measuredMs / 1000} s`,
      unit: 'requests a second',
      samples: requests.length,
      measured,
      floor: { 'one request a second for each task': tasks },
      target: `average and worst 2 s ≤ nodes + 5 = ${most}`,
      holds: Object.values(measured).every((rate) => rate <= most) && seen.size === tasks && running === tasks,
      details: { tasksSeen: seen.size, stillRunning: running, requests: byKind(requests) },
    },
  ]
}

/** Ordered from the simulator directly, with the acting token, spread over the nodes. */
async function startDownloads({ sim }: Crew, stage: Stage): Promise<string[]> {
  const dispatcher = new Agent({ connect: { ca: sim.ca }, connections: 4 })
  stage.defer(() => dispatcher.close())
  const { id, secret } = sim.token
  const headers = { authorization: `PVEAPIToken=${id}=${secret}`, 'content-type': 'application/x-www-form-urlencoded' }
  return Promise.all(
    Array.from({ length: tasks }, async (_, i) => {
      const at = i % sim.endpoints.length
      const path = `/api2/json/nodes/${sim.cluster.nodes[at]!.name}/storage/NASAccess/download-url`
      const file = { content: 'iso', filename: `bench-${i}.iso`, url: `https://images.example.org/bench-${i}.iso` }
      const options = { dispatcher, method: 'POST', headers, body: String(new URLSearchParams(file)) } as const
      const reply = await request(sim.endpoints[at]! + path, options)
      if (reply.statusCode !== 200) throw new Error(`the simulator answered ${reply.statusCode}`)
      return ((await reply.body.json()) as { data: string }).data
    }),
  )
}

/** Puts the tasks on the board that the worker process reads; gathers those of which a state has come back. */
function follow({ redis: { url } }: Crew, upids: string[], stage: Stage): Set<string> {
  const [redis, subscriber] = [0, 1].map(() => connect(parseRedisUrl(url), 'patient', () => {})) as [Redis, Redis]
  const board = new RedisTaskBoard({ redis, subscriber, prefix, cluster: 'main', holder: 'bench' })
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const seen = new Set<string>()
  const followed = upids.map((upid) => board.follow(upid, stop.signal, () => void seen.add(upid)).catch(() => {}))
  stage.defer(async () => {
    stop.abort(new Error('measured'))
    await Promise.all(followed)
    redis.disconnect()
    subscriber.disconnect()
  })
  return seen
}

type Redis = ReturnType<typeof connect>

/** The most requests in any two seconds, wherever they begin. */
function busiest(requests: readonly Seen[]): number {
  let first = 0
  let most = 0
  requests.forEach(({ at }, last) => {
    while (requests[first]!.at <= at - windowMs) first += 1
    most = Math.max(most, last - first + 1)
  })
  return most
}

function byKind(requests: readonly Seen[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { method, path } of requests) {
    const kind = `${method} ${path.replace(/^\/nodes\/[^/]+/, '/nodes/{node}').replace(/UPID:[^/]*|UPID%3A[^/]*/i, '{upid}')}`
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
