import type { Acted, Incident, PersonsAct, Told } from '../core/incidents.ts'
import type { Window } from '../core/oncall.ts'
import type { Identity } from '../core/roles.ts'
import { labelled } from './announced.ts'
import { overWhenRunning } from './effects.ts'
import { isActive, isLive } from './home.ts'
import { alerted, awaited, recovered, type SeenGuest } from './incident.ts'
import { append, changed } from './timeline.ts'

/** An acknowledgement holds so long unless its giver says otherwise. */
export const ackForMs = 60 * 60_000

/**
 * What a person does. First wins: who comes second learns who was first; what is over stays over. A person's own
 * acknowledgement is renewed, but not by the same click once more.
 */
export function act(
  incident: Incident,
  what: PersonsAct,
  { now, samePerson }: { now: number; samePerson(a: Identity, b: Identity): boolean },
): Acted {
  const at = new Date(now).toISOString()
  const { by, once } = what
  if (isDone(incident, what)) return { done: true, incident }
  const text = what.kind === 'ack' ? undefined : what.text
  const noted = (until?: string) =>
    append(incident, { at, act: { kind: what.kind, by, ...compact({ text, until, once }) } }, false)
  if (what.kind === 'note') return { done: true, incident: changed(noted()) }
  if (incident.quiet || incident.state === 'resolved') return { done: false, why: 'resolved', incident }
  if (what.kind === 'resolve') {
    return { done: true, incident: changed({ ...noted(), state: 'resolved', resolved: { at, by } }) }
  }
  const isTaken = incident.state === 'acknowledged' && incident.ack !== undefined && !samePerson(incident.ack.by, by)
  if (isTaken && Date.parse(incident.ack!.until) > now) return { done: false, why: 'acknowledged', incident }
  const until = new Date(now + (what.forMs ?? ackForMs)).toISOString()
  const taken: Incident = { ...noted(until), state: 'acknowledged', ack: { by, at, until } }
  return { done: true, incident: changed({ ...taken, firstAckAt: incident.firstAckAt ?? at }) }
}

/** The same click or line has been heeded before: whoever was killed on it does it again. */
export const isDone = ({ timeline }: Incident, { once }: Pick<PersonsAct, 'once'>): boolean =>
  once !== undefined && timeline.some(({ act }) => act?.once === once)

const compact = (values: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

/** A proof that somebody was told, or that they could not be; once. */
export function tell(incident: Incident, told: Told, now: number): Incident {
  if (incident.timeline.some((entry) => entry.told?.once === told.once)) return incident
  return changed(append(incident, { at: new Date(now).toISOString(), told }, false))
}

/** What was seen of a cluster at the last look, besides its events. */
export interface Sight {
  /** Our clock, milliseconds. */
  now: number
  /** Undefined: it is seen as it is. ISO 8601: since when it is not. */
  staleSince?: string | undefined
  /** ISO 8601: when a node with quorum was last read. */
  seenAt?: string | undefined
  /** The guests as a node with quorum shows them now; undefined: not looked at. */
  guests?: readonly SeenGuest[] | undefined
  /** Work that was announced. */
  windows?: readonly Window[] | undefined
}

/** Whether a look at the guests could end this incident. */
export const wantsLook = (incident: Incident): boolean =>
  isLive(incident) &&
  incident.troubles.filter(isActive).every(({ kind }) => overWhenRunning.has(kind)) &&
  (incident.troubles.some(isActive) || awaited(incident).length > 0)

/** What time and the last look have made of an incident; the same object where nothing has changed. */
export function pass(incident: Incident, sight: Sight): Incident {
  if (!isLive(incident)) return incident
  let next = stale(expired(incident, sight.now), sight.staleSince)
  if (sight.staleSince === undefined && sight.seenAt !== undefined) {
    const at = later(sight.seenAt, next.lastAt)
    next = recovered(running(next, sight.guests, at), sight.now, at)
  }
  next = labelled(next, sight.windows ?? [], sight.now)
  return next === incident ? incident : changed(next)
}

function expired(incident: Incident, now: number): Incident {
  if (incident.state !== 'acknowledged' || Date.parse(incident.ack!.until) > now) return incident
  const at = new Date(now).toISOString()
  const over = append(incident, { at, act: { kind: 'expired', by: incident.ack!.by } }, false)
  return alerted({ ...over, state: 'open' }, now)
}

function stale(incident: Incident, since: string | undefined): Incident {
  // The card of what blinds us says what is known.
  const isOwn = ['unseen', 'quorum'].includes(incident.subject)
  const wanted = isOwn ? undefined : since
  if ((incident.staleSince === undefined) === (wanted === undefined)) return incident
  const { staleSince: _, ...rest } = incident
  return wanted === undefined ? rest : { ...rest, staleSince: wanted }
}

const settled = ['started', undefined]
/** A guest must have been left alone so long before a look alone ends its trouble. */
const calmMs = 30_000

/** Guests that are seen to run where HA wants them are well, whether or not an event has said so. */
function running(incident: Incident, guests: readonly SeenGuest[] | undefined, at: string): Incident {
  if (!guests || !wantsLook(incident) || Date.parse(at) - Date.parse(incident.lastAt) < calmMs) return incident
  const well = new Map(
    guests.filter((seen) => seen.running && settled.includes(seen.haState)).map((seen) => [seen.guest, seen]),
  )
  const isOver = ({ key, over, kind }: Incident['troubles'][number]) =>
    over === undefined && overWhenRunning.has(kind) && well.has(key.replace('guest ', ''))
  const isWell = ({ guest, state }: Incident['affected'][number]) => state === 'hit' && well.has(guest)
  if (!incident.troubles.some(isOver) && !incident.affected.some(isWell)) return incident
  return {
    ...incident,
    troubles: incident.troubles.map((one) => (isOver(one) ? { ...one, over: at } : one)),
    affected: incident.affected.map((one) =>
      isWell(one) ? { ...one, state: 'fine', node: well.get(one.guest)!.node } : one,
    ),
  }
}

const later = (a: string, b: string) => (Date.parse(a) > Date.parse(b) ? a : b)
