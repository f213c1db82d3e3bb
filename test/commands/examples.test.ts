import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Example } from '../../src/core/command.ts'
import { until } from '../until.ts'
import { catalogue, Stage } from './stage.ts'

let stage: Stage

/** The machines that the examples speak of, beside the template of the scenario. */
beforeAll(async () => {
  stage = await Stage.open()
  await stage.machine(100, 'web1', { running: true })
  await stage.machine(101, 'db1')
  await underHa()
  people()
  stage.incidents.begin('i-4f2a9c', { kind: 'node.lost', node: 'pve3' })
  stage.incidents.begin('i-77b1e0', { kind: 'storage.lost', storage: 'nas', node: 'pve1' })
  stage.incidents.begin('i-0ver00', { kind: 'guest.restarted', guest: 'vm:101', node: 'pve1' })
})

/** `ha1`, `ha2` and `ha3` run under HA; the last one has a rule. */
async function underHa() {
  const { clock, nodes } = stage.sim.cluster
  const { ha } = nodes[0]!.config
  for (const [i, vmid] of [110, 111, 112].entries()) {
    await stage.machine(vmid, `ha${i + 1}`, { running: true, config: { scsi0: 'Storage:1' } })
    ha.resources.set(`vm:${vmid}`, { sid: `vm:${vmid}`, type: 'vm', keys: { state: 'started' } })
  }
  const keys = { resources: 'vm:112', nodes: 'pve1:2,pve2:1' }
  ha.rules.set('ha-rule', { rule: 'ha-rule', type: 'node-affinity', order: 1, keys })
  // By hand from here on: a node that a busy machine lets run late would reset itself.
  clock.setSpeed(1)
  const taken = async () => {
    await clock.advance(5)
    return (await stage.proxmox.haStatus()).filter(({ state }) => state === 'started').length === 3
  }
  await until(taken, 'HA to take the machines')
}

/** Somebody to give rights to, and a directory to look through. */
function people() {
  const { access } = stage.sim.cluster.nodes[0]!.config
  const user = { enable: true, expire: 0, groups: ['helpdesk'], tokens: new Map() }
  access.groups.set('helpdesk', { groupid: 'helpdesk' })
  access.users.set('ana@pve', { userid: 'ana@pve', ...user })
  access.acl.push({ path: '/vms/101', type: 'user', ugid: 'ana@pve', roleid: 'PVEVMUser', propagate: true })
  access.realms.set('campus', { realm: 'campus', type: 'ad', options: { server1: 'dc1.lab.test', domain: 'lab.test' } })
}

beforeEach(() => stage.forgetLanguages())
afterAll(() => stage.close())

const own = catalogue.entries.filter(({ path, file }) => path === file)

/** What came of an example, in the terms that examples are written in. */
async function outcome({ say }: Example, locale: string): Promise<Omit<Example, 'say'>> {
  const before = stage.enqueued.length
  const card = await stage.say(say, 'admin', locale)
  if (card.error) return { refuses: card.error.code }
  if (card.form) return { asks: true }
  if (card.state === 'waiting') {
    const confirmed = await stage.click(card.key, 'confirm', 'admin')
    if (confirmed.message.actions?.some(({ id }) => id === 'approve')) {
      await stage.click(card.key, 'approve', 'operator')
    }
  }
  const job = stage.enqueued[before]
  return job ? { plans: job.worker } : { answers: true }
}

describe.each(own)('$path', ({ command }) => {
  test('has examples', () => expect(command.examples.length).toBeGreaterThan(0))

  test.each(command.examples.map((example) => ({ example, line: example.say })))('$line', async ({ example }) => {
    const { say, ...promised } = example
    expect(await outcome(example, 'en')).toEqual(promised)
    expect(stage.reported).toEqual([])
    if (promised.asks) return
    stage.forgetLanguages()
    const card = await stage.say(say, 'admin', 'es')
    expect(JSON.stringify(card), 'a place that was not filled').not.toMatch(/(?<!\/)\{[a-z]\w*\}/i)
  })

  const planned = command.examples.filter(({ plans }) => plans)
  if (planned.length > 0) {
    test.each(planned.map(({ say }) => say))('%s --explain: by hand in both ways, and nothing is done', async (say) => {
      const before = stage.enqueued.length
      const card = await stage.say(`${say} --explain`, 'admin')
      expect(card.state).toBe('info')
      const names = card.fields?.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining(['By hand, in a shell', 'By hand, in the web interface']))
      expect(JSON.stringify(card), 'a place that was not filled').not.toMatch(/(?<!\/)\{[a-z]\w*\}/i)
      expect(stage.enqueued.length).toBe(before)
    })
  }
})
