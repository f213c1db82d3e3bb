import { describe, expect, test } from 'vitest'
import type { Incident, PersonsAct } from '../src/core/incidents.ts'
import { act, pass } from '../src/ha/acts.ts'
import type { ClusterEvent, EventKind } from '../src/ha/event.ts'
import { type Context, type SeenGuest, take } from '../src/ha/incident.ts'
import { type Severities, severityOf } from '../src/ha/severity.ts'

const began = Date.parse('2026-01-01T00:00:00Z')
const at = (seconds: number) => new Date(began + seconds * 1000).toISOString()
const guest = (vmid: number, more: Partial<SeenGuest> = {}): SeenGuest => ({
  guest: `vm:${vmid}`,
  name: `web${vmid}`,
  node: 'pve1',
  running: true,
  haState: 'started',
  ...more,
})

/** One cluster's incidents, told event by event; both clocks run together. */
class Tale {
  all: Incident[] = []
  guests: SeenGuest[] | undefined = [guest(100), guest(101, { haState: undefined as never, running: true })]
  severities: Severities = {}
  #count = 0

  get context(): Context {
    const { severities, guests } = this
    return {
      now: this.now,
      severities,
      guests,
      name: (value) => Buffer.from(JSON.stringify(value)).toString('hex').slice(-8),
    }
  }

  now = began

  /** `tell(60, 'node.fencing', { node: 'pve1' })`. */
  tell(seconds: number, ...events: [EventKind, Partial<ClusterEvent>][]): this {
    this.now = began + seconds * 1000
    const told = events.map(([kind, more]): ClusterEvent => {
      const key = `${kind} ${++this.#count}`
      const severity = severityOf({ kind, ...more })
      return { kind, cluster: 'main', key, severity, at: at(seconds), ...more }
    })
    return this.put(take(this.all, told, this.context))
  }

  put(changed: readonly Incident[]): this {
    const ids = new Set(changed.map(({ id }) => id))
    this.all = [...this.all.filter(({ id }) => !ids.has(id)), ...changed]
    return this
  }

  /** What time and looking have made of it. */
  look(seconds: number, sight: { staleSince?: string; seen?: boolean; guests?: SeenGuest[] } = {}): this {
    this.now = began + seconds * 1000
    const seenAt = sight.seen === false ? undefined : at(seconds)
    return this.put(this.all.map((one) => pass(one, { now: this.now, seenAt, ...sight })))
  }

  do(seconds: number, what: PersonsAct, which = this.only) {
    this.now = began + seconds * 1000
    const done = act(which, what, { now: this.now, samePerson: (a, b) => a.slice(-3) === b.slice(-3) })
    if (done.done) this.put([done.incident])
    return done
  }

  get loud(): Incident[] {
    return this.all.filter(({ quiet }) => !quiet)
  }

  get only(): Incident {
    expect(this.loud).toHaveLength(1)
    return this.loud[0]!
  }
}

const lost = (more: Partial<ClusterEvent> = {}): [EventKind, Partial<ClusterEvent>] => [
  'node.lost',
  { node: 'pve1', ...more },
]
const kinds = ({ timeline }: Incident) => timeline.map(({ event, act: done }) => event?.kind ?? done?.kind)

