import { expect, test } from 'vitest'
import type { DrillGuest, DrillReport } from '../src/core/drills.ts'
import type { Incident } from '../src/core/incidents.ts'
import { goneWith } from '../src/core/storage-cut.ts'
import { windowOf } from '../src/ha/announced.ts'
import { cutGates } from '../src/ha/cut-gates.ts'
import { type DrillLook, measured, type Steady, stopOf, verdictOf } from '../src/ha/drill.ts'
import { beyond, consequencesOf } from '../src/ha/drill-changes.ts'
import type { Fate, Site, SiteGuest } from '../src/ha/impact.ts'
import { provenGroups } from '../src/ha/proven.ts'
import { storageFates, storageImpact } from '../src/ha/storage-cut.ts'

const drive = (storage: string, key = 'scsi0', cdrom = false) => ({ key, storage, cdrom })
const guest = (sid: string, more: Partial<SiteGuest> = {}): SiteGuest => ({
  ...{ sid, name: sid, node: 'pve1', running: true, memory: 0, onBoot: false, hindrances: [], drives: [] },
  ...more,
})
const managed = (sid: string) => ({
  ...{ sid, wanted: 'started', failback: true, maxRelocate: 1, node: 'pve1', state: 'started' },
})
const site = (guests: SiteGuest[], more: Partial<Site> = {}): Site => ({
  nodes: ['pve1', 'pve2', 'pve3'].map((name) => ({ name, online: true, memory: 0, maxMemory: 0 })),
  ...{ quorate: true, votes: [], qdeviceVotes: 0, disarmed: false, policy: 'conditional' as const },
  ...{ affinities: { preferences: [], bonds: [] }, guests, managed: [managed('vm:100')] },
  ...more,
})
const cut = { storage: 'Storage', gone: ['Storage', 'Twin'], node: 'pve1' }

test.each<[string, Partial<SiteGuest>, Partial<Fate>]>([
  ['a disk on it', { drives: [drive('Storage')] }, { outcome: 'stalls', code: 'disk-gone' }],
  ['one of two', { drives: [drive('local-lvm'), drive('Storage', 'scsi1')] }, { outcome: 'stalls' }],
  ['the same bytes by another name', { drives: [drive('Twin')] }, { outcome: 'stalls' }],
  [
    'a disk and an ISO: the disk decides',
    { drives: [drive('Storage', 'ide2', true), drive('Storage')] },
    { outcome: 'stalls' },
  ],
  ['an ISO alone', { drives: [drive('Storage', 'ide2', true)] }, { outcome: 'stays', code: 'iso-gone' }],
  ['nothing on it', { drives: [drive('local-lvm')] }, { outcome: 'stays', code: 'elsewhere' }],
  ['off', { running: false, drives: [drive('Storage')] }, { outcome: 'off', code: 'off-disk' }],
  ['off, elsewhere', { running: false, drives: [drive('local-lvm')] }, { outcome: 'off', code: 'is-off' }],
])('foretold: %s', (_, more, fate) => {
  const [found] = storageFates(site([guest('vm:100', more)]), cut)
  expect(found).toMatchObject(fate)
  expect(found).not.toHaveProperty('to')
})

test('what could not be read is not known, and is never guessed to be well', () => {
  const { drives: _, ...unread } = guest('vm:7')
  expect(storageFates(site([unread]), cut)).toMatchObject([{ outcome: 'unknown', code: 'unread' }])
})

test('one node that loses it: its own machines alone, no vote and no memory; for all nodes: every machine', () => {
  const guests = [
    guest('vm:100', { drives: [drive('Storage')] }),
    guest('vm:7', { node: 'pve2', drives: [drive('Storage')] }),
  ]
  const impact = storageImpact(site(guests), cut)
  expect(impact.fates.map(({ sid }) => sid)).toEqual(['vm:100'])
  expect([impact.after, impact.memory]).toEqual([impact.before, []])
  const all = storageFates(site(guests), { storage: 'Storage', gone: ['Storage'] })
  expect(all.map(({ sid, outcome }) => [sid, outcome])).toEqual([
    ['vm:100', 'stalls'],
    ['vm:7', 'stalls'],
  ])
})

