import { Agent, request } from 'node:https'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Incident } from '../src/core/incidents.ts'
import type { ClusterEvent } from '../src/ha/event.ts'
import { take } from '../src/ha/incident.ts'
import type { Memory } from '../src/ha/memory.ts'
import { EventLog } from '../src/jobs/event-log.ts'
import type { Watcher } from '../src/jobs/watcher.ts'
import { cutNetwork, healNetwork } from '../src/lab/power.ts'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { createProxmox } from '../src/proxmox/client.ts'
import { watcherOf } from '../src/watch.ts'
import { Ground } from './fixtures/ground.ts'
import { type Authority, createAuthority, startNode, type TestNode } from './proxmox-server.ts'
import { addGuest } from './recorded-site.ts'

/** The simulated cluster behind doors that may be shut, and that may spoil what passes. */
let sim: RunningSim
let doors: TestNode[]
let isShut: (door: number) => boolean = () => false
let spoilt: () => string | undefined = () => undefined

let watcher: Watcher<Memory, never>
let log: EventLog<Memory>
let cursor = 0
/** How far our clock is ahead of the cluster's. */
let aheadMs = 0
const closers: (() => unknown)[] = []
const beat = 2

beforeAll(async () => {
  const [ground, authority, started] = await Promise.all([
    Ground.start(),
    createAuthority(),
    startSim({ port: 0, speed: 0 }),
  ])
  sim = started
  doors = await Promise.all(sim.endpoints.map((endpoint, i) => door(authority, endpoint, i)))
  const { secret, id } = sim.readToken
  const nowMs = () => Math.round(sim.cluster.clock.now() * 1000)
  const proxmox = createProxmox({
    cluster: 'main',
    endpoints: doors.map(({ url }) => url),
    auth: { token: { id, secret } },
    tls: { ca: authority.ca },
    now: nowMs,
  })
  const plot = ground.plot()
  log = new EventLog<Memory>({ ...plot, subscriber: ground.connection(), cluster: 'main' })
  const began = nowMs()
  watcher = watcherOf({
    cluster: 'main',
    log,
    proxmox,
    pollMs: beat * 1000,
    holder: 'one',
    clock: { now: () => nowMs() + aheadMs, steady: () => nowMs() - began },
    warn: () => {},
  }) as unknown as typeof watcher
  closers.push(
    () => watcher.stop(),
    () => proxmox.close(),
    ...doors.map((one) => () => one.close()),
    () => sim.close(),
    () => ground.close(),
  )
  const { config } = sim.cluster.nodes[0]!
  for (let i = 0; i < 40; i++) {
    const node = i === 0 ? 'pve3' : `pve${(i % 2) + 1}`
    const about = { vmid: 200 + i, node, name: `vm${i}`, cores: 1, gigabytes: 1, running: true }
    // Without a disk nothing keeps it from starting anywhere.
    addGuest(sim.cluster, config, about).keys = { name: about.name, memory: '64', cores: 1 }
    config.ha.resources.set(sid(i), { sid: sid(i), type: 'vm', keys: { state: 'started' } })
  }
  await sim.cluster.clock.advance(60)
  expect(await pass(20)).toEqual([])
})
afterAll(async () => {
  for (const close of closers) await close()
})

const sid = (i: number) => `vm:${200 + i}`

