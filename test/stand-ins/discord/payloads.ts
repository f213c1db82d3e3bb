import { type Fields, fields, list, string } from '../slack/fields.ts'
import { EVERY_PERMISSION, type Guild } from './guild.ts'
import { newToken } from './interactions.ts'

const TYPES: Record<number, string> = { 3: 'string', 4: 'number', 5: 'boolean', 10: 'number' }
const [SUBCOMMAND, GROUP] = [1, 2]

export type Values = Record<string, string | number | boolean>

/** What every interaction carries (docs: receiving-and-responding#interaction-object; shapes as in discord-api-types). */
export function envelope(at: {
  guild: Guild
  newId: () => string
  user: string
  channel: string
  type: number
}): Fields {
  const { guild } = at
  const user = guild.user(at.user)
  const channel = guild.channel(at.channel)
  const who = { ...guild.memberJson(user), permissions: EVERY_PERMISSION }
  const common = {
    id: at.newId(),
    application_id: guild.applicationId,
    type: at.type,
    token: newToken(),
    version: 1,
    channel: guild.channelJson(channel),
    channel_id: channel.id,
    app_permissions: EVERY_PERMISSION,
    locale: user.locale ?? 'en-US',
    entitlements: [],
    attachment_size_limit: 10_485_760,
  }
  if (channel.type === 1)
    return { ...common, user: guild.userJson(user), context: 1, authorizing_integration_owners: { 0: '0' } }
  return {
    ...common,
    member: who,
    guild_id: guild.id,
    guild: { id: guild.id, locale: guild.locale, features: [] },
    guild_locale: guild.locale,
    context: 0,
    authorizing_integration_owners: { 0: guild.id },
  }
}

/** The registered command of a path such as `vm create`, and the part that takes the options. */
export function findCommand(registered: Fields[], path: string): { command: Fields; leaf: Fields; names: string[] } {
  const [name, ...names] = path.split(' ')
  const command = registered.find((one) => one.name === name)
  if (!command) throw new Error(`no command /${name} is registered`)
  let leaf = command
  for (const next of names) {
    const inner = list(leaf.options).map(fields)
    const found = inner.find((option) => option.name === next && [SUBCOMMAND, GROUP].includes(Number(option.type)))
    if (!found) throw new Error(`/${path}: there is no ${next}`)
    leaf = found
  }
  if (list(leaf.options).some((option) => [SUBCOMMAND, GROUP].includes(Number(fields(option).type))))
    throw new Error(`/${path} alone cannot be used: it has subcommands`)
  return { command, leaf, names }
}

function valueProblem(option: Fields, value: string | number | boolean, isWhole: boolean): string | undefined {
  if (typeof value !== TYPES[Number(option.type)]) return `wants a ${TYPES[Number(option.type)]}`
  if (!isWhole) return undefined
  if (option.type === 4 && !Number.isInteger(value)) return 'wants a whole number'
  const size = typeof value === 'string' ? value.length : Number(value)
  if (size < Number(option.min_value ?? option.min_length ?? Number.NEGATIVE_INFINITY)) return `${value} is too small`
  if (size > Number(option.max_value ?? option.max_length ?? Number.POSITIVE_INFINITY)) return `${value} is too large`
  const offered = list(option.choices).map((choice) => fields(choice).value)
  return offered.length > 0 && !offered.includes(value) ? `${value} is not offered` : undefined
}

/** The options as Discord sends them; throws where its client would not let a person send them. */
function optionsOf(leaf: Fields, values: Values, focused?: string): Fields[] {
  const known = new Map(list(leaf.options).map((option) => [string(fields(option).name), fields(option)]))
  for (const [name, option] of known)
    if (option.required === true && values[name] === undefined && focused === undefined)
      throw new Error(`option ${name} must be filled in`)
  return Object.entries(values).map(([name, value]) => {
    const option = known.get(name)
    if (!option) throw new Error(`there is no option ${name}`)
    const problem = valueProblem(option, value, focused === undefined)
    if (problem) throw new Error(`option ${name}: ${problem}`)
    return { name, type: option.type, value, ...(name === focused ? { focused: true } : {}) }
  })
}

/** The `data` of a slash command or of its completion. */
export function commandData(registered: Fields[], path: string, values: Values, focused?: string): Fields {
  const { command, leaf, names } = findCommand(registered, path)
  if (
    focused !== undefined &&
    fields(list(leaf.options).find((option) => fields(option).name === focused)).autocomplete !== true
  )
    throw new Error(`option ${focused} of /${path} has no autocomplete`)
  let options = optionsOf(leaf, values, focused)
  for (const [index, name] of [...names.entries()].reverse())
    options = [{ name, type: index === 0 && names.length === 2 ? GROUP : SUBCOMMAND, options }]
  const where = command.guild_id ? { guild_id: command.guild_id } : {}
  return { id: command.id, name: command.name, type: 1, ...where, options }
}
