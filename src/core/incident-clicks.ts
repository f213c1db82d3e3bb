import { Refused } from './errors.ts'
import type { Clicked, DispatchPorts } from './events.ts'
import { doneOrRefused, readerOf } from './incident.ts'
import type { Incident, PersonsAct } from './incidents.ts'
import type { Language } from './language.ts'
import type { Target } from './message.ts'
import type { Planning } from './planning.ts'
import { holds } from './roles.ts'

/** The field of the form that a note is written in. */
export const noteField = 'text'

/**
 * Where a right counts for this click: in the channel of the card, and for the message by which somebody was called, in
 * the channels where the same incident stands. It is the same card, and they hold the right on it there.
 */
export function placesOf(
  { card, identity, target }: Pick<Clicked, 'card' | 'identity' | 'target'>,
  incident: string,
  posts: readonly Target[],
): Target[] {
  const isOwnCall = card.startsWith(`${incident}.`) && card.endsWith(`.${identity.replace(':', '.')}`)
  return isOwnCall ? [target, ...posts] : [target]
}

/** What people click on the card of an incident. The card itself shows what came of it, on every platform. */
export class IncidentClicks {
  readonly #ports: DispatchPorts
  readonly #planning: Planning

  constructor(ports: DispatchPorts, planning: Planning) {
    this.#ports = ports
    this.#planning = planning
  }

  async take(clicked: Clicked, incident: Incident, asker: { language: Language; tz: string }): Promise<void> {
    const { access, channels, incidents, words } = this.#ports
    const { event, action, identity, target, card } = clicked
    if (action !== 'ack' && action !== 'note' && action !== 'resolve') throw new Refused('not-a-decision')
    const { cluster } = incident
    const places = placesOf(clicked, incident.id, channels.posts(cluster)).map((channel) => ({ cluster, channel }))
    const held = await Promise.all(places.map((place) => access.roleOf(identity, place)))
    if (!held.some((role) => holds(role, 'operator'))) {
      const place = { cluster, channel: target }
      throw this.#planning.notAllowed(`incident ${action}`, 'operator', held[0], identity, place, words[asker.language])
    }
    const text = clicked.values?.[noteField]?.trim() ?? ''
    if (action === 'note' && text === '') return this.#askForNote(clicked, incident, asker)
    const by = { by: identity, once: event }
    const act: PersonsAct = action === 'note' ? { kind: 'note', text, ...by } : { kind: action, ...by }
    const acted = await incidents.act(incident.id, act, { target, card })
    doneOrRefused(acted, incident.id, readerOf(words, access, asker))
  }

  /** As if the command had been typed in the thread without its text: the form that any command opens. */
  async #askForNote(clicked: Clicked, { id }: Incident, asker: { language: Language; tz: string }): Promise<void> {
    const { event, identity, target, card, locales } = clicked
    const said = { event, identity, target, thread: card, text: `/pve incident note ${id}`, locales }
    const ordered = await this.#planning.order(said)
    await this.#planning.carryOut(ordered, this.#planning.from(said, asker))
  }
}