describe('a node is lost', () => {
  const failover = () =>
    new Tale()
      .tell(0, lost())
      .tell(60, ['node.fencing', { node: 'pve1' }])
      .tell(120, ['node.fenced', { node: 'pve1' }], ['guest.recovered', { guest: 'vm:100', from: 'pve1', to: 'pve2' }])
      .tell(124, ['guest.running', { guest: 'vm:100', node: 'pve2', downSeconds: 124, uncertaintySeconds: 2 }])

  test('it and all that follows is one incident, with the machines that were there', () => {
    const { only } = failover()
    expect(kinds(only)).toEqual(['node.lost', 'node.fencing', 'node.fenced', 'guest.recovered', 'guest.running'])
    expect(only).toMatchObject({ subject: 'node pve1', state: 'open', severity: 'critical', alerts: 1, node: 'pve1' })
    expect(only.affected).toMatchObject([
      { guest: 'vm:101', alone: true, state: 'hit' },
      { guest: 'vm:100', name: 'web100', state: 'fine', from: 'pve1', node: 'pve2', downSeconds: 124 },
    ])
  })

  test('it is over when the node is back and its machines are home', () => {
    const tale = failover().tell(400, ['node.back', { node: 'pve1' }])
    expect(tale.only.state).toBe('open')
    tale.tell(430, ['guest.moved', { guest: 'vm:100', from: 'pve2', to: 'pve1' }])
    expect(tale.only).toMatchObject({ state: 'resolved', resolved: { at: at(430) } })
    expect(tale.only.resolved).not.toHaveProperty('by')
    expect(kinds(tale.only).slice(-2)).toEqual(['guest.moved', 'recovered'])
  })

  test('machines that do not come home are waited for, and not for ever', () => {
    const tale = failover().tell(400, ['node.back', { node: 'pve1' }])
    expect(tale.look(500).only.state).toBe('open')
    expect(tale.look(521).only.state).toBe('resolved')
    tale.tell(600, ['guest.moved', { guest: 'vm:100', from: 'pve2', to: 'pve1' }])
    expect(kinds(tale.only).at(-1)).toBe('guest.moved')
    expect(tale.only).toMatchObject({ state: 'resolved', alerts: 1 })
  })

  test('what is not seen never ends it', () => {
    const tale = failover().tell(400, ['node.back', { node: 'pve1' }])
    tale.look(4000, { seen: false })
    tale.look(8000, { staleSince: at(450) })
    expect(tale.only).toMatchObject({ state: 'open', staleSince: at(450) })
    expect(tale.look(8010).only).toMatchObject({ state: 'resolved' })
    expect(tale.only).not.toHaveProperty('staleSince')
  })

  test('a machine that is not seen to run holds it open, until a look shows it running', () => {
    const tale = new Tale().tell(0, lost()).tell(30, ['node.back', { node: 'pve1' }])
    expect(tale.look(300).only.state).toBe('open')
    expect(tale.look(310, { guests: [guest(100, { running: false })] }).only.state).toBe('open')
    expect(tale.look(320, { guests: [guest(100)] }).only.state).toBe('resolved')
  })

  test('one that was asked to go down wakes nobody', () => {
    const tale = new Tale().tell(0, lost({ planned: true })).tell(60, ['node.fencing', { node: 'pve1', planned: true }])
    expect(tale.only).toMatchObject({ severity: 'warning', planned: true, alerts: 1 })
  })

  test('two lost nodes are two incidents; each has its own machines', () => {
    const tale = new Tale()
    tale.guests = [guest(100), guest(200, { node: 'pve2' })]
    tale
      .tell(0, lost())
      .tell(2, ['node.lost', { node: 'pve2' }])
      .tell(120, ['guest.recovered', { guest: 'vm:100', from: 'pve1', to: 'pve3' }])
      .tell(120, ['guest.recovered', { guest: 'vm:200', from: 'pve2', to: 'pve3' }])
    expect(tale.loud.map((one) => one.affected.map(({ guest: name }) => name))).toEqual([['vm:100'], ['vm:200']])
  })
})

