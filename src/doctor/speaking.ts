import type { Check } from '../core/doctor.ts'
import { fill, type Language, type Values } from '../core/language.ts'
import { type Word, words } from './words.ts'

export type Say = (word: Word, values?: Values) => string

/** A check without the place it is about. */
export type Found = Omit<Check, 'area' | 'cluster' | 'next'> & { next?: readonly string[] }

export const speaker =
  (language: Language): Say =>
  (word, values) =>
    fill(words[language][word], values)

export const placed = (about: Pick<Check, 'area' | 'cluster'>, found: readonly Found[]): Check[] =>
  found.map((one) => ({ ...about, next: [], ...one }))

/** What an error says, without its stack; a row of a table has room for no more. */
export const reason = (error: unknown): string =>
  (error instanceof Error ? error.message || error.name : String(error)).split('\n')[0]!.slice(0, 200)
