/** The simulator as Proxmox VE 8.4 and 7.2: what those have, lack and say otherwise. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRoutes } from '../src/lab/api.ts'
import { loadSchema } from '../src/lab/schema/load.ts'
import { startSim } from '../src/lab/sim.ts'
import { Caller } from './lab-calls.ts'
import type { Recording } from './replay.ts'

const UNKNOWN = 'property is not defined in schema and the schema does not allow additional properties'

/** Good values for what stands in paths; the thing itself need not exist. */
const PATH_VALUES: Record<string, string> = {
  ...{ node: 'pve1', vmid: '9000', userid: 'quorum@pve', tokenid: 'bot', roleid: 'PVEAdmin', groupid: 'g1' },
  ...{ poolid: 'p1', realm: 'pam', iface: 'vmbr0', service: 'pveproxy', sid: 'vm:9000', rule: 'r1', group: 'g1' },
  ...{ storage: 'local', volume: 'local:iso/x.iso', snapname: 's1', id: 'i1', command: 'x', name: 'n1' },
  upid: 'UPID:pve1:00000001:00000001:6B035A00:qmstart:100:root@pam:',
}

describe.each(['8.4', '7.2'] as const)('Proxmox VE %s', (version) => {
  const schema = loadSchema(version)
  let lab: Caller
  beforeAll(async () => {
    lab = new Caller(await startSim({ pve: version, port: 0, seed: 3, speed: 1000 }))
  })
  afterAll(() => lab.close())

  const get = async (path: string) => (await lab.call('GET', path)).data
  const config = () => lab.sim.cluster.nodes[0]!.config

  test('each endpoint checks what its schema says, and those of later releases are not there', async () => {
    const counts = { checked: 0, absent: 0 }
    for (const { method, path: template } of allRoutes().values()) {
      const path = template.replace(/\{(\w+)\}/g, (_, name: string) => PATH_VALUES[name] ?? 'none')
      const facts = schema.endpoints[template]?.[method]
      if (facts?.additionalProperties) continue
      const answer = await call(lab, method, path, { 'no-such-thing': '1' })
      if (facts) {
        expect(answer, `${method} ${template}`).toMatchObject({ status: 400 })
        expect(answer.body, `${method} ${template}`).toMatchObject({ errors: { 'no-such-thing': UNKNOWN } })
        counts.checked += 1
      } else {
        expect(answer, `${method} ${template}`).toMatchObject({
          status: 501,
          reason: `Method '${method} ${path}' not implemented`,
        })
        counts.absent += 1
      }
    }
    expect(counts.checked).toBeGreaterThan(100)
    expect(counts.absent).toBeGreaterThanOrEqual(7)
  })

  test('it says who it is, and what is wrong with a login', async () => {
    expect(await get('/version')).toMatchObject({ release: version })
    const wrong = await call(lab, 'GET', '/version', {}, 'token quorum@pve!nobody')
    expect(wrong).toMatchObject({ status: 401, reason: "no such token 'nobody' for user 'quorum@pve'", text: '' })
  })

  test('groups are made, used, changed and deleted', async () => {
    const group = { group: 'first', nodes: 'pve1:2,pve2', nofailback: 1 }
    expect(await lab.call('POST', '/cluster/ha/groups', group)).toMatchObject({ status: 200, data: null })
    const again = await lab.call('POST', '/cluster/ha/groups', group)
    expect(again.reason).toBe("create ha group failed: ha group ID 'first' already defined")
    const [listed] = (await get('/cluster/ha/groups')) as Record<string, unknown>[]
    expect(listed).toMatchObject({ ...group, type: 'group' })

    const resource = { sid: '9000', group: 'first' }
    expect(await lab.call('POST', '/cluster/ha/resources', resource)).toMatchObject({ status: 200, data: null })
    expect(await get('/cluster/ha/resources/9000')).toMatchObject({ sid: 'vm:9000', type: 'vm', group: 'first' })
    const stranger = await lab.call('PUT', '/cluster/ha/resources/vm:9000', { group: 'none' })
    expect(stranger.reason).toBe("HA group 'none' does not exist")
    const used = await lab.call('DELETE', '/cluster/ha/groups/first')
    expect(used.reason).toBe("delete ha group failed: ha group is used by service 'vm:9000'")

    const stale = await lab.call('PUT', '/cluster/ha/groups/first', { comment: 'x', digest: '0'.repeat(40) })
    expect(stale.reason).toMatch(/^update ha group failed: detected modified configuration/)
    const change = { restricted: 1, delete: 'nofailback', digest: listed!.digest }
    expect(await lab.call('PUT', '/cluster/ha/groups/first', change)).toMatchObject({ status: 200 })
    expect(config().ha.groups.get('first')).toEqual({ nodes: 'pve1:2,pve2', restricted: 1 })
    const bare = await lab.call('PUT', '/cluster/ha/groups/first', { delete: 'nodes' })
    expect(bare.reason).toBe("update ha group failed: unable to delete required option 'nodes'")

    expect(await lab.call('DELETE', '/cluster/ha/resources/9000')).toMatchObject({ status: 200 })
    expect(await lab.call('DELETE', '/cluster/ha/groups/first')).toMatchObject({ status: 200 })
    expect(await get('/cluster/ha/groups')).toEqual([])
  })

  test('requests to move answer nothing; rules, failback and disarming are unknown', async () => {
    config().ha.resources.set('vm:9000', { sid: 'vm:9000', type: 'vm', keys: { state: 'disabled' } })
    const asked = await lab.call('POST', '/cluster/ha/resources/vm:9000/migrate', { node: 'pve2' })
    expect(asked).toMatchObject({ status: 200, data: null })
    const failback = await lab.call('PUT', '/cluster/ha/resources/vm:9000', { failback: 0 })
    expect(failback.errors).toEqual({ failback: UNKNOWN })
    expect((await lab.call('GET', '/cluster/ha/rules')).status).toBe(501)
    expect((await lab.call('POST', '/cluster/ha/status/arm-ha')).status).toBe(501)
    const entries = (await get('/cluster/ha/status/current')) as { type: string }[]
    expect(entries.map(({ type }) => type)).not.toContain('fencing')
    expect(await get('/cluster/ha')).toEqual([{ id: 'status' }, { id: 'resources' }, { id: 'groups' }])
    config().ha.resources.clear()
  })
})

