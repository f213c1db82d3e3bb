import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../../src/core/message.ts'
import type { SimNode } from '../../src/lab/model.ts'
import { done, fieldOf, openHaStage, runJob, warningsOf } from './ha-stage.ts'
import type { Stage } from './stage.ts'

let stage: Stage
const host = (name: string): SimNode => stage.sim.cluster.nodes.find((one) => one.name === name)!

beforeAll(async () => {
  stage = await openHaStage()
})
afterAll(() => stage.close())

const rowOf = ({ table }: Message, topic: string) => table?.rows.find(([name]) => name === topic)

test('host check: what is wanted beside what was found, and what to do', async () => {
  host('pve2').hardware.machine = 'ppc64le'
  host('pve3').hardware.iommu = false
  host('pve3').clockAhead = 300
  host('pve1').repositories = { 'no-subscription': true }
  const card = await stage.say('host check', 'viewer')
  expect(card).toMatchObject({ state: 'failed' })
  expect(rowOf(card, 'Architecture')).toEqual([
    'Architecture',
    'FAIL',
    'pve1, pve3: x86_64\npve2: ppc64le',
    '64-bit (x86_64) / Intel EM64T or AMD64',
    'pve2: Proxmox VE runs on 64-bit Intel and AMD only; take another machine.',
  ])
  expect(rowOf(card, 'Virtualization')).toMatchObject({ 1: 'pass', 2: 'all: Intel VT (vmx)', 4: '' })
  expect(rowOf(card, 'PCI passthrough')).toMatchObject({ 1: 'warning', 2: 'pve1, pve2: on\npve3: off, or not there' })
  expect(rowOf(card, 'Clock')).toMatchObject({ 1: 'FAIL', 2: expect.stringMatching(/pve3: (299|300|301) s ahead/) })
  expect(rowOf(card, 'Memory')).toMatchObject({ 1: 'pass', 2: expect.stringContaining('pve1: 64 GiB, 192 MiB') })
  expect(rowOf(card, 'Boot disk')).toMatchObject({ 2: 'all: /dev/sda (ssd, 447.1 GiB)' })
  expect(rowOf(card, 'Updates')?.[2]).toContain('pve1: no subscription, no-subscription')
  expect(rowOf(card, 'Updates')?.[2]).toContain('pve2, pve3: enterprise, and no subscription')
  expect(rowOf(card, 'Nodes and votes')).toMatchObject({ 1: 'pass', 2: 'all: 3 nodes, 3 votes' })
})

test('host check: hosts of the configuration that are in no cluster stand beside the others, measured or not', async () => {
  const lone = { name: 'pve4', online: true, lone: 'seen', served: 0, promised: 0 }
  const status = { machine: 'x86_64', flags: ['lm', 'vmx'], memory: 64 * 1024 ** 3, version: '8.4.1', rootTotal: 90e9 }
  const alone = ['pve4', 'pve5'].map((name) => ({ name, endpoint: 'https://10.0.0.4:8006' }))
  stage.hosts.push(...alone)
  stage.lone = { hosts: [{ ...lone, status }], clocks: [{ pve1: 100, pve2: 100, pve3: 100, pve4: 190 }] }
  const card = await stage.say('host check', 'viewer')
  expect(card.text).toContain('In no cluster: pve4, pve5')
  expect(rowOf(card, 'Online')?.[2]).toContain('pve4: online, in no cluster')
  expect(rowOf(card, 'Online')).toMatchObject({
    2: expect.stringContaining('pve5: not measured'),
    4: expect.stringContaining('quorum worker --root'),
  })
  expect(rowOf(card, 'Version')).toMatchObject({ 1: 'FAIL', 2: expect.stringContaining('pve4: 8.4.1') })
  expect(rowOf(card, 'Clock')?.[2]).toContain('pve4: 90 s ahead')
  const one = await stage.say('host check pve4', 'viewer')
  expect(one.title).toContain('pve4')
  stage.hosts.splice(-2)
  stage.lone = undefined
})

test('host check of one, in Spanish', async () => {
  const card = await stage.say('host check pve2', 'ana', 'es')
  expect(card.title).toMatch(/^Equipo pve2: \d+ fallas/)
  expect(rowOf(card, 'Arquitectura')).toMatchObject({ 2: 'ppc64le' })
})

