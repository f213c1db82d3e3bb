import { type Language, spoken } from '../../core/language.ts'
import { en } from '../../text/en.ts'
import { es } from '../../text/es.ts'

const shared = { en, es }

const own = {
  en: { elsewhere: 'Quorum takes no commands in this server.' },
  es: { elsewhere: 'Quorum no recibe órdenes en este servidor.' },
}

const languageOf = (locales: readonly string[]): Language => spoken(...locales) ?? 'en'

/** Nothing was stored: what to do now. */
export function notStored(locales: readonly string[]): string {
  const { says, hint } = shared[languageOf(locales)].errors['redis-gone']
  return `⛔ ${says} ${hint}`
}

export const elsewhere = (locales: readonly string[]): string => `⛔ ${own[languageOf(locales)].elsewhere}`
