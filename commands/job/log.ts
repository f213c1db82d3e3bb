import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { findJob } from '../../src/core/job.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'

/** What the Proxmox tasks of a job have written. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  pools: 'shown',
  cluster: false,
  needs: [reads.nodes],
  args: z.object({ job: arg.job().optional(), lines: arg.integer({ min: 1, max: 1000 }).prefault('50') }),
  positionals: ['job'],
  text: {
    en: {
      summary: 'Show what the Proxmox tasks of a job have written',
      args: { job: 'Id; without it, the newest', lines: 'How many of the last lines' },
    },
    es: {
      summary: 'Mostrar lo que escribieron las tareas de Proxmox de un trabajo',
      args: { job: 'Id; sin él, el más reciente', lines: 'Cuántas de las últimas líneas' },
    },
  },
  examples: [{ say: 'job log j-4f2a9c', refuses: 'unknown-job' }],
  async plan({ args, channel, asker, house }) {
    const { say: shared } = house.words[asker.language]
    const job = await findJob({ house, asker, channel }, args.job)
    const log = await house.jobs.log(job.id, args.lines)
    const title = fill(shared.logTitle, { title: `${job.title} (${job.id})` })
    return answer(log.length > 0 ? { title, log } : { title, text: shared.logEmpty })
  },
})