/** `web` under HA, at home on pve1. */
async function underHa() {
  const { ha } = host('pve1').config
  ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started', comment: 'shop' } })
  const keys = { resources: 'vm:100', nodes: 'pve1:2,pve2:1' }
  ha.rules.set('home', { rule: 'home', type: 'node-affinity', order: 1, keys })
  await advanced(async () => (await stage.proxmox.haStatus()).some(({ state }) => state === 'started'))
}

async function advanced(isSo: () => Promise<boolean>) {
  for (let seconds = 0; !(await isSo()); seconds += 5) {
    if (seconds > 600) throw new Error('not within ten minutes of the simulated clock')
    await stage.sim.cluster.clock.advance(5)
  }
}

const placeOf = (vmid: number) => host('pve1').config.guests.get(vmid)?.node

test('host drain: away by HA and live, the rest is named; undrain gives failback back and HA goes home', async () => {
  await underHa()
  await stage.machine(103, 'own')
  const card = await stage.say('host drain pve1')
  expect(fieldOf(card, 'web (vm:100)')).toBe('→ pve2, live, by HA')
  expect(fieldOf(card, 'db (vm:101)')).toMatch(/^→ pve[23], live$/)
  expect(fieldOf(card, 'own (vm:103)')).toContain("scsi0 is on the node's own storage")
  expect(fieldOf(card, 'Failback set aside')).toBe('vm:100; restored by: host undrain pve1')
  const { outcome } = await done(stage, 'host drain pve1')
  expect(outcome?.values).toMatchObject({ node: 'pve1', moved: 3 })
  expect(outcome?.warnings?.join()).toContain('"name":"own"')
  expect([100, 101, 102].map(placeOf)).not.toContain('pve1')
  const keys = () => host('pve1').config.ha.resources.get('vm:100')!.keys
  expect(keys()).toMatchObject({ failback: 0, comment: 'shop [quorum: failback off while pve1 is drained]' })
  await stage.sim.cluster.clock.advance(60)
  expect(placeOf(100)).toBe('pve2')

  expect((await done(stage, 'host undrain pve1')).outcome?.values).toEqual({ node: 'pve1', ids: 'vm:100' })
  expect(keys()).toMatchObject({ failback: 1, comment: 'shop' })
  await advanced(async () =>
    (await stage.proxmox.haStatus()).some(({ node, state }) => node === 'pve1' && state === 'started'),
  )
  expect((await stage.say('host undrain pve1')).error?.code).toBe('not-drained')
})

test('host network: the card of management refused, one node after another, the old file and the difference shown', async () => {
  const list = await stage.say('host network pve2', 'admin')
  expect(list.table?.rows).toContainEqual(['pve2', 'vmbr0', expect.stringContaining('bridge-ports eno1'), 'yes'])
  const refused = async (line: string) => (await stage.say(line, 'admin')).error?.code
  expect(await refused('host network pve2 vmbr0 mtu:9000')).toBe('network-carries')
  expect(await refused('host network pve2 vmbr1 type:bridge ports:eno1')).toBe('network-carries')
  expect(await refused('host network pve2 vmbr1 type:bridge ports:eno9')).toBe('network-no-port')
  expect(await refused('host network pve2,pve3 vmbr1 type:bridge address:10.0.0.1/24')).toBe('network-one-address')
  expect(await refused('host network pve1 vmbr1 type:bridge')).toBe('network-drain-first')
  const consoled = await stage.say('host network pve2 vmbr0 mtu:9000 console:true', 'admin')
  expect(warningsOf(consoled).join()).toContain('carries the address by which pve2 is reached')

  const card = await stage.say('host network pve2,pve3 vmbr1 type:bridge ports:eno2', 'admin')
  expect(fieldOf(card, 'pve2')).toBe('– → bridge, bridge-ports eno2')
  const { outcome } = await done(stage, 'host network pve2,pve3 vmbr1 type:bridge ports:eno2', 'admin')
  expect(outcome?.values).toEqual({ iface: 'vmbr1', nodes: 'pve2, pve3' })
  for (const name of ['pve2', 'pve3']) {
    expect(host(name).interfaces).toContainEqual(expect.objectContaining({ iface: 'vmbr1', bridge_ports: 'eno2' }))
    expect(host(name).pendingInterfaces).toBeUndefined()
  }
  expect(await refused('host network pve2,pve3 vmbr1 ports:eno2')).toBe('network-so-already')
  expect(await refused('host network pve2 vmbr2 type:bridge ports:eno2')).toBe('network-port-taken')

  host('pve2').pendingInterfaces = [...host('pve2').interfaces]
  expect(await refused('host network pve2 vmbr3 type:bridge')).toBe('network-pending')
  delete host('pve2').pendingInterfaces
  await done(stage, 'host network pve3 vmbr1 remove:true', 'admin')
  expect(host('pve3').interfaces.map(({ iface }) => iface)).not.toContain('vmbr1')
})