describe('what has an incident of its own', () => {
  const cases: [string, [EventKind, Partial<ClusterEvent>], [EventKind, Partial<ClusterEvent>] | undefined, string][] =
    [
      ['no quorum', ['quorum.lost', {}], ['quorum.back', {}], 'critical'],
      [
        'no vote to spare',
        ['quorum.margin', { values: { margin: 0 } }],
        ['quorum.margin', { severity: 'info', values: { margin: 1 } }],
        'warning',
      ],
      ['an unseen cluster', ['cluster.unseen', {}], ['cluster.seen', {}], 'critical'],
      [
        'a dead master',
        ['master.dead', { node: 'pve1' }],
        ['master.changed', { from: 'pve1', to: 'pve2' }],
        'critical',
      ],
      [
        'a storage',
        ['storage.lost', { storage: 'nas', node: 'pve2' }],
        ['storage.back', { storage: 'nas', node: 'pve2' }],
        'warning',
      ],
      [
        'a machine in error',
        ['guest.error', { guest: 'vm:7', node: 'pve2' }],
        ['guest.error-cleared', { guest: 'vm:7' }],
        'critical',
      ],
      ['a QDevice', ['qdevice.lost', {}], ['qdevice.back', {}], 'warning'],
      ['HA that is off', ['ha.disarmed', {}], ['ha.armed', {}], 'warning'],
      ['a dead LRM', ['lrm.dead', { node: 'pve2' }], ['lrm.back', { node: 'pve2' }], 'warning'],
      [
        'a failed task',
        ['task.failed', { node: 'pve1', guest: 'vm:7', upid: 'UPID:1', values: { type: 'qmstart' } }],
        ['task.done', { node: 'pve2', guest: 'vm:7', upid: 'UPID:3', values: { type: 'qmstart' } }],
        'warning',
      ],
      [
        'a failed backup of one machine',
        ['backup.failed', { node: 'pve1', guest: 'vm:7', upid: 'UPID:2' }],
        ['backup.done', { node: 'pve2', guest: 'vm:7', upid: 'UPID:4' }],
        'warning',
      ],
      ['a failed backup of many', ['backup.failed', { node: 'pve1', upid: 'UPID:2' }], undefined, 'warning'],
      [
        'a replication',
        ['replication.failed', { node: 'pve1', guest: 'vm:7', values: { job: '7-0' } }],
        ['replication.done', { node: 'pve1', guest: 'vm:7', values: { job: '7-0' } }],
        'warning',
      ],
      [
        'a machine in error that is taken out of HA',
        ['guest.error', { guest: 'vm:7', node: 'pve2' }],
        ['guest.unmanaged', { guest: 'vm:7', node: 'pve2' }],
        'critical',
      ],
    ]

  test.each(cases)('%s', (_, begin, end, severity) => {
    const tale = new Tale().tell(0, begin)
    expect(tale.only).toMatchObject({ state: 'open', severity, kind: begin[0] })
    expect(tale.look(9000).only.state).toBe('open')
    if (end) expect(tale.tell(9001, end).only.state).toBe('resolved')
  })

  test('what nothing can show to be over says so, and is no longer waited for once HA has let go of it', () => {
    const [backup] = new Tale().tell(0, ['backup.failed', { node: 'pve1', upid: 'UPID:2' }]).only.troubles
    expect(backup).toMatchObject({ byHand: true })
    const error = new Tale().tell(0, ['guest.error', { guest: 'vm:7', node: 'pve2' }])
    error.tell(5, ['guest.unmanaged', { guest: 'vm:7', node: 'pve2' }])
    expect(error.only.affected).toMatchObject([{ guest: 'vm:7', state: 'hit', alone: true }])
  })

  test('a machine that died and was started again is told and over', () => {
    const { only } = new Tale().tell(0, ['guest.restarted', { guest: 'vm:7', node: 'pve2' }])
    expect(only).toMatchObject({ state: 'resolved', alerts: 1, severity: 'warning' })
  })

  test('a failed move is over when the machine is seen to run in peace', () => {
    const tale = new Tale().tell(0, ['guest.move-failed', { guest: 'vm:100', from: 'pve1', to: 'pve2' }])
    expect(tale.look(60, { guests: [guest(100, { haState: 'migrate' })] }).only.state).toBe('open')
    expect(tale.look(70, { guests: [guest(100)] }).only.state).toBe('resolved')
  })

  test('a lost vote belongs to the lost node, and ends with it', () => {
    const tale = new Tale()
    tale.guests = []
    tale.tell(0, lost()).tell(0, ['quorum.margin', { values: { margin: 0 } }])
    expect(kinds(tale.only)).toEqual(['node.lost', 'quorum.margin'])
    expect(tale.tell(50, ['node.back', { node: 'pve1' }]).only.state).toBe('resolved')
  })
})

describe('people', () => {
  const open = () => new Tale().tell(0, ['guest.error', { guest: 'vm:1', node: 'pve2' }])

  test('the first acknowledgement wins; the second person learns whose it was', () => {
    const tale = open()
    expect(tale.do(10, { kind: 'ack', by: 'slack:ana' })).toMatchObject({ done: true })
    expect(tale.do(11, { kind: 'ack', by: 'web:luis' })).toMatchObject({
      done: false,
      why: 'acknowledged',
      incident: { ack: { by: 'slack:ana' } },
    })
    expect(tale.only).toMatchObject({ state: 'acknowledged', firstAckAt: at(10) })
  })

  test('one renews what one holds, from any account', () => {
    const tale = open()
    tale.do(10, { kind: 'ack', by: 'slack:ana' })
    expect(tale.do(20, { kind: 'ack', by: 'web:ana', forMs: 7_200_000 })).toMatchObject({ done: true })
    expect(tale.only).toMatchObject({ ack: { until: at(7220) }, firstAckAt: at(10) })
  })

  test('an acknowledgement ends by itself, and people are told again', () => {
    const tale = open()
    tale.do(10, { kind: 'ack', by: 'slack:ana', forMs: 60_000 })
    expect(tale.look(69).only.state).toBe('acknowledged')
    expect(tale.look(71).only).toMatchObject({ state: 'open', alerts: 2 })
    expect(kinds(tale.only).at(-1)).toBe('expired')
    expect(tale.do(80, { kind: 'ack', by: 'web:luis' })).toMatchObject({ done: true })
  })

  test('new damage after an acknowledgement tells people again; what follows from the old does not', () => {
    const tale = new Tale().tell(0, lost())
    tale.do(10, { kind: 'ack', by: 'slack:ana' })
    tale.tell(60, ['node.fencing', { node: 'pve1' }])
    tale.tell(120, ['guest.recovered', { guest: 'vm:100', from: 'pve1', to: 'pve2' }])
    expect(tale.only).toMatchObject({ state: 'acknowledged', alerts: 1 })
    tale.tell(130, ['guest.error', { guest: 'vm:100', node: 'pve2' }])
    expect(tale.only).toMatchObject({ state: 'open', alerts: 2 })
  })

  test('a late acknowledgement opens nothing that is over', () => {
    const tale = open().tell(5, ['guest.error-cleared', { guest: 'vm:1' }])
    expect(tale.do(10, { kind: 'ack', by: 'slack:ana' })).toMatchObject({ done: false, why: 'resolved' })
    expect(tale.do(11, { kind: 'resolve', by: 'slack:ana' })).toMatchObject({ done: false, why: 'resolved' })
    expect(tale.only.state).toBe('resolved')
    expect(tale.do(12, { kind: 'note', by: 'slack:ana', text: 'a disk was full' })).toMatchObject({ done: true })
    expect(tale.only).toMatchObject({ state: 'resolved', alerts: 1 })
  })

  test('what a person has resolved goes on quietly, and what is new begins anew', () => {
    const tale = new Tale().tell(0, lost())
    tale.do(10, { kind: 'resolve', by: 'web:ana' })
    tale.tell(60, ['node.fencing', { node: 'pve1' }]).tell(400, ['node.back', { node: 'pve1' }])
    expect(tale.only).toMatchObject({ state: 'resolved', alerts: 1 })
    tale.tell(900, lost())
    expect(tale.loud).toHaveLength(2)
    expect(tale.loud.at(-1)).toMatchObject({ state: 'open', alerts: 1 })
  })
})

