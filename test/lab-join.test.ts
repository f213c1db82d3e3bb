/** The simulated site's way from lone hosts to a cluster, beside what real hosts answered on theirs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SimNode } from '../src/lab/model.ts'
import { isQuorate } from '../src/lab/model.ts'
import { cutPower, powerOn } from '../src/lab/power.ts'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { findTask } from '../src/lab/tasks.ts'
import { loadRecordings, Player, type Recording } from './replay.ts'
import { until } from './until.ts'

let sim: RunningSim
let player: Player

beforeAll(async () => {
  sim = await startSim({ scenario: 'empty', port: 0, seed: 5, speed: 300 })
  player = new Player(sim)
})

afterAll(async () => {
  player.close()
  await sim.close()
})

const host = (name: string): SimNode => sim.cluster.nodes.find((node) => node.name === name)!

async function call(node: string, method: string, path: string, params: Record<string, unknown> = {}) {
  const made = { seq: '', name: '', node, auth: 'ticket+csrf', method, path, params }
  const rest = { encoding: null, contentType: null, status: 200, reason: 'OK', elapsedMs: 0, body: null }
  const answer = await player.send({ ...made, ...rest } satisfies Recording)
  return { status: answer.status, reason: answer.reason, data: (answer.body as { data?: unknown } | null)?.data }
}

/** Starts a task and waits for its end. */
async function run(node: string, path: string, params: Record<string, unknown>) {
  const { data, reason } = await call(node, 'POST', path, params)
  const task = findTask(host(node), String(data))
  if (!task) throw new Error(reason)
  while (task.endtime === undefined) await sim.cluster.clock.sleep(1)
  return { exit: task.exitstatus, log: task.lines }
}

const joining = (name: string, more: object = {}) => ({
  hostname: host('pve1').ip,
  fingerprint: host('pve1').certificate.fingerprint,
  password: sim.root.password,
  link0: host(name).ip,
  ...more,
})

const recordings = loadRecordings()
const bodyOf = (name: string) => recordings.find((one) => one.name === name)!.body as { data: unknown }
/** How the recorded task of that name ended. */
const recordedEnd = (name: string) => (bodyOf(`${name}.task-status-end`).data as { exitstatus: string }).exitstatus
const recordedLog = (name: string) => (bodyOf(name).data as { t: string }[]).map(({ t }) => t)

