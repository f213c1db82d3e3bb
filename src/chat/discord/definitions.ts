import {
  type APIApplicationCommandBasicOption,
  type APIApplicationCommandSubcommandOption,
  ApplicationCommandOptionType as OptionType,
  PermissionFlagsBits,
  type RESTPostAPIChatInputApplicationCommandsJSONBody,
} from 'discord.js'
import type { z } from 'zod'
import { type ArgFacts, type ArgKind, describeArg } from '../../core/args.ts'
import type { Catalogue, Entry } from '../../core/catalogue.ts'
import { partName, subcommandOf } from './line.ts'
import { cut } from './text.ts'

export type Definition = RESTPostAPIChatInputApplicationCommandsJSONBody

const mostOptions = 25
const mostChoices = 25
/** What all names, descriptions and values of one top-level command may have together. */
export const mostCharacters = 8000
/** How long descriptions are; each is tried until a command has no more characters than Discord takes. */
const descriptionLengths = [100, 80, 60, 45, 30, 0]

/** These complete themselves from the live cluster or from what Quorum knows. */
const completed = new Set<ArgKind>(['guest', 'node', 'storage', 'iso', 'job', 'command'])
const lengths: Partial<Record<ArgKind, number>> = { text: 2000, command: 2000, name: 63 }

const common = {
  explain: { en: 'Show the plan, do nothing', es: 'Mostrar el plan, sin hacer nada' },
  cluster: { en: 'Cluster', es: 'Clúster' },
}

interface Words {
  en: string
  es: string
}

/**
 * Every command of the catalogue as Discord wants it: a folder is one command with subcommands, a single word a
 * command of its own. No option is required there: what is missing is asked for in a form with lists from the
 * cluster, which Discord's own prompt cannot have. Whoever may use commands in a channel sees them; Quorum's own
 * roles decide who may run one.
 * @throws Error when a command cannot be brought below Discord's 8,000 characters
 */
export function definitions(catalogue: Catalogue, clusters: readonly string[] = []): Definition[] {
  const groups = new Map<string, Entry[]>()
  for (const entry of catalogue.entries) {
    const name = entry.group ?? entry.path
    groups.set(name, [...(groups.get(name) ?? []), entry])
  }
  return [...groups].flatMap(([name, entries]) => ofGroup(name, entries, { catalogue, clusters }))
}

interface Context {
  catalogue: Catalogue
  clusters: readonly string[]
}

function ofGroup(name: string, entries: readonly Entry[], context: Context): Definition[] {
  const [only] = entries
  if (entries.length === 1 && only && only.path === name) {
    return [fitted(name, (most) => definition(name, summaryOf(only), most, optionsOf(only, most, context)))]
  }
  const parts = Array.from({ length: Math.ceil(entries.length / mostOptions) }, (_, i) =>
    entries.slice(i * mostOptions, (i + 1) * mostOptions),
  )
  const words = groupWords(name, context.catalogue)
  return parts.map((part, i) =>
    fitted(partName(name, i), (most) => {
      const options = part.map((entry) => subcommand(entry, most, context))
      return definition(partName(name, i), words, most, options)
    }),
  )
}

const summaryOf = ({ command }: Entry): Words => ({ en: command.text.en.summary, es: command.text.es.summary })

function groupWords(name: string, { groups }: Catalogue): Words {
  const group = groups.get(name)
  return group ? { en: group.text.en.summary, es: group.text.es.summary } : { en: name, es: name }
}

function fitted(name: string, make: (most: number) => Definition): Definition {
  for (const most of descriptionLengths) {
    const made = make(most)
    if (characters(made) <= mostCharacters) return made
  }
  throw new Error(`/${name} has more than ${mostCharacters} characters even without descriptions`)
}

/** Its description, in Spanish too; without any room just its name. */
function described(name: string, { en, es }: Words, most: number) {
  const description = most === 0 ? name : cut(en, most) || name
  const spanish = most === 0 ? name : cut(es, most) || name
  if (spanish === description) return { name, description }
  return { name, description, description_localizations: { 'es-ES': spanish, 'es-419': spanish } }
}

const definition = (
  name: string,
  words: Words,
  most: number,
  options: NonNullable<Definition['options']>,
): Definition => ({
  ...described(name, words, most),
  default_member_permissions: String(PermissionFlagsBits.UseApplicationCommands),
  options,
})

function subcommand(entry: Entry, most: number, context: Context): APIApplicationCommandSubcommandOption {
  const name = subcommandOf(entry)
  const options = optionsOf(entry, most, context)
  return { type: OptionType.Subcommand, ...described(name, summaryOf(entry), most), options }
}

function optionsOf(entry: Entry, most: number, { clusters }: Context): APIApplicationCommandBasicOption[] {
  const { args, text, cluster } = entry.command
  const own = Object.entries(args.shape)
    .map(([name, schema]) => ({ name, facts: describeArg(schema as z.ZodType) }))
    .sort((a, b) => Number(b.facts.required) - Number(a.facts.required))
    .map(({ name, facts }) => {
      const words = { en: text.en.args[name] ?? name, es: text.es.args[name] ?? name }
      return option(facts, described(name, words, most))
    })
  const choices = clusters.slice(0, mostChoices).map((value) => ({ name: value, value }))
  const which = described('cluster', common.cluster, most)
  return [
    ...own,
    ...(cluster === false || clusters.length < 2 ? [] : [{ type: OptionType.String as const, ...which, choices }]),
    ...(entry.command.risk === 'reads'
      ? []
      : [{ type: OptionType.Boolean as const, ...described('explain', common.explain, most) }]),
  ].slice(0, mostOptions)
}

function option(facts: ArgFacts, about: ReturnType<typeof described>): APIApplicationCommandBasicOption {
  const { kind, options = [], min, max } = facts
  if (kind === 'boolean') return { type: OptionType.Boolean, ...about }
  if (kind === 'integer' || kind === 'vmid') {
    return {
      type: OptionType.Integer,
      ...about,
      ...(min === undefined ? {} : { min_value: min }),
      ...(max === undefined ? {} : { max_value: max }),
    }
  }
  const text = { type: OptionType.String as const, ...about, max_length: lengths[kind] ?? 255 }
  if (completed.has(kind) || options.length > mostChoices) return { ...text, autocomplete: true }
  if (kind !== 'choice') return text
  return { type: OptionType.String, ...about, choices: options.map((value) => ({ name: value, value })) }
}

interface Counted {
  name: string
  description?: string
  description_localizations?: Partial<Record<string, string | null>> | null
  options?: readonly Counted[]
  choices?: readonly { name: string; value: string | number }[]
}

/**
 * How many of its 8,000 characters a command takes: names, descriptions and values of itself and all below it, of a
 * localised text the longest (docs: application-commands#slash-commands).
 */
export function characters(part: Counted | Definition): number {
  const { name, description = '', description_localizations, options = [], choices = [] } = part as Counted
  const described = [description, ...Object.values(description_localizations ?? {})].map((text) => text?.length ?? 0)
  const inChoices = choices.reduce((sum, choice) => sum + choice.name.length + String(choice.value).length, 0)
  return name.length + Math.max(...described) + inChoices + options.reduce((sum, option) => sum + characters(option), 0)
}
