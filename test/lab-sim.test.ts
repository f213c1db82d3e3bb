/** The simulator as a whole: its boot, its secrets, the hand at the plug, and time. */
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LabState } from '../src/lab/lab-state.ts'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { findTask, startTask } from '../src/lab/tasks.ts'
import { type Answer, Player } from './replay.ts'

let sim: RunningSim
let player: Player

beforeAll(async () => {
  sim = await startSim({ port: 0, seed: 11, speed: 200 })
  player = new Player(sim)
})
afterAll(async () => {
  player.close()
  await sim.close()
})
afterEach(() => sim.reset('cluster'))

const node = (name: string) => sim.cluster.nodes.find((one) => one.name === name)!

function call(
  at: string,
  method: string,
  path: string,
  params: Record<string, unknown> = {},
  auth?: string,
): Promise<Answer> {
  const recording = { seq: '', name: '', node: at, auth: auth ?? `token ${sim.token.id}`, method, path, params }
  return player.send({
    ...recording,
    encoding: null,
    status: 0,
    reason: '',
    contentType: null,
    elapsedMs: 0,
    body: null,
  })
}
const get = async (at: string, path: string) => dataOf(await call(at, 'GET', path))
const dataOf = ({ body }: Answer) => (body as { data: never } | null)?.data as unknown as Record<string, unknown>[]

async function until(condition: () => boolean) {
  while (!condition()) await sim.cluster.clock.sleep(1)
}

async function lab(
  path: string,
  body?: unknown,
): Promise<{ status: number; body: LabState & { error?: { code: string; hint: string } } }> {
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(`${sim.control}/api/lab${path}`, body === undefined ? {} : post)
  return { status: response.status, body: (await response.json()) as never }
}

describe('a started simulator', () => {
  test('the same seed yields the same secrets, another seed others', async () => {
    const [again, other] = await Promise.all([startSim({ port: 0, seed: 11 }), startSim({ port: 0, seed: 12 })])
    expect([again.token, again.readToken, again.root]).toEqual([sim.token, sim.readToken, sim.root])
    expect(other.token.secret).not.toBe(sim.token.secret)
    await Promise.all([again.close(), other.close()])
  })

  test('each node shows the certificate whose fingerprint is told, signed by the CA', async () => {
    for (const [i, endpoint] of sim.endpoints.entries()) {
      const { port, hostname } = new URL(endpoint)
      const socket = connect({ port: Number(port), host: hostname, ca: sim.ca, servername: 'localhost' })
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
      expect(socket.authorized).toBe(true)
      expect(socket.getPeerX509Certificate()?.fingerprint256).toBe(sim.fingerprints[i])
      socket.destroy()
    }
  })

  test('the default site is a quorate cluster with storages, images, a template and no other guest', async () => {
    const [cluster] = (await get('pve2', '/cluster/status')) ?? []
    expect(cluster).toMatchObject({ type: 'cluster', name: 'pvecluster', nodes: 3, quorate: 1 })
    const guests = await get('pve1', '/cluster/resources?type=vm')
    expect(guests).toMatchObject([{ vmid: 9000, template: 1, name: 'debian-12-template', node: 'pve1' }])
    expect(await get('pve3', '/cluster/nextid')).toBe('100')
    const storages = (await get('pve1', '/cluster/resources?type=storage')).map(({ storage }) => storage)
    expect(new Set(storages)).toEqual(new Set(['local', 'local-lvm', 'NASAccess', 'Storage']))
  })

  test('the reading token reads everything and changes nothing', async () => {
    const auth = `token ${sim.readToken.id}`
    expect((await call('pve1', 'GET', '/cluster/ha/status/current', {}, auth)).status).toBe(200)
    expect((await call('pve1', 'POST', '/pools', { poolid: 'x' }, auth)).status).toBe(403)
  })

  test('root logs in with the told password', async () => {
    const login = { username: 'root@pam', password: sim.root.password }
    const answer = await call('pve2', 'POST', '/access/ticket', login, 'none')
    expect(dataOf(answer)).toMatchObject({ username: 'root@pam', clustername: 'pvecluster' })
  })
})

