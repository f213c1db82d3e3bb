import {
  type ChatInputCommandInteraction,
  Client,
  Events,
  GatewayIntentBits,
  type Interaction,
  MessageFlags,
  type RESTPutAPIApplicationCommandsJSONBody,
} from 'discord.js'
import type { DiscordStandIn } from './index.ts'

const spanish = (text: string) => ({ 'es-ES': text, 'es-419': text })

const nodeOption = {
  type: 3,
  name: 'node',
  description: 'Node',
  description_localizations: spanish('Nodo'),
  autocomplete: true,
} as const

export const sampleCommands: RESTPutAPIApplicationCommandsJSONBody = [
  {
    name: 'vm',
    description: 'Machines',
    description_localizations: spanish('Máquinas'),
    default_member_permissions: '2147483648',
    options: [
      {
        type: 1,
        name: 'start',
        description: 'Start a machine',
        options: [
          { type: 4, name: 'vmid', description: 'Number', required: true, min_value: 100, max_value: 999_999_999 },
          nodeOption,
          { type: 5, name: 'force', description: 'At once' },
        ],
      },
      { type: 1, name: 'form', description: 'Ask for the rest', options: [] },
    ],
  },
  { name: 'late', description: 'Answers too late' },
  { name: 'private', description: 'Answers one person' },
]

const modal = {
  custom_id: 'create',
  title: 'New machine',
  components: [
    {
      type: 18,
      label: 'Name',
      component: { type: 4, custom_id: 'name', style: 1, required: true, max_length: 20, value: 'web' },
    },
    {
      type: 18,
      label: 'Node',
      component: {
        type: 3,
        custom_id: 'node',
        required: false,
        options: ['pve1', 'pve2'].map((node) => ({ label: node, value: node, default: node === 'pve2' })),
      },
    },
  ],
} as const

export const card = (text: string) => ({
  flags: MessageFlags.IsComponentsV2 as const,
  components: [
    {
      type: 17,
      components: [
        { type: 10, content: text },
        { type: 1, components: [{ type: 2, style: 4, label: 'Cancel', custom_id: 'cancel:7' }] },
      ],
    },
  ] as never,
  allowedMentions: { parse: [] },
})

export interface SampleBot {
  client: Client
  /** What went wrong in its listeners, and on its sockets. */
  errors: { message: string; code?: unknown }[]
  /** The interactions it was handed, duplicates too. */
  heard: string[]
  /** Lets `/late` respond. */
  letGo(): void
}

async function command(interaction: ChatInputCommandInteraction, released: Promise<void>): Promise<void> {
  const { commandName, options } = interaction
  if (commandName === 'late') await released
  if (commandName === 'private') {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral })
    await interaction.editReply({ content: 'Only you.' })
    await interaction.followUp({ content: 'And this.', flags: MessageFlags.Ephemeral })
    return
  }
  if (options.getSubcommand(false) === 'form') return void (await interaction.showModal(modal as never))
  await interaction.deferReply({ flags: MessageFlags.Ephemeral })
  if (!interaction.channel?.isSendable()) return
  const text = `start ${options.getInteger('vmid')} on ${options.getString('node')}`
  const message = await interaction.channel.send({
    ...card(`${text}: running`),
    nonce: interaction.id,
    enforceNonce: true,
  })
  await message.edit(card(`${text}: done`))
  const thread = await message.startThread({ name: text })
  await thread.send({ content: 'Log', files: [{ attachment: Buffer.from('TASK OK'), name: 'task.log' }] })
  await interaction.deleteReply()
}

async function take(interaction: Interaction, released: Promise<void>): Promise<void> {
  if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused()
    const nodes = ['pve1', 'pve2'].filter((node) => node.startsWith(typed))
    await interaction.respond(nodes.map((node) => ({ name: node, value: node })))
  } else if (interaction.isChatInputCommand()) await command(interaction, released)
  else if (interaction.isButton()) await interaction.update(card('cancelled'))
  else if (interaction.isModalSubmit()) {
    const { fields } = interaction
    const text = `${fields.getTextInputValue('name')} on ${fields.getStringSelectValues('node')}`
    await interaction.reply({ content: text, flags: MessageFlags.Ephemeral })
  }
}

/** A small bot on the real discord.js, to prove the stand-in with. Resolves when it is ready, its commands registered. */
export async function sampleBot(discord: DiscordStandIn): Promise<SampleBot> {
  const heard: string[] = []
  const errors: SampleBot['errors'] = []
  let letGo = () => {}
  const released = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const client = new Client({ intents: [GatewayIntentBits.Guilds], rest: { api: discord.apiUrl } })
  client.on(Events.ShardError, (error) => errors.push(error))
  client.on(Events.InteractionCreate, (interaction) => {
    heard.push(interaction.id)
    take(interaction, released).catch((error) => errors.push(error))
  })
  const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve))
  await client.login(discord.token)
  await ready
  await client.application!.commands.set(sampleCommands as never, discord.guildId)
  return { client, errors, heard, letGo }
}
