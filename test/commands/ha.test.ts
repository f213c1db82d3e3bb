import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { done, fieldOf, openHaStage, warningsOf } from './ha-stage.ts'
import type { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openHaStage()
})
afterAll(() => stage.close())

const ha = () => stage.sim.cluster.nodes[0]!.config.ha
const rule = (name: string) => ha().rules.get(name)?.keys
const refused = async (line: string, who = 'operator') => (await stage.say(line, who)).error
const nodeOf = (vmid: number) => stage.sim.cluster.nodes[0]!.config.guests.get(vmid)?.node

/** Each test goes on where the one before it ended, as a session does. */
describe('a session', () => {
  test('nothing under HA: the card says how to begin, and that standby is normal', async () => {
    const card = await stage.say('ha status', 'viewer')
    expect(card).toMatchObject({ state: 'info', text: expect.stringContaining('ha prefer grupoHA') })
    expect(fieldOf(card, 'Fencing')).toContain('nothing to watch')
    expect(fieldOf(card, 'HA manager')).toContain('none yet')
  })

  test('three lines: a hierarchy of all nodes, a machine under it, the state', async () => {
    const kept = await stage.say('ha prefer grupoHA pve1:3 pve2:2 pve3:1')
    expect(kept).toMatchObject({ state: 'ok', title: 'grupoHA is kept: pve1:3 pve2:2 pve3:1' })
    expect(kept.text).toContain('ha add GUEST prefer:grupoHA')
    expect(ha().rules.size).toBe(0)
    expect((await stage.say('ha rules')).table?.rows).toEqual([
      ['grupoHA', 'prefers pve1:3 pve2:2 pve3:1', expect.stringContaining('first machine')],
    ])

    const added = await done(stage, 'ha add 100 prefer:grupoHA restart:1 relocate:1')
    expect(added.outcome).toMatchObject({ values: { now: 'started' }, fields: [{ name: 'node', value: 'pve1' }] })
    expect(ha().resources.get('vm:100')?.keys).toMatchObject({ state: 'started', max_restart: 1, max_relocate: 1 })
    expect(rule('grupoHA')).toMatchObject({ resources: 'vm:100', nodes: 'pve1:3,pve2:2,pve3:1' })

    const card = await stage.say('ha status')
    expect(card.state).toBe('ok')
    expect(card.table?.rows).toEqual([['web (vm:100)', 'pve1', 'runs', 'runs', 'grupoHA']])
    expect(fieldOf(card, 'Fencing')).toContain('armed')
  })

  test('apart is refused while the manager has not met as many nodes, as Proxmox would', async () => {
    const { manager } = ha()
    const before = manager.node_status
    manager.node_status = {}
    expect((await refused('ha apart 100 101'))?.code).toBe('too-early')
    manager.node_status = before
  })

  test('why: it runs where the rule puts it first', async () => {
    const card = await stage.say('why web', 'viewer')
    expect(card).toMatchObject({ state: 'info', text: 'It is on pve1 because rule grupoHA puts that node first.' })
    expect((await stage.say('why db')).text).toContain('not under high availability')
  })

  test('what is asked for by hand is shown, and nothing done', async () => {
    const card = await stage.say('ha add 101 prefer:grupoHA restart:2 --explain')
    expect(fieldOf(card, 'By hand, in a shell')).toBe(
      'ha-manager add vm:101 --state started --max_restart 2 --max_relocate 1\n' +
        'ha-manager rules set node-affinity grupoHA --resources vm:100,vm:101 --nodes pve1:3,pve2:2,pve3:1',
    )
    expect(ha().resources.has('vm:101')).toBe(false)
  })

  test('a change shows before and after, and only what changes', async () => {
    const set = await done(stage, 'ha set web restart:3')
    expect(fieldOf(set, 'Restarts tried on the same node')).toBe('1 → 3')
    expect(fieldOf(set, 'Wanted')).toBeUndefined()
    expect(ha().resources.get('vm:100')?.keys.max_restart).toBe(3)
    expect((await refused('ha set web restart:3'))?.code).toBe('ha-nothing-to-change')
  })

  test('moved against its rule it comes home at once, which is told; with failback off it stays', async () => {
    expect(warningsOf(await stage.say('ha migrate web pve2 --explain')).join()).toContain('moves it back')
    await done(stage, 'ha set web failback:false')
    const moved = await done(stage, 'ha migrate web pve2')
    expect(fieldOf(moved, 'Node')).toBe('pve1 → pve2')
    expect(moved.outcome?.values).toMatchObject({ name: 'web', target: 'pve2' })
    expect(nodeOf(100)).toBe('pve2')
    const [newest] = (await stage.proxmox.tasks('pve2', { vmid: 100 }))
      .concat(await stage.proxmox.tasks('pve1', { vmid: 100 }))
      .sort((a, b) => b.starttime - a.starttime)
    expect(newest).toMatchObject({ type: 'qmigrate', exit: 'OK' })
    expect((await stage.say('why web')).text).toContain('failback')
  })

  test('together: where one goes, all go; a guest of several ranks cannot, and is told why', async () => {
    await done(stage, 'ha add db')
    await done(stage, 'ha add mail')
    expect(await refused('ha together web db')).toMatchObject({
      code: 'ha-several-priorities',
      says: expect.stringContaining('grupoHA'),
    })
    const together = await done(stage, 'ha together db mail name:pair')
    expect(together.outcome?.values).toMatchObject({ now: 'written' })
    expect(rule('pair')).toMatchObject({ resources: 'vm:101,vm:102', affinity: 'positive' })
    expect(await refused('ha apart db mail')).toMatchObject({ code: 'ha-together-and-apart', hint: 'ha unrule pair' })
    const plan = await stage.say('ha migrate db pve3 --explain')
    expect(fieldOf(plan, 'Come along')).toBe('vm:102')
    await done(stage, 'ha migrate db pve3')
    await stage.sim.cluster.clock.advance(60)
    expect([nodeOf(101), nodeOf(102)]).toEqual(['pve3', 'pve3'])
  })

  test('apart: who stands in the way is named before Proxmox drops the wish in silence', async () => {
    await done(stage, 'ha unrule pair')
    expect(rule('pair')).toBeUndefined()
    await done(stage, 'ha apart db mail')
    await stage.sim.cluster.clock.advance(60)
    const [db, mail] = [nodeOf(101)!, nodeOf(102)!]
    expect(db).not.toBe(mail)
    expect(await refused(`ha migrate db ${mail}`)).toMatchObject({ code: 'ha-is-blocked' })
    expect((await refused(`ha relocate db ${db}`))?.code).toBe('ha-already-there')
  })

  test('disarmed after a confirmation, told everywhere, armed again', async () => {
    const card = await stage.say('ha disarm', 'admin')
    expect(card.state).toBe('waiting')
    expect(warningsOf(card).join()).toContain('nobody starts them elsewhere')
    const disarmed = await done(stage, 'ha disarm', 'admin')
    expect(disarmed.outcome?.values).toEqual({ now: 'disarmed' })
    expect(fieldOf(await stage.say('ha status'), 'Fencing')).toContain('DISARMED')
    expect((await stage.say('why web')).text).toContain('disarmed')
    expect((await refused('ha migrate web pve3'))?.code).toBe('ha-is-disarmed')
    expect((await refused('ha disarm', 'admin'))?.code).toBe('is-disarmed')
    const armed = await done(stage, 'ha arm', 'admin')
    expect(armed.outcome?.values).toEqual({ now: 'armed' })
  })

  test('the shutdown policy is shown with what it does, and set', async () => {
    const rows = (await stage.say('ha policy')).table?.rows ?? []
    expect(rows.map(([name]) => name)).toEqual(['conditional (now)', 'freeze', 'failover', 'migrate'])
    const set = await done(stage, 'ha policy migrate')
    expect(fieldOf(set, 'Shutdown policy')).toBe('conditional → migrate')
    expect((await stage.proxmox.clusterOptions()).shutdownPolicy).toBe('migrate')
    expect(fieldOf(await stage.say('ha status'), 'Shutdown policy')).toBe('migrate')
  })

  test('switched off through HA and on again', async () => {
    await stage.sim.cluster.clock.advance(30)
    expect((await done(stage, 'ha set mail state:stopped')).outcome?.values).toMatchObject({ now: 'stopped' })
    expect((await stage.say('why mail')).text).toContain('ha set 102 state:started')
    expect((await done(stage, 'ha set mail state:started')).outcome?.values).toMatchObject({ now: 'started' })
  })

  test('taken out, and out of its rules: one that is left with too few goes with it', async () => {
    const removed = await done(stage, 'ha remove mail')
    expect(warningsOf(removed).join()).toContain('apart-101-102')
    expect(removed.outcome?.values).toMatchObject({ now: 'gone' })
    expect(ha().resources.has('vm:102')).toBe(false)
    expect(rule('apart-101-102')).toBeUndefined()
    await done(stage, 'ha remove web')
    expect(rule('grupoHA')).toBeUndefined()
  })
})
