import type { z } from 'zod'
import { describeArg } from './args.ts'
import type { Catalogue, Entry } from './catalogue.ts'
import type { Language } from './language.ts'
import { fill } from './language.ts'
import type { Words } from './ports.ts'

const headings = {
  en: {
    title: '# Commands',
    intro:
      'Made from the commands themselves by `npm run docs`. In Slack and the web chat a line begins with `/pve`; in Discord with the first word, as in `/vm create`.',
    columns: ['argument', 'wanted', 'default', ''],
    required: 'required',
    facts: 'Role: {role}. Risk: {risk}.',
    risks: {
      reads: 'reads, answers at once',
      changes: 'changes something, shows the plan and runs',
      endangers: 'endangers, wants a confirmation',
      destroys: 'destroys, wants a confirmation and the approval of another person',
    },
  },
  es: {
    title: '# Comandos',
    intro:
      'Se genera a partir de los propios comandos con `npm run docs`. En Slack y en el chat web la línea empieza con `/pve`; en Discord con la primera palabra, como en `/vm create`.',
    columns: ['argumento', 'se espera', 'por defecto', ''],
    required: 'obligatorio',
    facts: 'Rol: {role}. Riesgo: {risk}.',
    risks: {
      reads: 'lee y responde al instante',
      changes: 'cambia algo, muestra el plan y lo ejecuta',
      endangers: 'pone algo en riesgo, pide confirmación',
      destroys: 'destruye, pide confirmación y la aprobación de otra persona',
    },
  },
} as const

/** The command reference as Markdown: every command with its words, arguments and examples. */
export function reference(catalogue: Catalogue, language: Language, words: Words): string {
  const { title, intro } = headings[language]
  const sections = catalogue.entries.map((entry) => commandSection(entry, language, words))
  return `${[title, intro, ...sections].join('\n\n')}\n`
}

function commandSection({ path, command, file }: Entry, language: Language, words: Words): string {
  const { columns, required, facts, risks } = headings[language]
  const text = command.text[language]
  const parts = [`## ${path}`, `${text.summary}. ${fill(facts, { role: command.role, risk: risks[command.risk] })}`]
  if (file !== path) return [`## ${path}`, `${text.summary}: [${file}](#${file.replace(' ', '-')}).`].join('\n\n')
  const rows = Object.entries(command.args.shape).map(([name, schema]) => {
    const found = describeArg(schema as z.ZodType)
    const wanted = fill((words.kinds as Record<string, string>)[found.kind] ?? '', {
      min: found.min,
      max: found.max,
      options: found.options?.join(', '),
    })
    const fallback = found.required ? required : (found.default ?? '')
    const labels = text.args as Record<string, string>
    return `| \`${name}\` | ${wanted} | ${fallback} | ${labels[name] ?? ''} |`
  })
  if (rows.length > 0) parts.push([`| ${columns.join(' | ')} |`, '|---|---|---|---|', ...rows].join('\n'))
  const lines = command.examples.filter(({ refuses }) => refuses === undefined).map(({ say }) => `/pve ${say}`)
  if (lines.length > 0) parts.push(['```', ...lines, '```'].join('\n'))
  return parts.join('\n\n')
}
