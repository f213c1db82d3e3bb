import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findJob, mayChange } from '../../src/core/job.ts'

/** Takes a job out of the queue, or stops its Proxmox task; its own card then lists what is left behind. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  pools: 'shown',
  cluster: false,
  args: z.object({ job: arg.job() }),
  positionals: ['job'],
  text: {
    en: {
      summary: 'Stop a job: out of the queue, or its Proxmox task',
      args: { job: 'Id' },
      words: {
        title: 'Cancel: {title}',
        id: 'Job',
        leftQueue: 'Taken out of the queue before it began. Nothing was done.',
        stopping: 'Its worker stops the Proxmox task; the card of the job then says what is left behind.',
        clickTask: 'Open the task {type} of node {node} in the task list at the bottom, then click "Stop"',
      },
    },
    es: {
      summary: 'Detener un trabajo: sacarlo de la cola, o parar su tarea de Proxmox',
      args: { job: 'Id' },
      words: {
        title: 'Cancelar: {title}',
        id: 'Trabajo',
        leftQueue: 'Se sacó de la cola antes de empezar. No se hizo nada.',
        stopping: 'Su worker detiene la tarea de Proxmox; después la tarjeta del trabajo dice qué quedó.',
        clickTask: 'Abre la tarea {type} del nodo {node} en la lista de tareas de abajo, luego clic en «Stop»',
      },
    },
  },
  examples: [{ say: 'job cancel j-4f2a9c', refuses: 'unknown-job' }],
  async plan({ args, channel, asker, say, house, path }) {
    const seeker = { house, asker, channel }
    const job = await findJob(seeker, args.job)
    await mayChange(seeker, job, path)
    if (job.endedAt !== undefined) throw new Refused('already-ended', { job: job.id })
    const title = say('title', { title: job.title })
    const tasks = job.upids.map((upid) => ({ upid, node: upid.split(':')[1] ?? '', type: upid.split(':')[5] ?? '' }))
    return act({
      title,
      shows: [{ name: say('id'), value: job.id }],
      explain: {
        shell: tasks.map(({ upid, node }) => `pvesh delete /nodes/${node}/tasks/${upid}`),
        clicks: tasks.map(({ type, node }) => say('clickTask', { type, node })),
      },
      async act() {
        const done = await house.jobs.cancel(job.id, asker.identity)
        if (done === 'ended') throw new Refused('already-ended', { job: job.id })
        return { title, text: say(done === 'left-queue' ? 'leftQueue' : 'stopping'), job: job.id }
      },
    })
  },
})
