import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findJob, mayChange } from '../../src/core/job.ts'

/** Runs a job that failed or was cancelled once more, on its own card. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  pools: 'shown',
  cluster: false,
  args: z.object({ job: arg.job() }),
  positionals: ['job'],
  text: {
    en: {
      summary: 'Run a job that failed or was cancelled once more',
      args: { job: 'Id' },
      words: {
        title: 'Once more: {title}',
        id: 'Job',
        again: 'It runs as {id}, on the card that it had.',
      },
      refusals: {
        'went-well': { says: 'Job {job} ended well, so there is nothing to repeat.', hint: 'job show {job}' },
      },
    },
    es: {
      summary: 'Repetir un trabajo que falló o se canceló',
      args: { job: 'Id' },
      words: {
        title: 'Otra vez: {title}',
        id: 'Trabajo',
        again: 'Corre como {id}, en la tarjeta que ya tenía.',
      },
      refusals: {
        'went-well': {
          says: 'El trabajo {job} terminó bien, así que no hay nada que repetir.',
          hint: 'job show {job}',
        },
      },
    },
  },
  examples: [{ say: 'job retry j-4f2a9c', refuses: 'unknown-job' }],
  async plan({ args, channel, asker, say, house, path }) {
    const seeker = { house, asker, channel }
    const job = await findJob(seeker, args.job)
    await mayChange(seeker, job, path)
    if (job.endedAt === undefined) throw new Refused('not-ended', { job: job.id })
    if (job.state === 'ok') throw new Refused('went-well', { job: job.id })
    const title = say('title', { title: job.title })
    return act({
      title,
      shows: [{ name: say('id'), value: job.id }],
      explain: { shell: [], clicks: [] },
      async act() {
        const next = await house.jobs.retry(job.id, asker.identity)
        if (!next) throw new Refused('not-ended', { job: job.id })
        return { title, text: say('again', { id: next.id }), job: next.id }
      },
    })
  },
})
