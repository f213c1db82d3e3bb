import { REST } from 'discord.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { characters, definitions, mostCharacters } from '../src/chat/discord/definitions.ts'
import { filledIn, modal } from '../src/chat/discord/form.ts'
import { completed, lineOf, pathOf } from '../src/chat/discord/line.ts'
import { register } from '../src/chat/discord/register.ts'
import { arg } from '../src/core/args.ts'
import { Catalogue } from '../src/core/catalogue.ts'
import { answer, type Command, defineCommand } from '../src/core/command.ts'
import type { FormField } from '../src/core/message.ts'
import { convert, sort, tokenize } from '../src/core/parse.ts'
import { adapter, catalogue } from './chat-discord-fixture.ts'
import { modalProblems } from './stand-ins/discord/answer-rules.ts'
import { commandProblems } from './stand-ins/discord/command-rules.ts'
import { type DiscordStandIn, startDiscord } from './stand-ins/discord/index.ts'
import { specProblems } from './stand-ins/discord/spec.ts'

const problemsOf = (commands: object[]) => [
  ...specProblems('bulk_set_guild_application_commands', commands).problems,
  ...specProblems('bulk_set_guild_application_commands', commands).unknown,
  ...commandProblems(commands),
]

const wordy = defineCommand({
  role: 'viewer',
  risk: 'changes',
  args: z.object({
    guest: arg.guest(),
    mode: arg.choice(['hard', 'soft']).optional(),
    many: arg.choice(['a', ...Array.from({ length: 30 }, (_, i) => `c${i}`)]).optional(),
    count: arg.integer({ min: 1, max: 9 }).optional(),
    force: arg.boolean().optional(),
  }),
  text: {
    en: {
      summary: 'Long words '.repeat(12),
      args: { guest: 'G'.repeat(120), mode: 'Mode', many: 'Many', count: 'Count', force: 'Force' },
    },
    es: {
      summary: 'Palabras largas '.repeat(12),
      args: { guest: 'M'.repeat(120), mode: 'Modo', many: 'Muchas', count: 'Cuenta', force: 'Forzar' },
    },
  },
  examples: [],
  plan: () => answer({ title: 'x' }),
})

const withCommands = (paths: string[]) =>
  new Catalogue({
    commands: new Map(paths.map((path) => [path, wordy as Command])),
    groups: new Map(),
    workers: new Map(),
  })

describe('definitions', () => {
  test('of the whole catalogue are what Discord takes, in English and Spanish', () => {
    const made = definitions(catalogue)
    expect(problemsOf(made)).toEqual([])
    const vm = made.find(({ name }) => name === 'vm')!
    expect(Object.keys(vm.description_localizations ?? {})).toEqual(['es-ES', 'es-419'])
    const paths = made.flatMap(({ name, options = [] }) =>
      options.some(({ type }) => type === 1) ? options.map((option) => pathOf(catalogue, name, option.name)) : [name],
    )
    expect(paths.sort()).toEqual(catalogue.entries.map(({ path }) => path).sort())
    for (const command of made) {
      expect(command.default_member_permissions).toBe('2147483648')
      expect(characters(command)).toBeLessThanOrEqual(mostCharacters)
    }
  })

  test('have typed options, and completion where the cluster knows', () => {
    const [{ options = [] } = {}] = definitions(withCommands(['move']), ['main', 'second']) as { options?: object[] }[]
    expect(options).toMatchObject([
      { type: 3, name: 'guest', autocomplete: true },
      { type: 3, name: 'mode', choices: [{ value: 'hard' }, { value: 'soft' }] },
      { type: 3, name: 'many', autocomplete: true },
      { type: 4, name: 'count', min_value: 1, max_value: 9 },
      { type: 5, name: 'force' },
      { type: 3, name: 'cluster', choices: [{ value: 'main' }, { value: 'second' }] },
      { type: 5, name: 'explain' },
    ])
  })

  test('keep within 8,000 characters and 25 subcommands, with shorter words and a second command', () => {
    const names = Array.from({ length: 40 }, (_, i) => `vm do-something-${String(i).padStart(2, '0')}`)
    const large = withCommands(names)
    const made = definitions(large)
    expect(made.map(({ name, options }) => [name, options?.length])).toEqual([
      ['vm', 25],
      ['vm-2', 15],
    ])
    expect(problemsOf(made)).toEqual([])
    expect(Math.max(...made.map(characters))).toBeGreaterThan(4000)
    expect(pathOf(large, 'vm-2', 'do-something-30')).toBe('vm do-something-30')
    expect(pathOf(catalogue, 'help', null)).toBe('help')
  })
})

const restOf = (discord: DiscordStandIn) => new REST({ api: discord.apiUrl, retries: 0 }).setToken(discord.token)
const log = { info: () => {}, error: () => {} }

async function server(): Promise<DiscordStandIn> {
  const discord = await startDiscord({ users: [{ name: 'ana' }], channels: [{ name: 'general' }] })
  onTestFinished(() => discord.close())
  return discord
}

