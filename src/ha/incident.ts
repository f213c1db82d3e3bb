import type { Affected, Incident, Trouble } from '../core/incidents.ts'
import type { Window } from '../core/oncall.ts'
import { labelled } from './announced.ts'
import { effects } from './effects.ts'
import type { ClusterEvent } from './event.ts'
import { homeOf, isActive, isLive, msBetween } from './home.ts'
import { isWorse, type Severities, weighed } from './severity.ts'
import { append } from './timeline.ts'

/** A guest as the cluster shows it now. */
export interface SeenGuest {
  /** `vm:100`. */
  guest: string
  name: string
  node: string
  /** Undefined: not known, its node does not answer. */
  running: boolean | undefined
  /** Proxmox's raw CRM state; absent: not under HA. */
  haState?: string
}

export interface Context {
  /** Our clock, milliseconds. */
  now: number
  severities: Severities
  /** The guests as they were read last; undefined: not known. */
  guests?: readonly SeenGuest[] | undefined
  /** Work that was announced. */
  windows?: readonly Window[] | undefined
  /** Makes a short name of a value, the same for the same value. */
  name(value: unknown): string
}

/** More of one kind at once than this share a line. */
const crowdFrom = 8
/** Machines come home within this time after their node, on the cluster's own clock, or they do not. */
export const homecomingMs = 120_000
const mostAffected = 200

/**
 * Takes events into the incidents of their cluster and returns those that are new or changed. The same events on the
 * same incidents give the same, so that whoever was interrupted does it again.
 * @param before incidents that are live, and those that ended lately
 */
export function take(before: readonly Incident[], events: readonly ClusterEvent[], context: Context): Incident[] {
  const all = new Map(before.map((incident) => [incident.id, incident]))
  const counts = new Map<string, number>()
  for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  for (const raw of events) {
    const event = weighed(raw, context.severities)
    takeOne(all, event, (counts.get(event.kind) ?? 0) > crowdFrom, context)
  }
  return [...all.values()]
    .filter((incident) => !before.includes(incident))
    .map((incident) => raised(labelled(incident, context.windows ?? [], context.now), before))
}

/** One version for all that came at once. */
function raised(incident: Incident, before: readonly Incident[]): Incident {
  const old = before.find(({ id }) => id === incident.id)
  return { ...incident, version: (old?.version ?? 0) + 1 }
}

function takeOne(all: Map<string, Incident>, event: ClusterEvent, crowded: boolean, context: Context): void {
  const isQuiet = event.severity === 'info'
  const has = (incident: Incident | undefined) => incident?.timeline.some((entry) => entry.event?.key === event.key)
  const home = homeOf([...all.values()], event, isQuiet)
  if (has(home?.incident) || has(all.get(idOf(event, context)))) return
  let incident = home?.incident ?? begun(event, isQuiet, context)
  if (home?.again) incident = again(incident, context)
  incident = append(incident, { at: event.at, event }, crowded)
  incident = struck(incident, event, home === undefined, context)
  all.set(incident.id, incident)
  for (const id of [incident.id, ...ended(all, event)]) {
    all.set(id, recovered(all.get(id)!, context.now, event.at))
  }
}

const idOf = ({ cluster, key }: ClusterEvent, { name }: Context) =>
  `i-${name(['incident', cluster, key]).toLowerCase().slice(0, 8)}`

function begun(event: ClusterEvent, isQuiet: boolean, context: Context): Incident {
  const { now, guests } = context
  const { kind, cluster, at, severity } = event
  const subject = effects[kind].subject(event)
  const node = subject.startsWith('node ') ? subject.slice('node '.length) : undefined
  const ours = new Date(now).toISOString()
  return {
    id: idOf(event, context),
    cluster,
    subject,
    kind,
    ...(node === undefined ? {} : { node }),
    severity,
    state: isQuiet ? 'resolved' : 'open',
    ...(isQuiet ? { quiet: true as const } : {}),
    ...(event.planned ? { planned: true as const } : {}),
    version: 0,
    alerts: isQuiet ? 0 : 1,
    alertedAt: ours,
    openedAt: at,
    learntAt: ours,
    lastAt: at,
    troubles: [],
    affected: kind.startsWith('node.') && !isQuiet ? onNode(node, guests) : [],
    timeline: [],
  }
}

/** Whatever ran on the node, or may have: what is not under HA stays where it is. */
const onNode = (node: string | undefined, guests: readonly SeenGuest[] = []): Affected[] =>
  guests
    .filter((seen) => seen.node === node && (seen.haState === undefined ? seen.running !== false : isWanted(seen)))
    .slice(0, mostAffected)
    .map(({ guest, name, haState }) => ({
      guest,
      name,
      ...(haState === undefined ? { alone: true as const } : {}),
      state: 'hit',
      from: node!,
    }))

const isWanted = ({ haState }: SeenGuest) => !['stopped', 'request_stop', 'ignored', 'disabled'].includes(haState ?? '')

/** The same thing once more, soon after it was over: an acknowledgement that still holds goes on. */
function again(incident: Incident, { now }: Context): Incident {
  const { resolved: _, ...rest } = incident
  const holds = incident.ack !== undefined && Date.parse(incident.ack.until) > now
  const reopened: Incident = { ...rest, state: holds ? 'acknowledged' : 'open' }
  return holds ? reopened : alerted(reopened, now)
}

export const alerted = (incident: Incident, now: number): Incident => ({
  ...incident,
  alerts: incident.alerts + 1,
  alertedAt: new Date(now).toISOString(),
})

/** The same thing again so soon after it was over is no news to who has acknowledged it. */
const flickerMs = 2 * 60_000

