/** High availability in the simulated cluster, told as stories; the recordings are in trace-*.json.gz. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cutNetwork, cutPower, healNetwork, powerOn, shutDown } from '../src/lab/power.ts'
import { startSim } from '../src/lab/sim.ts'
import { Caller } from './lab-calls.ts'

let lab: Caller
beforeAll(async () => {
  lab = new Caller(await startSim({ port: 0, seed: 5, speed: 0 }))
})
afterAll(() => lab.close())

const sim = () => lab.sim.cluster
const node = (name: string) => sim().nodes.find((one) => one.name === name)!
const config = () => node('pve1').config
const manager = () => config().ha.manager

interface Service {
  sid: string
  node: string
  state: string
}

/** What the HA status says of a guest, `state@node`. */
async function said(sid: string, by: string): Promise<string> {
  const { data } = await lab.call('GET', '/cluster/ha/status/current', {}, by)
  const entry = (data as Service[]).find((one) => one.sid === sid)
  return entry ? `${entry.state}@${entry.node}` : 'absent'
}

interface Told {
  at: number
  what: string
}

/** Lets time pass and keeps each change of what `look` says. */
async function watch(seconds: number, look: () => Promise<string> | string): Promise<Told[]> {
  const told: Told[] = []
  const since = sim().clock.now()
  while (sim().clock.now() - since < seconds) {
    const what = await look()
    if (told.at(-1)?.what !== what) told.push({ at: Math.round(sim().clock.now() - since), what })
    await sim().clock.advance(2)
  }
  return told
}

const between = (least: number, most: number) => (seconds: number) => seconds >= least && seconds <= most

const whats = (told: Told[]) => told.map(({ what }) => what)
const when = (told: Told[], what: string) => told.find((one) => one.what === what)?.at ?? Number.NaN

interface Polled {
  t: number
  action?: string
  body?: { data?: unknown }
  ha?: { data?: unknown }
  via?: string
}

/** What the real cluster said of vm:101 while somebody polled it. */
function recordedStory(file: string, sid: string): Told[] {
  const url = new URL(`./recordings/${file}.json.gz`, import.meta.url)
  const polls = JSON.parse(gunzipSync(readFileSync(url)).toString('utf8')) as Polled[]
  const told: Told[] = []
  for (const { t, ha, body, via } of polls) {
    const entries = (ha ?? body)?.data
    if (!Array.isArray(entries) || via === 'pve1') continue
    const entry = (entries as Service[]).find((one) => one.sid === sid)
    const what = entry && `${entry.state}@${entry.node}`
    if (what && told.at(-1)?.what !== what) told.push({ at: t, what })
  }
  return told
}

/** The same in the same order, each within two rounds. */
function expectAlike(told: Told[], recorded: Told[]) {
  expect(whats(told)).toEqual(whats(recorded))
  const apart = told.map(({ at }, i) => Math.abs(at - recorded[i]!.at))
  expect(Math.max(...apart)).toBeLessThanOrEqual(20)
}

/** vm:100 under HA on pve1, and pve2 the master: its manager has the first turn after the guest is added. */
beforeEach(async () => {
  await lab.sim.reset('cluster')
  const made = await lab.begin('POST', '/nodes/pve1/qemu', { vmid: 100, name: 'Win11', scsi0: 'Storage:8' })
  await sim().clock.advance(22)
  expect(made.exitstatus).toBe('OK')
  config().ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started' } })
  await sim().clock.advance(40)
  expect(manager()).toMatchObject({ master_node: 'pve2', node_status: { pve1: 'online' } })
  expect(manager().service_status?.['vm:100']).toMatchObject({ state: 'started', node: 'pve1', running: 1 })
})

