import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import type { AuditRecord, ReadEntry } from '../../src/core/audit.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { readTrail } from '../../src/core/trail.ts'

/** The newest entries whole, as text to be kept: a line each, with what proves it. */
export default defineCommand({
  role: 'admin',
  risk: 'reads',
  cluster: false,
  args: z.object({
    format: arg.choice(['markdown', 'json']).prefault('markdown'),
    who: arg.text().optional(),
    job: arg.job().optional(),
    most: arg.integer({ min: 1, max: 100 }).prefault('30'),
  }),
  positionals: ['format'],
  text: {
    en: {
      summary: 'Give the audit trail as Markdown or JSON, to be kept elsewhere',
      args: {
        format: 'markdown (a table), or json (one entry a line, with its signature)',
        who: 'A person, or an identity such as slack:U1',
        job: 'Id of a job',
        most: 'How many, the newest',
      },
      words: { title: 'Audit trail, the newest {count}', none: 'No entry fits.', changed: 'CHANGED AFTERWARDS' },
    },
    es: {
      summary: 'Entregar la auditoría en Markdown o JSON, para guardarla fuera',
      args: {
        format: 'markdown (una tabla) o json (una entrada por línea, con su firma)',
        who: 'Una persona, o una identidad como slack:U1',
        job: 'Id de un trabajo',
        most: 'Cuántas, las últimas',
      },
      words: {
        title: 'Auditoría, las últimas {count}',
        none: 'Ninguna entrada coincide.',
        changed: 'ALTERADA DESPUÉS',
      },
    },
  },
  examples: [
    { say: 'audit export', answers: true },
    { say: 'audit export json most:10', answers: true },
  ],
  async plan({ args, cluster, channel, asker, say, house }) {
    const entries = await readTrail({ house, asker, channel }, { ...args, cluster })
    if (entries.length === 0) return answer({ title: say('title', { count: 0 }), text: say('none') })
    const lines = args.format === 'json' ? entries.map(asJson) : asMarkdown(entries, say('changed'))
    return answer({ title: say('title', { count: entries.length }), log: lines })
  },
})

const asJson = ({ seq, record, prev, mac }: ReadEntry): string =>
  JSON.stringify({ ...(record ?? { seq, changed: true }), prev, mac })

/** Columns are those of the entries themselves, in English: the text outlives the reader's language. */
const columns = ['seq', 'at', 'kind', 'who', 'where', 'line', 'plan', 'approvals', 'job', 'upids', 'result']

function asMarkdown(entries: readonly ReadEntry[], changed: string): string[] {
  const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [
    row(columns),
    `|${columns.map(() => ' --- |').join('')}`,
    ...entries.map(({ seq, record }) => row(record ? cells(record) : [String(seq), '', changed, ...Array(8).fill('')])),
  ]
}

function cells(record: AuditRecord): string[] {
  const { seq, at, kind, who, target, cluster, line, action, plan, effect, approvals = [], job, upids = [] } = record
  const name = (one: typeof who) => (one ? [one.person, one.identity].filter(Boolean).join(' ') : '')
  const sent = effect && [effect.step, effect.types.join('|'), effect.id, effect.node].filter(Boolean).join(' ')
  return [
    String(seq),
    at,
    kind,
    name(who),
    [target, cluster].filter(Boolean).join(' '),
    [line, action && `(${action})`].filter(Boolean).join(' '),
    plan ? `${plan.title}: ${plan.fields.map((field) => `${field.name} ${field.value}`).join(', ')}` : (sent ?? ''),
    approvals.map(name).join(', '),
    job ?? '',
    upids.join(' '),
    record.result ?? '',
  ]
}

/** Somebody's text stays in its cell. */
const cell = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\|`<>[\]*_]/g, '\\$&')
    .slice(0, 300)
