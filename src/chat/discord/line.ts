import type { Catalogue, Entry } from '../../core/catalogue.ts'

const quotes = ['""', "''", '«»', '„“', '‘’', '``'] as const

/** Quoted where the line's reader would take it apart; see `tokenize`. */
function quoted(value: string): string {
  if (/^[\p{L}\p{N}_.,@/+%-]+$/u.test(value)) return value
  const [open, close] = (quotes.find(([, close]) => !value.includes(close!)) ?? quotes[0]) as string
  return `${open}${close === '"' ? value.replaceAll('"', '”') : value}${close}`
}

/** The line that says the same: `/vm create name:web1`. */
export function lineOf(path: string, values: Readonly<Record<string, string>>): string {
  const given = Object.entries(values).filter(([, value]) => value.trim() !== '')
  return [`/${path}`, ...given.map(([name, value]) => `${name}:${quoted(value)}`)].join(' ')
}

/** Adds what a form brought to a line that was begun. */
export const completed = (line: string, values: Readonly<Record<string, string>>): string =>
  line + lineOf('', values).slice(1)

/** A group with more commands than Discord takes goes on as `vm-2`. */
export const partName = (group: string, part: number): string => (part === 0 ? group : `${group}-${part + 1}`)

/** What stands below its group; Discord's own names are one word: `access realm list` is `/access realm-list`. */
export const subcommandOf = ({ path, group = '' }: Pick<Entry, 'path' | 'group'>): string =>
  path.slice(group.length).trim().replaceAll(' ', '-')

/** The path of what was chosen in Discord: the inverse of `definitions`. */
export function pathOf(catalogue: Catalogue, command: string, subcommand: string | null): string {
  const groups = [command, command.replace(/-\d+$/, '')]
  const paths = groups
    .flatMap((group) => (subcommand === null || subcommand === group ? [group] : []))
    .concat(subcommand === null ? [] : groups.flatMap((group) => spellings(group, subcommand)))
  return paths.find((path) => catalogue.get(path)) ?? [command, subcommand].filter(Boolean).join(' ')
}

const spellings = (group: string, subcommand: string) => [
  `${group} ${subcommand}`,
  `${group} ${subcommand.replace('-', ' ')}`,
]
