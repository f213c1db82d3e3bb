import { afterAll, beforeAll, expect, test } from 'vitest'
import { done, fieldOf, openHaStage } from './ha-stage.ts'
import type { Stage } from './stage.ts'

let stage: Stage

/** Before 9.0 a group says where machines go home to, not a rule. */
beforeAll(async () => {
  stage = await openHaStage({ pve: '8.4' })
  const { ha } = stage.sim.cluster.nodes[0]!.config
  await stage.proxmox.createHaGroup({ group: 'home', nodes: 'pve1:2,pve2:1', comment: 'shop' })
  await stage.proxmox.createHaResource({ sid: 'vm:100', group: 'home', state: 'started' })
  for (let seconds = 0; ha.manager.service_status?.['vm:100']?.state !== 'started'; seconds += 5) {
    if (seconds > 600) throw new Error('HA has not taken the machine')
    await stage.sim.cluster.clock.advance(5)
  }
})
afterAll(() => stage.close())

const group = async () => (await stage.proxmox.haGroups())[0]

test('host drain on 8.4 sets the failback of the group aside, and undrain gives it back', async () => {
  const card = await stage.say('host drain pve1')
  expect(fieldOf(card, 'Failback set aside')).toContain('home')
  const { outcome } = await done(stage, 'host drain pve1')
  expect(outcome?.values).toMatchObject({ node: 'pve1', moved: 3 })
  expect(await group()).toMatchObject({ nofailback: true, comment: expect.stringContaining('shop [quorum') })
  await stage.sim.cluster.clock.advance(60)
  expect(stage.sim.cluster.nodes[0]!.config.guests.get(100)?.node).toBe('pve2')
  expect((await done(stage, 'host undrain pve1')).outcome?.values).toEqual({ node: 'pve1', ids: 'home' })
  expect(await group()).toMatchObject({ nofailback: false, comment: 'shop' })
})
