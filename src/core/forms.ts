import type { z } from 'zod'
import { describeArg } from './args.ts'
import type { Entry } from './catalogue.ts'
import { type Choice, choices } from './complete.ts'
import type { Pending } from './desk.ts'
import { Refused } from './errors.ts'
import type { DispatchPorts, Said } from './events.ts'
import { form } from './form.ts'
import { readerOf } from './incident.ts'
import { titleOf } from './incident-card.ts'
import { noteField } from './incident-clicks.ts'
import { fill, type Language } from './language.ts'
import type { FormField, Target } from './message.ts'
import { convert, missing } from './parse.ts'
import { Planning } from './planning.ts'
import { reachOf, seen } from './pools.ts'
import type { ProxmoxPort } from './ports.ts'
import { errorOf } from './refusal.ts'
import { holds, type Identity } from './roles.ts'

/** A form, ready for a dialog of the platform's own. */
export interface OpenForm {
  /** The card that asks; its `form.submit` takes the values. */
  card: string
  title: string
  text: string
  fields: FormField[]
  /** Fields whose list is too long to send along: `choices` completes what is typed. */
  completes: string[]
  labels: { submit: string; cancel: string }
  /** What sending it does; absent: it answers the form that waits under the card. */
  action?: 'note'
}

interface Asker {
  card: string
  identity: Identity
  target: Target
}

/** Kinds of argument that the live cluster completes. */
const listed = ['guest', 'node', 'storage', 'iso']

/**
 * Forms for platforms whose dialogs must open within seconds of a click, before the stored event is worked through.
 * Everything here only looks, but for `prepare`, which does what the event itself will find done.
 */
export class Forms {
  readonly #ports: DispatchPorts
  readonly #planning: Planning
  readonly #live: (cluster: string) => ProxmoxPort

  /** @param live clusters whose lists may be a few seconds old */
  constructor(ports: DispatchPorts, live: (cluster: string) => ProxmoxPort) {
    this.#ports = ports
    this.#planning = new Planning(ports)
    this.#live = live
  }

