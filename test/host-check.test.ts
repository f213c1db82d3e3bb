import { describe, expect, test } from 'vitest'
import { checkHosts, clocksAhead, type HostFacts, type SiteFacts, type Topic, worst } from '../src/ha/host-check.ts'
import { hostsEn } from '../src/text/hosts-en.ts'
import { hostsEs } from '../src/text/hosts-es.ts'

const GIB = 1024 ** 3
const GB = 1e9

const disk = { devpath: '/dev/sda', type: 'ssd', size: 480 * GB, used: 'partitions', health: 'PASSED', lifeLeft: 99 }
const boot = (parent: string) => ({ ...disk, devpath: `${parent}2`, parent, type: 'partition', used: 'EFI' })
const status = { machine: 'x86_64', flags: ['lm', 'vmx'], memory: 64 * GIB, version: '9.2.1', rootTotal: 90 * GB }

/** A host on which nothing is to be said. */
const good: HostFacts = {
  name: 'pve1',
  online: true,
  status,
  disks: [disk, { ...disk, devpath: '/dev/sdb' }, boot('/dev/sda'), boot('/dev/sdb')],
  interfaces: [
    { iface: 'eno1', type: 'eth', active: true },
    { iface: 'eno2', type: 'eth', active: true },
    { iface: 'vmbr0', type: 'bridge', active: true, cidr: '172.16.1.103/24' },
  ],
  cards: [{ iommuGroup: 3 }],
  repositories: [{ handle: 'enterprise', on: true }],
  subscription: 'active',
  address: '172.16.1.103',
  clockAhead: 0,
  served: 0,
  promised: 8 * GIB,
}
const links = ['172.16.1.103', '172.16.3.103']
const other = (name: string, changes: Partial<HostFacts> = {}): HostFacts => ({ ...good, name, ...changes })
const corosync = ['pve1', 'pve2', 'pve3'].map((name) => ({ name, votes: 1, links }))
const site = (changes: Partial<HostFacts>, more: Partial<SiteFacts> = {}): SiteFacts => ({
  hosts: [{ ...good, ...changes }, other('pve2'), other('pve3')],
  corosync,
  ...more,
})

const judged = (topic: Topic, of: SiteFacts) => checkHosts(of).find((one) => one.topic === topic && one.node === 'pve1')

