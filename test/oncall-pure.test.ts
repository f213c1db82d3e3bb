import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { words } from '../src/app.ts'
import { readerOf } from '../src/core/incident.ts'
import { incidentCard } from '../src/core/incident-card.ts'
import { placesOf } from '../src/core/incident-clicks.ts'
import type { Incident } from '../src/core/incidents.ts'
import type { OncallPlan, Window } from '../src/core/oncall.ts'
import { Access } from '../src/core/roles.ts'
import { labelled, windowOf } from '../src/ha/announced.ts'
import { pagerDue, pagesDue } from '../src/ha/paging.ts'
import { chainAt, quietUntil, turnAt } from '../src/ha/rotation.ts'

const at = (iso: string) => Date.parse(iso)
const everyone = ['ana', 'luis', 'eva']
const turns = (weekday: number, minute: number, who = everyone) => ({ everyone: who, handoff: { weekday, minute } })
const noGroups = { groupsOf: async () => [] }
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 16))

const plan: OncallPlan = {
  tz: 'America/Guayaquil',
  rotation: turns(1, 540),
  quiet: { fromMinute: 22 * 60, toMinute: 7 * 60 },
  policy: {
    critical: [
      { afterMs: 0, notify: ['channel', 'person', 'pager'] },
      { afterMs: 300_000, notify: ['next'] },
    ],
    warning: [{ afterMs: 60_000, notify: ['person'] }],
    info: [],
  },
}

const incidentAt = (alertedAt: string, more: Partial<Incident> = {}): Incident => ({
  id: 'i-1',
  cluster: 'main',
  subject: 'node pve1',
  kind: 'node.lost',
  node: 'pve1',
  severity: 'critical',
  state: 'open',
  version: 1,
  alerts: 1,
  alertedAt,
  openedAt: alertedAt,
  learntAt: alertedAt,
  lastAt: alertedAt,
  troubles: [{ key: 'node pve1', kind: 'node.lost', at: alertedAt, node: 'pve1' }],
  affected: [],
  timeline: [],
  ...more,
})

