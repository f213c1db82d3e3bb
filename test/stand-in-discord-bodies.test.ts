import { DiscordAPIError, REST, Routes } from 'discord.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type DiscordStandIn, startDiscord } from './stand-ins/discord/index.ts'
import { card, sampleCommands } from './stand-ins/discord/sample-bot.ts'

async function server(): Promise<DiscordStandIn> {
  const discord = await startDiscord({ users: [{ name: 'ana' }], channels: [{ name: 'general' }] })
  onTestFinished(() => discord.close())
  return discord
}

const restOf = (discord: DiscordStandIn) => new REST({ api: discord.apiUrl, retries: 0 }).setToken(discord.token)

const V2 = 32_768
const text = (content: string) => ({ type: 10, content })
const button = (customId: string, more: object = {}) => ({
  type: 2,
  style: 1,
  label: 'Go',
  custom_id: customId,
  ...more,
})
const row = (...components: object[]) => ({ type: 1, components })
const boxed = (...components: object[]) => ({ type: 17, components })
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const embed = (description: string) => ({ description })

const badMessages: [what: string, body: object, says: RegExp][] = [
  ['nothing', {}, /the message is empty/],
  ['no components under v2', { flags: V2 }, /the message is empty/],
  ['content of 2001', { content: 'x'.repeat(2001) }, /2001 characters, at most 2000/],
  ['content of 4001', { content: 'x'.repeat(4001) }, /content: too_big/],
  ['a number as content', { content: 7 }, /content: invalid_type/],
  ['6001 in embeds', { embeds: [embed('x'.repeat(4000)), embed('x'.repeat(2001))] }, /6001 characters in embeds/],
  ['11 embeds', { embeds: many(11, () => embed('x')) }, /embeds: too_big/],
  ['a text display without the flag', { components: [text('x')] }, /only action rows are allowed/],
  ['6 rows', { content: 'x', components: many(6, (i) => row(button(`b${i}`))) }, /6 rows, at most 5/],
  ['6 buttons in a row', { content: 'x', components: [row(...many(6, (i) => button(`b${i}`)))] }, /too_big/],
  ['content with v2', { flags: V2, content: 'x', components: [text('x')] }, /content cannot be used/],
  ['embeds with v2', { flags: V2, embeds: [embed('x')], components: [text('x')] }, /embeds cannot be used/],
  [
    '4001 in text displays',
    { flags: V2, components: [text('x'.repeat(4000)), boxed(text('x'))] },
    /4001 characters in text/,
  ],
  ['an empty text display', { flags: V2, components: [text('')] }, /content: too_small/],
  ['41 components', { flags: V2, components: [boxed(...many(40, () => text('x')))] }, /41 components, at most 40/],
  ['a container in a container', { flags: V2, components: [boxed(boxed(text('x')))] }, /invalid/],
  [
    'one custom_id twice',
    { content: 'x', components: [row(button('a'), button('a'))] },
    /custom_id "a" is there twice/,
  ],
  [
    'one id twice',
    {
      flags: V2,
      components: [
        { ...text('x'), id: 5 },
        { ...text('y'), id: 5 },
      ],
    },
    /component id 5/,
  ],
  [
    'a button without a custom_id',
    { content: 'x', components: [row({ type: 2, style: 1, label: 'Go' })] },
    /needs a custom_id/,
  ],
  ['a link with a custom_id', { content: 'x', components: [row(button('a', { style: 5 }))] }, /of style 5 needs a url/],
  [
    'a button without a label',
    { content: 'x', components: [row(button('a', { label: undefined }))] },
    /label or an emoji/,
  ],
  ['a label of 81', { content: 'x', components: [row(button('a', { label: 'x'.repeat(81) }))] }, /label: too_big/],
  ['a custom_id of 101', { content: 'x', components: [row(button('x'.repeat(101)))] }, /custom_id: too_big/],
  ['a nonce of 26', { content: 'x', nonce: 'x'.repeat(26) }, /nonce/],
  ['ephemeral by the bot token', { content: 'x', flags: 64 }, /only an answer to an interaction/],
  ['an unknown mention', { content: 'x', allowed_mentions: { parse: ['people'] } }, /allowed_mentions/],
]

