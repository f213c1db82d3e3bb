import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../../src/core/message.ts'
import type { SimNode } from '../../src/lab/model.ts'
import { Stage } from './stage.ts'

let stage: Stage
const host = (name: string): SimNode => stage.sim.cluster.nodes.find((one) => one.name === name)!

beforeAll(async () => {
  stage = await Stage.open()
  stage.sim.cluster.clock.setSpeed(1)
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
  expect(rowOf(card, 'Memory')).toMatchObject({ 1: 'pass', 2: expect.stringMatching(/^all: 64 GiB/) })
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
