import { incidentCard, type Reader, threadLines } from '../core/incident-card.ts'
import type { Incident } from '../core/incidents.ts'
import type { Target } from '../core/message.ts'
import { Order, type Outbox } from '../core/outbox.ts'
import type { IncidentStore } from './incident-store.ts'

/** A channel that is told of a cluster's incidents. */
export interface Post {
  target: Target
  reader: Reader
}

const separator = '.'

/** The card of an incident in one channel. */
export const cardKey = (id: string, target: Target): string => `${id}${separator}${target.replace(':', separator)}`

/** The incident that a card's key names, whether or not there is one. */
export const incidentOf = (card: string): string | undefined => /^(i-[a-z0-9]+)\./.exec(card)?.[1]

/**
 * Puts an incident's card into every channel of its cluster, and the lines into its thread that people may not have been
 * shown yet. Doing it again changes nothing: keys and contents are the incident's alone.
 */
export async function showIncident(
  incident: Incident,
  posts: readonly Post[],
  outbox: Outbox,
  store: IncidentStore,
): Promise<void> {
  const after = await store.shownUpTo(incident.id)
  const entries = incident.timeline.filter(({ seq }) => seq > after)
  for (const { target, reader } of posts) {
    const key = cardKey(incident.id, target)
    await outbox.put({ key, target, message: incidentCard(incident, reader), order: incident.version })
    for (const { line, message, order } of threadLines(incident, entries, reader)) {
      const shown = { ...message, thread: key }
      const lineKey = `${key}${separator}${line}`
      await outbox.put({ key: lineKey, target, thread: key, message: shown, order: Order.final + order })
    }
  }
  await store.shown(incident)
}
