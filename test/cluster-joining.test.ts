/** What is held against a join before it begins, and what Proxmox's own words about a failed one mean. */
import { describe, expect, test } from 'vitest'
import { Refused } from '../src/core/errors.ts'
import { refuseOtherClock } from '../src/core/join-looks.ts'
import {
  type ClusterLook,
  type HostLook,
  inRange,
  joinFailure,
  linksFor,
  misled,
  refuseToJoin,
  whatIsLost,
} from '../src/core/joining.ts'
import { errorOf } from '../src/core/refusal.ts'
import { en } from '../src/text/en.ts'
import { es } from '../src/text/es.ts'

const host: HostLook = {
  name: 'pve2',
  version: '9.2.11',
  guests: 0,
  addresses: [
    { address: '10.1.1.4', cidr: '10.1.1.4/16' },
    { address: '172.16.1.104', cidr: '172.16.1.104/24' },
    { address: '172.16.3.104', cidr: '172.16.3.104/24' },
  ],
  hosts: '127.0.0.1 localhost\n172.16.1.104 pve2.lab.test pve2\n',
  users: [{ id: 'root@pam', tokens: ['t'] }],
  storages: ['local', 'backup2'],
}
const cluster: ClusterLook = {
  name: 'pvecluster',
  member: 'pve1',
  version: '9.2.11',
  quorate: true,
  links: [{ address: '172.16.1.103', cidr: '172.16.1.103/24' }],
  members: ['pve1'],
  users: [{ id: 'root@pam', tokens: [] }],
  storages: ['local'],
}

/** The refusal in both languages, nothing left unfilled. */
function told(thrown: unknown) {
  expect(thrown).toBeInstanceOf(Refused)
  const refused = thrown as Refused
  const context = { host: 'pve2', member: 'pve1', place: 'pve1', cluster: 'pvecluster', job: 'j-1' }
  const both = [en, es].map((words) => errorOf(words as typeof en, undefined, refused, context))
  for (const { says, hint } of both) expect(says + hint, refused.code).not.toMatch(/\{[a-z]\w*\}/i)
  expect(both[0]!.says).not.toBe(both[1]!.says)
  return refused.code
}

const thrownBy = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

describe('before anything is asked of the host', () => {
  const lenient = { name: 'pve2', lose: true }
  test.each<[string, Partial<HostLook>, Partial<ClusterLook>]>([
    ['join-other-host', { name: 'pve7' }, {}],
    ['join-in-cluster', { cluster: 'another' }, {}],
    ['join-name-taken', {}, { members: ['pve1', 'pve2'] }],
    ['no-quorum', {}, { quorate: false }],
    ['join-guests', { guests: 2 }, {}],
    ['join-version', { version: '8.4.1' }, {}],
    ['join-hosts-file', { hosts: '127.0.1.1 pve2.lab.test pve2 # by the installer\n' }, {}],
  ])('%s', (code, its, theirs) => {
    expect(told(thrownBy(() => refuseToJoin({ ...host, ...its }, { ...cluster, ...theirs }, lenient)))).toBe(code)
  })

  test('a host in order passes; what it would lose must be agreed to', () => {
    expect(thrownBy(() => refuseToJoin(host, cluster, lenient))).toBeUndefined()
    expect(whatIsLost(host, cluster)).toEqual(['root@pam!t', 'backup2'])
    expect(told(thrownBy(() => refuseToJoin(host, cluster, { name: 'pve2', lose: false })))).toBe('join-would-lose')
  })

  test('links: the address in the cluster’s range is taken; another range, or a card that has it not, is refused', () => {
    expect(linksFor(host, cluster, [])).toEqual(['172.16.1.104'])
    const second = { ...cluster, links: [...cluster.links, { address: '172.16.3.103', cidr: '172.16.3.103/24' }] }
    expect(linksFor(host, second, [])).toEqual(['172.16.1.104', '172.16.3.104'])
    expect(told(thrownBy(() => linksFor(host, cluster, ['10.1.1.4'])))).toBe('join-range')
    expect(told(thrownBy(() => linksFor(host, cluster, ['172.16.1.99'])))).toBe('join-link')
    const far = { ...host, addresses: host.addresses.slice(0, 1) }
    expect(told(thrownBy(() => linksFor(far, cluster, [])))).toBe('join-range')
  })

  test('ranges and names', () => {
    expect(inRange('172.16.1.104', '172.16.1.103/24')).toBe(true)
    expect(inRange('172.16.2.104', '172.16.1.103/23')).toBe(false)
    expect(inRange('172.16.3.104', '172.16.2.103/23')).toBe(true)
    expect(inRange('fd00::2', 'fd00::1/64')).toBeUndefined()
    expect(misled(host)).toBeUndefined()
    expect(misled({ ...host, hosts: '# 127.0.1.1 pve2\n127.0.1.1 pve22\n' })).toBeUndefined()
  })

  test('clocks: the time between the calls is no difference', async () => {
    const clock = (...times: number[]) => ({ nodeTime: async () => times.shift()! })
    const member = (before: number, after: number) => ({ name: 'pve1', proxmox: clock(before, after) })
    await refuseOtherClock({ name: 'pve2', proxmox: clock(130) }, member(100, 160))
    await refuseOtherClock({ name: 'pve2', proxmox: clock(96) }, member(100, 100))
    for (const time of [90, 120]) {
      const error = await refuseOtherClock({ name: 'pve2', proxmox: clock(time) }, member(100, 100)).catch((e) => e)
      expect(told(error)).toBe('join-clock')
    }
  })
})

test('what a failed join says is read from its log, whatever its last line', () => {
  const failed = 'Check if node may join a cluster failed!'
  expect(joinFailure('TFA-enabled login currently works only with a TTY.', []).code).toBe('root-second-factor')
  expect(joinFailure(failed, ["* cluster config '/etc/pve/corosync.conf' already exists"]).code).toBe(
    'join-in-cluster-found',
  )
  expect(joinFailure('cluster not ready - no quorum?', []).code).toBe('no-quorum')
  expect(joinFailure('something new', []).code).toBe('join-failed')
})
