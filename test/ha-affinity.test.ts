import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Affinities,
  affinitiesOf,
  type Bond,
  companions,
  favourites,
  motionOf,
  nodesText,
  type Preference,
  parseNodes,
} from '../src/ha/affinity.ts'
import { after, type HaChange, needed, shellOf } from '../src/ha/changes.ts'
import { conflictsOf, conflictsWith } from '../src/ha/conflicts.ts'
import { joining, leaving } from '../src/ha/joining.ts'
import { hindrances } from '../src/ha/movable.ts'
import { momentsOf, scenarios } from './ha-timelines.ts'

const nodes = ['pve1', 'pve2', 'pve3']
const preference = (name: string, order: string, sids: string[], more: Partial<Preference> = {}): Preference => ({
  name,
  nodes: parseNodes(order) ?? [],
  strict: false,
  sids,
  disabled: false,
  ...more,
})
const bond = (name: string, kind: Bond['kind'], ...sids: string[]): Bond => ({ name, kind, sids, disabled: false })
const world = (preferences: Preference[], bonds: Bond[] = []): Affinities => ({ preferences, bonds })

describe('nodes by rank', () => {
  test.each([
    ['pve1:3 pve2:2 pve3:1', 'pve1:3,pve2:2,pve3:1'],
    ['pve3,pve1:5', 'pve1:5,pve3'],
    ['  a-1:1000 ', 'a-1:1000'],
  ])('%s', (typed, text) => expect(nodesText(parseNodes(typed)!)).toBe(text))

  test.each(['', ' , ', 'pve1:3 pve1', 'pve1:high', 'pve1:1001', 'pve_1', '-a', 'pve1:'])('"%s" is none', (typed) =>
    expect(parseNodes(typed)).toBeUndefined(),
  )

  test('whatever is read is written so that it is read the same', () => {
    const order = fc.uniqueArray(
      fc.record({ node: fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), priority: fc.nat(1000) }),
      {
        selector: ({ node }) => node,
        minLength: 1,
        maxLength: 8,
      },
    )
    fc.assert(
      fc.property(order, (ranks) => {
        const text = nodesText(ranks)
        expect(nodesText(parseNodes(text)!)).toBe(text)
      }),
    )
  })
})

describe('what is wrong with a rule is found before the call', () => {
  const managed = ['vm:1', 'vm:2', 'vm:3', 'vm:4']
  const codes = (affinities: Affinities) =>
    conflictsOf(affinities, { nodes, managed, mayBeEmpty: false }).map(({ code }) => code)

  test.each<[string, Affinities, string[]]>([
    ['nothing', world([preference('a', 'pve1:2 pve2:1', ['vm:1'])], [bond('t', 'together', 'vm:2', 'vm:3')]), []],
    ['no node', world([preference('a', '', ['vm:1'])]), ['ha-no-nodes']],
    ['no guest', world([preference('a', 'pve1', [])]), ['ha-no-guests']],
    ['a node that is not there', world([preference('a', 'pve9', ['vm:1'])]), ['ha-unknown-node']],
    ['a guest that is not under HA', world([preference('a', 'pve1', ['vm:9'])]), ['ha-not-managed']],
    ['one guest alone together', world([], [bond('t', 'together', 'vm:1')]), ['ha-needs-two']],
    [
      'a guest with two preferences',
      world([preference('a', 'pve1', ['vm:1']), preference('b', 'pve2', ['vm:1'])]),
      ['ha-two-preferences'],
    ],
    [
      'together and apart',
      world([], [bond('t', 'together', 'vm:1', 'vm:2'), bond('x', 'apart', 'vm:1', 'vm:2')]),
      ['ha-together-and-apart'],
    ],
    [
      'together over a third, and apart',
      world(
        [],
        [
          bond('t', 'together', 'vm:1', 'vm:2'),
          bond('u', 'together', 'vm:2', 'vm:3'),
          bond('x', 'apart', 'vm:1', 'vm:3'),
        ],
      ),
      ['ha-together-and-apart'],
    ],
    ['more apart than nodes', world([], [bond('x', 'apart', ...managed)]), ['ha-apart-too-many']],
    [
      'apart, and only one node for two of them',
      world([preference('a', 'pve1', ['vm:1', 'vm:2'], { strict: true })], [bond('x', 'apart', 'vm:1', 'vm:2')]),
      ['ha-apart-no-room'],
    ],
    [
      'together, and preferences that never meet',
      world(
        [preference('a', 'pve1', ['vm:1']), preference('b', 'pve2', ['vm:2'])],
        [bond('t', 'together', 'vm:1', 'vm:2')],
      ),
      ['ha-no-common-node'],
    ],
    [
      'a bond over a preference of several ranks',
      world([preference('a', 'pve1:2 pve2:1', ['vm:1'])], [bond('x', 'apart', 'vm:1', 'vm:2')]),
      ['ha-several-priorities'],
    ],
    [
      'what is switched off counts for nothing',
      world([preference('a', 'pve1', ['vm:1'], { disabled: true }), preference('b', 'pve2', ['vm:1'])]),
      [],
    ],
  ])('%s', (_, affinities, expected) => expect(codes(affinities)).toEqual(expected))

  test('a rule that Proxmox itself called infeasible in a recording has a conflict here, and no other has', () => {
    let rules = 0
    for (const scenario of scenarios) {
      const last = momentsOf(scenario).findLast((at) => at && Object.keys(at.manager.nodes).length > 0)
      if (!last) continue
      const affinities = affinitiesOf({ rules: last.rules, resources: last.resources })
      const site = { nodes: Object.keys(last.nodes), managed: last.resources.map(({ sid }) => sid), mayBeEmpty: false }
      const conflicts = conflictsOf(affinities, site)
      for (const { rule, errors, disabled } of last.rules) {
        if (disabled) continue
        rules += 1
        const wrong = Object.keys(errors).length > 0
        if (wrong) expect(conflictsWith(conflicts, rule), `${scenario} ${rule}`).not.toEqual([])
        else
          expect(
            conflictsWith(conflicts, rule).filter((one) => one.rule === rule),
            `${scenario} ${rule}`,
          ).toEqual([])
      }
    }
    expect(rules).toBeGreaterThan(20)
  })
})

