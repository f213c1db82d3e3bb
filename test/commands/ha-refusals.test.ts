import { afterAll, beforeAll, expect, test } from 'vitest'
import { cutPower } from '../../src/lab/power.ts'
import { openHaStage } from './ha-stage.ts'
import type { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openHaStage()
  await stage.machine(103, 'local1')
  await stage.machine(104, 'cd1', { config: { scsi0: 'Storage:1', ide2: 'NASAccess:iso/debian-12.iso,media=cdrom' } })
  await stage.machine(105, 'gpu1', { config: { scsi0: 'Storage:1' } })
  config().guests.get(105)!.keys.hostpci0 = '0000:01:00.0'
})
afterAll(() => stage.close())

const config = () => stage.sim.cluster.nodes[0]!.config
const refused = async (line: string, who = 'operator') => (await stage.say(line, who)).error

test.each([
  ['ha add local1', 'ha-local-disk', 'local-lvm', 'anyway:true'],
  ['ha add gpu1', 'ha-passthrough', 'hostpci0', 'qm set 105 --delete hostpci0'],
  ['ha add 9000', 'ha-template', 'template', 'vm clone 9000'],
  ['ha add web prefer:nothing', 'ha-no-rule', 'nothing', 'ha rules'],
  ['ha set web restart:2', 'ha-not-under', 'web', 'ha add 100'],
  ['ha prefer x pve1:3', 'ha-bad-name', 'x', 'ha rules'],
  ['ha prefer grupo pve1:3 pve1:2', 'ha-bad-nodes', 'pve1:3 pve1:2', 'pve1:3 pve2:2'],
  ['ha prefer grupo pve7:3', 'ha-unknown-node', 'pve7', 'ha prefer grupo'],
  ['ha prefer grupo pve1 guests:web', 'ha-not-managed', 'vm:100', 'ha add 100'],
  ['ha together web', 'ha-needs-two', 'two machines', 'help ha together'],
  ['ha unrule nothing', 'ha-no-rule', 'nothing', 'ha rules'],
  ['ha migrate web pve2', 'ha-not-under', 'web', 'ha add 100'],
])('%s is refused: %s', async (line, code, says, hint) => {
  expect(await refused(line)).toMatchObject({
    code,
    says: expect.stringContaining(says),
    hint: expect.stringContaining(hint),
  })
})

test('an ISO on a storage that one node lacks is named, with what empties the drive', async () => {
  const nas = config().storages.get('NASAccess')!
  expect((await stage.say('ha add cd1 --explain')).state).toBe('info')
  nas.nodes = ['pve1', 'pve3']
  expect(await refused('ha add cd1')).toMatchObject({
    code: 'ha-cdrom',
    says: expect.stringContaining('NASAccess'),
    hint: 'vm cdrom 104 eject drive:ide2',
  })
  expect((await stage.say('why cd1')).text).toContain('not under high availability')
  delete nas.nodes
})

test('a preference that is strict asks only of its own nodes what the machine needs', async () => {
  const nas = config().storages.get('NASAccess')!
  nas.nodes = ['pve1', 'pve3']
  await stage.say('ha prefer without2 pve1:2 pve3:1 strict:true')
  expect((await stage.say('ha add cd1 prefer:without2 --explain')).state).toBe('info')
  expect((await refused('ha add cd1'))?.code).toBe('ha-cdrom')
  delete nas.nodes
})

test('who may what: a viewer looks, an operator changes, an administrator disarms', async () => {
  expect((await refused('ha add web', 'viewer'))?.code).toBe('not-allowed')
  expect((await refused('ha disarm', 'operator'))?.code).toBe('not-allowed')
  expect((await stage.say('ha status', 'viewer')).state).toBe('info')
})

test('an error state is left by being disabled once; everything else is refused with that', async () => {
  const { ha } = config()
  ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started' } })
  const { clock } = stage.sim.cluster
  for (let i = 0; i < 10; i++) await clock.advance(10)
  const service = ha.manager.service_status!['vm:100']!
  Object.assign(service, { state: 'error', failed_nodes: ['pve1', 'pve2'] })
  for (const line of ['ha set web restart:2', 'ha set web state:started', 'ha migrate web pve2']) {
    expect(await refused(line)).toMatchObject({
      code: 'ha-error-first',
      hint: expect.stringContaining('ha set 100 state:disabled'),
    })
  }
  const why = await stage.say('why web')
  expect(why).toMatchObject({ state: 'failed', text: expect.stringContaining('pve1, pve2') })
  expect((await stage.say('ha status')).state).toBe('failed')
  expect((await stage.say('ha set web state:disabled --explain')).state).toBe('info')
  ha.resources.delete('vm:100')
})

test('no quorum: nothing is changed, and what is shown is called frozen', async () => {
  for (const node of stage.sim.cluster.nodes.slice(1)) cutPower(stage.sim.cluster, node)
  await stage.sim.cluster.clock.advance(30)
  expect((await refused('ha prefer grupo pve1:1'))?.code).toBe('no-quorum')
  expect(await stage.say('ha status')).toMatchObject({ state: 'failed' })
  expect((await stage.say('why web')).text).toContain('no quorum')
})
