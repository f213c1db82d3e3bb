import { formatSize } from './args.ts'
import { Refused, type Unavailable } from './errors.ts'
import { fill, type Values } from './language.ts'
import type { Message } from './message.ts'
import type { Words } from './ports.ts'

type Sentence = { says: string; hint: string }
/** Words by code of the command or worker at hand; they come before the shared ones. */
export type OwnWords = Readonly<Record<string, Sentence>> | undefined

const sentence = (words: Words, own: OwnWords, code: string): Sentence =>
  own?.[code] ?? (words.errors as Record<string, Sentence>)[code] ?? words.errors['proxmox-refused']

/** What a kind of argument wants, with its bounds. */
export function wants(words: Words, values: Values): string {
  const kind = (words.kinds as Record<string, string>)[String(values.kind)] ?? words.kinds.text
  return fill(kind, values)
}

/** Fills the places of a sentence about an error: what a kind wants, sizes, and `{command}` for the hint. */
function spell(words: Words, values: Values): Values {
  const spelt: Record<string, string | number | undefined> = { ...values }
  if (values.kind !== undefined) spelt.wants = wants(words, values)
  for (const key of ['needBytes', 'freeBytes']) {
    const bytes = values[key]
    if (typeof bytes === 'number') spelt[key.replace('Bytes', '')] = formatSize(bytes)
  }
  return spelt
}

/** The `error` of a message, in the reader's language, with Proxmox's own line kept. */
export function errorOf(
  words: Words,
  own: OwnWords,
  error: Refused | Unavailable,
  context: Values = {},
): NonNullable<Message['error']> {
  const values = spell(
    words,
    error instanceof Refused ? { ...context, ...error.values } : { ...context, service: error.service },
  )
  const { says, hint } = sentence(words, own, error.code)
  const raw = error instanceof Refused ? error.raw : undefined
  return { code: error.code, says: fill(says, values), hint: fill(hint, values), ...(raw === undefined ? {} : { raw }) }
}

/** A message that says why not: `refused` for what the person can change, `failed` for what did not answer. */
export function refusalMessage(
  words: Words,
  own: OwnWords,
  error: Refused | Unavailable,
  context: Values & { title: string },
): Message {
  return {
    title: context.title,
    state: error instanceof Refused ? 'refused' : 'failed',
    error: errorOf(words, own, error, context),
  }
}
