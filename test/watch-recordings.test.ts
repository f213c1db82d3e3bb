import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Memory } from '../src/ha/memory.ts'
import { EventLog } from '../src/jobs/event-log.ts'
import { createProxmox } from '../src/proxmox/client.ts'
import { watcherOf } from '../src/watch.ts'
import { Ground } from './fixtures/ground.ts'
import { traceFrames } from './ha-real-traces.ts'
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
const clock = { base: 0, t: 0, epoch }
const nowMs = () => Math.round((clock.epoch + clock.t) * 1000)

function openClient() {
  return createProxmox({
    cluster: 'main',
    endpoints: cluster.urls,
    auth: { token: { id: 'quorum@pve!bot', secret: 'secret-of-token' } },
    tls: { ca: cluster.authority.ca },
    now: () => (epoch + clock.base + clock.t) * 1000,
  })
}

/** Frames that differ in more than the times of the rounds, from the first answer on; one in each interval of a poll. */
const changing = (frames: Frame[]) => {
  const answers = ({ nodes, ha, manager }: Frame) =>
    JSON.stringify([nodes, ha, manager]).replaceAll(/"(timestamp|uid)":[^,}]+|\w+ \w+ +\d+ [\d:]+ \d{4}/g, '')
  const begun = frames.slice(frames.findIndex(({ ha }) => ha !== undefined))
  const different = begun.filter((frame, i) => i === 0 || answers(frame) !== answers(begun[i - 1]!))
  return different.filter(({ t }, i) => i === different.length - 1 || slot(different[i + 1]!.t) !== slot(t))
}

const slot = (t: number) => Math.ceil(t / 2)

/** Plays one recording to the real watcher; every fifth look is made by a process that has just taken over. */
async function replay({ name, frames }: { name: string; frames: Frame[] }): Promise<Told[]> {
  const place = { ...corner, prefix: `${corner.prefix}-${name}` }
  const log = new EventLog<Memory>({ ...place, subscriber, cluster: 'main' })
  cluster.begin(Object.keys(frames[0]!.nodes))
  clock.base += 100_000
  clock.epoch = frames[0]!.epoch - frames[0]!.t
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
      const { missed, invented } = compare(scenario, told)
      for (const { t, kind, subject } of missed) faults.push(`${scenario.name}: missed ${t} ${kind} ${subject}`)
      for (const one of invented) faults.push(`${scenario.name}: invented ${lineOf(one)}`)
    }
    expect(faults).toEqual([])
  })
})

/** What was told of a real cluster's story, without the moments; down times apart. */
async function story(name: string, t0: number, place = name) {
  const told = await replay({ name: place, frames: traceFrames(name, t0) })
  const kept = told.filter(({ event }) => event.kind !== 'quorum.margin')
  return {
    lines: kept.map((one) =>
      lineOf(one)
        .replace(/^[\d.]+ /, '')
        .replace(/down \d+ s/, 'down'),
    ),
    down: kept.flatMap(({ event }) => event.downSeconds ?? []),
  }
}

const failover = [
  'node.lost pve1',
  'node.fencing pve1',
  'node.fenced pve1',
  'guest.recovered vm:101 pve1 → pve2',
  'guest.running vm:101 (down)',
]

describe("a real cluster's stories, told the same way", () => {
  test('failover: lost, fenced after a minute, recovered; down until it was seen running 128-147 s after the cut', async () => {
    const { lines, down } = await story('failover', 1_795_382_296)
    expect(lines).toEqual(failover)
    expect(down[0]).toBeGreaterThanOrEqual(118)
    expect(down[0]).toBeLessThanOrEqual(147)
  })

  test('failover again, with every third answer cut short or of a wrong form: the same', async () => {
    let count = 0
    const wrong = ['{"data":[{"type":"quo', '{"data":"none"}', '<html></html>', '{"data":[{"type":"node"}]}']
    cluster.spoil = (_, path, response) => {
      if (!path.startsWith('/cluster/') || count++ % 3 !== 0) return false
      response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' }).end(wrong[count % wrong.length])
      return true
    }
    const { lines } = await story('failover', 1_795_382_296, 'spoilt')
    cluster.spoil = undefined
    expect(lines).toEqual(failover)
    expect(count).toBeGreaterThan(100)
  })

  test("the seed's validation: a shutdown, not a crash, and down for about a minute, not ten seconds", async () => {
    const { lines, down } = await story('seed-validation', 1_795_384_050)
    expect(lines).toEqual([
      'node.lost pve1 (planned)',
      'node.fencing pve1 (planned)',
      'node.fenced pve1 (planned)',
      'guest.recovered vm:101 pve1 → pve2 (planned)',
      'guest.running vm:101 (planned, down)',
    ])
    expect(down[0]).toBeGreaterThan(50)
    expect(down[0]).toBeLessThan(90)
  })

  test.each([
    ['failback', 1_795_384_254, ['node.back pve1', 'guest.moved vm:101 pve2 → pve1']],
    ['node-shutdown', 1_795_385_000, ['node.lost pve3']],
    [
      'ha-maintenance',
      1_795_383_100,
      ['maintenance.on pve2', 'guest.moved vm:101 pve1 → pve2', 'guest.moved vm:101 pve2 → pve3'],
    ],
    ['ha-migrate', 1_795_385_000, []],
    ['ha2-migrate', 1_795_385_000, ['guest.moved vm:101 pve2 → pve1']],
    ['ha-guest-crash', 1_795_385_000, []],
  ])('%s', async (name, t0, lines) => {
    expect((await story(name, t0)).lines).toEqual(lines)
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
