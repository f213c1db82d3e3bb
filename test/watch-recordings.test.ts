import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Memory } from '../src/ha/memory.ts'
import { EventLog } from '../src/jobs/event-log.ts'
import { createProxmox } from '../src/proxmox/client.ts'
import { watcherOf } from '../src/watch.ts'
import { Ground } from './fixtures/ground.ts'
import { type Frame, loadScenarios } from './ha-scenarios.ts'
import { compare, lineOf, type Told } from './ha-story.ts'
import { ReplayCluster } from './replay-cluster.ts'

const epoch = 1_767_225_600
let ground: Ground
let cluster: ReplayCluster
let corner: ReturnType<Ground['plot']>
let subscriber: ReturnType<Ground['connection']>
let proxmox: ReturnType<typeof openClient>

beforeAll(async () => {
  ;[ground, cluster] = await Promise.all([Ground.start(), ReplayCluster.start(5)])
  corner = ground.plot()
  subscriber = ground.connection()
  proxmox = openClient()
})
afterAll(async () => {
  await proxmox.close()
  await cluster.close()
  await ground.close()
})

/** Time for all recordings, one after another: no clock ever goes back for the one client that they share. */
const clock = { base: 0, t: 0 }
const nowMs = () => (epoch + clock.t) * 1000

function openClient() {
  return createProxmox({
    cluster: 'main',
    endpoints: cluster.urls,
    auth: { token: { id: 'quorum@pve!bot', secret: 'secret-of-token' } },
    tls: { ca: cluster.authority.ca },
    now: () => (epoch + clock.base + clock.t) * 1000,
  })
}

/** Frames that differ in more than the times of the rounds, from the first answer on. */
const changing = (frames: Frame[]) => {
  const answers = ({ nodes, ha, manager }: Frame) =>
    JSON.stringify([nodes, ha, manager]).replaceAll(/"(timestamp|uid)":[^,}]+|\w+ \w+ +\d+ [\d:]+ \d{4}/g, '')
  const begun = frames.slice(frames.findIndex(({ ha }) => ha !== undefined))
  return begun.filter((frame, i) => i === 0 || answers(frame) !== answers(begun[i - 1]!))
}

/** Plays one recording to the real watcher; every fifth look is made by a process that has just taken over. */
async function replay({ name, frames }: { name: string; frames: Frame[] }): Promise<Told[]> {
  const place = { ...corner, prefix: `${corner.prefix}-${name}` }
  const log = new EventLog<Memory>({ ...place, subscriber, cluster: 'main' })
  cluster.begin(Object.keys(frames[0]!.nodes))
  clock.base += 100_000
  let processes = 0
  const open = () =>
    watcherOf({
      cluster: 'main',
      log,
      proxmox,
      pollMs: 2000,
      holder: `process-${++processes}`,
      clock: { now: nowMs, steady: () => clock.t * 1000 },
      warn: () => {},
    })
  const told: Told[] = []
  let after = 0
  let watcher = open()
  for (const [i, frame] of frames.entries()) {
    cluster.show(frame)
    const next = frames[i + 1]?.t ?? frame.t + 4
    // Who takes over looks at once, so that nothing goes unwatched for long.
    const times = i % 5 === 4 || i === frames.length - 1 ? [frame.t, Math.max(frame.t, next - 2)] : [frame.t]
    for (const [nth, t] of times.entries()) {
      clock.t = t
      if (nth > 0) {
        await watcher.stop()
        watcher = open()
      }
      await watcher.round()
      for (const { event, cursor } of await log.read(after)) {
        told.push({ t: frame.t, nodes: frame.nodes, event })
        after = cursor
      }
    }
  }
  await watcher.stop()
  return told
}

describe('the recordings through the real watcher over HTTPS', () => {
  test('all 71: every headline once, none invented', async () => {
    const faults: string[] = []
    for (const scenario of loadScenarios()) {
      const told = await replay({ ...scenario, frames: changing(scenario.frames) })
      const { missed, invented } = compare(scenario, told, true)
      for (const { t, kind, subject } of missed) faults.push(`${scenario.name}: missed ${t} ${kind} ${subject}`)
      for (const one of invented) faults.push(`${scenario.name}: invented ${lineOf(one)}`)
    }
    expect(faults).toEqual([])
  })
})

describe('a look', () => {
  test.each([10, 1000])('at %i guests is three fast requests and one slow one', async (count) => {
    const guests = Array.from({ length: count }, (_, i) => `vm:${100 + i}`)
    const [sound] = loadScenarios()[0]!.frames.filter(({ ha }) => ha?.some(({ type }) => type === 'master'))
    const services = Object.fromEntries(guests.map((sid) => [sid, { node: 'node1', state: 'started', running: 1 }]))
    const status = { ...(sound!.manager!.manager_status as object), service_status: services }
    const frame = { ...sound!, manager: { ...sound!.manager!, manager_status: status } }
    const frames = Array.from({ length: 12 }, (_, i) => ({ ...frame, t: i * 2 }))
    cluster.asked.length = 0
    expect(await replay({ name: `many-${count}`, frames })).toEqual([])
    const looks = cluster.asked.filter((path) => path === '/cluster/status').length
    const fast = cluster.asked.filter((path) => /^\/cluster\/(status|ha\/status\/\w+)$/.test(path)).length
    expect(fast).toBe(looks * 3)
    expect(cluster.asked.length - fast).toBeLessThanOrEqual(looks + 1)
  })
})