describe('a node is lost', () => {
  test('by its power: fenced after a minute, recovered when its lock is free, started elsewhere', async () => {
    cutPower(sim(), node('pve1'))
    const told = await watch(240, () => said('vm:100', 'pve2'))
    expect(whats(told)).toEqual(['started@pve1', 'fence@pve1', 'starting@pve2', 'started@pve2'])
    expect(when(told, 'starting@pve2')).toSatisfy(between(110, 150))
    expect(config().guests.get(100)?.node).toBe('pve2')
    expect(node('pve2').tasks.findLast(({ type }) => type === 'qmstart')).toMatchObject({
      id: '100',
      user: 'root@pam',
      exitstatus: 'OK',
    })
  })

  test('by its network: it says old things, and resets itself before its lock is free', async () => {
    cutNetwork(sim(), node('pve1'))
    await sim().clock.advance(40)
    const { data } = await lab.call('GET', '/cluster/ha/status/current', {}, 'pve1')
    expect(data).toContainEqual(expect.objectContaining({ id: 'quorum', quorate: 0 }))
    expect(await said('vm:100', 'pve1')).toBe('started@pve1')

    const told = await watch(120, async () => `${node('pve1').processes.size} ${await said('vm:100', 'pve2')}`)
    expect(whats(told).filter((what) => what !== '1 fence@pve1')).toEqual([
      '1 started@pve1',
      '0 fence@pve1',
      '0 starting@pve2',
      '0 started@pve2',
    ])

    healNetwork(sim(), node('pve1'))
    await sim().clock.advance(30)
    expect(manager().node_status.pve1).toBe('online')
    expect(await said('vm:100', 'pve2')).toBe('started@pve2')
  })

  test('and comes back: the guest goes home live, and says `starting` until the lock of the dead is free', async () => {
    const keys = { resources: 'vm:100', nodes: 'pve1:3,pve2:2,pve3:1' }
    config().ha.rules.set('home', { rule: 'home', type: 'node-affinity', order: 1, keys })
    cutPower(sim(), node('pve1'))
    await sim().clock.advance(180)
    const { startedAt } = node('pve2').processes.get(100)!
    powerOn(sim(), node('pve1'))
    // The recording begins when the node's boot was nearly done.
    await sim().clock.advance(8)
    expectAlike(await watch(160, () => said('vm:100', 'pve2')), recordedStory('trace-failback', 'vm:101'))
    expect(startedAt).toBeLessThan(sim().clock.now() - 168)
    expect(node('pve2').tasks.at(-1)).toMatchObject({ type: 'qmigrate', user: 'root@pam', exitstatus: 'OK' })
    expect(node('pve1').tasks.filter(({ type }) => type === 'qmstart')).toHaveLength(1)
  })

  test('the master itself: nobody leads for two minutes, then another does', async () => {
    cutPower(sim(), node('pve2'))
    const told = await watch(260, async () => {
      const { data } = await lab.call('GET', '/cluster/ha/status/current', {}, 'pve1')
      const entry = (data as { type: string; node: string; status: string }[]).find(({ type }) => type === 'master')!
      return `${entry.node} ${/old timestamp/.test(entry.status) ? 'dead?' : 'active'}`
    })
    expect(whats(told)).toEqual(['pve2 active', 'pve2 dead?', 'pve3 active'])
    expect(when(told, 'pve3 active')).toSatisfy(between(110, 140))
    expect(manager().node_status.pve2).toBe('unknown')
  })
})

describe('worse', () => {
  test('the source dies in the middle of a move: the lock that was left goes, and the guest starts elsewhere', async () => {
    config().ha.commands.push('migrate vm:100 pve3')
    const guest = config().guests.get(100)!
    for (let waited = 0; guest.lock !== 'migrate' && waited < 30; waited += 1) await sim().clock.advance(1)
    expect(guest.lock).toBe('migrate')
    cutPower(sim(), node('pve1'))
    const told = await watch(150, () => said('vm:100', 'pve2'))
    expect(whats(told)).toEqual(['migrate@pve1', 'fence@pve1', 'starting@pve2', 'started@pve2'])
    expect(guest.lock).toBeUndefined()
  })

  test('no quorum anywhere: the owner resets itself, and starts its guest where it was once the others are back', async () => {
    for (const name of ['pve2', 'pve3']) cutNetwork(sim(), node(name))
    const told = await watch(100, () =>
      sim()
        .nodes.map(({ power, processes }) => `${power} ${processes.size}`)
        .join(),
    )
    expect(whats(told)).toEqual(['on 1,on 0,on 0', 'booting 0,on 0,on 0', 'on 0,on 0,on 0'])
    for (const name of ['pve2', 'pve3']) healNetwork(sim(), node(name))
    await sim().clock.advance(60)
    expect(node('pve1').processes.has(100)).toBe(true)
    expect(await said('vm:100', 'pve2')).toBe('started@pve1')
  })
})

