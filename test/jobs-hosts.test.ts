/** Jobs on hosts, killed at every step: real Redis, the simulated cluster, one world for all. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SimEvent, SimNode } from '../src/lab/model.ts'
import { cutNetwork, cutPower, healNetwork, powerOn } from '../src/lab/power.ts'
import { openHaStage } from './commands/ha-stage.ts'
import type { Stage } from './commands/stage.ts'
import { simCrew } from './fixtures/sim-crew.ts'
import { until } from './until.ts'

let stage: Stage
let crew: Awaited<ReturnType<typeof simCrew>>
let ticking = true
const host = (name: string): SimNode => stage.sim.cluster.nodes.find((one) => one.name === name)!
const tasks = (node: string, type: string) => host(node).tasks.filter((task) => task.type === type)

beforeAll(async () => {
  stage = await openHaStage()
  crew = await simCrew(stage)
  const tick = async () => {
    if (!ticking) return
    await stage.sim.cluster.clock.advance(1)
    setTimeout(tick, 5)
  }
  void tick()
})
afterAll(async () => {
  ticking = false
  await crew?.close()
  await stage?.close()
})

test('host shutdown: told once, and the card ends with what another member sees', async () => {
  const end = await crew.carriedOut('host shutdown pve3')
  expect(end).toMatchObject({
    calls: ['hostPower'],
    card: { state: 'ok', title: expect.stringContaining('pve3: off, as pve') },
  })
  expect(end.lives).toBeGreaterThan(4)
  expect(host('pve3').power).toBe('off')
})

test('host wake: a magic packet by another node, until it votes', async () => {
  host('pve3').wakeonlan = 'bc:24:11:00:00:03'
  const end = await crew.carriedOut('host wake pve3')
  expect(end.card).toMatchObject({ state: 'ok', title: expect.stringContaining('pve3 is online: 3 of 3 votes') })
  // One too many does no harm; it is never the only one that was.
  expect([...new Set(end.calls)]).toEqual(['wakeHost'])
})

test('host wake by its power device, and no packet is sent', async () => {
  const { cluster } = stage.sim
  cutPower(cluster, host('pve3'))
  await until(
    async () => (await stage.proxmox.resources()).nodes.some(({ status }) => status === 'offline'),
    'pve3 to be missed',
  )
  const told: string[] = []
  const device = await simCrew(stage, {
    drills: {
      means: () => ({ power: true, network: false, storage: false, restore: 'webhook' }),
      power: async (node, to) => {
        told.push(`${node} ${to}`)
        powerOn(cluster, host(node))
      },
    },
  })
  const end = await device.carriedOut('host wake pve3')
  await device.close()
  expect(end).toMatchObject({ calls: [], card: { state: 'ok' } })
  expect([...new Set(told)]).toEqual(['pve3 on'])
})

test('host reboot: once, and back with a younger boot', async () => {
  const { bootedAt } = host('pve3')
  const end = await crew.carriedOut('host reboot pve3')
  expect(end.card).toMatchObject({ state: 'ok', title: expect.stringContaining('restarted and back, 3 of 3 votes') })
  expect(end.calls).toEqual(['hostPower'])
  expect(host('pve3').bootedAt).toBeGreaterThan(bootedAt)
})

test('host update-check: each repository asked once', async () => {
  const end = await crew.carriedOut('host update-check')
  expect(end.card.state).toMatch(/ok|warning/)
  expect(end.calls).toEqual(['refreshUpdates', 'refreshUpdates', 'refreshUpdates'])
  expect(['pve1', 'pve2', 'pve3'].map((node) => tasks(node, 'aptupdate').length)).toEqual([1, 1, 1])
})

test('host network: node after node, noted and applied once on each', async () => {
  const end = await crew.carriedOut('host network pve2,pve3 vmbr1 type:bridge ports:eno2')
  expect(end.card.state).toBe('ok')
  expect(end.calls).toEqual(['createInterface', 'applyNetwork', 'createInterface', 'applyNetwork'])
  for (const node of ['pve2', 'pve3']) {
    expect(tasks(node, 'srvreload')).toHaveLength(1)
    expect(host(node).interfaces.filter(({ iface }) => iface === 'vmbr1')).toHaveLength(1)
  }
  const [one, two] = ['pve2', 'pve3'].map((node) => tasks(node, 'srvreload')[0]!)
  expect(two!.starttime).toBeGreaterThanOrEqual(one!.endtime!)
})

test('host network: a node that is not back is told of with its old file, and no further one is touched', async () => {
  const { cluster } = stage.sim
  const cut = (event: SimEvent) => {
    if (event.kind === 'task' && event.node.name === 'pve2' && event.task.type === 'srvreload' && event.task.endtime) {
      cutNetwork(cluster, event.node)
    }
  }
  cluster.listeners.add(cut)
  const end = await crew.carriedOut('host network pve2,pve3 vmbr1 mtu:9000', { unharmed: true }).finally(() => {
    cluster.listeners.delete(cut)
    healNetwork(cluster, host('pve2'))
  })
  expect(end).toMatchObject({
    calls: ['updateInterface', 'applyNetwork'],
    card: { state: 'failed', error: { code: 'network-not-back' } },
  })
  expect(end.card.error?.says).toContain('ifreload -a')
  expect(JSON.stringify(end.card.fields)).toContain('iface vmbr1 inet manual')
  expect(host('pve3').interfaces.find(({ iface }) => iface === 'vmbr1')?.mtu).toBeUndefined()
  await until(
    async () => (await stage.proxmox.resources()).nodes.every(({ status }) => status === 'online'),
    'all to be back',
  )
})

test('host drain and undrain: each machine moved once, failback set aside and given back', async () => {
  const { ha } = host('pve1').config
  ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started', comment: 'shop' } })
  ha.rules.set('home', {
    rule: 'home',
    type: 'node-affinity',
    order: 1,
    keys: { resources: 'vm:100', nodes: 'pve1:2,pve2:1' },
  })
  const taken = async () => (await stage.proxmox.haStatus()).some(({ state }) => state === 'started')
  await until(taken, 'HA to take the machine', 20_000)
  const away = await crew.carriedOut('host drain pve1')
  expect(away.card).toMatchObject({ state: 'warning', title: 'pve1: 3 moved, 1 left' })
  expect(away.calls.filter((call) => call === 'updateHaResource')).toHaveLength(1)
  expect(away.calls.filter((call) => call === 'moveHaResource')).toHaveLength(1)
  expect(away.calls.filter((call) => call === 'migrateGuest')).toHaveLength(2)
  expect([100, 101, 102].map((vmid) => host('pve1').config.guests.get(vmid)?.node)).not.toContain('pve1')
  expect(ha.resources.get('vm:100')!.keys).toMatchObject({ failback: 0 })
  const home = await crew.carriedOut('host undrain pve1')
  expect(home).toMatchObject({ calls: ['updateHaResource'], card: { state: 'ok' } })
  expect(ha.resources.get('vm:100')!.keys).toMatchObject({ failback: 1, comment: 'shop' })
  expect(crew.faults).toEqual([])
})
