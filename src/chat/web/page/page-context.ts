import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Language } from '../../../core/language.ts'
import type { ApiError } from './wire.ts'
import { type Words, wordsOf } from './words.ts'

/** What every part of the page may use. */
export interface Page {
  words: Words
  language: Language
  /** Sends a click or a form; answers what went wrong, or undefined. */
  act(messageId: string, actionId: string, values?: Record<string, string>): Promise<ApiError | undefined>
  /** Puts a command into the input line, for the person to look at and send. */
  suggest(text: string): void
}

export const PageContext = createContext<Page>({
  words: wordsOf.en,
  language: 'en',
  act: async () => undefined,
  suggest: () => undefined,
})

export function usePage(): Page {
  return useContext(PageContext)
}
