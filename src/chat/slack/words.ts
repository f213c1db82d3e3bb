import { type Bilingual, spoken } from '../../core/language.ts'

const words: Bilingual<{ notStored: string; tooLate: string }> = {
  en: {
    notStored: 'Redis does not answer: nothing was done. Try again in a moment.',
    tooLate: 'Slack did not open the form in time. Press the button again.',
  },
  es: {
    notStored: 'Redis no responde: no se hizo nada. Inténtalo de nuevo en un momento.',
    tooLate: 'Slack no abrió el formulario a tiempo. Pulsa el botón otra vez.',
  },
}

/** What is said to a person when nothing else can be. */
export const say = (key: 'notStored' | 'tooLate', locales: readonly string[]): string =>
  words[spoken(...locales) ?? 'en'][key]
