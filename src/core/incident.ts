import type { Asker } from './command.ts'
import { Refused } from './errors.ts'
import type { House } from './house.ts'
import type { Reader } from './incident-card.ts'
import type { Acted, Incident } from './incidents.ts'
import type { Language } from './language.ts'
import type { Target } from './message.ts'
import type { Words } from './ports.ts'
import { type Access, holds, type Role } from './roles.ts'
import { formatTime } from './time.ts'

interface Seeker {
  house: House
  asker: Asker
  channel: Target
}

/** A person as the reader of a card. */
export const readerOf = (
  words: Record<Language, Words>,
  access: Access,
  { language, tz }: { language: Language; tz: string },
): Reader => ({
  words: words[language],
  language,
  tz,
  nameOf: (identity) => access.person(identity)?.name ?? identity,
})

const may = async ({ house, asker, channel }: Seeker, { cluster }: Incident, role: Role): Promise<boolean> =>
  holds(await house.access.roleOf(asker.identity, { cluster, channel }), role)

/** Those of the incidents that the asker may look at: a role is held per cluster. */
export async function visibleIncidents(seeker: Seeker, incidents: readonly Incident[]): Promise<Incident[]> {
  const allowed = await Promise.all(incidents.map((incident) => may(seeker, incident, 'viewer')))
  return incidents.filter((_, i) => allowed[i])
}

const recent = 200

/**
 * The incident that a person means: by its id, with or without `i-`, by the beginning of one, or without anything the
 * newest that is not over, else the newest.
 * @throws Refused `unknown-incident`
 */
export async function findIncident(seeker: Seeker, given: string | undefined, cluster = ''): Promise<Incident> {
  const { incidents } = seeker.house
  const id = given
    ?.trim()
    .toLowerCase()
    .replace(/^(?!i-)/, 'i-')
  const exact = id === undefined ? undefined : await incidents.get(id)
  const filter = cluster === '' || id !== undefined ? {} : { cluster }
  const listed = exact ? [exact] : await incidents.list({ ...filter, most: recent })
  const seen = await visibleIncidents(
    seeker,
    listed.filter((incident) => id === undefined || incident.id.startsWith(id)),
  )
  const newest = seen.find(({ state }) => state !== 'resolved') ?? seen[0]
  const found = id === undefined ? newest : seen.length === 1 ? seen[0] : undefined
  if (!found) throw new Refused('unknown-incident', { given: given ?? '' })
  return found
}

/** @throws Refused `not-allowed` unless the asker is an operator of the incident's cluster */
export async function mayAct(seeker: Seeker, incident: Incident, command: string): Promise<void> {
  if (await may(seeker, incident, 'operator')) return
  const { access, words } = seeker.house
  const place = { cluster: incident.cluster, channel: seeker.channel }
  const { none } = words[seeker.asker.language].say
  const have = (await access.roleOf(seeker.asker.identity, place)) ?? none
  const who = access.whoMay('operator', place).join(', ') || none
  throw new Refused('not-allowed', { command, needs: 'operator', have, who })
}

/**
 * The incident as it is now.
 * @throws Refused who comes second is told who was first, and when it was over
 */
export function doneOrRefused(
  acted: Acted,
  given: string,
  reader: Pick<Reader, 'language' | 'tz' | 'nameOf'>,
): Incident {
  if (acted.done) return acted.incident
  if (acted.why === 'unknown') throw new Refused('unknown-incident', { given })
  const { id, ack, resolved } = acted.incident
  const when = (at: string) => formatTime(Date.parse(at), reader)
  if (acted.why === 'acknowledged' && ack) {
    const values = { incident: id, who: reader.nameOf(ack.by), at: when(ack.at), until: when(ack.until) }
    throw new Refused('already-acknowledged', values)
  }
  const at = when(resolved?.at ?? acted.incident.lastAt)
  if (resolved?.by === undefined) throw new Refused('incident-over', { incident: id, at })
  throw new Refused('already-resolved', { incident: id, who: reader.nameOf(resolved.by), at })
}
