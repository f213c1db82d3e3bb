import { describe, expect, test } from 'vitest'
import { type Reason, type WhyFacts, whyOf } from '../src/ha/why.ts'
import { momentsOf, scenarios, whyFacts } from './ha-timelines.ts'

/** How each recorded scenario ends for its guests; who is not named runs as wanted, where no rule has a say. */
const ends: Record<string, string> = {
  'test-basic1': 'vm:102 off-disabled',
  'test-basic3': 'nobody answers',
  'test-basic5': 'vm:101 on-favourite',
  'test-crm-maintenance-request1': 'vm:102 off-disabled',
  'test-crm-maintenance-request2': 'vm:102 off-disabled',
  'test-crm-maintenance-request3': 'vm:101 away-for-maintenance, vm:102 off-disabled',
  'test-crm-maintenance-request4': 'vm:101 away-for-maintenance, vm:102 off-disabled',
  'test-disarm-crm-stop1': 'vm:102 off-as-wanted, vm:103 off-disabled',
  'test-disarm-fence1': 'vm:103 off-as-wanted',
  'test-disarm-fence2': 'vm:103 off-as-wanted',
  'test-disarm-frozen1': 'vm:102 off-as-wanted, vm:103 off-disabled',
  'test-disarm-ignored1': 'vm:102 off-as-wanted, vm:103 off-disabled',
  'test-erroneous-service1': 'vm:103 error',
  'test-group-migrate1': 'vm:101 on-favourite, vm:102 on-favourite, vm:103 not known',
  'test-group-migrate4': 'vm:101 on-favourite, vm:102 on-favourite, vm:103 failback-off',
  'test-node-affinity-nonstrict1': 'vm:101 on-favourite',
  'test-node-affinity-nonstrict2': 'vm:101 failback-off',
  'test-node-affinity-nonstrict4': 'vm:101 on-favourite',
  'test-node-affinity-strict3': 'vm:101 no-target-strict',
  'test-recovery2': 'vm:102 on-favourite',
  'test-recovery3': 'vm:102 on-favourite',
  'test-recovery4': 'vm:102 off-disabled',
  'test-relocate-policy-default-group': 'fa:130 gave-up',
  'test-relocate-to-inactive-node': 'vm:103 off-disabled',
  'test-resource-affinity-strict-mixed2':
    'vm:101 follows, vm:102 follows, vm:103 follows, vm:201 follows, vm:202 follows, vm:203 follows',
  'test-resource-affinity-strict-mixed4':
    'vm:101 follows, vm:102 follows, vm:103 follows, vm:201 follows, vm:202 follows, vm:203 follows',
  'test-resource-affinity-strict-positive1': 'vm:101 follows, vm:102 follows',
  'test-resource-affinity-strict-positive2': 'vm:101 follows, vm:102 follows, vm:103 follows',
  'test-resource-affinity-strict-positive3': 'fa:120002 follows, vm:101 follows, vm:102 follows',
  'test-resource-affinity-strict-positive4': 'vm:101 follows, vm:102 follows, vm:103 follows',
  'test-resource-affinity-strict-positive5':
    'vm:101 follows, vm:102 follows, vm:103 follows, vm:104 follows, vm:105 follows, vm:106 follows, vm:107 follows, vm:108 follows, vm:109 follows',
  'test-resource-affinity-with-node-affinity-strict-negative1': 'vm:102 on-favourite',
  'test-resource-affinity-with-node-affinity-strict-positive1': 'vm:101 follows, vm:102 on-favourite, vm:103 follows',
  'test-resource-failure5': 'fa:130 off-disabled',
  'test-service-command7': 'vm:103 wrong-node',
  'test-service-command8': 'vm:102 off-disabled',
  'test-service-ignore3': 'vm:103 ignored',
  'test-service-stopped2': 'fa:1501 off-as-wanted',
  'test-shutdown-policy2': 'vm:103 frozen-node-gone',
  'test-shutdown-policy4': 'ct:102 away-for-maintenance, ct:105 away-for-maintenance, vm:103 away-for-maintenance',
  'test-shutdown-policy5': 'ct:102 away-for-maintenance, vm:103 away-for-maintenance',
  'test-shutdown-policy6':
    'vm:103 away-for-maintenance, vm:104 away-for-maintenance, vm:105 away-for-maintenance, vm:106 away-for-maintenance',
  'test-stop-command1': 'fa:1001 error, vm:101 off-as-wanted, vm:102 off-as-wanted, vm:103 off-as-wanted',
}

/** Read once: some fifteen hundred moments. */
const recorded = new Map(scenarios.map((scenario) => [scenario, momentsOf(scenario)]))

const codes = (reasons: readonly Reason[]) => reasons.map(({ code }) => code).join('+') || 'not known'