describe('from three lone hosts', () => {
  test('each has an authority of its own; the first makes a cluster', async () => {
    const authorities = new Set(sim.cluster.nodes.map(({ config }) => config.authority.fingerprint))
    expect(authorities.size).toBe(3)
    expect((await call('pve1', 'GET', '/cluster/config/join')).status).toBe(424)
    const { exit, log } = await run('pve1', '/cluster/config', { clustername: 'pvecluster', link0: host('pve1').ip })
    expect(exit).toBe('OK')
    expect(log).toEqual(recordedLog('cluster.create-ok.task-log'))
  })

  test('what is wrong with a join is told as the real one tells it, and changes nothing', async () => {
    const ends: Record<string, object> = {
      'join.wrong-fingerprint': { fingerprint: Array(32).fill('AA').join(':') },
      'join.wrong-password': { password: 'nope' },
      'join.wrong-host': { hostname: '172.16.1.99' },
      'join.link-not-local': { link0: '172.16.1.77' },
    }
    for (const [name, wrong] of Object.entries(ends)) {
      const { exit } = await run('pve2', '/cluster/config/join', joining('pve2', wrong))
      const expected = recordedEnd(name)
        .replace('10.99.0.99', '172.16.1.99')
        .replace(/^fingerprint '[^']+'/, `fingerprint '${host('pve1').certificate.fingerprint}'`)
      expect(exit, name).toBe(expected)
    }
    expect(host('pve1').config.corosync?.nodes).toHaveLength(1)
    expect(host('pve2').config.corosync).toBeUndefined()
  })

  test('a host with guests stays out, and so does one whose member wants a second factor', async () => {
    const { config } = host('pve2')
    const guest = { type: 'qemu', node: 'pve2', keys: {}, template: false, pending: {}, snapshots: [] } as const
    config.guests.set(105, { vmid: 105, ...guest, pending: {}, snapshots: [] })
    const { exit, log } = await run('pve2', '/cluster/config/join', joining('pve2'))
    expect(exit).toBe('Check if node may join a cluster failed!')
    expect(log).toEqual(recordedLog('join.with-guest.task-log'))
    config.guests.clear()
    host('pve1').config.access.users.get('root@pam')!.tfa = true
    expect((await run('pve2', '/cluster/config/join', joining('pve2'))).exit).toMatch(/^TFA-enabled login/)
    delete host('pve1').config.access.users.get('root@pam')!.tfa
  })

  test('the second joins: no quorum on the way, no ticket good, then a vote and another certificate', async () => {
    const before = host('pve2').certificate.fingerprint
    const old = (await call('pve2', 'POST', '/access/ticket', { username: 'root@pam', password: sim.root.password }))
      .data
    let quorumLost = false
    const watch = () => {
      quorumLost ||= !isQuorate(sim.cluster, host('pve1'))
    }
    const stop = setInterval(watch, 1)
    const { exit, log } = await run('pve2', '/cluster/config/join', joining('pve2'))
    clearInterval(stop)
    expect(exit).toBe('OK')
    expect(quorumLost).toBe(true)
    const bare = (line: string) => line.replace(/config-\d+/, 'config-N').replace('10.99.0.11', host('pve1').ip)
    expect(log.map(bare)).toEqual(recordedLog('join.pve2-task-log-new-ticket').map(bare))
    expect(isQuorate(sim.cluster, host('pve1'))).toBe(true)
    expect(host('pve2').certificate.fingerprint).not.toBe(before)
    expect(host('pve2').config).toBe(host('pve1').config)
    const { ticket } = old as { ticket: string }
    const cookie = { cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}` }
    const made = { seq: '', name: '', node: 'pve2', auth: '', method: 'GET', path: '/version', params: null }
    const rest = { encoding: null, contentType: null, status: 200, reason: 'OK', elapsedMs: 0, body: null }
    // Its proxy is on the way back with the new certificate.
    const answer = await until(
      () => player.send({ ...made, ...rest }, { headers: cookie }).catch(() => false as const),
      'pve2',
    )
    expect(answer.status).toBe(401)
  })

  test('a joined host finds itself joined; the third completes the cluster', async () => {
    const again = await run('pve2', '/cluster/config/join', joining('pve2'))
    expect(again.exit).toBe('Check if node may join a cluster failed!')
    expect(again.log.join('\n')).toContain("* cluster config '/etc/pve/corosync.conf' already exists")
    expect((await run('pve3', '/cluster/config/join', joining('pve3'))).exit).toBe('OK')
    const { data } = await call('pve1', 'GET', '/cluster/status')
    expect((data as { type: string; online?: number }[]).filter(({ online }) => online === 1)).toHaveLength(3)
  })

  test('taken out, a host is alone with what it had, also when it is started again', async () => {
    cutPower(sim.cluster, host('pve3'))
    while (host('pve3').member) await sim.cluster.clock.sleep(1)
    expect((await call('pve1', 'DELETE', '/cluster/config/nodes/pve3')).status).toBe(200)
    powerOn(sim.cluster, host('pve3'))
    while (host('pve3').power !== 'on') await sim.cluster.clock.sleep(1)
    await sim.cluster.clock.sleep(10)
    expect(isQuorate(sim.cluster, host('pve3'))).toBe(false)
    const { data } = await call('pve1', 'GET', '/cluster/status')
    expect((data as { name: string }[]).map(({ name }) => name).sort()).toEqual(['pve1', 'pve2', 'pvecluster'])
  })
})
