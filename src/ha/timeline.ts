import type { Entry, Incident } from '../core/incidents.ts'

/** So many are kept: the first ones, and the newest. */
const keepFirst = 150
const keepLast = 150
/** After so many of one kind within this time, the rest share a line. */
const ownLines = 8
const togetherMs = 5 * 60_000

/** Adds a line; where one kind comes in crowds, its lines are one, so that a storm does not flood a channel. */
export function append(
  incident: Incident,
  entry: Pick<Entry, 'at' | 'event' | 'act' | 'told'>,
  crowded: boolean,
): Incident {
  const { timeline } = incident
  const seq = (timeline.at(-1)?.seq ?? 0) + 1
  const next: Entry = { seq, line: seq, ...entry, ...crowd(timeline, entry, seq, crowded) }
  const all = [...timeline, next]
  if (all.length <= keepFirst + keepLast) return { ...incident, timeline: all }
  const kept = [...all.slice(0, keepFirst), ...all.slice(-keepLast)]
  return { ...incident, timeline: kept, left: (incident.left ?? 0) + all.length - kept.length }
}

function crowd(timeline: readonly Entry[], { event, at }: Pick<Entry, 'at' | 'event'>, seq: number, crowded: boolean) {
  if (!event) return {}
  const alike = timeline.filter(
    (entry) => entry.event?.kind === event.kind && Math.abs(Date.parse(at) - Date.parse(entry.at)) <= togetherMs,
  )
  const shared = alike.findLast((entry) => entry.crowd !== undefined)
  if (!crowded && !shared && alike.length < ownLines) return {}
  return shared ? { line: shared.line, crowd: shared.crowd! + 1 } : { line: seq, crowd: 1 }
}

/** The same, one version on. */
export const changed = (incident: Incident): Incident => ({ ...incident, version: incident.version + 1 })