describe('who goes along and who stands in the way', () => {
  const affinities = world(
    [preference('only', 'pve1 pve2', ['vm:2'], { strict: true })],
    [bond('t', 'together', 'vm:1', 'vm:2'), bond('x', 'apart', 'vm:2', 'vm:3')],
  )
  const places = { 'vm:1': 'pve1', 'vm:2': 'pve1', 'vm:3': 'pve2' }

  test('along and blocked, also by one that only goes along', () =>
    expect(motionOf(affinities, 'vm:1', 'pve2', places)).toEqual({
      along: ['vm:2'],
      blocking: [{ sid: 'vm:3', rule: 'x' }],
      barred: [],
    }))

  test('barred by the strict preference of one that goes along', () =>
    expect(motionOf(affinities, 'vm:1', 'pve3', places)).toMatchObject({
      blocking: [],
      barred: [{ sid: 'vm:2', rule: 'only' }],
    }))

  test('companions are the same seen from each of them', () => {
    const sids = fc.uniqueArray(
      fc.integer({ min: 1, max: 9 }).map((id) => `vm:${id}`),
      { minLength: 2, maxLength: 4 },
    )
    fc.assert(
      fc.property(fc.array(sids, { maxLength: 5 }), (groups) => {
        const bonds = groups.map((members, i) => bond(`t${i}`, 'together', ...members))
        for (const one of groups.flat()) {
          const all = companions(world([], bonds), one)
          for (const other of all) expect(companions(world([], bonds), other)).toEqual(all)
        }
      }),
    )
  })

  test('the favourite is the highest that is online; a strict one has none when all are gone', () => {
    const ranked = world([preference('a', 'pve1:3 pve2:2', ['vm:1'])])
    expect(favourites(ranked, 'vm:1', nodes)).toEqual(['pve1'])
    expect(favourites(ranked, 'vm:1', ['pve2', 'pve3'])).toEqual(['pve2'])
    expect(favourites(ranked, 'vm:1', ['pve3'])).toEqual(['pve3'])
    expect(favourites(world([preference('a', 'pve1', ['vm:1'], { strict: true })]), 'vm:1', ['pve3'])).toEqual([])
  })
})

