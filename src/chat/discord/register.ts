import { type REST, Routes } from 'discord.js'
import type { Definition } from './definitions.ts'

export interface Registration {
  rest: Pick<REST, 'get' | 'put'>
  /** Empty: registered for every server that the bot is in, which Discord shows everywhere. */
  guilds: readonly string[]
  commands: readonly Definition[]
  log: { info(about: object, text: string): void; error(about: object, text: string): void }
}

/** Nobody can type a command to the bot alone: who may what is told by the server's roles. */
const inServersOnly = { contexts: [0], integration_types: [0] }

/**
 * Registers the commands where they differ from what is registered there; Discord takes 200 new ones a day. With
 * `guilds` nothing is left registered for every server, or people would see each command twice. A server that refuses
 * is logged and told by `failed`; the others are served.
 */
export async function register(registration: Registration): Promise<{ changed: string[]; failed: string[] }> {
  const { rest, guilds, commands, log } = registration
  const { id } = (await rest.get(Routes.currentApplication())) as { id: string }
  const everywhere = guilds.length > 0 ? [] : commands.map((command) => ({ ...command, ...inServersOnly }))
  const places: [name: string, route: `/${string}`, wanted: readonly object[]][] = [
    ['everywhere', Routes.applicationCommands(id), everywhere],
    ...guilds.map(
      (guild) =>
        [guild, Routes.applicationGuildCommands(id, guild), commands] as [string, `/${string}`, readonly object[]],
    ),
  ]
  const result = { changed: [] as string[], failed: [] as string[] }
  for (const [name, route, wanted] of places) {
    try {
      const registered = (await rest.get(route, {
        query: new URLSearchParams({ with_localizations: 'true' }),
      })) as object[]
      if (same(registered, wanted)) continue
      await rest.put(route, { body: wanted })
      result.changed.push(name)
      log.info({ server: name, commands: wanted.length }, 'commands registered with Discord')
    } catch (error) {
      result.failed.push(name)
      log.error({ server: name, error: (error as Error).message }, 'Discord did not take the commands')
    }
  }
  return result
}

/** What Discord adds or fills in by itself makes no difference. */
const told = [
  'type',
  'name',
  'description',
  'description_localizations',
  'default_member_permissions',
  'required',
  'autocomplete',
  'choices',
  'value',
  'min_value',
  'max_value',
  'min_length',
  'max_length',
  'options',
]

function essence(value: unknown, isCommand = false): unknown {
  if (Array.isArray(value)) return value.map((item) => essence(item))
  if (value === null || typeof value !== 'object') return value
  const entries = told
    .filter((key) => !(isCommand && key === 'type'))
    .map((key) => [key, (value as Record<string, unknown>)[key]] as const)
    .filter(
      ([, inner]) =>
        inner !== undefined && inner !== null && inner !== false && !(Array.isArray(inner) && inner.length === 0),
    )
  return entries.map(([key, inner]) => [
    key,
    key === 'description_localizations' ? Object.entries(inner as object).sort() : essence(inner),
  ])
}

function same(registered: readonly object[], wanted: readonly object[]): boolean {
  const text = (commands: readonly object[]) =>
    JSON.stringify(commands.map((command) => JSON.stringify(essence(command, true))).sort())
  return text(registered) === text(wanted)
}