describe('the rotation', () => {
  test.each([
    // Spring forward on 2026-03-08, fall back on 2026-11-01, both at 02:00 of a Sunday.
    ['America/New_York', 1, 540, '2026-03-09T12:59:59Z', '2026-03-02T14:00', '2026-03-09T13:00'],
    ['America/New_York', 1, 540, '2026-03-09T13:00:00Z', '2026-03-09T13:00', '2026-03-16T13:00'],
    ['America/New_York', 1, 540, '2026-11-02T13:59:59Z', '2026-10-26T13:00', '2026-11-02T14:00'],
    // 02:30 does not exist that day.
    ['America/New_York', 7, 150, '2026-03-08T07:29:59Z', '2026-03-01T07:30', '2026-03-08T07:30'],
    ['America/New_York', 7, 150, '2026-03-08T07:30:00Z', '2026-03-08T07:30', '2026-03-15T06:30'],
    // 01:30 comes twice: the turn ends once, at the first.
    ['America/New_York', 7, 90, '2026-11-01T05:29:59Z', '2026-10-25T05:30', '2026-11-01T05:30'],
    ['America/New_York', 7, 90, '2026-11-01T06:10:00Z', '2026-11-01T05:30', '2026-11-08T06:30'],
    ['America/Guayaquil', 1, 540, '2026-03-09T13:59:59Z', '2026-03-02T14:00', '2026-03-09T14:00'],
    ['America/Guayaquil', 1, 540, '2026-11-02T14:00:00Z', '2026-11-02T14:00', '2026-11-09T14:00'],
  ])('%s, weekday %i, minute %i, at %s: from %s until %s', (tz, weekday, minute, now, from, until) => {
    const turn = turnAt(at(now), turns(weekday, minute), tz)
    expect([iso(turn.from), iso(turn.until)]).toEqual([from, until])
  })

  test('each turn is followed by the next person, at any moment of any year', () => {
    const moments = fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') })
    const zones = fc.constantFrom('America/New_York', 'America/Guayaquil', 'Australia/Lord_Howe', 'Europe/Madrid')
    fc.assert(
      fc.property(
        moments,
        zones,
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 0, max: 1439 }),
        (now, tz, d, m) => {
          const turn = turnAt(now, turns(d, m), tz)
          expect(turn.from <= now && now < turn.until).toBe(true)
          const after = turnAt(turn.until, turns(d, m), tz)
          expect(after.from).toBe(turn.until)
          expect(everyone.indexOf(after.person)).toBe((everyone.indexOf(turn.person) + 1) % 3)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('whoever took over stands first, for that time alone', () => {
    const now = at('2026-05-05T12:00:00Z')
    const before = chainAt(now, plan, [])
    const swap = { id: 's', person: before[2]!, from: now, until: now + 1000, by: 'web:ana' }
    expect(chainAt(now, plan, [swap])).toEqual([before[2], before[0], before[1]])
    expect(chainAt(now + 1000, plan, [swap])).toEqual(before)
    expect(chainAt(now, { tz: 'UTC' }, [])).toEqual([])
  })
})

describe('quiet hours', () => {
  const ny = { tz: 'America/New_York', quiet: plan.quiet }
  test.each([
    ['2026-03-08T03:00:00Z', '2026-03-08T11:00'],
    ['2026-11-01T02:30:00Z', '2026-11-01T12:00'],
    ['2026-03-08T11:00:00Z', undefined],
    ['2026-03-08T02:59:59Z', undefined],
  ])('at %s they last until %s', (now, until) => expect(iso(quietUntil(at(now), ny))).toBe(until))

  test('a warning waits for the morning; a critical is never held, whatever the hour, the zone and the season', () => {
    const night = '2026-05-05T04:00:00Z'
    const warning = incidentAt(night, { severity: 'warning' })
    const when = (now: string) => pagesDue(warning, { now: at(now), plan, swaps: [], windows: [] }).length
    expect([when('2026-05-05T11:59:59Z'), when('2026-05-05T12:00:30Z'), when('2026-05-05T12:01:00Z')]).toEqual([
      0, 0, 1,
    ])
    const minute = fc.integer({ min: 0, max: 1439 })
    const moments = fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') })
    fc.assert(
      fc.property(
        moments,
        minute,
        minute,
        fc.constantFrom('America/New_York', 'UTC'),
        (now, fromMinute, toMinute, tz) => {
          const context = { now, plan: { ...plan, tz, quiet: { fromMinute, toMinute } }, swaps: [], windows: [] }
          const critical = incidentAt(new Date(now).toISOString())
          expect(pagesDue(critical, context)).toHaveLength(1)
          expect(pagerDue(critical, undefined, context)?.action).toBe('trigger')
        },
      ),
    )
  })
})

describe('escalation', () => {
  const began = '2026-05-05T15:00:00Z'
  const context = (afterMs: number, windows: Window[] = []) => ({ now: at(began) + afterMs, plan, swaps: [], windows })
  const ids = (incident: Incident, afterMs: number, windows: Window[] = []) =>
    pagesDue(incident, context(afterMs, windows)).map(({ id }) => id)
  const [first, second, third] = chainAt(at(began), plan, [])

  test('the first person at once, the next after the time, then one after another until somebody acknowledges', () => {
    const incident = incidentAt(began)
    expect(ids(incident, 0)).toEqual([`i-1.1.0.${first}`])
    expect(ids(incident, 299_999)).toHaveLength(1)
    expect(ids(incident, 300_000)).toEqual([`i-1.1.0.${first}`, `i-1.1.1.${second}`])
    expect(ids(incident, 600_000).at(-1)).toBe(`i-1.1.again1.${third}`)
    // Whoever was down for hours repeats nothing.
    expect(ids(incident, 3_600_000).slice(2)).toHaveLength(1)
    expect(ids({ ...incident, state: 'acknowledged' }, 3_600_000)).toEqual([])
    expect(ids({ ...incident, state: 'resolved' }, 3_600_000)).toEqual([])
  })

  test('new damage begins anew and is told in the channel too', () => {
    const again = incidentAt(began, { alerts: 2 })
    expect(ids(again, 0)).toEqual(['i-1.2.0.channel', `i-1.2.0.${first}`])
  })

  const window: Window = {
    id: 'w1',
    cluster: 'main',
    node: 'pve1',
    from: at(began) - 60_000,
    until: at(began) + 3_600_000,
    by: 'web:ana',
  }

  test('announced work pages nobody, what it should not break does, and when it ends it holds nothing back', () => {
    const incident = incidentAt(began)
    expect(windowOf(incident, [window], at(began))).toBe(window)
    expect(ids(incident, 600_000, [window])).toEqual([])
    expect(pagerDue(incident, undefined, context(600_000, [window]))).toBeUndefined()
    expect(ids({ ...incident, cluster: 'other' }, 0, [window])).toHaveLength(1)
    const elsewhere = { ...incident.troubles[0]!, key: 'node pve2', node: 'pve2' }
    expect(ids({ ...incident, troubles: [...incident.troubles, elsewhere] }, 0, [window])).toHaveLength(1)
    const broken = { key: 'guest vm:100', kind: 'guest.error', at: began, node: 'pve1' }
    expect(ids({ ...incident, troubles: [...incident.troubles, broken] }, 0, [window])).toHaveLength(1)
    expect(ids(incident, 3_600_000, [window])).toEqual([`i-1.1.0.${first}`])
    expect(ids(incident, 3_900_000, [window])).toHaveLength(2)
  })

  test('its card says so in both languages, while the work explains all of it', () => {
    const described = { ...window, why: 'new memory' }
    const incident = labelled(incidentAt(began), [described], at(began))
    const shown = (language: 'en' | 'es', one = incident) => {
      const { fields } = incidentCard(one, readerOf(words, new Access([], [], noGroups), { language, tz: 'UTC' }))
      return fields?.find(({ name }) => ['Announced work', 'Trabajo anunciado'].includes(name))?.value
    }
    expect(shown('en')).toMatch(/^new memory \(w1, until .*\): it pages nobody$/)
    expect(shown('es')).toMatch(/^new memory \(w1, hasta .*\): no llama a nadie$/)
    expect(shown('en', labelled(incidentAt(began), [window], at(began)))).toMatch(/^w1, until/)
    expect(labelled(incident, [described], at(began) + 1000)).toBe(incident)
    const elsewhere = { ...incident.troubles[0]!, key: 'node pve2', node: 'pve2' }
    const both = { ...incident, troubles: [...incident.troubles, elsewhere] }
    for (const one of [labelled(both, [described], at(began)), labelled(incident, [described], window.until)]) {
      expect(shown('en', one)).toBeUndefined()
    }
    const over = { ...incident, state: 'resolved', resolved: { at: began } } as const
    expect(shown('en', labelled(over, [], window.until))).toContain('new memory')
  })

  test('a right that is limited to channels counts in the message that calls its holder, and in nobody else’s', () => {
    const click = { card: 'i-a1.1.0.ana.slack.UANA', identity: 'slack:UANA', target: 'slack:D1' }
    const posts = ['slack:C1', 'web:ops']
    expect(placesOf(click, 'i-a1', posts)).toEqual(['slack:D1', ...posts])
    for (const other of [
      { ...click, identity: 'slack:UEVE' },
      { ...click, card: 'i-b2.1.0.ana.slack.UANA' },
      { ...click, card: 'i-a1.slack.C2', target: 'slack:C2' },
    ]) {
      expect(placesOf(other, 'i-a1', posts)).toEqual([other.target])
    }
  })

  test('the pager hears of it once for each damage, and how it went on', () => {
    const incident = incidentAt(began)
    const triggered = { alerts: 1, state: 'triggered' } as const
    const due = (more: Partial<Incident>, sent?: Parameters<typeof pagerDue>[1]) =>
      pagerDue({ ...incident, ...more }, sent, context(0))?.action
    const keys = (more: Partial<Incident>, sent: Parameters<typeof pagerDue>[1]) =>
      pagerDue({ ...incident, ...more }, sent, context(0))?.keys
    expect(due({})).toBe('trigger')
    expect(due({}, triggered)).toBeUndefined()
    expect(due({ alerts: 2 }, triggered)).toBe('trigger')
    expect(due({ state: 'acknowledged' }, triggered)).toBe('acknowledge')
    expect(due({ state: 'acknowledged' })).toBeUndefined()
    expect(due({ state: 'resolved' }, { alerts: 1, state: 'acknowledged' })).toBe('resolve')
    expect(due({ state: 'resolved' })).toBeUndefined()
    expect(due({ severity: 'warning' })).toBeUndefined()
    // What is not acknowledged yet goes on under its key; what is would not ring again.
    expect(keys({ alerts: 2 }, triggered)).toEqual([1])
    expect(keys({ alerts: 2 }, { alerts: 1, state: 'acknowledged' })).toEqual([2])
    expect(keys({ alerts: 3 }, { alerts: 2, state: 'acknowledged', keys: 2 })).toEqual([3])
    expect(keys({ state: 'acknowledged' }, { alerts: 2, state: 'triggered', keys: 2 })).toEqual([2])
    expect(keys({ state: 'resolved' }, { alerts: 2, state: 'triggered', keys: 2 })).toEqual([1, 2])
  })
})
