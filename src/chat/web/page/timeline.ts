import type { Listed } from './wire.ts'

/** The messages of one channel in the order they were first posted, each in its newest revision. Never mutated. */
export type Timeline = ReadonlyMap<string, Listed>

export interface Thread {
  card: Listed
  replies: Listed[]
}

export function merge(timeline: Timeline, listed: readonly Listed[]): Timeline {
  const next = new Map(timeline)
  for (const entry of listed) {
    const known = next.get(entry.id)
    if (!known || entry.revision >= known.revision) next.set(entry.id, entry)
  }
  // The server lists by latest change; people read by when a thing was first said.
  return new Map([...next].sort(([, a], [, b]) => (a.at ?? '').localeCompare(b.at ?? '')))
}

/** Cards with their replies beneath; a reply whose card is not here stands alone. */
export function threads(timeline: Timeline): Thread[] {
  const byCard = new Map<string, Thread>()
  for (const entry of timeline.values()) {
    if (cardOf(entry, timeline) === entry) byCard.set(entry.id, { card: entry, replies: [] })
  }
  for (const entry of timeline.values()) {
    const card = cardOf(entry, timeline)
    if (card !== entry) byCard.get(card.id)?.replies.push(entry)
  }
  return [...byCard.values()]
}

/** A reply to a reply belongs to the first card. A message that names itself, or a circle, is its own card. */
function cardOf(entry: Listed, timeline: Timeline): Listed {
  let card = entry
  for (let hops = 0; hops < 4; hops++) {
    const parent = timeline.get(card.threadId ?? card.message.thread ?? card.id)
    if (!parent || parent === card) return card
    card = parent
  }
  return entry
}
