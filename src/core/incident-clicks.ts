import { Refused } from './errors.ts'
import type { Clicked, DispatchPorts } from './events.ts'
import { doneOrRefused, readerOf } from './incident.ts'
import type { Incident, PersonsAct } from './incidents.ts'
import type { Language } from './language.ts'
import type { Planning } from './planning.ts'
import { holds } from './roles.ts'

/** The field of the form that a note is written in. */
export const noteField = 'text'

/** What people click on the card of an incident. The card itself shows what came of it, on every platform. */
export class IncidentClicks {
  readonly #ports: DispatchPorts
  readonly #planning: Planning

  constructor(ports: DispatchPorts, planning: Planning) {
    this.#ports = ports
    this.#planning = planning
  }

  async take(clicked: Clicked, incident: Incident, asker: { language: Language; tz: string }): Promise<void> {
    const { access, incidents, words } = this.#ports
    const { event, action, identity, target, card } = clicked
    if (action !== 'ack' && action !== 'note' && action !== 'resolve') throw new Refused('not-a-decision')
    const place = { cluster: incident.cluster, channel: target }
    const role = await access.roleOf(identity, place)
    if (!holds(role, 'operator')) {
      throw this.#planning.notAllowed(`incident ${action}`, 'operator', role, identity, place, words[asker.language])
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