test('the end of each of the recorded scenarios is explained by what was really so', () => {
  const told: Record<string, string> = {}
  for (const scenario of scenarios) {
    const last = recorded.get(scenario)!.at(-1)
    const services = last?.entries.filter(({ type }) => type === 'service') ?? []
    const lines = services.map(({ sid = '' }) => `${sid} ${codes(whyOf(whyFacts(last!, sid)))}`)
    const notable = last ? lines.filter((line) => !line.endsWith(' runs-as-wanted')).join(', ') : 'nobody answers'
    if (notable) told[scenario] = notable
  }
  expect(scenarios).toHaveLength(71)
  expect(told).toEqual(ends)
})

test('at no moment of any scenario does a reason contradict what the cluster shows', () => {
  const seen: Record<string, number> = {}
  for (const scenario of scenarios) {
    for (const at of recorded.get(scenario)!) {
      for (const entry of at?.entries.filter(({ type }) => type === 'service') ?? []) {
        const { sid = '', node, crmState, state } = entry
        const [first] = whyOf(whyFacts(at!, sid))
        const code = first?.code ?? 'not known'
        seen[code] = (seen[code] ?? 0) + 1
        const where = `${scenario} t=${at!.t} ${sid} ${state} ${code}`
        const quorate = at!.entries.find(({ type }) => type === 'quorum')?.quorate
        expect(code === 'no-quorum', where).toBe(!quorate)
        if (/^(on-favourite|runs-as-wanted|follows|failback-off|favourite-away|kept-apart|away-for)/.test(code)) {
          expect([state, first!.values.node], where).toEqual(['started', node])
        }
        if (code.startsWith('no-target')) expect(crmState, where).toBe('recovery')
        if (code.startsWith('frozen')) expect(crmState, where).toBe('freeze')
        if (code.startsWith('off-')) expect(at!.guests[sid]?.status ?? 'stopped', where).toBe('stopped')
        if (code === 'gave-up' || code === 'error' || code === 'wrong-node') expect(crmState, where).toBe('error')
        if (code === 'not known') expect(state, where).toBe('started')
      }
    }
  }
  const most = Object.entries(seen).filter(([code]) => code !== 'not known')
  expect(most.length).toBeGreaterThan(20)
  const total = Object.values(seen).reduce((sum, count) => sum + count, 0)
  expect((seen['not known'] ?? 0) / total).toBeLessThan(0.02)
})

describe('what no scenario shows', () => {
  const quorum = { type: 'quorum', node: 'pve1', quorate: true }
  const master = { type: 'master', node: 'pve1', timestamp: 1000 }
  const service = (more: object = {}) => ({
    type: 'service',
    node: 'pve1',
    sid: 'vm:100',
    state: 'started',
    crmState: 'started',
    requestState: 'started',
    ...more,
  })
  const facts = (more: Partial<WhyFacts> = {}): WhyFacts => ({
    sid: 'vm:100',
    guest: { node: 'pve1', status: 'running', template: false },
    entries: [quorum, master, service()],
    affinities: { preferences: [], bonds: [] },
    ignored: [],
    nodes: ['pve1', 'pve2', 'pve3'].map((name) => ({ name, online: true })),
    unreachable: [],
    ...more,
  })

  test.each<[string, Partial<WhyFacts>, string]>([
    ['a machine that HA has no part in', { entries: [quorum] }, 'not-under-ha+runs-unmanaged'],
    ['a machine that is not there', { guest: undefined as never, entries: [quorum] }, 'no-guest'],
    ['queued before any manager works', { entries: [quorum, service({ state: 'queued' })] }, 'queued+no-master'],
    [
      'a template under HA',
      {
        guest: { node: 'pve1', status: 'stopped', template: true },
        entries: [quorum, master, service({ state: 'error', crmState: 'error' })],
      },
      'template+error',
    ],
    [
      'a manager that fell silent',
      { entries: [quorum, master, { type: 'lrm', node: 'pve2', timestamp: 1045 }, service()] },
      'master-silent',
    ],
    [
      'HA disarmed',
      { entries: [quorum, master, { type: 'fencing', node: 'pve1', armedState: 'disarmed' }, service()] },
      'disarmed',
    ],
    [
      'a drive on a storage that others lack, a lock, a failed task',
      {
        guest: { node: 'pve1', status: 'running', template: false, lock: 'backup' },
        unreachable: [{ key: 'ide2', storage: 'NASAccess', lacking: ['pve2'] }],
        lastFailed: { type: 'qmstart', node: 'pve2', raw: "storage 'NASAccess' does not exist" },
      },
      'runs-as-wanted+storage-lacking+locked+last-failure',
    ],
    [
      'a machine that is called running and has lost its disk',
      { lost: [{ key: 'scsi0', storage: 'Storage' }] },
      'disk-lost+runs-as-wanted',
    ],
  ])('%s', (_, more, expected) => expect(codes(whyOf(facts(more)))).toBe(expected))
})
