import { z } from 'zod'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import { defineWorker } from '../src/core/worker.ts'

/** Disarming waits for every node's part of HA, and until nothing is being fenced, recovered or moved. */
const doneWithinMs = 180_000
/** The wish waits for the manager's next round before anything shows it. */
const showsWithinMs = 25_000

/**
 * Disarms or arms the HA of a whole cluster. Proxmox answers each such wish with OK, whatever becomes of it; only the
 * fencing entry tells.
 */
export default defineWorker({
  payload: z.discriminatedUnion('to', [
    z.object({ to: z.literal('armed') }),
    z.object({ to: z.literal('disarmed'), mode: z.enum(['freeze', 'ignore']) }),
  ]),
  needs: [reads.cluster, { path: '/', privileges: ['Sys.Console'] }],
  locks: () => ['ha'],
  text: {
    en: {
      title: 'HA {to}',
      steps: { ask: 'Ask the HA manager', done: 'Wait for the fencing entry' },
      done: 'HA is {now}',
      words: {
        armed: 'armed: lost nodes are fenced and their machines recovered',
        disarmed: 'DISARMED: nothing is fenced, recovered or moved',
        late: 'The manager was asked and is not there yet; it says {state}. It waits while a machine is being fenced, recovered or moved. See: ha status',
        asked: 'asked',
        left: 'HA says {state}',
      },
    },
    es: {
      title: 'HA {to}',
      steps: { ask: 'Pedirlo al gestor de HA', done: 'Esperar la entrada de fencing' },
      done: 'HA está {now}',
      words: {
        armed: 'armada: los nodos perdidos se aíslan y sus máquinas se recuperan',
        disarmed: 'DESARMADA: nada se aísla, recupera ni muda',
        late: 'Ya se le pidió al gestor y todavía no llega; dice {state}. Espera mientras alguna máquina se aísla, recupera o muda. Mira: ha status',
        asked: 'avisada',
        left: 'HA dice {state}',
      },
    },
  },
  titled: ({ to }) => ({ to }),
  async run({ payload, proxmox, change, step, until, say }) {
    const there = async () => {
      const { state, mode } = await fencing(proxmox)
      if (payload.to === 'armed') return state === 'armed' || state === 'standby'
      return state === 'disarmed' && mode === payload.mode
    }
    const begun = async () => {
      const { state, mode } = await fencing(proxmox)
      return (await there()) || (payload.to === 'disarmed' && state === 'disarming' && mode === payload.mode)
    }
    await change('ask', {
      call: `POST /cluster/ha/status/${payload.to === 'armed' ? 'arm-ha' : 'disarm-ha'}`,
      isSo: begun,
      act: () => (payload.to === 'armed' ? proxmox.armHa() : proxmox.disarmHa(payload.mode)),
      showsWithinMs,
    })
    return step('done', async () => {
      const seen = async () => ((await there().catch(() => false)) ? true : undefined)
      if (await until(seen, { everyMs: 1000, withinMs: doneWithinMs })) return { values: { now: say(payload.to) } }
      const { state } = await fencing(proxmox)
      return { values: { now: say('asked') }, warnings: [say('late', { state })] }
    })
  },
  leftovers: async ({ proxmox, say }) => [say('left', { state: (await fencing(proxmox)).state })],
})

async function fencing(proxmox: ProxmoxWriterPort): Promise<{ state: string; mode: string | undefined }> {
  const entry = (await proxmox.haStatus()).find(({ type }) => type === 'fencing')
  return { state: entry?.armedState ?? 'not known', mode: entry?.resourceMode }
}
