import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Incident, PersonsAct } from '../src/core/incidents.ts'
import { act, pass } from '../src/ha/acts.ts'
import { type ClusterEvent, eventKinds } from '../src/ha/event.ts'
import { type SeenGuest, take } from '../src/ha/incident.ts'
import { severityOf } from '../src/ha/severity.ts'

/** What may happen next: something in the cluster, something that a person does, or time and a look. */
type Happening =
  | { is: 'events'; events: Pick<ClusterEvent, 'kind' | 'node' | 'guest' | 'from' | 'to' | 'storage' | 'planned'>[] }
  | { is: 'act'; which: number; kind: PersonsAct['kind']; by: string }
  | { is: 'look'; fresh: boolean; running: boolean }

const node = fc.constantFrom('pve1', 'pve2', 'pve3')
const guest = fc.constantFrom('vm:100', 'vm:101', 'ct:102')
const event = fc
  .record({ kind: fc.constantFrom(...eventKinds), node, guest, from: node, to: node, planned: fc.boolean() })
  .map(({ kind, planned, ...where }) => {
    const isOfGuest = kind.startsWith('guest.') || kind === 'task.failed'
    const { guest: about, from, to } = where
    return {
      kind,
      node: where.node,
      ...(isOfGuest ? { guest: about, from, to } : {}),
      ...(kind.startsWith('storage.') ? { storage: 'nas' } : {}),
      ...(planned ? { planned } : {}),
    }
  })
const happening: fc.Arbitrary<{ after: number; what: Happening }> = fc.record({
  after: fc.integer({ min: 0, max: 400 }),
  what: fc.oneof(
    fc.record({ is: fc.constant('events' as const), events: fc.array(event, { minLength: 1, maxLength: 12 }) }),
    fc.record({
      is: fc.constant('act' as const),
      which: fc.nat(5),
      kind: fc.constantFrom('ack' as const, 'note' as const, 'resolve' as const),
      by: fc.constantFrom('web:ana', 'web:luis'),
    }),
    fc.record({ is: fc.constant('look' as const), fresh: fc.boolean(), running: fc.boolean() }),
  ),
})

const guests: SeenGuest[] = ['vm:100', 'vm:101', 'ct:102'].map((name) => ({
  guest: name,
  name,
  node: 'pve1',
  running: true,
  haState: 'started',
}))

/** Lives through it all; `seen` gets each incident before and after each change. */
function live(
  happenings: readonly { after: number; what: Happening }[],
  seen: (a: Incident | undefined, b: Incident, what: Happening) => void,
) {
  let now = Date.parse('2026-01-01T00:00:00Z')
  let all: Incident[] = []
  let count = 0
  const name = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('hex').slice(-8)
  for (const { after, what } of happenings) {
    now += after * 1000
    const at = new Date(now).toISOString()
    const put = (changed: readonly Incident[]) => {
      for (const next of changed) {
        const before = all.find(({ id }) => id === next.id)
        if (before === next) continue
        seen(before, next, what)
        all = [...all.filter(({ id }) => id !== next.id), next]
      }
    }
    if (what.is === 'events') {
      const events = what.events.map((one): ClusterEvent => {
        const key = `k${String(++count).padStart(8, '0')}`
        return { cluster: 'main', key, severity: severityOf(one), at, ...one }
      })
      put(take(all, events, { now, severities: {}, guests, name }))
    } else if (what.is === 'look') {
      const sight = what.fresh ? { now, seenAt: at, ...(what.running ? { guests } : {}) } : { now, staleSince: at }
      put(all.map((one) => pass(one, sight)))
    } else if (all.length > 0) {
      const which = all[what.which % all.length]!
      const done = act(which, { kind: what.kind, by: what.by, text: 'x' } as PersonsAct, {
        now,
        samePerson: (a, b) => a === b,
      })
      if (done.done) put([done.incident])
      else expect(which.quiet || which.state !== 'open').toBe(true)
    }
  }
  return all
}

const told = (happenings: readonly { what: Happening }[]) =>
  happenings.flatMap(({ what }) => (what.is === 'events' ? what.events : [])).length

test('whatever happens, in whatever order: the laws of an incident', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
      const all = live(happenings, (before, after, what) => {
        expect(after.version).toBe((before?.version ?? 0) + 1)
        expect(after.alerts).toBeGreaterThanOrEqual(before?.alerts ?? 0)
        expect(after.timeline.length).toBeGreaterThanOrEqual(before?.timeline.length ?? 0)
        expect(after.timeline.map(({ seq }) => seq)).toEqual(after.timeline.map((_, i) => i + 1))
        if (after.quiet) expect([after.alerts, after.state]).toEqual([0, 'resolved'])
        if (after.state === 'acknowledged') expect(after.ack).toBeDefined()
        const wasOver = before?.state === 'resolved'
        // Only new events open again what was over, and never what a person has ended.
        if (wasOver && after.state !== 'resolved')
          expect([what.is, before?.resolved?.by]).toEqual(['events', undefined])
        // Nothing is over by itself while something is known to be wrong, or while nothing is seen.
        if (!wasOver && after.state === 'resolved' && after.resolved?.by === undefined && !after.quiet) {
          expect(after.troubles.filter(({ over }) => over === undefined)).toEqual([])
          expect(what.is === 'look' && !what.fresh).toBe(false)
        }
      })
      const lines = all.flatMap(({ timeline }) => timeline.flatMap((entry) => entry.event?.key ?? []))
      expect(new Set(lines).size).toBe(lines.length)
      expect(lines.length).toBe(told(happenings))
      const open = all.filter(({ state }) => state !== 'resolved').map(({ subject }) => subject)
      expect(new Set(open).size).toBe(open.length)
    }),
    { numRuns: 150 },
  )
})
