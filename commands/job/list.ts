import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { visibleJobs } from '../../src/core/job.ts'
import { formatTime } from '../../src/core/time.ts'

const mostJobs = 20

/** What Quorum is doing and has done, newest first; of the channel's cluster, or of all that the asker may look at. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  pools: 'shown',
  cluster: false,
  args: z.object({ live: arg.boolean().prefault('false') }),
  text: {
    en: {
      summary: 'List jobs: what runs, what waits, what ended',
      args: { live: 'Only those that run or wait' },
      words: {
        title: 'Jobs: {count}',
        none: 'None yet. A command such as `vm create NAME` makes one.',
        noneLive: 'Nothing runs or waits. All of them: `job list`.',
        job: 'Job',
        what: 'What',
        when: 'Ordered',
        who: 'By',
        step: 'step {step} of {of}',
        place: 'place {position}',
        behind: 'behind {owner}',
      },
    },
    es: {
      summary: 'Listar los trabajos: lo que corre, lo que espera, lo que terminó',
      args: { live: 'Solo los que corren o esperan' },
      words: {
        title: 'Trabajos: {count}',
        none: 'Ninguno todavía. Un comando como `vm create NAME` crea uno.',
        noneLive: 'Nada corre ni espera. Para ver todos: `job list`.',
        job: 'Trabajo',
        what: 'Qué',
        when: 'Pedido',
        who: 'Por',
        step: 'paso {step} de {of}',
        place: 'puesto {position}',
        behind: 'detrás de {owner}',
      },
    },
  },
  examples: [
    { say: 'job list', answers: true },
    { say: 'job list live:true', answers: true },
  ],
  async plan({ args, cluster, channel, asker, say, house }) {
    const { labels, jobStates } = house.words[asker.language]
    const listed = await house.jobs.list({ ...(cluster === '' ? {} : { cluster }), live: args.live, most: mostJobs })
    const seen = await visibleJobs({ house, asker, channel }, listed)
    if (seen.length === 0)
      return answer({ title: say('title', { count: 0 }), text: say(args.live ? 'noneLive' : 'none') })
    return answer({
      title: say('title', { count: seen.length }),
      table: {
        columns: [say('job'), say('what'), labels.status, say('who'), say('when'), labels.cluster],
        rows: seen.map((job) => {
          const owner = job.locks.find((lock) => lock.owner !== undefined && lock.owner !== job.id)?.owner
          const more = [
            ...(job.state === 'running' && job.progress
              ? [say('step', { step: job.progress.step, of: job.progress.of })]
              : []),
            ...(job.state === 'running' && job.progress?.percent !== undefined ? [`${job.progress.percent} %`] : []),
            ...(job.position === undefined ? [] : [say('place', { position: job.position })]),
            ...(owner === undefined ? [] : [say('behind', { owner })]),
          ]
          return [
            job.id,
            job.title,
            [jobStates[job.state], ...more].join(', '),
            house.access.person(job.requester)?.name ?? job.requester,
            formatTime(job.createdAt, asker),
            job.cluster,
          ]
        }),
      },
    })
  },
})
