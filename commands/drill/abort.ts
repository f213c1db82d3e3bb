import { z } from 'zod'
import { act, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { runningDrill } from '../../src/core/running-drill.ts'

/** Ends a drill that runs: nothing more is broken or measured, and its node is brought back. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  args: z.object({}),
  text: {
    en: {
      summary: 'End the drill that runs here, and bring its node back',
      args: {},
      words: {
        title: 'Abort drill {id}',
        done: 'Drill {id} is being ended',
        nothing: 'It had not begun. Nothing was done.',
        cannot:
          'A node that has been told to go down goes down: that cannot be taken back. Nothing more is done to it, and it is started again at once; what HA has moved stays until it goes home. A storage that was taken is given back at once.',
      },
      refusals: { 'no-drill': { says: 'No drill runs in {cluster}.', hint: 'drill history' } },
    },
    es: {
      summary: 'Terminar el simulacro que corre aquí y traer de vuelta su nodo',
      args: {},
      words: {
        title: 'Abortar el simulacro {id}',
        done: 'El simulacro {id} está terminando',
        nothing: 'No había empezado. No se hizo nada.',
        cannot:
          'Un nodo al que se le pidió apagarse se apaga: eso no se puede deshacer. No se le hace nada más y se enciende enseguida; lo que HA mudó se queda donde está hasta volver a casa. Un almacenamiento que se quitó se devuelve enseguida.',
      },
      refusals: { 'no-drill': { says: 'En {cluster} no corre ningún simulacro.', hint: 'drill history' } },
    },
  },
  examples: [{ say: 'drill abort', refuses: 'no-drill' }],
  async plan({ cluster, say, house, asker }) {
    const running = await runningDrill(house, cluster)
    if (!running) throw new Refused('no-drill', { cluster })
    const { job, id } = running
    return act({
      title: say('title', { id }),
      shows: [],
      warnings: [say('cannot')],
      explain: { shell: [], clicks: [] },
      async act() {
        const done = await house.jobs.cancel(job.id, asker.identity)
        if (done === 'ended') throw new Refused('no-drill', { cluster })
        return {
          title: say('done', { id }),
          text: say(done === 'left-queue' ? 'nothing' : 'cannot'),
        }
      },
    })
  },
})