describe('changes', () => {
  const pair = {
    rule: 'pair',
    type: 'resource-affinity' as const,
    resources: ['vm:1', 'vm:2'],
    nodes: [],
    strict: false,
    affinity: 'positive' as const,
  }
  const home = {
    rule: 'home',
    type: 'node-affinity' as const,
    resources: ['vm:1'],
    nodes: parseNodes('pve1:2 pve2:1')!,
    strict: false,
  }

  test('a guest that leaves takes with it the rules that need it', () =>
    expect(leaving([pair, home], 'vm:1', () => true)).toMatchObject([
      { id: 'pair', to: null },
      { id: 'home', to: null },
    ]))

  test('a guest that prefers something else leaves what it preferred, and makes a rule of what was kept', () => {
    const drafts = [{ name: 'later', nodes: parseNodes('pve3')!, strict: true }]
    expect(joining([home], drafts, 'vm:1', 'later')).toMatchObject([
      { id: 'home', to: null },
      { id: 'later', was: null, to: { sids: ['vm:1'], strict: true } },
    ])
    expect(joining([home], drafts, 'vm:2', 'home')).toMatchObject([{ id: 'home', to: { sids: ['vm:1', 'vm:2'] } }])
    expect(joining([home], drafts, 'vm:1', 'nothing')).toBeUndefined()
    expect(joining([home], drafts, 'vm:1', undefined)).toMatchObject([{ id: 'home', to: null }])
  })

  test('what changes nothing is not sent; what does is what a cluster would have after it', () => {
    const settings = { state: 'started' as const, maxRestart: 1, maxRelocate: 1, group: 'a' }
    const to = { maxRelocate: 1, maxRestart: 1, group: 'b', state: 'started' as const }
    const move: HaChange = { what: 'resource', id: 'vm:1', was: settings, to }
    expect(needed([move, { ...move, to: { ...settings } }])).toEqual([move])
    const groups = world([preference('a', 'pve1', ['vm:1']), preference('b', 'pve2', [])])
    const future = after(groups, [move], ['vm:1'])
    expect(future.affinities.preferences.map(({ name, sids }) => [name, sids])).toEqual([
      ['a', []],
      ['b', ['vm:1']],
    ])
  })

  test.each<[HaChange, string]>([
    [
      {
        what: 'resource',
        id: 'vm:1',
        was: null,
        to: { state: 'started', maxRestart: 1, maxRelocate: 2, comment: "it's mine" },
      },
      "ha-manager add vm:1 --state started --max_restart 1 --max_relocate 2 --comment 'it'\\''s mine'",
    ],
    [
      {
        what: 'resource',
        id: 'vm:1',
        was: { state: 'started', maxRestart: 1, maxRelocate: 1, group: 'a' },
        to: { state: 'disabled', maxRestart: 1, maxRelocate: 1 },
      },
      'ha-manager set vm:1 --state disabled --delete group',
    ],
    [
      { what: 'rule', id: 'x', was: null, to: { kind: 'apart', sids: ['vm:1', 'vm:2'], nodes: [], strict: false } },
      'ha-manager rules add resource-affinity x --resources vm:1,vm:2 --affinity negative',
    ],
    [
      { what: 'group', id: 'g', was: null, to: { nodes: parseNodes('pve1:2')!, strict: true, nofailback: false } },
      'ha-manager groupadd g --nodes pve1:2 --restricted 1',
    ],
  ])('%# by hand', (change, line) => expect(shellOf(change)).toBe(line))
})

test('what keeps a machine from starting elsewhere is named, each by itself', () => {
  const found = hindrances({
    template: false,
    config: {
      hostpci0: '0000:01:00.0',
      hostpci1: 'mapping=gpu',
      usb0: 'spice',
      usb1: 'host=1234:5678',
      serial0: 'socket',
    },
    drives: [
      { key: 'ide2', volid: 'cdrom', cdrom: true },
      { key: 'scsi1', volid: '/dev/sdb', cdrom: false },
    ],
    lacking: [
      { key: 'scsi0', storage: 'local-lvm', cdrom: false, local: true, lacking: [] },
      { key: 'ide0', storage: 'NAS', cdrom: true, local: false, lacking: ['pve2'] },
    ],
  })
  expect(found.map(({ code, values: { key } }) => `${code} ${key}`)).toEqual([
    'ha-local-disk scsi0',
    'ha-cdrom ide0',
    'ha-cdrom ide2',
    'ha-host-file scsi1',
    'ha-passthrough hostpci0',
    'ha-passthrough usb1',
  ])
})