test('a good host passes everywhere', () => {
  const findings = checkHosts(site({}))
  expect(findings.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
  expect(new Set(findings.map(({ topic }) => topic)).size).toBe(Object.keys(hostsEn.topics).length)
})

describe.each<[string, Topic, string, string, Partial<HostFacts>]>([
  ['POWER blades', 'architecture', 'fail', 'other-host', { status: { ...status, machine: 'ppc64le' } }],
  ['no VT', 'virtualization', 'fail', 'bios', { status: { ...status, flags: ['lm'] } }],
  ['no VT in a VM', 'virtualization', 'fail', 'nested', { status: { ...status, flags: ['lm', 'hypervisor'] } }],
  ['no VT-d', 'passthrough', 'warn', 'iommu', { cards: [{}] }],
  ['half a GB', 'memory', 'fail', 'memory', { status: { ...status, memory: GIB / 2 }, promised: 0 }],
  ['80 TB of ZFS', 'memory', 'warn', 'memory-left', { served: 80 * 1024 ** 4 }],
  ['all promised', 'memory', 'warn', 'memory-left', { promised: 63 * GIB }],
  ['a USB stick', 'boot-disk', 'warn', 'boot-usb', { disks: [{ ...disk, type: 'usb' }, boot('/dev/sda')] }],
  ['28 GB', 'boot-disk', 'warn', 'boot-small', { disks: [{ ...disk, size: 28 * GB }, boot('/dev/sda')] }],
  ['one boot disk', 'boot-disk', 'pass', 'boot-single', { disks: [disk, boot('/dev/sda')] }],
  ['hard disks', 'disks', 'warn', 'ssd', { disks: [{ ...disk, type: 'hdd' }] }],
  ['a dying disk', 'disks', 'fail', 'replace', { disks: [{ ...disk, health: 'FAILED' }] }],
  ['a worn disk', 'disks', 'warn', 'replace', { disks: [{ ...disk, lifeLeft: 4 }] }],
  ['one card', 'cards', 'warn', 'second-card', { interfaces: good.interfaces!.slice(1) }],
  ['no card', 'cards', 'fail', 'card', { interfaces: [] }],
  [
    'another range',
    'address',
    'warn',
    'one-range',
    { address: '10.0.0.3', interfaces: [{ iface: 'vmbr0', type: 'bridge', active: true, cidr: '10.0.0.3/24' }] },
  ],
  ['ten seconds off', 'clock', 'warn', 'chrony', { clockAhead: -10 }],
  ['an hour off', 'clock', 'fail', 'chrony', { clockAhead: 3600 }],
  ['an older patch', 'version', 'warn', 'same-version', { status: { ...status, version: '9.1.4' } }],
  ['the major before', 'version', 'fail', 'same-version', { status: { ...status, version: '8.4.1' } }],
  ['enterprise unpaid', 'updates', 'fail', 'no-subscription', { subscription: 'notfound' }],
  ['no repository', 'updates', 'fail', 'no-subscription', { repositories: [{ handle: 'enterprise', on: false }] }],
  ['the test one', 'updates', 'warn', 'no-test', { repositories: [{ handle: 'test', on: true }] }],
  ['off', 'reach', 'fail', 'switch-on', { online: false }],
])('%s', (_, topic, verdict, todo, changes) => {
  test(`${topic}: ${verdict}, ${todo}`, () => {
    expect(judged(topic, site(changes))).toMatchObject({ verdict, todo })
  })

  test('is said in both languages', () => {
    for (const words of [hostsEn, hostsEs]) {
      const { found } = judged(topic, site(changes))!
      expect((words.todo as Record<string, string>)[todo]).toMatch(/\S/)
      expect((words.found as Record<string, string>)[found]).toMatch(/\S/)
    }
  })
})

test('what could not be read is not known, and no pass', () => {
  const { name, online, served, promised } = good
  const hosts = [{ name, online, served, promised }]
  const unknown = checkHosts({ hosts }).filter(({ topic }) => topic !== 'reach')
  expect(unknown.map(({ verdict }) => verdict)).toEqual(unknown.map(() => 'unknown'))
})

test('two nodes and one link are warned of, one node fails', () => {
  const two = [corosync[0]!, { ...corosync[1]!, links: links.slice(1) }]
  expect(judged('votes', site({}, { corosync: two }))).toMatchObject({ verdict: 'warn', todo: 'third-node' })
  expect(judged('votes', site({}, { corosync: two.slice(1) }))).toMatchObject({ verdict: 'fail' })
  const single = [{ ...corosync[0]!, links: links.slice(1) }]
  expect(judged('links', site({}, { corosync: single }))).toMatchObject({ verdict: 'warn', todo: 'second-link' })
})

test('a host that is offline has one line, and the others theirs', () => {
  const findings = checkHosts(site({ online: false }))
  expect(findings.filter(({ node }) => node === 'pve1').map(({ topic }) => topic)).toEqual(['reach'])
  expect(findings.filter(({ node }) => node === 'pve2').length).toBeGreaterThan(5)
})

test('clocks are held against the middle one, and a slow answer does not count', () => {
  const rounds = [
    { pve1: 1000, pve2: 1000, pve3: 1090 },
    { pve1: 1007, pve2: 1001, pve3: 1091 },
  ]
  expect(clocksAhead(rounds)).toEqual({ pve1: 0, pve2: 0, pve3: 84 })
  expect(clocksAhead([{}])).toEqual({})
})

test('the worst of several', () => {
  expect(worst(['pass', 'unknown', 'warn'])).toBe('warn')
  expect(worst(['unknown', 'pass'])).toBe('unknown')
  expect(worst([])).toBe('pass')
})