test('what goes with a storage: the same bytes by other names, and what lies on its LUNs', () => {
  const section = (storage: string, type: string, options: Record<string, string>) => ({
    ...{ storage, type, content: [], shared: true, disabled: false, options },
  })
  const sections = [
    section('nas', 'nfs', { server: '10.0.0.1', export: '/a' }),
    section('nas2', 'nfs', { server: '10.0.0.1', export: '/a' }),
    section('other', 'nfs', { server: '10.0.0.1', export: '/b' }),
    section('array', 'iscsi', { portal: '10.0.0.2', target: 'iqn.a' }),
    section('Storage', 'lvm', { vgname: 'vg', base: 'array:0.0.0.scsi-1' }),
  ]
  expect(goneWith(sections, 'nas')).toEqual(['nas', 'nas2'])
  expect(goneWith(sections, 'array')).toEqual(['array', 'Storage'])
  expect(goneWith(sections, 'Storage')).toEqual(['Storage'])
})

function gates(guests: SiteGuest[], more: object = {}) {
  const of = site(guests)
  const about = { storage: 'Storage', gone: ['Storage'], shared: true, reachedBy: ['pve1', 'pve2'] }
  const facts = {
    ...{
      site: of,
      impact: storageImpact(of, { ...about, node: 'pve1' }),
      cut: about,
      lrm: 'active',
      hasServices: true,
    },
    ...{ tasks: [], jobs: [], accepted: [], lives: [], incidents: [], means: { storage: true } },
    ...more,
  }
  return cutGates(facts).flatMap(({ code, verdict }) => (verdict === 'pass' ? [] : [`${verdict} ${code}`]))
}
const still = guest('vm:100', { drives: [drive('Storage')] })

test.each<[string, SiteGuest[], object, string[]]>([
  ['all is well; the margin is a warning as ever', [still], {}, []],
  ['beside it, a machine that nothing happens to', [still, guest('vm:7', { drives: [drive('local')] })], {}, []],
  ['a machine not under HA', [still, guest('vm:7', { drives: [drive('Storage')] })], {}, ['fail stalls']],
  ['accepted by name', [still, guest('vm:7', { drives: [drive('Storage')] })], { accepted: ['7'] }, []],
  ['nothing on it', [guest('vm:100')], {}, ['fail used']],
  ['no lab', [still], { means: { storage: false } }, ['fail lab']],
  ['a backup', [still], { tasks: ['vzdump 100 (pve1)'] }, ['fail busy']],
  ['the bot lives there', [still], { lives: ['bot'] }, ['fail lives']],
  [
    'the node reaches it no more',
    [still],
    { cut: { ...cut, gone: ['Storage'], shared: true, reachedBy: ['pve2'] } },
    ['fail reached'],
  ],
  [
    'a disk of its own',
    [still],
    { cut: { ...cut, gone: ['Storage'], shared: false, reachedBy: ['pve1'] } },
    ['fail shared', 'warn seen'],
  ],
  ['others go with it', [still], { cut: { ...cut, shared: true, reachedBy: ['pve1', 'pve2'] } }, ['warn goes-with']],
])('gates: %s', (_, guests, more, codes) => {
  expect(gates(guests, more).filter((one) => one !== 'warn margin')).toEqual(codes)
})

