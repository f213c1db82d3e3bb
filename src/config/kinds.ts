import { z } from 'zod'
import { Secret } from '../core/secret.ts'

/**
 * The building blocks of the schema. zod carries their refusals as issues: a custom issue's message is what the fault
 * says and `params.hint` its next step; where zod refuses by itself the message is our hint (a map's: its keys).
 * No message holds the value: src/config/issues.ts adds it where it may be shown.
 */
export interface IssueParams {
  hint: string
  /** The sentence is to be ended by the value as it stands in the file. */
  showValue: boolean
}

class Wrong extends Error {
  readonly hint: string | undefined

  constructor(says: string, hint?: string) {
    super(says)
    this.hint = hint
  }
}

/** Refuses from inside a leaf's `parse` with a sentence of its own. */
export function wrong(says: string, hint?: string): never {
  throw new Wrong(says, hint)
}

/**
 * One written value. `expects` ends "must be …"; `hint` is the next step; `parse` answers undefined for a value that
 * is not one. Numbers and booleans arrive as they are spelled, so a value may come from `${NAME}` too.
 */
export const leaf = <T>(expects: string, hint: string, parse: (text: string) => T | undefined) =>
  z.unknown().transform((value, context): T => {
    const refuse = (says: string, nextStep = hint, showValue = false): never => {
      const params: IssueParams = { hint: nextStep, showValue }
      context.addIssue({ code: 'custom', message: says, params: { ...params } })
      return z.NEVER
    }
    if (value === undefined || value === null) return refuse('is missing')
    if (typeof value === 'object') return refuse(`must be ${expects}, not a ${Array.isArray(value) ? 'list' : 'map'}`)
    try {
      return parse(String(value)) ?? refuse(`must be ${expects}`, hint, true)
    } catch (error) {
      if (error instanceof Wrong) return refuse(error.message, error.hint)
      throw error
    }
  })

/** A map with these keys and no others. */
export const map = <S extends z.core.$ZodLooseShape>(shape: S) =>
  z.strictObject(shape, { error: () => Object.keys(shape).join(' ') })

/** A map from names that people choose; `example` is one entry as it is written. */
export const named = <T extends z.ZodType>(value: T, example: string) =>
  z.record(z.string(), value, { error: () => `Write ${example}.` })

/** A list with at least `least` entries; `example` is the whole list as it is written. */
export const list = <T extends z.ZodType>(item: T, example: string, least = 1) => {
  const error = () => `Write ${example}.`
  return z.array(item, { error }).min(least, { error })
}

export const oneOf = <const T extends string>(...words: T[]) =>
  leaf(words.length === 1 ? words[0]! : `one of ${words.join(', ')}`, `Write ${words.join(' or ')}.`, (text) =>
    words.find((word) => word === text),
  )

export const matching = (pattern: RegExp, expects: string, hint: string) =>
  leaf(expects, hint, (text) => (pattern.test(text) ? text : undefined))

export const wholeNumber = (least: number, most: number) =>
  leaf(`a whole number from ${least} to ${most}`, `Write a number from ${least} to ${most}.`, (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return number >= least && number <= most ? number : undefined
  })

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** `250ms` → 250; undefined where it is not a duration. */
function durationMs(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * unitMs[unit as keyof typeof unitMs]
}

/** `250ms`, `2s`, `5m`, `1h` → milliseconds, from `least` to `most` (both written the same way). */
export const duration = (least: string, most: string) =>
  leaf(`a duration from ${least} to ${most}`, 'Write a whole number and its unit: 250ms, 2s, 5m or 1h.', (text) => {
    const ms = durationMs(text)
    return ms !== undefined && ms >= durationMs(least)! && ms <= durationMs(most)! ? ms : undefined
  })

/** `90d` → 90. */
export const days = (least: number, most: number) =>
  leaf(`a number of days from ${least}d to ${most}d`, 'Write a whole number and d: 90d.', (text) => {
    const [, digits] = /^(\d{1,5})d$/.exec(text) ?? []
    const count = Number(digits)
    return digits !== undefined && count >= least && count <= most ? count : undefined
  })

/** A secret: any text that is not empty, boxed at once. */
export const secret = leaf(
  'text',
  `Write \${NAME} to take it from the environment, or \${file:PATH} to take it from a file.`,
  (text) => {
    if (text === '') wrong('is empty')
    if (/\p{Cc}/u.test(text)) wrong('has a line break or another control character, which no request can carry')
    return new Secret(text)
  },
)

/** A URL that is a credential by itself, boxed at once. */
export const secretUrl = leaf(
  'a URL',
  `Write the whole address, https://…, or \${NAME} for one in the environment.`,
  (text) =>
    /^https?:\/\//.test(text) && URL.canParse(text) ? new Secret(text) : wrong('must be a URL with http or https'),
)