async function door(authority: Authority, endpoint: string, place: number): Promise<TestNode> {
  const agent = new Agent({ keepAlive: true, ca: sim.ca })
  closers.push(() => agent.destroy())
  return startNode(authority, {
    handler(hit, response) {
      if (isShut(place)) return void hit.socket.destroy()
      const nonsense = hit.url.includes('/cluster/') ? spoilt() : undefined
      if (nonsense !== undefined) {
        return void response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' }).end(nonsense)
      }
      const { authorization } = hit.headers
      request(`${endpoint}${hit.url}`, { agent, method: hit.method, headers: { authorization } }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
        .on('error', () => hit.socket.destroy())
        .end()
    },
  })
}

/** Lets so many seconds pass, looking on the way; what was told. */
async function pass(seconds: number, each: () => void = () => {}): Promise<ClusterEvent[]> {
  const told: ClusterEvent[] = []
  for (let i = 0; i < seconds; i += beat) {
    each()
    await sim.cluster.clock.advance(beat)
    await watcher.round()
    for (const { event, cursor: next } of await log.read(cursor)) {
      told.push(event)
      cursor = next
    }
  }
  return told
}

/** The guests' states as the manager has them, until its own next word on them. */
function setStates(guests: readonly string[], state: string): void {
  const { manager } = sim.cluster.nodes[0]!.config.ha
  const services = manager.service_status ?? {}
  for (const guest of guests) services[guest] = { ...services[guest]!, state }
}

const names = (events: readonly ClusterEvent[]) =>
  events.map(({ kind, guest, node }) => `${kind} ${guest ?? node ?? ''}`)

test('forty guests that fail at once are forty events, one incident, a few lines, one call', async () => {
  const guests = Array.from({ length: 40 }, (_, i) => sid(i))
  setStates(guests, 'error')
  const failed = await pass(20)
  expect(names(failed).sort()).toEqual(guests.map((guest) => `guest.error ${guest}`).sort())
  const context = { now: Date.now(), severities: {}, name: (value: unknown) => JSON.stringify(value) }
  const incidents: Incident[] = take([], failed, context)
  expect(incidents).toMatchObject([{ alerts: 1, severity: 'critical' }])
  expect(new Set(incidents[0]!.timeline.map(({ line }) => line)).size).toBeLessThan(10)
  setStates(guests, 'started')
  const cleared = await pass(20)
  expect(names(cleared).sort()).toEqual(guests.map((guest) => `guest.error-cleared ${guest}`).sort())
  const [over] = take(incidents, cleared, context)
  expect(over).toMatchObject({ state: 'resolved' })
})

test('endpoints that flap every second, one of them and all: no news; what happens meanwhile is told once', async () => {
  let turn = 0
  isShut = (place) => place === 0 && turn % 2 === 0
  expect(await pass(16, () => turn++)).toEqual([])
  isShut = () => turn % 2 === 0
  expect(await pass(16, () => turn++)).toEqual([])
  setStates([sid(7)], 'error')
  expect(names(await pass(20, () => turn++))).toEqual([`guest.error ${sid(7)}`])
  setStates([sid(7)], 'started')
  expect(names(await pass(20, () => turn++))).toEqual([`guest.error-cleared ${sid(7)}`])
  isShut = () => false
  expect(await pass(10)).toEqual([])
})

test('our clock an hour ahead, and back; ten minutes in which nobody looks: no news, and the next is told', async () => {
  aheadMs = 3_600_000
  expect(await pass(20)).toEqual([])
  aheadMs = 0
  expect(await pass(20)).toEqual([])
  await sim.cluster.clock.advance(600)
  expect(await pass(20)).toEqual([])
  aheadMs = -3_600_000
  setStates([sid(8)], 'error')
  expect(names(await pass(20))).toEqual([`guest.error ${sid(8)}`])
  setStates([sid(8)], 'started')
  expect(names(await pass(20))).toEqual([`guest.error-cleared ${sid(8)}`])
  aheadMs = 0
})

test('a cluster that is renamed is the same, and a failover is told once though every third answer is cut short or nonsense', async () => {
  const { cluster } = sim
  const { corosync } = cluster.nodes[0]!.config
  corosync!.name = 'other'
  expect(await pass(20)).toEqual([])
  let count = 0
  const nonsense = ['{"data":[{"type":"quo', '{"data":"none"}', '<html></html>', '{"data":[{"type":"node"}]}', '']
  spoilt = () => (count++ % 3 === 0 ? nonsense[count % nonsense.length] : undefined)
  expect(await pass(20)).toEqual([])
  const pve3 = cluster.nodes.find(({ name }) => name === 'pve3')!
  cutNetwork(cluster, pve3)
  const failover = await pass(230)
  expect(names(failover)).toEqual([
    'node.lost pve3',
    'node.fencing pve3',
    'quorum.margin ',
    'node.fenced pve3',
    `guest.recovered ${sid(0)}`,
    `guest.running ${sid(0)}`,
  ])
  healNetwork(cluster, pve3)
  expect(names(await pass(40)).sort()).toEqual(['node.back pve3', 'quorum.margin '])
  expect(count).toBeGreaterThan(200)
})
