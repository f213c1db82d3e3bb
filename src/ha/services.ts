import { type Change, sourceOf } from './change.ts'
import type { Draft } from './draft.ts'
import type { EventKind } from './event.ts'
import type { Look, Service } from './look.ts'
import type { Memory, NodeMemory, ServiceMemory } from './memory.ts'
import { inferFencing, plannedOf } from './nodes.ts'
import { placeChange } from './place.ts'
import { mayStick } from './stuck.ts'
import { TableDraft } from './table.ts'
import type { Telling } from './telling.ts'

export interface Services {
  services: TableDraft<ServiceMemory>
  /** Taken out of HA since the last look. */
  gone: readonly string[]
  /** In the middle of something, which must end: few, however many guests there are. */
  restless: readonly string[]
}

/** States of a guest that is to run. */
const wanted = new Set(['started', 'request_start', 'request_start_balance', 'migrate', 'relocate'])

/**
 * Guests under HA, by the manager's own notes: all of them are of one round, while the list that people see mixes in
 * what came after. Where nothing is told: a guest that is new, or taken out while it was well, `starting` after a move (it ran all along),
 * a guest that was moved by hand while HA was off.
 */
export function seeServices(memory: Memory, look: Look, nodes: Draft<NodeMemory>, telling: Telling): Services {
  const services = new TableDraft(memory.services)
  const seen = look.manager?.services ?? {}
  const restless: string[] = []
  let count = 0
  for (const sid in seen) {
    count += 1
    const now = seen[sid]!
    let row = services.get(sid)
    if (!row || !isSame(row, now)) {
      row = row ? changed({ sid, was: row, now, memory, look, nodes, telling }) : first(now, look)
      services.set(sid, row)
    }
    if (row.recovering || mayStick(row.state)) restless.push(sid)
  }
  // With all of them still there, nobody is missing.
  const gone = services.size === count ? [] : services.keep((sid) => Object.hasOwn(seen, sid))
  for (const sid of gone) tellUnmanaged(sid, new TableDraft(memory.services).get(sid)!, telling)
  return { services, gone, restless }
}

/** Told of a guest in such a state, people wait for HA to do something about it, which it does no more. */
const troubled: Readonly<Record<string, EventKind>> = {
  error: 'guest.error',
  recovery: 'guest.no-target',
  freeze: 'guest.frozen',
}

function tellUnmanaged(sid: string, was: ServiceMemory, telling: Telling): void {
  const trouble = troubled[was.state]
  const isTold = trouble !== undefined && telling.hasTold(trouble, sid)
  if (!isTold && !was.recovering && !was.stuckTold) return
  telling.tell('guest.unmanaged', sid, { guest: sid, ...nodeOf(was) }, telling.round)
}

const isSame = (was: ServiceMemory, now: Service) =>
  was.state === now.state &&
  was.node === now.node &&
  was.target === now.target &&
  was.recovering === undefined &&
  (was.state !== 'recovery' || was.noTarget === 2)

const fresh = ({ node, state, target }: Service, look: Look): ServiceMemory => ({
  ...(node === undefined ? {} : { node }),
  state,
  ...(target === undefined ? {} : { target }),
  since: look.steady,
})

/** A guest that is seen for the first time is no news, in whatever state. */
const first = (now: Service, look: Look): ServiceMemory => ({
  ...fresh(now, look),
  ...(now.state === 'recovery' ? { noTarget: 2 } : {}),
})

function changed(change: Change): ServiceMemory {
  const { sid, was, now, look, telling, memory } = change
  const next = fresh(now, look)
  if (was.state === now.state && was.node === now.node) next.since = was.since
  if (was.stuckTold && next.since === was.since) next.stuckTold = true
  if (was.recovering) next.recovering = was.recovering
  const tell = (kind: Parameters<Telling['tell']>[0], more: object) =>
    telling.tell(kind, sid, { guest: sid, ...nodeOf(now), ...more }, telling.round)

  tellPlace(change, next, tell)
  if (was.state !== now.state) {
    if (was.state === 'error') tell('guest.error-cleared', {})
    if (now.state === 'error') tell('guest.error', causeOf(now))
    // With HA off, `freeze` is what was asked for.
    if (now.state === 'freeze' && !memory.ha.disarmed && !look.manager?.disarm) tell('guest.frozen', frozenBy(change))
  }
  if (now.state === 'recovery') {
    next.noTarget = Math.min((was.noTarget ?? 0) + 1, 2)
    if (next.noTarget === 2 && was.noTarget !== 2) tell('guest.no-target', { ...plannedOf(sourceOf(change)) })
  }
  return next
}

function tellPlace(
  change: Change,
  next: ServiceMemory,
  tell: (kind: 'guest.recovered' | 'guest.moved' | 'guest.move-failed', more: object) => void,
) {
  const { was, now, nodes, telling } = change
  const place = placeChange(change)
  if (place === undefined) return
  const route = { from: was.node, to: now.node }
  if (place === 'failed') return tell('guest.move-failed', { from: was.node, to: was.target })
  if (place === 'moved') return tell('guest.moved', { ...route, ...moveCause(change) })
  if (place === 'unwatched') return tell('guest.moved', { ...route, cause: 'unwatched' })
  if (was.node !== undefined && was.node !== now.node) inferFencing(was.node, nodes, telling)
  const source = sourceOf(change)
  tell('guest.recovered', { ...route, ...plannedOf(source) })
  if (wanted.has(now.state)) {
    next.recovering ??= {
      downAt: source?.lostAt ?? telling.now,
      within: source?.lostWithin ?? change.look.gap,
      ...plannedOf(source),
    }
  }
}

const nodeOf = ({ node }: Pick<Service, 'node'>) => (node === undefined ? {} : { node })

const causeOf = ({ failedNodes }: Service) =>
  failedNodes && failedNodes.length > 0 ? { cause: 'start-failed', values: { tried: failedNodes.join(', ') } } : {}

const moveCause = ({ was, now }: Change) =>
  was.node !== undefined && now.failedNodes?.includes(was.node) ? { cause: 'start-failed' } : {}

/** An LRM that restarts on a node that stays is an update, one that goes with its node a reboot. */
function frozenBy({ now, look }: Change) {
  const mode = now.node === undefined ? undefined : look.manager?.lrms[now.node]?.mode
  return mode === 'restart' ? { planned: true, cause: 'lrm-restart' } : {}
}
