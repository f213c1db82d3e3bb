import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { Crew, until } from '../crew.ts'
import { addGuest } from '../recorded-site.ts'
import { type Figure, named, percentiles, round } from './figures.ts'
import { onRequests } from './requests.ts'
import type { Stage } from './stage.ts'

const guests = 1000
const changes = 24
const pollMs = 2000
const overMs = 300
const token = 'quorum@pve!read'
const vmids = Array.from({ length: guests }, (_, i) => 1000 + i)

/**
 * From a change that the API shows to the message that people can read: a worker process, a bot and the web chat, at the
 * default beat; beside somebody who asks for each guest of the same cluster at the same beat, and tells nobody. The
 * cluster's clock stands still, so that nothing but the change happens.
 */
export async function measure(stage: Stage): Promise<Figure[]> {
  const crew = await Crew.start({ speed: 0 })
  stage.defer(() => crew.close())
  const { config } = crew.sim.cluster.nodes[0]!
  for (const vmid of vmids) {
    addGuest(crew.sim.cluster, config, { vmid, node: 'pve1', name: `vm${vmid}`, cores: 1, gigabytes: 1, running: true })
  }
  config.ha.manager.service_status = Object.fromEntries(vmids.map((vmid) => [`vm:${vmid}`, service('started')]))
  const counted = counter(crew)
  const ours = await watched(crew, counted)
  stage.say('now a poller that asks for each guest')
  const theirs = await polled(crew, counted)
  const measured = percentiles(ours.spent)
  const target = pollMs + overMs
  return [
    {
      name: 'watch-latency',
      what: 'a change that the API shows → the message is in the chat, through worker, Redis and bot, at 2 s',
      unit: 'ms',
      samples: ours.spent.length,
      measured,
      floor: {
        'poll, p50': pollMs / 2,
        'poll, p95': pollMs * 0.95,
        ...named('per-guest poller, until it has seen it', percentiles(theirs.spent)),
      },
      target: `p95 < ${target} ms`,
      holds: measured.p95 < target,
      details: {
        guests,
        'requests a second': ours.requests,
        'requests a second, per-guest poller': theirs.requests,
      },
    },
  ]
}

interface Run {
  spent: number[]
  requests: number
}

const service = (state: string) => ({ node: 'pve1', state, uid: 'u' })

/** How many requests a second the cluster got since it was asked last. */
function counter({ sim }: Crew): () => number {
  let count = 0
  let since = performance.now()
  onRequests(sim.endpoints, () => count++)
  return () => {
    const rate = round((count / (performance.now() - since)) * 1000)
    count = 0
    since = performance.now()
    return rate
  }
}

async function watched(crew: Crew, counted: () => number): Promise<Run> {
  const more = { channels: [{ cluster: 'main', post: ['web:ops'] }] }
  const bot = await crew.bot('latency', more)
  const worker = await crew.worker('latency', more)
  const { ha } = crew.sim.cluster.nodes[0]!.config
  let after = 0
  /** News of this guest since the last ones. */
  const isTold = async (guest: string) => {
    const news = await bot.messages('ops', after)
    after = Math.max(after, ...news.map(({ seq }) => seq))
    return JSON.stringify(news).includes(guest)
  }
  await delay(pollMs * 3)
  counted()
  const spent = await changed(async (vmid) => {
    ha.manager.service_status = { ...ha.manager.service_status, [`vm:${vmid}`]: service('error') }
    await until(() => isTold(`vm:${vmid}`), `news of ${vmid}`)
  })
  const requests = counted()
  await worker.stop()
  await bot.close()
  return { spent, requests }
}

/** Somebody who asks for the state of each guest, ten at a time, and begins again every two seconds where that is enough. */
async function polled(crew: Crew, counted: () => number): Promise<Run> {
  const { sim } = crew
  const dispatcher = new Agent({ connect: { ca: sim.ca }, connections: 10 })
  const headers = { authorization: `PVEAPIToken=${token}=${sim.readToken.secret}` }
  const seen = new Set<number>()
  let isOver = false
  const lane = async (left: number[]) => {
    for (let vmid = left.pop(); vmid !== undefined && !isOver; vmid = left.pop()) {
      const path = `${sim.endpoints[0]}/api2/json/nodes/pve1/qemu/${vmid}/status/current`
      const { data } = (await (await request(path, { dispatcher, headers })).body.json()) as {
        data: { status: string }
      }
      if (data.status === 'stopped') seen.add(vmid)
    }
  }
  const polling = async () => {
    while (!isOver) {
      const began = performance.now()
      const left = [...vmids]
      await Promise.all(Array.from({ length: 10 }, () => lane(left)))
      await delay(Math.max(0, pollMs - (performance.now() - began)))
    }
  }
  const done = polling()
  await delay(pollMs)
  counted()
  const spent = await changed(async (vmid) => {
    sim.cluster.nodes[0]!.processes.delete(vmid)
    await until(() => seen.has(vmid), `the stop of ${vmid}`)
  })
  const requests = counted()
  isOver = true
  await done
  await dispatcher.close()
  return { spent, requests }
}

/** How long each change took to be noticed, spread over the beat so that no phase of it is preferred. */
async function changed(change: (vmid: number) => Promise<void>): Promise<number[]> {
  const spent: number[] = []
  for (let i = 0; i < changes; i++) {
    await delay((i * 370) % pollMs)
    const began = performance.now()
    // Anywhere in the list.
    await change(vmids[(i * 389) % guests]!)
    spent.push(performance.now() - began)
  }
  return spent
}