/** What the event has made of the incident: troubles, machines, severity, and whether people must be told again. */
function struck(incident: Incident, event: ClusterEvent, isNew: boolean, context: Context): Incident {
  let next = { ...withGuest(incident, event, context), lastAt: later(incident.lastAt, event.at) }
  const key = effects[event.kind].makes?.(event)
  const known = next.troubles.find((trouble) => trouble.key === key && isActive(trouble))
  const isMargin = event.kind === 'quorum.margin' && next.subject !== 'margin'
  const isNews = key !== undefined && !known && !isMargin && event.severity !== 'info'
  if (isNews) next = { ...next, troubles: [...next.troubles, troubleOf(key, event)] }
  const worse = isLive(next) && isWorse(event.severity, next.severity)
  const isFlicker = next.troubles.some(
    ({ key: old, over }) => old === key && over !== undefined && msBetween(over, event.at) <= flickerMs,
  )
  if (isWorse(event.severity, next.severity)) next = { ...next, severity: event.severity }
  if (isNew || !isLive(next) || event.severity === 'info') return next
  const isDamage = next.state === 'acknowledged' && isNews && !isFlicker
  return isDamage || worse ? alerted({ ...next, state: 'open' }, context.now) : next
}

const troubleOf = (key: string, event: ClusterEvent): Trouble => {
  const { kind, at, node, from } = event
  const where = node ?? from
  const byHand = effects[kind].byHand?.(event) ? { byHand: true as const } : {}
  return { key, kind, at, ...(where === undefined ? {} : { node: where }), ...byHand }
}

const later = (a: string, b: string) => (Date.parse(a) > Date.parse(b) ? a : b)

function withGuest(incident: Incident, event: ClusterEvent, { guests = [] }: Context): Incident {
  const { guest, kind } = event
  if (guest === undefined || !isOfRunning(event) || incident.affected.length >= mostAffected) return incident
  const before = incident.affected.find((one) => one.guest === guest)
  if (!before && incident.quiet) return incident
  const isFine = fine.has(kind)
  const name = before?.name ?? nameIn(event) ?? guests.find((one) => one.guest === guest)?.name
  const from = before?.from ?? event.from ?? event.node
  const node = isFine || kind === 'guest.recovered' ? (event.to ?? event.node ?? before?.node) : before?.node
  const now: Affected = {
    ...(before ?? { guest }),
    ...(name === undefined ? {} : { name }),
    ...(from === undefined ? {} : { from }),
    ...(node === undefined ? {} : { node }),
    ...(event.downSeconds === undefined ? {} : { downSeconds: event.downSeconds }),
    state: isFine ? 'fine' : 'hit',
    ...(kind === 'guest.unmanaged' ? { alone: true as const } : {}),
  }
  const others = incident.affected.filter((one) => one !== before)
  return { ...incident, affected: [...others, now] }
}

const fine = new Set(['guest.running', 'guest.moved', 'guest.restarted', 'guest.error-cleared', 'task.done'])

/** Whether it says how the machine itself is: a backup that fails stops nothing, nor does a stop that fails. */
const isOfRunning = ({ kind, values }: ClusterEvent) =>
  !/^(backup|replication)\./.test(kind) && !/^(qm|vz)(shutdown|stop)$/.test(String(values?.type))

const nameIn = ({ values }: ClusterEvent) => (typeof values?.name === 'string' ? values.name : undefined)

/** What the event shows to be over is over wherever it was held to be wrong; returns whose troubles those were. */
function ended(all: Map<string, Incident>, event: ClusterEvent): string[] {
  const keys = effects[event.kind].ends?.(event) ?? []
  const touched: string[] = []
  const whole = keys.find((key) => key.endsWith(' *'))?.replace(/^node (.*) \*$/, '$1')
  for (const incident of all.values()) {
    const isOver = (trouble: Trouble) =>
      isActive(trouble) &&
      (keys.includes(trouble.key) || (whole !== undefined && trouble.node === whole && isOfNode(trouble)))
    if (!incident.troubles.some(isOver)) continue
    const troubles = incident.troubles.map((one) => (isOver(one) ? { ...one, over: event.at } : one))
    all.set(incident.id, { ...incident, troubles, lastAt: later(incident.lastAt, event.at) })
    touched.push(incident.id)
  }
  return touched
}

/** Kinds that a node takes with it and brings back. */
const isOfNode = ({ kind }: Trouble) => ['guest.frozen', 'storage.lost', 'lrm.dead'].includes(kind)

/** Machines that people wait for: under HA, and not seen to be well. */
export const awaited = ({ affected }: Incident): Affected[] =>
  affected.filter(({ state, alone }) => state === 'hit' && !alone)

/** Whether machines may still be on their way back to the node that they were taken from. */
export function mayComeHome(incident: Incident, at: string): boolean {
  const back = incident.troubles.find(({ key, over }) => key === `node ${incident.node}` && over !== undefined)
  const away = incident.affected.filter(
    ({ from, node }) => from === incident.node && node !== undefined && node !== from,
  )
  if (!back || away.length === 0) return false
  return msBetween(later(back.over!, incident.lastAt), at) < homecomingMs
}

/** Ends what is seen to be over; never because nothing was seen. */
export function recovered(incident: Incident, now: number, at: string): Incident {
  if (!isLive(incident) || incident.troubles.some(isActive)) return incident
  if (awaited(incident).length > 0 || mayComeHome(incident, at)) return incident
  const ours = new Date(now).toISOString()
  const over = append(incident, { at: ours, act: { kind: 'recovered' } }, false)
  return { ...over, state: 'resolved', resolved: { at: ours } }
}
