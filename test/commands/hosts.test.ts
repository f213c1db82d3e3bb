import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../../src/core/message.ts'
import type { SimNode } from '../../src/lab/model.ts'
import { done, fieldOf, openHaStage, warningsOf } from './ha-stage.ts'
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

test('host check of one, in Spanish', async () => {
  const card = await stage.say('host check pve2', 'ana', 'es')
  expect(card.title).toMatch(/^Equipo pve2: \d+ fallas/)
  expect(rowOf(card, 'Arquitectura')).toMatchObject({ 2: 'ppc64le' })
})

test('host shutdown: consequences first; seen off by another; woken again', async () => {
  const card = await stage.say('host shutdown pve3', 'admin')
  expect(card).toMatchObject({ state: 'waiting', title: 'Shut down node pve3' })
  expect(fieldOf(card, 'Votes')).toBe('3 → 2 of 3; 2 are needed')
  expect(fieldOf(card, 'Shutdown policy')).toMatch(/^conditional: /)
  expect(warningsOf(card)).toEqual([
    'Afterwards one more loss makes the cluster read-only.',
    expect.stringContaining('no Wake-on-LAN address'),
  ])
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
  const card = await stage.say('host reboot pve1', 'admin')
  expect(warningsOf(card).join('\n')).toMatch(/Not under HA, stopped with it: web \(vm:100\)/)
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
