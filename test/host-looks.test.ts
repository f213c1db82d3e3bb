/** Hosts that are in no cluster yet, measured by the worker that may log in there: real Redis, three lone simulated hosts. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../src/core/secret.ts'
import { checkHosts, clocksAhead, type HostFacts } from '../src/ha/host-check.ts'
import { answerHostLooks, HostLooks } from '../src/jobs/host-looks.ts'
import { Seal } from '../src/jobs/seal.ts'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { createProxmox } from '../src/proxmox/client.ts'
import { hostLooker } from '../src/worker/host-looks.ts'
import { openRoot } from '../src/worker/root.ts'
import { Ground } from './fixtures/ground.ts'

let sim: RunningSim
let ground: Ground
let cluster: ReturnType<typeof createProxmox>

beforeAll(async () => {
  ;[sim, ground] = await Promise.all([startSim({ port: 0, seed: 4, scenario: 'empty' }), Ground.start()])
  cluster = createProxmox({
    cluster: 'main',
    endpoints: [sim.endpoints[0]!],
    auth: { token: sim.readToken },
    tls: { ca: sim.ca },
  })
})
afterAll(async () => {
  await cluster.close()
  await ground.close()
  await sim.close()
})

/** Of pve3 nobody knows the password; pve9 is nowhere. */
function looker() {
  const tls = (i: number) => ({ fingerprints: [sim.fingerprints[i]!] })
  const password = new Secret(sim.root.password)
  const hosts = [
    { name: 'pve2', endpoint: sim.endpoints[1]!, password, tls: tls(1) },
    { name: 'pve3', endpoint: sim.endpoints[2]!, tls: tls(2) },
    { name: 'pve9', endpoint: 'https://127.0.0.1:9', password, tls: tls(2) },
  ]
  return hostLooker(openRoot({ clusters: [], hosts }), { get: () => cluster })
}

test('each by its own interface, and all clocks at the same moment; why not, where nothing was measured', async () => {
  sim.cluster.nodes[1]!.clockAhead = 120
  sim.cluster.nodes[1]!.hardware.machine = 'ppc64le'
  const { hosts, clocks } = await looker()('main', ['pve2', 'pve3', 'pve9'])
  const facts = hosts as HostFacts[]
  expect(facts.map(({ name, lone }) => [name, lone]).sort()).toEqual([
    ['pve2', 'seen'],
    ['pve3', 'password'],
    ['pve9', 'silent'],
  ])
  const ahead = clocksAhead(clocks)
  expect(Math.abs(ahead.pve2! - ahead.pve1!)).toBeGreaterThan(118)
  const found = checkHosts({ hosts: facts.map((one) => ({ ...one, clockAhead: ahead[one.name] ?? 0 })) })
  const of = (topic: string, node: string) => found.find((one) => one.topic === topic && one.node === node)
  expect(of('architecture', 'pve2')).toMatchObject({ verdict: 'fail', values: { machine: 'ppc64le' } })
  expect(of('address', 'pve2')).toMatchObject({ values: { address: '172.16.1.104/24' } })
  expect(of('reach', 'pve3')).toMatchObject({ verdict: 'unknown', todo: 'host-password' })
  expect(of('reach', 'pve9')).toMatchObject({ verdict: 'fail', found: 'offline' })
  expect(of('votes', 'pve2')).toBeUndefined()
})

test('asked through Redis: one look for who asks at once, and what nobody here has signed is not believed', async () => {
  const { redis, prefix, seal } = ground.plot()
  let looks = 0
  const parts = { redis, prefix, seal, now: Date.now }
  const look = async () => ({ hosts: [{ name: 'pve2' }], clocks: [{ pve2: ++looks }] })
  const asking = new HostLooks(parts)
  const worker = answerHostLooks({ ...parts, redis: ground.connection(), look, log: { warn: () => {} } })
  const signal = AbortSignal.timeout(5000)
  const both = await Promise.all([asking.ask('main', ['pve2'], signal), asking.ask('main', ['pve2'], signal)])
  expect(both).toEqual([both[0], both[0]])
  expect(both[0]).toMatchObject({ hosts: [{ name: 'pve2' }] })
  expect(looks).toBe(1)
  await worker.close()
  const stranger = { ...parts, seal: new Seal(Buffer.alloc(32, 7)) }
  const forger = answerHostLooks({ ...stranger, redis: ground.connection(), look, log: { warn: () => {} } })
  expect(await asking.ask('main', ['pve3'], signal)).toBeUndefined()
  await Promise.all([forger.close(), asking.close()])
})