describe('no storm', () => {
  test('forty machines that fail at once are one incident and few lines', () => {
    const tale = new Tale()
    const failing = Array.from({ length: 40 }, (_, i): [EventKind, Partial<ClusterEvent>] => [
      'guest.error',
      { guest: `vm:${200 + i}`, node: `pve${1 + (i % 3)}` },
    ])
    tale.tell(0, ...failing)
    expect(tale.only).toMatchObject({ alerts: 1 })
    expect(tale.only.affected).toHaveLength(40)
    expect(new Set(tale.only.timeline.map(({ line }) => line)).size).toBe(1)
  })

  test('and so they are when they come one after the other', () => {
    const tale = new Tale()
    for (let i = 0; i < 40; i++) tale.tell(i * 2, ['guest.error', { guest: `vm:${200 + i}`, node: 'pve1' }])
    expect(tale.only.alerts).toBe(1)
    expect(new Set(tale.only.timeline.map(({ line }) => line)).size).toBe(9)
  })

  test('a node that flaps is one incident; acknowledged, it is quiet', () => {
    const tale = new Tale()
    tale.guests = []
    tale.tell(0, lost())
    tale.do(1, { kind: 'ack', by: 'web:ana' })
    for (let i = 1; i < 20; i++) tale.tell(i * 4, ['node.back', { node: 'pve1' }]).tell(i * 4 + 2, lost())
    expect(tale.only).toMatchObject({ state: 'acknowledged', alerts: 1 })
  })

  test('what somebody wanted is one card for a burst, and no incident', () => {
    const tale = new Tale().tell(0, ['maintenance.on', { node: 'pve3' }])
    for (let i = 0; i < 5; i++) tale.tell(10 + i * 30, ['guest.moved', { guest: `vm:${i}`, from: 'pve3', to: 'pve2' }])
    expect(tale.loud).toEqual([])
    expect(tale.all).toMatchObject([{ quiet: true, alerts: 0 }])
    expect(tale.tell(1000, ['maintenance.off', { node: 'pve3' }]).all).toHaveLength(2)
  })

  test('the same event told twice is told once', () => {
    const tale = new Tale().tell(0, lost({ key: 'n1' })).tell(1, lost({ key: 'n1' }))
    expect(kinds(tale.only)).toEqual(['node.lost'])
  })
})

describe('severity', () => {
  test('is configured', () => {
    const tale = new Tale()
    tale.severities = { 'task.failed': 'critical', 'guest.restarted': 'info' }
    tale.tell(0, ['task.failed', { node: 'pve1', upid: 'U' }], ['guest.restarted', { guest: 'vm:5', node: 'pve2' }])
    expect(tale.only).toMatchObject({ severity: 'critical', kind: 'task.failed' })
    expect(tale.all.filter(({ quiet }) => quiet)).toHaveLength(1)
  })

  test('that grows tells people again', () => {
    const tale = new Tale().tell(0, ['guest.frozen', { guest: 'vm:100', node: 'pve1' }])
    expect(tale.tell(60, ['guest.error', { guest: 'vm:100', node: 'pve1' }]).only).toMatchObject({
      severity: 'critical',
      alerts: 2,
    })
  })
})
