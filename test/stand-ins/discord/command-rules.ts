import { type Fields, fields, list, string } from '../slack/fields.ts'

const SUBCOMMAND = 1
const GROUP = 2
const CHAT_INPUT_COMMANDS = 100
const CHARACTERS = 8000

/** docs: reference#locales */
const LOCALES = new Set(
  `id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th zh-CN ja zh-TW ko ar`.split(
    ' ',
  ),
)

const nameIsFine = (name: string) =>
  /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u.test(name) && name === name.toLowerCase()

const longest = (text: unknown, localized: unknown): number =>
  Math.max(string(text).length, ...Object.values(fields(localized)).map((other) => string(other).length))

/** Names, descriptions and values of a command and all below it; of a localised text the longest counts. */
function characters(part: Fields): number {
  const own = longest(part.name, part.name_localizations) + longest(part.description, part.description_localizations)
  const inChoices = list(part.choices)
    .map(fields)
    .reduce((sum, choice) => sum + longest(choice.name, choice.name_localizations) + String(choice.value).length, 0)
  const inOptions = list(part.options).reduce((sum: number, option) => sum + characters(fields(option)), 0)
  return own + inChoices + inOptions
}

function namingProblems(part: Fields, path: string): string[] {
  const says: string[] = []
  if (!nameIsFine(string(part.name))) says.push(`${path}: the name must be 1 to 32 lower-case characters`)
  for (const [locale, name] of Object.entries(fields(part.name_localizations)))
    if (!nameIsFine(string(name))) says.push(`${path}: the name in ${locale} must be 1 to 32 lower-case characters`)
  if (string(part.description) === '') says.push(`${path}: the description is required`)
  const localized = [part.name_localizations, part.description_localizations].flatMap((texts) =>
    Object.keys(fields(texts)),
  )
  for (const locale of localized) if (!LOCALES.has(locale)) says.push(`${path}: "${locale}" is not a locale of Discord`)
  return says
}

function valueProblems(option: Fields, path: string): string[] {
  const says: string[] = []
  const choices = list(option.choices).map(fields)
  if (option.autocomplete === true && choices.length > 0) says.push(`${path}: either choices or autocomplete`)
  const names = choices.map(({ name }) => name)
  if (new Set(names).size < names.length) says.push(`${path}: two choices have one name`)
  for (const [low, high] of [
    [option.min_value, option.max_value],
    [option.min_length, option.max_length],
  ])
    if (typeof low === 'number' && typeof high === 'number' && low > high)
      says.push(`${path}: ${low} is more than ${high}`)
  return says
}

function orderProblems(options: Fields[], path: string): string[] {
  const says: string[] = []
  const plain = options.filter(({ type }) => type !== SUBCOMMAND && type !== GROUP)
  if (plain.length > 0 && plain.length < options.length) says.push(`${path}: subcommands and options do not mix`)
  const firstOptional = plain.findIndex(({ required }) => required !== true)
  if (firstOptional >= 0 && plain.slice(firstOptional).some(({ required }) => required === true))
    says.push(`${path}: required options must stand before optional ones`)
  const names = options.map(({ name }) => name)
  if (new Set(names).size < names.length) says.push(`${path}: two options have one name`)
  return says
}

/** `above` is the type of what the options are in; undefined: the command itself. */
function optionProblems(part: Fields, path: string, above?: number): string[] {
  const options = list(part.options).map(fields)
  return [
    ...orderProblems(options, path),
    ...options.flatMap((option) => {
      const here = `${path} ${string(option.name)}`
      const type = Number(option.type)
      const isDeep = (type === GROUP && above !== undefined) || (type === SUBCOMMAND && above === SUBCOMMAND)
      return [
        ...(isDeep ? [`${here}: command, group, subcommand is the deepest`] : []),
        ...namingProblems(option, here),
        ...valueProblems(option, here),
        ...optionProblems(option, here, type),
      ]
    }),
  ]
}

/** The rules for the commands of one place (global, or a guild) that the OpenAPI does not express. */
export function commandProblems(value: unknown): string[] {
  const commands = list(value).map(fields)
  const typed = commands.filter(({ type }) => (type ?? 1) === 1)
  const says = typed.length > CHAT_INPUT_COMMANDS ? [`${typed.length} commands, at most ${CHAT_INPUT_COMMANDS}`] : []
  const names = typed.map(({ name }) => name)
  if (new Set(names).size < names.length) says.push('two commands have one name')
  for (const command of typed) {
    const path = `/${string(command.name)}`
    says.push(...namingProblems(command, path), ...optionProblems(command, path))
    const sum = characters(command)
    if (sum > CHARACTERS) says.push(`${path}: ${sum} characters in all, at most ${CHARACTERS}`)
  }
  return says
}