const impact = storageImpact(site([still, guest('vm:7')]), cut)
const [stalls, stays] = [
  impact.fates.find(({ sid }) => sid === 'vm:100')!,
  impact.fates.find(({ sid }) => sid === 'vm:7')!,
]
const steady: Steady = {
  ...{ at: 1000, online: ['pve1', 'pve2', 'pve3'], running: { 'vm:100': 'pve1', 'vm:7': 'pve1' }, errors: [] },
  ...{ impact, managed: ['vm:100'] },
}
const look = (more: Partial<DrillLook> = {}): DrillLook => ({
  ...{ now: 1100, seenAt: 1100, quorate: true, online: ['pve1', 'pve2', 'pve3'], tasks: [] },
  services: { 'vm:100': { node: 'pve1', state: 'started' } },
  running: { 'vm:100': { node: 'pve1', uptime: 5000 } },
  ...more,
})

test('nothing dates a machine that stands still but its own probe', () => {
  const found = measured(stalls, steady, look(), { at: 1000, slack: 0 }, 1)
  expect(found).toEqual({})
  const verdicts = (fate: Fate, seen: Partial<DrillGuest>[]) => seen.map((one) => verdictOf(fate, one, 150))
  const seen = [{}, { probeSeconds: 95 }, { probeSeconds: 0 }, { to: 'pve2', probeSeconds: 95 }]
  expect(verdicts(stalls, seen)).toEqual(['in-place', 'as-predicted', 'went-on', 'elsewhere'])
  expect(verdicts(stays, seen)).toEqual(['in-place', 'hit', 'as-predicted', 'elsewhere'])
})

test('what speaks for stopping: here the node itself is to stay, and HA to leave all alone', () => {
  expect(stopOf(steady, look())).toBeUndefined()
  expect(stopOf(steady, look({ online: ['pve2', 'pve3'] }))).toEqual({ code: 'unpredicted', about: 'pve1' })
  const recovering = { 'vm:100': { node: 'pve1', state: 'recovery' } }
  expect(stopOf(steady, look({ services: recovering }))).toEqual({ code: 'unpredicted', about: 'vm:100' })
})

test('a machine beside it that came meanwhile is no more harm; one that would stand still is', () => {
  const plan = (guests: SiteGuest[]) => ({ impact: storageImpact(site(guests), cut), gates: [], within: 0 })
  const approved = consequencesOf(plan([still]))
  expect(beyond(approved, plan([still, guest('vm:7')]), (name) => name)).toEqual([])
  expect(beyond(approved, plan([still, guest('vm:7', { drives: [drive('Storage')] })]), (name) => name)).toEqual([
    'vm:7 (vm:7): stalls',
  ])
})

test('it proves no group, whatever came of it', () => {
  const predicted = { outcome: 'stalls', within: 150 }
  const seen = { sid: 'vm:100', name: 'vm:100', from: 'pve1', predicted, verdict: 'as-predicted' as const }
  const report = { id: 'j-1', kind: 'storage', startedAt: 1000, guests: [seen] } as unknown as DrillReport
  const of = {
    rules: [],
    managed: [{ sid: 'vm:100', state: 'started' }],
    guests: [{ vmid: 100, name: 'web', node: 'pve1' }],
  }
  const [group] = provenGroups(of, [report], { nowSeconds: 2000, withinSeconds: 9000 })
  expect(group).toMatchObject({ overdue: true })
})

test('only the storages that it is to lose are announced: all else of the node calls people', () => {
  const window = {
    id: 'w-1',
    cluster: 'main',
    node: 'pve1',
    storages: ['Storage'],
    from: 0,
    until: 100,
    by: 'web:a' as const,
  }
  const incident = (kind: string, key: string) =>
    ({ cluster: 'main', kind, node: 'pve1', troubles: [{ key, kind, node: 'pve1', at: '' }] }) as unknown as Incident
  const isTold = (kind: string, key: string) => windowOf(incident(kind, key), [window], 50) !== undefined
  expect(isTold('storage.lost', 'storage Storage pve1')).toBe(true)
  expect(isTold('storage.lost', 'storage NASAccess pve1')).toBe(false)
  expect(isTold('node.lost', 'node pve1')).toBe(false)
})
