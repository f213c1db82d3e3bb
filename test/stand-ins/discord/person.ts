import { type Fields, fields, list, string } from '../slack/fields.ts'
import { Interaction } from './answer-rules.ts'
import { buttonsIn, Component, flat } from './components.ts'
import type { Guild } from './guild.ts'
import type { Delivery, Interactions, Modal } from './interactions.ts'
import { messageJson } from './messages-api.ts'
import { commandData, envelope, type Values } from './payloads.ts'
import type { DiscordMessage } from './transcript.ts'

export interface Place {
  user: string
  channel: string
}

/** What people do in Discord. Users and channels are named or given by id. */
export interface Person {
  /** Sends a slash command, `vm create` with its options; throws where Discord's client would not let it be sent. */
  slash(path: string, values: Values, at: Place): Promise<Delivery>
  /** Types into an option; `choices` is what the bot offered. */
  autocomplete(
    path: string,
    values: Values,
    focused: string,
    at: Place,
  ): Promise<Delivery & { choices: { name: string; value: string | number }[] }>
  /** Presses a button: `button` is its custom_id, the beginning of it, or its label. */
  click(at: { user: string; message: DiscordMessage; button: string }): Promise<Delivery>
  /** The modal this person has in front. */
  modal(user: string): Modal | undefined
  /** Fills in the modal in front and submits it; throws where Discord's client would not let it be sent. */
  submitModal(at: { user: string; values?: Record<string, string> }): Promise<Delivery>
  /** Discord sends the same interaction again, as a resumed session may. */
  redeliver(delivery: Delivery): void
}

export interface PersonParts {
  guild: Guild
  interactions: Interactions
  newId: () => string
  registered: () => Fields[]
  dispatch: (payload: Fields) => void
}

/** One field as it is submitted: what was typed, else what it was filled with. */
function submitted(field: Fields, typed: string | undefined): Fields {
  const { type, id, custom_id } = field
  const name = string(custom_id)
  if (type === Component.stringSelect) {
    const options = list(field.options).map(fields)
    const chosen =
      typed === undefined
        ? options.filter((option) => option.default === true)
        : options.filter(({ value }) => value === typed)
    if (typed && chosen.length === 0) throw new Error(`field ${name} does not offer ${typed}`)
    if (chosen.length === 0 && field.required !== false) throw new Error(`field ${name} must be filled in`)
    return { type, id, custom_id, values: chosen.map(({ value }) => value) }
  }
  const value = typed ?? string(field.value)
  if (value === '' && field.required !== false) throw new Error(`field ${name} must be filled in`)
  if (value.length > Number(field.max_length ?? 4000))
    throw new Error(`field ${name} takes ${field.max_length} characters`)
  return { type, id, custom_id, value }
}

function submittedParts(modal: Modal, values: Record<string, string>): Fields[] {
  const known = flat(modal.components).flatMap(({ custom_id }) => (custom_id ? [string(custom_id)] : []))
  for (const name of Object.keys(values)) if (!known.includes(name)) throw new Error(`there is no field ${name}`)
  return modal.components.map((part, index) => {
    const inner = fields(part.component ?? list(part.components)[0])
    const field = submitted({ id: index * 2 + 2, ...inner }, values[string(inner.custom_id)])
    const here = { type: part.type, id: index * 2 + 1 }
    return part.component ? { ...here, component: field } : { ...here, components: [field] }
  })
}

export function createPerson({ guild, interactions, newId, registered, dispatch }: PersonParts): Person {
  function send(type: number, at: Place, data: Fields, message?: DiscordMessage): Promise<Delivery> {
    const user = guild.user(at.user).id
    const channel = guild.channel(at.channel).id
    const carried = message ? { message: messageJson(message, guild.applicationId) } : {}
    const payload = { ...envelope({ guild, newId, ...at, type }), data, ...carried }
    return interactions.deliver({ type, user, channel, message }, payload)
  }

  return {
    redeliver: ({ payload }) => dispatch(payload),
    modal: (user) => interactions.modals.get(guild.user(user).id),
    slash: async (path, values, at) => send(Interaction.command, at, commandData(registered(), path, values)),
    async autocomplete(path, values, focused, at) {
      const delivery = await send(Interaction.autocomplete, at, commandData(registered(), path, values, focused))
      const { choices } = fields(fields(delivery.response).data)
      return { ...delivery, choices: list(choices) as { name: string; value: string | number }[] }
    },
    async click({ user, message, button }) {
      const all = buttonsIn(message.components)
      const found =
        all.find(({ customId }) => customId === button) ??
        all.find(({ label, customId }) => label === button || customId.startsWith(button))
      if (message.deleted || !found) throw new Error(`there is no button ${button}: ${JSON.stringify(all)}`)
      const data = { custom_id: found.customId, component_type: Component.button, id: 1 }
      return send(Interaction.component, { user, channel: message.channel }, data, message)
    },
    async submitModal({ user, values = {} }) {
      const { id } = guild.user(user)
      const modal = interactions.modals.get(id)
      if (!modal) throw new Error(`${user} has no modal open`)
      const data = { custom_id: modal.customId, components: submittedParts(modal, values) }
      interactions.modals.delete(id)
      return send(Interaction.modal, { user, channel: modal.channel }, data, modal.from)
    },
  }
}
