import {
  type AutocompleteInteraction,
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  GuildMemberFlags,
  type Interaction,
  MessageFlags,
  type ModalSubmitInteraction,
} from 'discord.js'
import type { z } from 'zod'
import { describeArg } from '../../core/args.ts'
import type { Catalogue } from '../../core/catalogue.ts'
import type { Clicked, Said } from '../../core/events.ts'
import { type ActionId, actionIds, type FormField, type Message } from '../../core/message.ts'
import { Code, isCode } from './errors.ts'
import { filledIn, modal } from './form.ts'
import { completed, lineOf, pathOf } from './line.ts'
import type { Live } from './live.ts'
import type { DiscordMembership } from './membership.ts'
import { cut, plain } from './text.ts'
import type { InteractionTokens } from './tokens.ts'
import { elsewhere, notStored } from './words.ts'

export interface ListenPorts {
  inbox: { said(event: Said): Promise<void>; clicked(event: Clicked): Promise<void> }
  catalogue: Catalogue
  live: Live
  /** What a card shows now. */
  card(key: string): Promise<{ message: Message } | undefined>
  /** The form for a note on an incident's card; undefined: it is not for them, which the click is told. */
  note(asker: {
    card: string
    identity: string
    target: string
    locales: string[]
  }): Promise<{ title: string; fields: FormField[] } | undefined>
  /** The cards that will answer an event. */
  cardOf: { said(event: string): string; clicked(event: string): string }
  tokens: InteractionTokens
  membership: DiscordMembership
  /** Empty: any server is served. */
  guilds: readonly string[]
  log: { warn(about: object, text: string): void; error(about: object, text: string): void }
}

type Answerable = ChatInputCommandInteraction | ButtonInteraction | ModalSubmitInteraction

/** Discord gives 3 s for an answer; what has to be looked up first gets this much of it. */
const lookUpMs = 1500
const completeMs = 2000
const mostChoices = 25
const customIdLength = 100

/** Begins the custom_id of a form that asks for what a typed command lacks; the line so far follows. */
const sayId = 'say:'

/** Takes one interaction. Never throws: what fails is logged, and told to the person where they can be told. */
export async function take(interaction: Interaction, ports: ListenPorts): Promise<void> {
  try {
    remember(interaction, ports)
    if (!isServed(interaction, ports)) await turnAway(interaction)
    else if (interaction.isAutocomplete()) await complete(interaction, ports)
    else if (interaction.isChatInputCommand()) await command(interaction, ports)
    else if (interaction.isButton()) await click(interaction, ports)
    else if (interaction.isModalSubmit()) await submitted(interaction, ports)
  } catch (error) {
    if (!wasAnswered(error)) ports.log.error({ error: (error as Error).message }, 'an interaction from Discord failed')
  }
}

/** Somebody has answered already (a resumed session repeats events), or Discord waits no longer. */
const wasAnswered = (error: unknown) => isCode(error, Code.alreadyAcknowledged, Code.unknownInteraction)

/** Direct messages are served: who may what there is told by the same roles. */
const isServed = ({ guildId }: Interaction, { guilds }: ListenPorts) =>
  guilds.length === 0 || guildId === null || guilds.includes(guildId)

async function turnAway(interaction: Interaction): Promise<void> {
  if (interaction.isAutocomplete()) await interaction.respond([])
  else if (interaction.isRepliable()) {
    await interaction.reply({ content: elsewhere(localesOf(interaction)), flags: MessageFlags.Ephemeral })
  }
}

function remember(interaction: Interaction, { membership }: ListenPorts): void {
  if (!interaction.inCachedGuild()) return
  const { guildId, member, user } = interaction
  const roles = [...member.roles.cache.keys()].filter((role) => role !== guildId)
  const isGuest = member.flags.has(GuildMemberFlags.IsGuest)
  membership.heard(guildId, user.id, { roles, pending: member.pending, isBot: user.bot, isGuest })
}

const localesOf = ({ locale, guildLocale }: Interaction): string[] => [
  locale,
  ...(guildLocale === null ? [] : [guildLocale]),
]

/** A thread belongs to its channel: rights and answers are the channel's. */
function whoAndWhere(interaction: Interaction) {
  const { channel, channelId, user } = interaction
  const place = channel?.isThread() ? (channel.parentId ?? channelId) : channelId
  return { identity: `discord:${user.id}`, target: `discord:${place}`, locales: localesOf(interaction) }
}

const eventOf = ({ id }: Interaction) => `discord:${id}`

/** What was filled in, as text. */
const valuesOf = ({ options }: AutocompleteInteraction | ChatInputCommandInteraction): Record<string, string> =>
  Object.fromEntries(
    options.data
      .flatMap((option) => option.options ?? [option])
      .flatMap(({ name, value }) => (value === undefined || value === '' ? [] : [[name, String(value)]])),
  )

async function complete(interaction: AutocompleteInteraction, { live, catalogue }: ListenPorts): Promise<void> {
  const { name, value } = interaction.options.getFocused(true)
  const { [name]: _, ...values } = valuesOf(interaction)
  const path = pathOf(catalogue, interaction.commandName, interaction.options.getSubcommand(false))
  const ask = { ...whoAndWhere(interaction), path, values, argument: name, typed: String(value), most: mostChoices }
  const found = (await within(completeMs, live.complete(ask))) ?? []
  const choices = found
    .filter((choice) => choice.value !== '' && choice.value.length <= 100)
    .map((choice) => ({ name: cut(plain(choice.label).trim(), 100) || choice.value, value: choice.value }))
  await interaction.respond(choices.slice(0, mostChoices))
}