  /** The form that this line opens. Undefined: it needs none, or is refused, which its own answer says. */
  async prepare(said: Said): Promise<OpenForm | undefined> {
    const asker = await this.#planning.asker(said.identity, said.target, said.locales)
    try {
      const ordered = await this.#planning.order(said)
      const lacking = missing(ordered.given, ordered.entry.command)
      if (lacking.length === 0) return undefined
      const from = this.#planning.from(said, asker)
      await this.#planning.keepForm(ordered, from)
      const { entry, given, cluster } = ordered
      return await this.#open(
        from.card,
        entry,
        given.values,
        lacking,
        asker.language,
        this.#seen(cluster, ordered.pools),
      )
    } catch (error) {
      if (error instanceof Refused) return undefined
      throw error
    }
  }

  /** The form that waits under this card, for the one who asked for it. */
  async reopen({ card, identity }: Asker): Promise<OpenForm | undefined> {
    const waiting = await this.#waiting(card)
    if (!waiting || !this.#ports.access.samePerson(identity, waiting.pending.requester)) return undefined
    const { pending, entry } = waiting
    const lacking = missing({ values: pending.values, explain: false }, entry.command)
    const live = this.#seen(pending.cluster ?? '', pending.pools)
    return this.#open(card, entry, pending.values, lacking, pending.language, live)
  }

  /** Where a note for the incident of this card is written; undefined: it is not for them, which the click is told. */
  async note({ card, identity, target, locales }: Asker & { locales: string[] }): Promise<OpenForm | undefined> {
    const incident = await this.#ports.incidents.ofCard(card)
    if (!incident) return undefined
    const role = await this.#ports.access.roleOf(identity, { cluster: incident.cluster, channel: target })
    if (!holds(role, 'operator')) return undefined
    const asker = await this.#planning.asker(identity, target, locales)
    const { incidents, actions } = this.#ports.words[asker.language]
    const title = titleOf(incident, readerOf(this.#ports.words, this.#ports.access, asker))
    return {
      card,
      action: 'note',
      title: incidents.note,
      text: fill(incidents.noteAsk, { incident: incident.id, title }),
      fields: [{ name: noteField, label: incidents.note, type: 'text', required: true }],
      completes: [],
      labels: { submit: actions.note, cancel: actions['form.cancel'] },
    }
  }

  /** What is wrong with these values, by field; empty when nothing is, or when it is no longer known. */
  async check(card: string, sent: Record<string, string>): Promise<Record<string, string>> {
    const waiting = await this.#waiting(card)
    if (!waiting) return {}
    const { pending, entry } = waiting
    const { command } = entry
    const words = this.#ports.words[pending.language]
    const filled = Object.entries({ ...pending.values, ...sent }).filter(([, value]) => value.trim() !== '')
    const given = { values: Object.fromEntries(filled), explain: false }
    const says = (error: Refused) =>
      errorOf(words, command.text[pending.language].refusals, error, { command: entry.path }).says
    const lacking = missing(given, command)
    if (lacking.length > 0) {
      return Object.fromEntries(
        lacking.map((name) => [name, says(new Refused('missing-argument', { missing: name, command: entry.path }))]),
      )
    }
    try {
      convert(given, command)
      return {}
    } catch (error) {
      if (!(error instanceof Refused) || error.values.arg === undefined) return {}
      return { [String(error.values.arg)]: says(error) }
    }
  }

  /** What could stand in a field, from the live cluster; nothing for those who may not run the command. */
  async choices({ card, identity, target }: Asker, field: string, typed: string): Promise<Choice[]> {
    const waiting = await this.#waiting(card)
    const schema = waiting?.entry.command.args.shape[field] as z.ZodType | undefined
    if (!waiting || !schema || waiting.entry.command.cluster === false) return []
    const { pending, entry } = waiting
    const place = { cluster: pending.cluster, channel: target }
    const { role, pools } = await reachOf(this.#ports.access, entry.command, identity, place)
    if (!holds(role, entry.command.role)) return []
    const start = typed.trim().toLowerCase()
    const all = await choices(describeArg(schema), this.#seen(pending.cluster ?? '', pools))
    return all.filter(({ value, label }) => [value, label].some((text) => text.toLowerCase().includes(start)))
  }

  #seen = (cluster: string, pools: readonly string[] | undefined) => seen(this.#live(cluster), pools)

  /** Whether a form still waits under this card. */
  async waits(card: string): Promise<boolean> {
    return (await this.#waiting(card)) !== undefined
  }

  async #waiting(card: string): Promise<{ pending: Pending; entry: Entry } | undefined> {
    const pending = await this.#ports.desk.find(card)
    if (pending?.kind !== 'form' || pending.expiresAt < this.#ports.now()) return undefined
    const entry = this.#ports.catalogue.get(pending.path)
    return entry && { pending, entry }
  }

  async #open(
    card: string,
    entry: Entry,
    values: Record<string, string>,
    lacking: string[],
    language: Language,
    cluster: ProxmoxPort,
  ): Promise<OpenForm> {
    const { say, actions } = this.#ports.words[language]
    const live = entry.command.cluster === false ? undefined : cluster
    const fields = await form(entry.command, values, language, live)
    const kindOf = (name: string) => describeArg(entry.command.args.shape[name] as z.ZodType).kind
    return {
      card,
      title: `/pve ${entry.path}`,
      text: fill(say.formText, { command: entry.path, missing: lacking.join(', ') }),
      fields,
      completes: fields
        .filter(({ name, type }) => type === 'text' && listed.includes(kindOf(name)))
        .map(({ name }) => name),
      labels: { submit: actions['form.submit'], cancel: actions['form.cancel'] },
    }
  }
}