describe('Proxmox VE 9.2: what the recordings do not show of HA configuration', () => {
  let lab: Caller
  beforeAll(async () => {
    lab = new Caller(await startSim({ port: 0, seed: 3, speed: 1000 }))
    const { config } = lab.sim.cluster.nodes[0]!
    const template = config.guests.get(9000)!
    for (const vmid of [100, 101, 102]) {
      config.guests.set(vmid, { ...template, vmid, template: false, keys: { name: `vm${vmid}` } })
      config.ha.resources.set(`vm:${vmid}`, { sid: `vm:${vmid}`, type: 'vm', keys: { state: 'disabled' } })
    }
    config.ha.manager.node_status = { pve1: 'online', pve2: 'online', pve3: 'online' }
    const home = { state: 'stopped', node: 'pve1' }
    config.ha.manager.service_status = {
      'vm:100': { ...home, uid: 'a' },
      'vm:101': { ...home, uid: 'b' },
      'vm:102': { ...home, uid: 'c', node: 'pve2' },
    }
    lab.sim.cluster.clock.setSpeed(0)
  })
  afterAll(() => lab.close())

  const rule = (name: string, keys: Record<string, unknown>) =>
    lab.call('POST', '/cluster/ha/rules', { rule: name, ...keys })

  test('who moves along and who stands in the way', async () => {
    const bound = { type: 'resource-affinity' }
    await rule('pair', { ...bound, resources: 'vm:101,vm:100', affinity: 'positive' })
    await rule('apart', { ...bound, resources: 'vm:100,vm:102', affinity: 'negative' })
    const { data } = await lab.call('POST', '/cluster/ha/resources/100/migrate', { node: 'pve2' })
    expect(data).toEqual({
      sid: 'vm:100',
      'requested-node': 'pve2',
      'comigrated-resources': ['vm:101'],
      'blocking-resources': [{ sid: 'vm:102', cause: 'resource-affinity' }],
    })
    const alone = await lab.call('POST', '/cluster/ha/resources/100/relocate', { node: 'pve3' })
    expect(alone.data).toEqual({ sid: 'vm:100', 'requested-node': 'pve3', 'comigrated-resources': ['vm:101'] })
  })

  test('what cannot be kept is refused; a disabled rule is taken', async () => {
    const keys = { type: 'resource-affinity', resources: 'vm:100,vm:101', affinity: 'negative' }
    expect(await rule('odd', keys)).toMatchObject({
      status: 500,
      reason: "create ha rule failed: 400 Rule 'odd' is invalid.",
    })
    expect((await rule('odd', { ...keys, disable: 1 })).status).toBe(200)
    const enabled = await lab.call('PUT', '/cluster/ha/rules/odd', { type: 'resource-affinity', delete: 'disable' })
    expect(enabled.reason).toBe("update HA rules failed: 400 Rule 'odd' is invalid.")
    const other = await lab.call('PUT', '/cluster/ha/rules/odd', { type: 'node-affinity', comment: 'x' })
    expect(other.reason).toBe("update HA rules failed: unexpected property 'type'")
    await lab.call('DELETE', '/cluster/ha/rules/odd')
  })

  test('a resource that goes leaves the rules, unless told not to', async () => {
    const { ha } = lab.sim.cluster.nodes[0]!.config
    await lab.call('DELETE', '/cluster/ha/resources/vm:102', { purge: 0 })
    expect(ha.rules.get('apart')?.keys.resources).toBe('vm:100,vm:102')
    await lab.call('DELETE', '/cluster/ha/resources/vm:101')
    expect(ha.rules.get('pair')?.keys.resources).toBe('vm:100')
    const listed = (await lab.call('GET', '/cluster/ha/rules')).data as { rule: string; errors?: unknown }[]
    const why = 'rule is ineffective as there are less than two resources'
    expect(listed.find(({ rule: name }) => name === 'pair')?.errors).toEqual({ resources: [why] })
  })

  test('a service in error takes no order but to be disabled', async () => {
    const { manager } = lab.sim.cluster.nodes[0]!.config.ha
    manager.service_status!['vm:100']!.state = 'error'
    const text = "service 'vm:100' in error state, must be disabled and fixed first"
    expect((await lab.call('PUT', '/cluster/ha/resources/vm:100', { state: 'started' })).reason).toBe(text)
    expect((await lab.call('POST', '/cluster/ha/resources/vm:100/migrate', { node: 'pve3' })).reason).toBe(text)
    expect((await lab.call('PUT', '/cluster/ha/resources/vm:100', { state: 'disabled' })).status).toBe(200)
  })
})

/** As root in person, or with another login. */
function call(lab: Caller, method: string, path: string, params: Record<string, string>, auth = 'ticket+csrf') {
  const rest = { seq: '', name: '', node: 'pve1', encoding: null, contentType: null, status: 0, reason: '' }
  return lab.player.send({ ...rest, method, path, params, auth, elapsedMs: 0, body: null } satisfies Recording)
}
