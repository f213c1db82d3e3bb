import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findJob } from '../../src/core/job.ts'
import type { State } from '../../src/core/message.ts'
import { errorOf } from '../../src/core/refusal.ts'
import { formatDuration, formatTime } from '../../src/core/time.ts'
import type { JobView } from '../../src/core/worker.ts'

const states: Record<JobView['state'], State> = {
  queued: 'queued',
  'waiting-for-lock': 'queued',
  running: 'running',
  retrying: 'running',
  ok: 'ok',
  warning: 'warning',
  failed: 'failed',
  cancelled: 'warning',
}

/** One job: where it stands, whom it waits for, and why it failed. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  pools: 'shown',
  cluster: false,
  args: z.object({ job: arg.job().optional() }),
  positionals: ['job'],
  text: {
    en: {
      summary: 'Show where a job stands, and why it failed',
      args: { job: 'Id; without it, the newest' },
      words: {
        id: 'Job',
        by: 'Asked by',
        at: 'Ordered',
        took: 'Ended',
        tookValue: '{at}, after {duration}',
        place: 'In the queue',
        waits: 'Waits for',
        waitsFor: 'job {owner}, which holds {lock}',
        holds: 'Holds',
        tasks: 'Proxmox tasks',
        log: 'Log',
      },
    },
    es: {
      summary: 'Mostrar en qué va un trabajo, y por qué falló',
      args: { job: 'Id; sin él, el más reciente' },
      words: {
        id: 'Trabajo',
        by: 'Lo pidió',
        at: 'Pedido',
        took: 'Terminó',
        tookValue: '{at}, después de {duration}',
        place: 'En la cola',
        waits: 'Espera',
        waitsFor: 'al trabajo {owner}, que tiene {lock}',
        holds: 'Tiene',
        tasks: 'Tareas de Proxmox',
        log: 'Registro',
      },
    },
  },
  examples: [
    { say: 'job show j-4f2a9c', refuses: 'unknown-job' },
    { say: 'job show', refuses: 'unknown-job' },
  ],
  async plan({ args, channel, asker, say, house }) {
    const words = house.words[asker.language]
    const job = await findJob({ house, asker, channel }, args.job)
    const waits = job.locks.filter(({ owner }) => owner !== undefined && owner !== job.id)
    const held = job.locks.filter(({ owner }) => owner === job.id)
    const field = (name: string, value: string | undefined) => (value ? [{ name, value }] : [])
    const own = house.catalogue.worker(job.worker)?.text[asker.language].refusals
    const context = { job: job.id, command: '', line: '' }
    return answer({
      title: job.title,
      // A card that edits itself while the job runs is another one; this one is a look.
      state: states[job.state],
      fields: [
        ...field(say('id'), job.id),
        ...field(words.labels.status, words.jobStates[job.state]),
        ...field(words.labels.cluster, job.cluster),
        ...field(say('by'), house.access.person(job.requester)?.name ?? job.requester),
        ...field(say('at'), formatTime(job.createdAt, asker)),
        ...(job.endedAt === undefined
          ? []
          : field(
              say('took'),
              say('tookValue', {
                at: formatTime(job.endedAt, asker),
                duration: formatDuration((job.endedAt - job.createdAt) / 1000),
              }),
            )),
        ...field(say('place'), job.position === undefined ? undefined : String(job.position)),
        ...field(
          say('waits'),
          waits
            .map(({ owner, name }) => say('waitsFor', { owner, lock: name.slice(job.cluster.length + 1) }))
            .join('\n'),
        ),
        ...field(say('holds'), held.map(({ name }) => name.slice(job.cluster.length + 1)).join(', ')),
        ...field(say('tasks'), job.upids.join('\n')),
        ...field(say('log'), job.upids.length > 0 ? `job log ${job.id}` : undefined),
      ],
      ...(job.progress && job.endedAt === undefined ? { progress: job.progress } : {}),
      ...(job.error
        ? { error: errorOf(words, own, new Refused(job.error.code, job.error.values, { raw: job.error.raw }), context) }
        : {}),
    })
  },
})