describe('registration', () => {
  test('happens when something is different, and never twice', async () => {
    const discord = await server()
    const commands = definitions(catalogue)
    const about = { rest: restOf(discord), guilds: [discord.guildId], log }
    expect((await register({ ...about, commands })).changed).toEqual([discord.guildId])
    expect(await register({ ...about, commands })).toEqual({ changed: [], failed: [] })
    expect(await register({ ...about, commands: [...commands].reverse() })).toEqual({ changed: [], failed: [] })
    const [first, ...rest] = commands
    const translated = { ...first!, description_localizations: { 'es-ES': 'Otra cosa', 'es-419': 'Otra cosa' } }
    expect((await register({ ...about, commands: [translated, ...rest] })).changed).toEqual([discord.guildId])
    expect(discord.calls('bulk_set_guild_application_commands')).toHaveLength(2)
    expect(discord.violations).toEqual([])
  })

  test('for every server, until servers are named', async () => {
    const discord = await server()
    const commands = definitions(catalogue)
    const about = { rest: restOf(discord), commands, log }
    expect((await register({ ...about, guilds: [] })).changed).toEqual(['everywhere'])
    expect((await register({ ...about, guilds: [] })).changed).toEqual([])
    expect(discord.commands()[0]).toMatchObject({ contexts: [0], integration_types: [0] })
    expect((await register({ ...about, guilds: [discord.guildId, '1'] })).failed).toEqual(['1'])
    expect(discord.commands()).toHaveLength(commands.length)
    expect(discord.violations).toEqual([])
  })
})

describe('a line', () => {
  test.each(['web1', 'a b', `it's "so"`, 'local:iso/x.iso', 'a="b"', '“x”', 'ñandú', 'a\nb', '--force', '«»'])(
    'says %j so that it is read as that',
    (value) => {
      const line = lineOf('vm create', { name: value, empty: '' })
      const given = sort(tokenize(line).slice(2), { args: z.object({ name: arg.text() }) } as never)
      expect(given.values).toEqual({ name: value })
      expect(convert(given, { args: z.object({ name: arg.text() }) } as never)).toEqual({ name: value })
    },
  )

  test('is completed by a form', () => {
    expect(completed('/vm create node:pve1', { name: 'a b', vmid: '' })).toBe('/vm create node:pve1 name:"a b"')
    expect(completed('/vm create', {})).toBe('/vm create')
  })
})

describe('a form', () => {
  const field = (name: string, more: Partial<FormField> = {}): FormField => ({
    name,
    label: name,
    type: 'text',
    required: false,
    ...more,
  })
  const options = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ value: `v${i}`, label: 'L'.repeat(200) }))
  const namesOf = (fields: FormField[]) =>
    modal('t', 'c', fields).components.map((part) =>
      'component' in part ? (part.component as { custom_id: string }).custom_id : '',
    )

  test('of more than five fields asks for what must be given, what is still empty first', () => {
    const seven = Array.from({ length: 7 }, (_, i) =>
      field(`f${i}`, { required: i > 4, ...(i === 5 ? { value: 'x' } : {}) }),
    )
    expect(namesOf(seven)).toEqual(['f6', 'f5'])
    expect(namesOf(seven.slice(0, 5))).toHaveLength(5)
    expect(namesOf([field('a'), field('key', { type: 'secret' })])).toEqual(['a'])
  })

  test('is within every limit', () => {
    const made = modal('T'.repeat(100), 'form.submit:c-1', [
      field('long', { label: 'L'.repeat(300), value: 'v'.repeat(5000) }),
      field('menu', { type: 'select', options: options(25), value: 'v3' }),
      field('typed', { type: 'select', options: options(26) }),
      field('twice', { type: 'select', options: [...options(2), ...options(2)] }),
      field('flag', { type: 'boolean', value: 'true' }),
    ])
    const { problems, unknown } = specProblems('create_interaction_response', { type: 9, data: made })
    expect([...problems, ...unknown, ...modalProblems(made)]).toEqual([])
    expect(made.components.map((part) => ('component' in part ? part.component.type : 0))).toEqual([4, 3, 4, 3, 3])
  })

  test('gives back what was filled in', () => {
    const parts = [
      { type: 18, id: 1, component: { type: 4, id: 2, customId: 'a', value: 'x' } },
      { type: 18, id: 3, component: { type: 3, id: 4, customId: 'b', values: ['y'] } },
      { type: 18, id: 5, component: { type: 3, id: 6, customId: 'c', values: [] } },
    ]
    expect(filledIn({ components: parts } as never)).toEqual({ a: 'x', b: 'y', c: '' })
  })
})

describe('groups', () => {
  test('are the roles of a member, and everybody who is a full one', async () => {
    const { discord, groupsOf } = await adapter()
    const of = (name: string) => groupsOf(`discord:${discord.users[name]}`)
    expect(await of('ana')).toEqual([`discord:role:${discord.roles.ops}`, 'discord:*'])
    expect(await of('eva')).toEqual(['discord:*'])
    for (const name of ['bot', 'new', 'guest', 'stranger']) expect(await of(name)).toEqual([])
    for (const other of ['discord:role:9', 'web:ana', 'discord:1']) expect(await groupsOf(other)).toEqual([])
  })

  test('are asked for once a minute, told by each interaction, and never gained while Discord is away', async () => {
    const { discord, groupsOf, advance, said } = await adapter()
    const ana = `discord:${discord.users.ana}`
    const both = [`discord:role:${discord.roles.ops}`, 'discord:*']
    expect([await groupsOf(ana), await groupsOf(ana)]).toEqual([both, both])
    expect(discord.calls('get_guild_member')).toHaveLength(1)
    discord.setRoles('ana', [])
    expect(await groupsOf(ana)).toEqual(both)
    await discord.slash('status', {}, { user: 'ana', channel: 'general' })
    await discord.until(() => said.length === 1)
    expect(await groupsOf(ana)).toEqual(['discord:*'])
    expect(discord.calls('get_guild_member')).toHaveLength(1)
    advance(61_000)
    discord.setRoles('ana', ['ops'])
    discord.fail('get_guild_member', 503, 8)
    expect(await groupsOf(ana)).toEqual(['discord:*'])
    advance(600_000)
    expect(await groupsOf(ana)).toEqual([])
    expect(discord.violations).toEqual([])
  })
})