describe('time', () => {
  test('a refused login takes three simulated seconds', async () => {
    const before = sim.cluster.clock.now()
    expect((await call('pve1', 'GET', '/version', {}, 'none')).status).toBe(401)
    expect(sim.cluster.clock.now() - before).toBeGreaterThanOrEqual(3)
  })

  test('a ticket ends after two simulated hours', async () => {
    const login = { username: 'root@pam', password: sim.root.password }
    const { ticket } = dataOf(await call('pve1', 'POST', '/access/ticket', login, 'none')) as unknown as {
      ticket: string
    }
    const cookie = { cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}` }
    const version = () =>
      player.send(
        {
          ...{
            seq: '',
            name: '',
            node: 'pve1',
            auth: 'none',
            method: 'GET',
            path: '/version',
            params: null,
            bodyRaw: '',
          },
          ...{ encoding: null, status: 0, reason: '', contentType: null, elapsedMs: 0, body: null },
        },
        { headers: cookie },
      )
    await sim.cluster.clock.advance(7000)
    expect((await version()).status).toBe(200)
    await sim.cluster.clock.advance(300)
    expect(await version()).toMatchObject({ status: 401, reason: 'Authentication failed!' })
  })
})

describe('power', () => {
  test('a node without power refuses connections, is offline to the others, and comes back', async () => {
    const { body } = await lab('/nodes/pve1', { power: 'off' })
    expect(body.nodes.find(({ name }) => name === 'pve1')).toMatchObject({ power: 'off', online: false })
    await until(() => !node('pve1').member)
    await expect(call('pve1', 'GET', '/version')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const nodes = await get('pve2', '/nodes')
    expect(nodes.find((one) => one.node === 'pve1')).toMatchObject({ status: 'offline' })
    expect(await call('pve2', 'GET', '/nodes/pve1/status')).toMatchObject({ status: 595, reason: 'No route to host' })
    await lab('/nodes/pve1', { power: 'on' })
    await until(() => node('pve1').member)
    const status = dataOf(await call('pve1', 'GET', '/nodes/pve1/status')) as unknown as { uptime: number }
    expect(status.uptime).toBeLessThan(200)
  })

  test('two dead nodes take quorum from the third, which still reads', async () => {
    await lab('/nodes/pve2', { power: 'off' })
    await lab('/nodes/pve3', { power: 'off' })
    await until(() => !node('pve2').member && !node('pve3').member)
    expect((await get('pve1', '/cluster/status'))[0]).toMatchObject({ quorate: 0 })
    expect((await lab('')).body.quorate).toBe(false)
    const before = sim.cluster.clock.now()
    const refused = await call('pve1', 'POST', '/pools', { poolid: 'x' })
    const reason = "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"
    expect(refused).toMatchObject({ status: 500, reason })
    expect(sim.cluster.clock.now() - before).toBeGreaterThanOrEqual(9)
  })

  test('a cut node reads what it knew, the others go on', async () => {
    await lab('/nodes/pve1', { network: 'cut' })
    await until(() => node('pve1').isolated)
    expect((await call('pve2', 'POST', '/pools', { poolid: 'made-meanwhile' })).status).toBe(200)
    expect(await get('pve1', '/pools')).toEqual([])
    expect((await get('pve1', '/cluster/status'))[0]).toMatchObject({ quorate: 0 })
    expect((await get('pve2', '/cluster/status'))[0]).toMatchObject({ quorate: 1 })
    await lab('/nodes/pve1', { network: 'up' })
    await until(() => node('pve1').member)
    expect(await get('pve1', '/pools')).toEqual([{ poolid: 'made-meanwhile' }])
  })

  test('a clean shutdown takes about fourteen seconds, and a guest that does not listen its minute', async () => {
    const since = sim.cluster.clock.now()
    expect((await call('pve1', 'POST', '/nodes/pve3/status', { command: 'shutdown' })).body).toEqual({ data: null })
    await until(() => node('pve3').power === 'off')
    expect(sim.cluster.clock.now() - since).toBeGreaterThanOrEqual(14)
    const keys = { memory: '512' }
    const startedAt = sim.cluster.clock.now()
    node('pve2').processes.set(100, { vmid: 100, type: 'qemu', pid: 7, startedAt, qmpstatus: 'running', keys })
    await call('pve1', 'POST', '/nodes/pve2/status', { command: 'shutdown' })
    await until(() => node('pve2').power === 'off')
    expect(sim.cluster.clock.now() - startedAt).toBeGreaterThanOrEqual(60)
    const ends = node('pve2').tasks.map(({ type, exitstatus }) => [type, exitstatus])
    expect(ends).toEqual([
      ['stopall', 'OK'],
      ['qmshutdown', 'OK'],
    ])
  })

  test('the tasks of a node that lost its power end without a word', async () => {
    const task = startTask(sim.cluster, node('pve1'), { type: 'vzdump', user: 'root@pam' }, (run) => run.sleep(3600))
    await lab('/nodes/pve1', { power: 'off' })
    expect(findTask(node('pve1'), task.upid)).toMatchObject({ exitstatus: 'unexpected status', lines: [] })
  })
})

describe('the control API', () => {
  test('the clock can be moved, and the state says so', async () => {
    expect((await lab('/clock', { speed: 300 })).body.clock.speed).toBe(300)
    expect((await lab('/clock', { speed: 200 })).body.clock.speed).toBe(200)
  })

  test.each([
    ['/clock', { speed: 1001 }],
    ['/clock', { speed: '10' }],
    ['/clock', 'not even an object'],
    ['/nodes/pve1', {}],
    ['/nodes/pve1', { power: 'maybe' }],
    ['/nodes/pve1', { power: 'off', colour: 'red' }],
    ['/reset', { scenario: 'nowhere' }],
  ])('%s refuses %j with a code, a reason and a hint', async (path, body) => {
    const answer = await lab(path, body)
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'malformed' } } })
    expect(answer.body.error?.hint).toContain('Send ')
  })

  test('an unknown node is named, a page of another site is turned away', async () => {
    expect(await lab('/nodes/pve9', { power: 'off' })).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown-node' } },
    })
    const foreign = await fetch(`${sim.control}/api/lab`, { headers: { origin: 'https://elsewhere.example' } })
    expect(foreign.status).toBe(403)
  })

  test.each(['empty', 'azuay'] as const)(
    'reset to %s leaves three lone hosts at the same addresses',
    async (scenario) => {
      await lab('/nodes/pve1', { power: 'off' })
      const { body } = await lab('/reset', { scenario })
      expect(body).toMatchObject({ scenario, nodes: [{ power: 'on' }, { power: 'on' }, { power: 'on' }] })
      for (const name of ['pve1', 'pve2', 'pve3']) {
        expect(await get(name, '/cluster/status')).toMatchObject([
          { type: 'node', name, nodeid: 0, local: 1, online: 1 },
        ])
        expect(await call(name, 'GET', '/cluster/config/join')).toMatchObject({ status: 424 })
      }
      expect(sim.cluster.shared.size > 0).toBe(scenario === 'azuay')
    },
  )
})
