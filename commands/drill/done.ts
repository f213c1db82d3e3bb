import { z } from 'zod'
import { act, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { runningDrill } from '../../src/core/running-drill.ts'

/** Ends the waiting of a drill for its node: somebody has seen to it, or it will not come back today. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  args: z.object({}),
  text: {
    en: {
      summary: 'Say that the node of a drill has been seen to, so that it is not waited for any longer',
      args: {},
      words: {
        title: 'Drill {id}: no more waiting',
        done: 'Drill {id} waits no longer',
        text: 'If its node is back, the drill goes on to the end. If not, it reports what is there, asks nobody again, and on-call people hear of a node that is down.',
      },
      refusals: {
        'no-drill': { says: 'No drill runs in {cluster}.', hint: 'drill history' },
        'not-waiting': {
          says: 'Drill {id} waits for nobody now: it brings back by itself what it took, and asks a person if it cannot. To end it early: drill abort',
          hint: 'job show {job}',
        },
      },
    },
    es: {
      summary: 'Decir que alguien se ocupó del nodo de un simulacro, para que no se lo espere más',
      args: {},
      words: {
        title: 'Simulacro {id}: no esperar más',
        done: 'El simulacro {id} ya no espera',
        text: 'Si su nodo está de vuelta, el simulacro sigue hasta el final. Si no, informa lo que hay, no vuelve a pedirlo, y la guardia se entera de un nodo apagado.',
      },
      refusals: {
        'no-drill': { says: 'En {cluster} no corre ningún simulacro.', hint: 'drill history' },
        'not-waiting': {
          says: 'El simulacro {id} no espera a nadie ahora: trae de vuelta por sí mismo lo que quitó, y si no puede se lo pide a una persona. Para terminarlo antes: drill abort',
          hint: 'job show {job}',
        },
      },
    },
  },
  examples: [{ say: 'drill done', refuses: 'no-drill' }],
  async plan({ cluster, say, house, asker }) {
    const running = await runningDrill(house, cluster)
    if (!running) throw new Refused('no-drill', { cluster })
    const { id, job } = running
    return act({
      title: say('title', { id }),
      shows: [],
      warnings: [],
      explain: { shell: [], clicks: [] },
      async act() {
        if (!(await house.drills.seenTo(id, asker.identity))) throw new Refused('not-waiting', { id, job: job.id })
        return { title: say('done', { id }), text: say('text') }
      },
    })
  },
})