describe('a node goes down in order', () => {
  /** The node's power, what HA calls it, its agent's mode and the guest. */
  const look = async () => {
    const mode = config().ha.lrm.get('pve1')?.mode
    return `${node('pve1').power} ${manager().node_status.pve1} ${mode} ${await said('vm:100', 'pve2')}`
  }

  test('for good: its guest is stopped, and recovered a minute later without a fence in sight', async () => {
    shutDown(sim(), node('pve1'), 'shutdown')
    const told = await watch(200, look)
    expect(whats(told)).toEqual([
      'stopping online shutdown started@pve1',
      'off online shutdown started@pve1',
      'off unknown shutdown started@pve1',
      'off unknown shutdown starting@pve2',
      'off unknown shutdown started@pve2',
    ])
    expect(node('pve1').tasks.at(-1)).toMatchObject({ type: 'qmshutdown', user: 'root@pam', exitstatus: 'OK' })
    const off = when(told, 'off online shutdown started@pve1')
    expect(when(told, 'off unknown shutdown starting@pve2') - off).toSatisfy(between(50, 75))
  })

  test('to boot again: its guest is frozen, and starts where it was', async () => {
    shutDown(sim(), node('pve1'), 'reboot')
    const told = await watch(120, look)
    expect(whats(told)).toEqual([
      'stopping online restart started@pve1',
      'stopping online restart freeze@pve1',
      'off online restart freeze@pve1',
      'off unknown restart freeze@pve1',
      'booting unknown restart freeze@pve1',
      'on unknown restart freeze@pve1',
      'on unknown active freeze@pve1',
      'on online active starting@pve1',
      'on online active started@pve1',
    ])
    expect(node('pve1').processes.has(100)).toBe(true)
  })

  test('by the policy `migrate`: nothing stops, the node goes when it is empty', async () => {
    config().options.ha = 'shutdown_policy=migrate'
    shutDown(sim(), node('pve1'), 'shutdown')
    const told = await watch(200, look)
    expect(whats(told)).toContain('stopping maintenance maintenance migrate@pve1')
    expect(whats(told).at(-1)).toBe('off maintenance maintenance started@pve2')
    expect(node('pve2').tasks.map(({ type }) => type)).not.toContain('qmstart')
    expect(node('pve1').tasks.map(({ type }) => type)).not.toContain('qmshutdown')
  })
})

describe('as the real cluster told it', () => {
  const look = () => said('vm:100', 'pve2')

  test('a node that is cut off', async () => {
    cutNetwork(sim(), node('pve1'))
    expectAlike(await watch(180, look), recordedStory('trace-failover', 'vm:101'))
  })

  test("the seed's validation: the owner of the guest is shut down", async () => {
    delete node('pve1').processes.get(100)!.shutdownSeconds
    const seen: Told[] = []
    const since = sim().clock.now()
    const lies = async () => {
      const { data } = await lab.call('GET', '/cluster/resources', { type: 'vm' }, 'pve2')
      const { node: at, status } = (data as { vmid: number; node: string; status: string }[]).find(
        ({ vmid }) => vmid === 100,
      )!
      const what = `${status}@${at}`
      if (seen.at(-1)?.what !== what) seen.push({ at: sim().clock.now() - since, what })
    }
    shutDown(sim(), node('pve1'), 'shutdown')
    const told = await watch(170, async () => {
      await lies()
      return look()
    })
    expectAlike(told, recordedStory('trace-seed-validation', 'vm:101'))
    expect(seen.map(({ what }) => what)).toEqual(['running@pve1', 'running@pve2'])
    expect(Math.abs(seen[1]!.at - when(told, 'starting@pve2'))).toBeLessThanOrEqual(2)
  })
})

