import { z } from 'zod'
import { describeArg } from './args.ts'
import type { Command } from './command.ts'
import { Refused } from './errors.ts'
import { near } from './near.ts'

export interface Token {
  text: string
  /** It was in quotes from its first character: never read as `key:value`. */
  quoted: boolean
}

const closing: Record<string, string> = {
  '"': '"',
  "'": "'",
  '“': '”',
  '”': '”',
  '„': '“',
  '‘': '’',
  '«': '»',
  '`': '`',
}

/** Longest line that is read; longer ones are refused before anything looks at them. */
export const longestLine = 4000

/**
 * Splits a line as a shell would: spaces separate, quotes keep them (also the curly ones that chat clients make), a
 * quote in the middle of a word is a plain character unless it follows `:` or `=`.
 * @throws Refused `open-quote`, `too-long`
 */
export function tokenize(line: string): Token[] {
  if (line.length > longestLine) throw new Refused('too-long', { length: line.length, most: longestLine })
  const tokens: Token[] = []
  const characters = [...line.normalize('NFC')]
  let i = 0
  while (i < characters.length) {
    if (/\s/u.test(characters[i]!)) {
      i += 1
      continue
    }
    let text = ''
    const quoted = closing[characters[i]!] !== undefined
    while (i < characters.length && !/\s/u.test(characters[i]!)) {
      const close = text === '' || /[:=]$/.test(text) ? closing[characters[i]!] : undefined
      if (close === undefined) {
        text += characters[i]
        i += 1
        continue
      }
      const end = characters.indexOf(close, i + 1)
      if (end < 0) throw new Refused('open-quote', { quote: characters[i]! })
      text += characters.slice(i + 1, end).join('')
      i = end + 1
    }
    tokens.push({ text, quoted })
  }
  return tokens
}

/** What every command takes beside its own arguments. */
const common = ['cluster', 'explain'] as const

export interface Given {
  /** Argument → text as typed. */
  values: Record<string, string>
  cluster?: string
  explain: boolean
}

/**
 * Sorts the tokens after a command's name into its arguments. `key:value`, `key=value`, `--key value` and
 * `--key=value` are the same; a token is `key<sep>value` only when the text before its first `:` or `=` is an argument
 * of this command, so that `vm:100`, URLs and volume ids stay whole.
 * @throws Refused `unknown-argument`, `twice`, `no-value`, `left-over`
 */
export function sort(tokens: readonly Token[], command: Command): Given {
  const names = Object.keys(command.args.shape)
  const known = new Set<string>([...names, ...common])
  const kindOf = (name: string) =>
    name === 'explain'
      ? 'boolean'
      : name === 'cluster'
        ? 'text'
        : describeArg(command.args.shape[name] as z.ZodType).kind
  const values: Record<string, string> = {}
  const positionals = [...(command.positionals ?? [])]
  // A last positional of text or of a command takes the words that are left: `help vm create`.
  const last = positionals.at(-1)
  const greedy = last !== undefined && ['text', 'command'].includes(kindOf(last)) ? last : undefined
  let inGreedy = false
  const put = (key: string, value: string) => {
    if (key in values) throw new Refused('twice', { arg: key })
    values[key] = value
  }
  for (let i = 0; i < tokens.length; i++) {
    const { text, quoted } = tokens[i]!
    const dashed = quoted ? undefined : /^(?:--|—|–)([a-z][\w-]*)(?:[:=]([\s\S]*))?$/iu.exec(text)
    if (dashed) {
      const key = dashed[1]!.toLowerCase()
      if (!known.has(key)) throw unknownArgument(key, [...known])
      const next = tokens[i + 1]
      if (dashed[2] === '') throw new Refused('no-value', { arg: key })
      if (dashed[2] !== undefined) put(key, dashed[2])
      else if (kindOf(key) === 'boolean' && !(next && /^(true|false|yes|no|on|off|s[ií])$/i.test(next.text)))
        put(key, 'true')
      else if (next) {
        put(key, next.text)
        i += 1
      } else throw new Refused('no-value', { arg: key })
      continue
    }
    const paired = quoted ? undefined : /^([a-z][\w-]*)[:=]([\s\S]*)$/iu.exec(text)
    const key = paired?.[1]?.toLowerCase()
    if (key !== undefined && known.has(key)) {
      if (paired![2] === '') throw new Refused('no-value', { arg: key })
      put(key, paired![2]!)
      continue
    }
    // `memry:4G` is a slip of the finger, not a guest's name; `vm:100` and `https://…` are what they are.
    const slip = key !== undefined && key.length >= 4 && !/^[a-z]+:\/\//i.test(text) ? near(key, known, 1) : []
    if (slip.length > 0) throw unknownArgument(key!, [...known])
    const name = positionals.find((positional) => !(positional in values))
    if (name !== undefined) {
      put(name, text)
      inGreedy = name === greedy
      continue
    }
    if (inGreedy) {
      values[greedy!] += ` ${text}`
      continue
    }
    if (key !== undefined && !quoted) throw unknownArgument(key, [...known])
    throw new Refused('left-over', { given: text.slice(0, 80) })
  }
  const { cluster, explain, ...own } = values
  return {
    values: own,
    ...(cluster === undefined ? {} : { cluster }),
    explain: explain !== undefined && !/^(false|no|off)$/i.test(explain),
  }
}

function unknownArgument(given: string, known: string[]): Refused {
  const close = near(given, known, 1)[0]
  return close === undefined
    ? new Refused('unknown-argument', { arg: given.slice(0, 80), known: known.join(', ') })
    : new Refused('unknown-argument-near', { arg: given.slice(0, 80), near: close })
}

/** Required arguments without a value, those included that others make necessary. */
export function missing(given: Given, command: Command): string[] {
  const must = command.wants?.(given.values).must ?? []
  return Object.entries(command.args.shape)
    .filter(([name, schema]) => must.includes(name) || describeArg(schema as z.ZodType).required)
    .filter(([name]) => !(name in given.values))
    .map(([name]) => name)
}

/**
 * Turns typed text into values.
 * @throws Refused `bad-argument` with the argument, what was typed, and the kind (the words say what it wants)
 */
export function convert(given: Given, command: Command): Record<string, unknown> {
  const parsed = z.strictObject(command.args.shape).safeParse(given.values)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const name = String(issue.path[0] ?? (issue.code === 'unrecognized_keys' ? issue.keys[0] : ''))
  const schema = command.args.shape[name] as z.ZodType | undefined
  if (!schema) throw unknownArgument(name, Object.keys(command.args.shape))
  const facts = describeArg(schema)
  throw new Refused('bad-argument', {
    arg: name,
    given: (given.values[name] ?? '').slice(0, 80),
    kind: facts.kind,
    ...(facts.min === undefined ? {} : { min: facts.min }),
    ...(facts.max === undefined ? {} : { max: facts.max }),
    ...(facts.options === undefined ? {} : { options: facts.options.join(', ') }),
  })
}