async function command(interaction: ChatInputCommandInteraction, ports: ListenPorts): Promise<void> {
  const path = pathOf(ports.catalogue, interaction.commandName, interaction.options.getSubcommand(false))
  const values = valuesOf(interaction)
  const shape = ports.catalogue.get(path)?.command.args.shape ?? {}
  const lacks = Object.entries(shape).some(
    ([name, schema]) => !(name in values) && describeArg(schema as z.ZodType).required,
  )
  if (lacks && (await askForRest(interaction, ports, path, values))) return
  await heard(interaction, ports, lineOf(path, values))
}

/**
 * Opens a form for what is missing; it must be the first answer. False: not possible, so the command itself says what
 * it lacks, or why it is refused.
 */
async function askForRest(
  interaction: ChatInputCommandInteraction,
  { live, log }: ListenPorts,
  path: string,
  values: Record<string, string>,
): Promise<boolean> {
  const customId = sayId + lineOf(path, values)
  if (customId.length > customIdLength) return false
  const fields = await within(lookUpMs, live.form({ ...whoAndWhere(interaction), path, values }))
  if (!fields?.some(({ required, type }) => required && type !== 'secret')) return false
  try {
    await interaction.showModal(modal(`/${path}`, customId, fields))
  } catch (error) {
    if (wasAnswered(error)) return true
    log.warn({ path, error: (error as Error).message }, 'Discord did not show a form')
    return false
  }
  return true
}

/** Acknowledges at once and stores meanwhile; the answer is a card, or takes the place of "is thinking…". */
async function heard(
  interaction: ChatInputCommandInteraction | ModalSubmitInteraction,
  ports: ListenPorts,
  text: string,
): Promise<void> {
  const event = eventOf(interaction)
  const acknowledged = answered(interaction.deferReply({ flags: MessageFlags.Ephemeral }), ports)
  ports.tokens.keep(ports.cardOf.said(event), { kind: 'reply', token: interaction.token, acknowledged })
  await stored(interaction, ports, acknowledged, () => ports.inbox.said({ event, ...whoAndWhere(interaction), text }))
}

async function click(interaction: ButtonInteraction, ports: ListenPorts): Promise<void> {
  const [action = '', card = ''] = interaction.customId.split(/:(.*)/s)
  if (!actionIds.includes(action as ActionId)) return void (await interaction.deferUpdate())
  if (action === 'form.submit') {
    const form = (await within(lookUpMs, ports.card(card)))?.message
    if (form?.form) return void (await interaction.showModal(modal(form.title, interaction.customId, form.form.fields)))
  }
  if (action === 'note') {
    const form = await within(lookUpMs, ports.note({ ...whoAndWhere(interaction), card }))
    if (form) return void (await interaction.showModal(modal(form.title, interaction.customId, form.fields)))
  }
  await pressed(interaction, ports, { action: action as ActionId, card })
}

async function submitted(interaction: ModalSubmitInteraction, ports: ListenPorts): Promise<void> {
  const { customId } = interaction
  const values = filledIn(interaction)
  if (customId.startsWith(sayId)) return heard(interaction, ports, completed(customId.slice(sayId.length), values))
  const [action = '', card = ''] = customId.split(/:(.*)/s)
  await pressed(interaction, ports, { action: action as ActionId, card, values })
}

/** Acknowledges without a trace: the card itself shows what came of it. */
async function pressed(
  interaction: ButtonInteraction | ModalSubmitInteraction,
  ports: ListenPorts,
  what: { action: ActionId; card: string; values?: Record<string, string> },
): Promise<void> {
  const event = eventOf(interaction)
  const silently = interaction.isButton() || interaction.isFromMessage()
  const answer = silently ? interaction.deferUpdate() : interaction.deferReply({ flags: MessageFlags.Ephemeral })
  const acknowledged = answered(answer, ports)
  const kind = silently ? 'update' : 'reply'
  ports.tokens.keep(ports.cardOf.clicked(event), { kind, token: interaction.token, acknowledged })
  await stored(interaction, ports, acknowledged, () =>
    ports.inbox.clicked({ event, ...whoAndWhere(interaction), ...what }),
  )
}

/** Whether Discord has taken the answer, this one or that of an earlier delivery of the same interaction. */
function answered(answer: Promise<unknown>, { log }: ListenPorts): Promise<boolean> {
  return answer.then(
    () => true,
    (error: unknown) => {
      if (!wasAnswered(error)) log.warn({ error: (error as Error).message }, 'an interaction could not be acknowledged')
      return isCode(error, Code.alreadyAcknowledged)
    },
  )
}

async function stored(
  interaction: Answerable,
  { log }: ListenPorts,
  acknowledged: Promise<boolean>,
  store: () => Promise<void>,
): Promise<void> {
  try {
    await store()
  } catch (error) {
    log.error({ error: (error as Error).message }, 'an interaction from Discord could not be stored')
    if (!(await acknowledged)) return
    const content = notStored(localesOf(interaction))
    if (interaction.isChatInputCommand()) await interaction.editReply({ content })
    else await interaction.followUp({ content, flags: MessageFlags.Ephemeral })
  }
}

/** Undefined when it fails or takes longer. */
function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return Promise.race([work.catch(() => undefined), late]).finally(() => clearTimeout(timer))
}