describe('by command', () => {
  const look = () => said('vm:100', 'pve2')

  test('moved by its owner, live', async () => {
    const asked = await lab.begin('POST', '/nodes/pve1/qemu/100/migrate', { target: 'pve3', online: 1 })
    const told = await watch(60, look)
    expect(asked).toMatchObject({ type: 'hamigrate', exitstatus: 'OK' })
    expect(whats(told)).toEqual(['started@pve1', 'migrate@pve1', 'starting@pve3', 'started@pve3'])
    expect(node('pve3').processes.has(100)).toBe(true)
  })

  test('stopped, and started again', async () => {
    await lab.begin('POST', '/nodes/pve1/qemu/100/status/shutdown')
    expect(whats(await watch(50, look))).toEqual(['started@pve1', 'request_stop@pve1', 'stopped@pve1'])
    expect(config().ha.resources.get('vm:100')?.keys.state).toBe('stopped')
    await lab.begin('POST', '/nodes/pve1/qemu/100/status/start')
    expect(whats(await watch(40, look))).toEqual(['stopped@pve1', 'starting@pve1', 'started@pve1'])
  })

  test('a node in maintenance gives its guests away and takes them back', async () => {
    config().ha.commands.push('node-maintenance enable pve1')
    const told = await watch(60, look)
    expect(whats(told)).toEqual(['started@pve1', 'migrate@pve1', 'starting@pve2', 'started@pve2'])
    expect(manager().node_status.pve1).toBe('maintenance')
    config().ha.commands.push('node-maintenance disable pve1')
    expect(whats(await watch(70, look)).at(-1)).toBe('started@pve1')
    expect(manager().node_status.pve1).toBe('online')
  })

  test('HA disarmed: a dead node stays unknown, and nothing moves until it is armed', async () => {
    const armed = async () => {
      const { data } = await lab.call('GET', '/cluster/ha/status/current', {}, 'pve2')
      const entry = (data as { type: string; 'armed-state': string }[]).find(({ type }) => type === 'fencing')
      return `${entry?.['armed-state']} ${await look()}`
    }
    config().ha.commands.push('disarm-ha freeze')
    expect(whats(await watch(40, armed))).toEqual([
      'armed started@pve1',
      'disarming freeze@pve1',
      'disarmed freeze@pve1',
    ])
    cutPower(sim(), node('pve1'))
    expect(whats(await watch(200, armed))).toEqual(['disarmed freeze@pve1'])
    config().ha.commands.push('arm-ha')
    expect(whats(await watch(240, armed)).at(-1)).toBe('armed freeze@pve1')
    powerOn(sim(), node('pve1'))
    expect(whats(await watch(160, armed)).at(-1)).toBe('armed started@pve1')
  })

  test('a start that fails everywhere ends in error, and `disabled` clears it', async () => {
    config().storages.delete('Storage')
    node('pve1').processes.delete(100)
    const told = await watch(120, look)
    expect(whats(told).at(-1)).toBe('error@pve1')
    const failed = sim().nodes.flatMap(({ tasks }) => tasks.filter(({ type }) => type === 'qmstart').slice(-2))
    expect(failed.map(({ exitstatus }) => exitstatus)).toContain(`storage 'Storage' does not exist`)
    config().ha.resources.get('vm:100')!.keys.state = 'disabled'
    expect(whats(await watch(20, look)).at(-1)).toBe('disabled@pve1')
  })
})

describe('quietly', () => {
  test('an update of the agent freezes its guests for a moment', async () => {
    const update = await lab.begin('POST', '/nodes/pve1/services/pve-ha-lrm/restart')
    const { startedAt } = node('pve1').processes.get(100)!
    const told = await watch(60, () => said('vm:100', 'pve2'))
    expect(update.exitstatus).toBe('OK')
    expect(whats(told)).toEqual(['started@pve1', 'freeze@pve1', 'starting@pve1', 'started@pve1'])
    expect(node('pve1').processes.get(100)!.startedAt).toBe(startedAt)
  })

  test('all managers stopped: the last master is called dead, and nobody fences', async () => {
    for (const name of ['pve1', 'pve2', 'pve3']) await lab.begin('POST', `/nodes/${name}/services/pve-ha-crm/stop`)
    await sim().clock.advance(60)
    const { data } = await lab.call('GET', '/cluster/ha/status/current', {}, 'pve3')
    expect(data).toContainEqual(
      expect.objectContaining({ id: 'master', status: expect.stringContaining('old timestamp - dead?') }),
    )
    cutPower(sim(), node('pve1'))
    expect(whats(await watch(200, () => said('vm:100', 'pve3')))).toEqual(['started@pve1'])
    await lab.begin('POST', '/nodes/pve3/services/pve-ha-crm/start')
    expect(whats(await watch(240, () => said('vm:100', 'pve3'))).at(-1)).toMatch(/^started@pve[23]$/)
  })

  test('a guest that crashed is started again within a round, and no state tells of it', async () => {
    node('pve1').processes.delete(100)
    const told = await watch(30, async () => `${node('pve1').processes.has(100)} ${await said('vm:100', 'pve2')}`)
    expect(whats(told)).toEqual(['false started@pve1', 'true started@pve1'])
    expect(when(told, 'true started@pve1')).toBeLessThanOrEqual(15)
  })
})