test('host network: what somebody else made meanwhile is not touched, and the next node neither', async () => {
  const before = stage.enqueued.length
  const card = await stage.say('host network pve2,pve3 vmbr5 type:bridge', 'admin')
  expect(card.error).toBeUndefined()
  await stage.click(card.key, 'confirm', 'admin')
  host('pve2').interfaces.push({ iface: 'vmbr5', type: 'bond', method: 'manual', slaves: 'eno2', priority: 9 })
  await expect(runJob(stage, stage.enqueued[before]!)).rejects.toMatchObject({ code: 'network-changed' })
  expect(host('pve3').interfaces.map(({ iface }) => iface)).not.toContain('vmbr5')
  expect([host('pve2').pendingInterfaces, host('pve3').pendingInterfaces]).toEqual([undefined, undefined])
  host('pve2').interfaces = host('pve2').interfaces.filter(({ iface }) => iface !== 'vmbr5')
})

test('host shutdown says that nothing would wake the node, unless a power device does', async () => {
  const told = async () => warningsOf(await stage.say('host shutdown pve3', 'admin')).join()
  expect(await told()).toContain('no Wake-on-LAN address')
  const { means } = stage.drills
  stage.drills.means = () => ({ power: true, network: false, storage: false, restore: 'webhook' })
  expect(await told()).not.toContain('Wake-on-LAN')
  stage.drills.means = means
})

test('host shutdown: consequences first; seen off by another; woken again', async () => {
  const card = await stage.say('host shutdown pve3', 'admin')
  expect(card).toMatchObject({ state: 'waiting', title: 'Shut down node pve3' })
  expect(fieldOf(card, 'Votes')).toBe('3 → 2 of 3; 2 are needed')
  expect(fieldOf(card, 'Shutdown policy')).toMatch(/^conditional: /)
  expect(warningsOf(card)).toContain('Afterwards one more loss makes the cluster read-only.')
  expect(warningsOf(card).join()).toContain('no Wake-on-LAN address')
  const down = await done(stage, 'host shutdown pve3', 'admin')
  expect(down.outcome?.values).toMatchObject({ node: 'pve3', now: expect.stringMatching(/^off .*pve[12]/) })
  expect(host('pve3').power).toBe('off')

  await expect(done(stage, 'host wake pve3', 'operator')).rejects.toMatchObject({ code: 'no-wake-address' })
  host('pve3').wakeonlan = 'BC:24:11:00:00:03'
  const woken = await done(stage, 'host wake pve3', 'operator')
  expect(woken.outcome?.values).toEqual({ node: 'pve3', votes: 3, expected: 3 })
})

test('host reboot: machines outside of HA by name; done when it votes with a younger boot', async () => {
  const before = host('pve1').bootedAt
  await stage.ended(await stage.proxmox.guestPower({ node: 'pve1', kind: 'qemu', vmid: 103 }, 'start'))
  const card = await stage.say('host reboot pve1', 'admin')
  expect(warningsOf(card).join('\n')).toMatch(/Not under HA, stopped with it: own \(vm:103\)/)
  const back = await done(stage, 'host reboot pve1', 'admin')
  expect(back.outcome?.values).toMatchObject({ now: 'back {"votes":3,"expected":3}' })
  expect(host('pve1').bootedAt).toBeGreaterThan(before)
})

test('host update-check: what is newer, and a host that cannot ask', async () => {
  host('pve1').repositories = { 'no-subscription': true }
  host('pve2').repositories = { 'no-subscription': true }
  delete host('pve3').repositories
  host('pve1').updates = [
    { name: 'vim', old: '9.0', version: '9.1', origin: 'Debian' },
    { name: 'proxmox-kernel-6.17', old: '6.17.4', version: '6.17.9', origin: 'Proxmox' },
  ]
  const { outcome } = await done(stage, 'host update-check')
  expect(outcome?.values).toEqual({ count: 2 })
  expect(outcome?.fields?.map(({ value }) => value)).toEqual([
    'some {"count":2,"names":"proxmox-kernel-6.17 6.17.4 → 6.17.9, vim 9.0 → 9.1"}',
    'none',
    'none',
  ])
  expect(outcome?.warnings).toEqual(['failed {"node":"pve3"}', 'kernel {"node":"pve1"}'])
})
