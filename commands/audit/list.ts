import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import type { AuditRecord } from '../../src/core/audit.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { formatTime } from '../../src/core/time.ts'
import { readTrail } from '../../src/core/trail.ts'

/** The newest entries of the audit trail, oldest first. */
export default defineCommand({
  role: 'admin',
  risk: 'reads',
  cluster: false,
  args: z.object({
    who: arg.text().optional(),
    job: arg.job().optional(),
    most: arg.integer({ min: 1, max: 50 }).prefault('20'),
  }),
  text: {
    en: {
      summary: 'List what was asked, approved and done, and by whom',
      args: { who: 'A person, or an identity such as slack:U1', job: 'Id of a job', most: 'How many, the newest' },
      words: {
        title: 'Audit trail: {count}',
        none: 'No entry fits.',
        number: 'No.',
        when: 'When',
        who: 'Who',
        event: 'What',
        about: 'Of what',
        result: 'Result',
        changed: 'CHANGED AFTERWARDS',
        broken: 'Somebody has changed entries marked so. All of it: `audit verify`',
      },
    },
    es: {
      summary: 'Listar lo que se pidió, se aprobó y se hizo, y quién',
      args: {
        who: 'Una persona, o una identidad como slack:U1',
        job: 'Id de un trabajo',
        most: 'Cuántas, las últimas',
      },
      words: {
        title: 'Auditoría: {count}',
        none: 'Ninguna entrada coincide.',
        number: 'N.º',
        when: 'Cuándo',
        who: 'Quién',
        event: 'Qué',
        about: 'De qué',
        result: 'Resultado',
        changed: 'ALTERADA DESPUÉS',
        broken: 'Alguien alteró las entradas así marcadas. Para verlo todo: `audit verify`',
      },
    },
  },
  examples: [
    { say: 'audit list', answers: true },
    { say: 'audit list who:ana most:5', answers: true },
    { say: 'audit list job:j-4f2a9c', answers: true },
  ],
  async plan({ args, cluster, channel, asker, say, house }) {
    const { audit } = house.words[asker.language]
    const entries = await readTrail({ house, asker, channel }, { ...args, cluster })
    const title = say('title', { count: entries.length })
    if (entries.length === 0) return answer({ title, text: say('none') })
    const rows = entries.map(({ seq, record }) => {
      if (!record) return [String(seq), '', '', say('changed'), '', '']
      const who = record.who?.person ?? record.who?.identity ?? ''
      const when = formatTime(Date.parse(record.at), asker)
      return [String(seq), when, who, audit.kinds[record.kind], subject(record), record.result ?? '']
    })
    return answer({
      title,
      ...(entries.some(({ record }) => !record) ? { state: 'failed' as const, text: say('broken') } : {}),
      table: {
        columns: [say('number'), say('when'), say('who'), say('event'), say('about'), say('result')],
        rows,
      },
    })
  },
})

const longest = 120

/** What tells an entry from its neighbours: the task, the job, or the line. */
function subject({ job, upids, effect, line, path, plan, kind, card }: AuditRecord): string {
  const what =
    kind === 'upid' || kind === 'ended'
      ? [job, ...(upids ?? [])].join(' ')
      : kind === 'effect' || kind === 'unsent'
        ? [job, effect?.types.join('|') || effect?.step, effect?.id, effect?.node].filter(Boolean).join(' ')
        : [job, plan?.title ?? line ?? path ?? card].filter(Boolean).join(' ')
  return what.length > longest ? `${what.slice(0, longest - 1)}…` : what
}