describe('a message is refused with', () => {
  for (const [what, body, says] of badMessages) {
    test(what, async () => {
      const discord = await server()
      const channel = discord.channels.general!
      const error = await restOf(discord)
        .post(Routes.channelMessages(channel), { body })
        .catch((thrown: unknown) => thrown)
      expect((error as DiscordAPIError).code).toBe(50035)
      expect(discord.violations.join('\n')).toMatch(says)
      expect(discord.messages('general')).toEqual([])
    })
  }

  test('the v2 flag taken off, or its text left out of an edit', async () => {
    const discord = await server()
    const rest = restOf(discord)
    const { components } = card('x')
    const { id } = (await rest.post(Routes.channelMessages(discord.channels.general!), {
      body: { flags: V2, components },
    })) as { id: string }
    const edit = (body: object) => rest.patch(Routes.channelMessage(discord.channels.general!, id), { body })
    await expect(edit({ flags: 0, content: 'x', components: [] })).rejects.toThrow(DiscordAPIError)
    await expect(edit({ content: 'x' })).rejects.toThrow(DiscordAPIError)
    await edit({ components: [text('y')] })
    expect(discord.violations).toEqual([
      'update_message: IS_COMPONENTS_V2 cannot be taken off a message',
      'update_message: content cannot be used with IS_COMPONENTS_V2',
    ])
  })
})

const command = (more: object) => [{ name: 'vm', description: 'Machines', ...more }]
const option = (more: object) => command({ options: [{ type: 3, name: 'node', description: 'Node', ...more }] })
const nested = {
  type: 2,
  name: 'g',
  description: 'G',
  options: [{ type: 2, name: 'h', description: 'H', options: [] }],
}

const badCommands: [what: string, body: object[], says: RegExp][] = [
  ['a capital letter', command({ name: 'Vm' }), /1 to 32 lower-case/],
  ['a space in its name', command({ name: 'vm list' }), /1 to 32 lower-case/],
  ['no description', [{ name: 'vm' }], /description is required/],
  ['a description of 101', command({ description: 'x'.repeat(101) }), /description: too_big/],
  ['a locale that is none', command({ description_localizations: { es: 'Máquinas' } }), /"es" is not a locale/],
  [
    'choices and autocomplete',
    option({ autocomplete: true, choices: [{ name: 'a', value: 'a' }] }),
    /either choices or/,
  ],
  ['26 choices', option({ choices: many(26, (i) => ({ name: `${i}`, value: `${i}` })) }), /choices/],
  [
    '26 options',
    command({ options: many(26, (i) => ({ type: 3, name: `o${i}`, description: 'x' })) }),
    /options: too_big/,
  ],
  ['min over max', option({ type: 4, min_value: 2, max_value: 1 }), /2 is more than 1/],
  [
    'two options of one name',
    command({ options: many(2, () => ({ type: 3, name: 'a', description: 'A' })) }),
    /two options/,
  ],
  [
    'a required option last',
    command({
      options: [
        { type: 3, name: 'a', description: 'A' },
        { type: 3, name: 'b', description: 'B', required: true },
      ],
    }),
    /required options must stand before/,
  ],
  [
    'options beside subcommands',
    command({
      options: [
        { type: 1, name: 'a', description: 'A' },
        { type: 3, name: 'b', description: 'B' },
      ],
    }),
    /do not mix/,
  ],
  ['a group in a group', command({ options: [nested] }), /options/],
  [
    '8001 characters',
    command({
      options: many(25, (i) => ({
        type: 1,
        name: `s${i}`,
        description: 'x',
        options: many(4, (j) => ({ type: 3, name: `o${j}`, description: 'x'.repeat(80) })),
      })),
    }),
    /characters in all, at most 8000/,
  ],
  ['two of one name', [...command({}), ...command({})], /two commands have one name/],
  ['101 of them', many(101, (i) => ({ name: `c${i}`, description: 'x' })), /101 commands, at most 100/],
]

describe('a command is refused with', () => {
  for (const [what, body, says] of badCommands) {
    test(what, async () => {
      const discord = await server()
      const route = Routes.applicationGuildCommands(discord.applicationId, discord.guildId)
      const error = await restOf(discord)
        .put(route, { body })
        .catch((thrown: unknown) => thrown)
      expect((error as DiscordAPIError).code).toBe(50035)
      expect(discord.violations.join('\n')).toMatch(says)
      expect(discord.commands()).toEqual([])
    })
  }

  test('what it does not know it ignores, and tells', async () => {
    const discord = await server()
    const route = Routes.applicationGuildCommands(discord.applicationId, discord.guildId)
    await restOf(discord).put(route, { body: [...sampleCommands, { name: 'x', description: 'X', colour: 'red' }] })
    expect(discord.unknown).toEqual(['bulk_set_guild_application_commands.3.colour'])
    expect(discord.violations).toEqual([])
  })
})
