import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { done, fieldOf, openHaStage } from './ha-stage.ts'
import type { Stage } from './stage.ts'

/** The same lines on clusters that have groups instead of rules. */
describe.each(['8.4', '7.2'] as const)('Proxmox VE %s', (pve) => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openHaStage({ pve })
  })
  afterAll(() => stage.close())

  const ha = () => stage.sim.cluster.nodes[0]!.config.ha
  const refused = async (line: string, who = 'operator') => (await stage.say(line, who)).error

  test('the three lines make a group of all nodes and a machine in it', async () => {
    const group = await done(stage, 'ha prefer grupoHA pve1:3 pve2:2 pve3:1')
    expect(group.outcome?.values).toMatchObject({ now: 'written' })
    expect(ha().groups.get('grupoHA')).toMatchObject({ nodes: 'pve1:3,pve2:2,pve3:1' })
    const added = await done(stage, 'ha add 100 prefer:grupoHA restart:1 relocate:1')
    expect(added.outcome?.values).toMatchObject({ now: 'started' })
    expect(ha().resources.get('vm:100')?.keys).toMatchObject({ group: 'grupoHA', state: 'started' })
    const card = await stage.say('ha status')
    expect(card.table?.rows).toEqual([['web (vm:100)', 'pve1', 'runs', 'runs', 'grupoHA']])
    expect(fieldOf(card, 'Fencing')).toContain('does not say it')
    expect((await stage.say('why web')).text).toContain('grupoHA puts that node first')
  })

  test('changed, moved, left and taken away by the same words', async () => {
    const changed = await done(stage, 'ha prefer grupoHA pve1:2 pve2:2 strict:true')
    expect(fieldOf(changed, 'grupoHA: never elsewhere')).toBe('no → yes')
    expect(ha().groups.get('grupoHA')).toMatchObject({ nodes: 'pve1:2,pve2:2', restricted: 1 })
    expect((await refused('ha migrate web pve3'))?.code).toBe('ha-not-allowed')
    const moved = await done(stage, 'ha migrate web pve2')
    expect(moved.outcome?.values).toMatchObject({ target: 'pve2' })
    await done(stage, 'ha set web prefer:none')
    expect(ha().resources.get('vm:100')?.keys.group).toBeUndefined()
    await done(stage, 'ha unrule grupoHA')
    expect(ha().groups.size).toBe(0)
    expect((await done(stage, 'ha remove web')).outcome?.values).toMatchObject({ now: 'gone' })
  })

  test('what came later is refused with the nearest thing', async () => {
    expect(await refused('ha together web db')).toMatchObject({
      code: 'ha-since-nine',
      says: expect.stringContaining(pve),
    })
    expect((await refused('ha disarm', 'admin'))?.code).toBe('cannot-disarm')
    expect((await refused('ha arm', 'admin'))?.code).toBe('cannot-disarm')
  })
})
