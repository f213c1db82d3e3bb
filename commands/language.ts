import { z } from 'zod'
import { arg } from '../src/core/args.ts'
import { act, answer, defineCommand } from '../src/core/command.ts'
import { languages } from '../src/core/language.ts'

/** Shows or sets the language in which the asker is answered. */
export default defineCommand({
  role: 'anyone',
  risk: 'reads',
  cluster: false,
  args: z.object({ language: arg.choice(languages).optional() }),
  positionals: ['language'],
  text: {
    en: {
      summary: 'Show or set the language of your answers',
      args: { language: 'en or es; without it, the present one is shown' },
      words: {
        english: 'I answer you in English',
        spanish: 'Te respondo en español',
        other: 'Para español: `language es`',
        will: 'Answer you in {language} from now on',
      },
    },
    es: {
      summary: 'Mostrar o cambiar el idioma de tus respuestas',
      args: { language: 'en o es; sin él, se muestra el actual' },
      words: {
        english: 'I answer you in English',
        spanish: 'Te respondo en español',
        other: 'For English: `language en`',
        will: 'Responderte en {language} de ahora en adelante',
      },
    },
  },
  examples: [
    { say: 'language', answers: true },
    { say: 'language es', answers: true },
    { say: 'language fr', refuses: 'bad-argument' },
  ],
  plan({ args, asker, say, house }) {
    // In the language that is answered in, whatever the asker's was until now.
    const titles = { en: say('english'), es: say('spanish') }
    const { language } = args
    if (language === undefined) return answer({ title: titles[asker.language], text: say('other') })
    return act({
      title: say('will', { language }),
      shows: [],
      explain: { shell: [], clicks: [] },
      async act() {
        await house.preferences.setLanguage(asker.identity, language)
        return { title: titles[language] }
      },
    })
  },
})
