import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { tellVerdict } from '../../src/core/trail.ts'

/** Walks the whole audit trail and says whether and where somebody has tampered with it. */
export default defineCommand({
  role: 'admin',
  risk: 'reads',
  cluster: false,
  args: z.object({ head: arg.text().optional() }),
  positionals: ['head'],
  text: {
    en: {
      summary: 'Check the audit trail for changes, gaps and rewriting',
      args: { head: 'A head that was posted earlier; without it, those this machine has noted' },
    },
    es: {
      summary: 'Revisar si alguien alteró, cortó o reescribió la auditoría',
      args: { head: 'Un sello publicado antes; sin él, los que anotó esta máquina' },
    },
  },
  examples: [
    { say: 'audit verify', answers: true },
    { say: 'audit verify head:41.abc', refuses: 'bad-head' },
  ],
  async plan({ args, asker, house }) {
    const words = house.words[asker.language]
    const verdict = await house.trail.verify(args.head === undefined ? [] : [args.head])
    const { title, lines } = tellVerdict(verdict, words)
    const { head } = verdict
    return answer({
      title,
      state: verdict.faults.length > 0 ? 'failed' : verdict.heads > 0 || !head ? 'ok' : 'warning',
      text: lines.join('\n'),
      ...(head === undefined ? {} : { fields: [{ name: words.audit.head, value: head }] }),
    })
  },
})
