import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import { defineWorker } from '../src/core/worker.ts'

/** A wish is read by the manager in its next round, of ten seconds; one that it drops leaves no trace at all. */
const takenWithinMs = 60_000
/** A machine with much memory under load moves for long. */
const movedWithinMs = 6 * 3600_000

/**
 * Moves a guest under HA to another node. The request is only a wish to the manager, which may drop it without a word;
 * the move is done when the guest is as wanted on the target, and failed when the manager has it back where it was.
 */
export default defineWorker({
  payload: z.object({
    sid: z.string(),
    name: z.string(),
    how: z.enum(['migrate', 'relocate']),
    from: z.string(),
    target: z.string(),
  }),
  needs: [reads.cluster, { path: '/', privileges: ['Sys.Console'] }],
  locks: ({ sid }) => ['ha', `guest:${sid.slice(sid.indexOf(':') + 1)}`],
  text: {
    en: {
      title: 'Move {name} to {target}',
      steps: { ask: 'Ask the HA manager', taken: 'Wait until it begins', moved: 'Wait until it is there' },
      done: '{name} is on {target}',
      words: {
        wasOn: 'Was on',
        along: 'Came along',
        left: '{name} is on {node} ({state})',
      },
      refusals: {
        'was-blocked': {
          says: 'HA will not move {name} to {target}: {blocking} is there, and a rule keeps them apart.',
          hint: 'ha rules',
        },
        'not-taken': {
          says: 'The HA manager did not take up the wish to move {name} to {target}: it drops what it cannot do, and says it only in its log.',
          hint: 'why {guest}',
        },
        'move-failed': { says: 'The move of {name} to {target} failed; it is still on {node}.', hint: 'why {guest}' },
        'in-error': { says: '{name} ended in the error state.', hint: 'why {guest}' },
        'still-moving': { says: '{name} is still on its way to {target}.', hint: 'why {guest}' },
      },
    },
    es: {
      title: 'Mudar {name} a {target}',
      steps: { ask: 'Pedirlo al gestor de HA', taken: 'Esperar a que empiece', moved: 'Esperar a que llegue' },
      done: '{name} está en {target}',
      words: {
        wasOn: 'Estaba en',
        along: 'Vinieron también',
        left: '{name} está en {node} ({state})',
      },
      refusals: {
        'was-blocked': {
          says: 'HA no va a mudar {name} a {target}: ahí está {blocking}, y una regla las mantiene separadas.',
          hint: 'ha rules',
        },
        'not-taken': {
          says: 'El gestor de HA no tomó el pedido de mudar {name} a {target}: lo que no puede hacer lo descarta, y solo lo dice en su registro.',
          hint: 'why {guest}',
        },
        'move-failed': { says: 'La mudanza de {name} a {target} falló; sigue en {node}.', hint: 'why {guest}' },
        'in-error': { says: '{name} terminó en estado de error.', hint: 'why {guest}' },
        'still-moving': { says: '{name} sigue en camino a {target}.', hint: 'why {guest}' },
      },
    },
  },
  titled: ({ name, target }) => ({ name, target }),
  async run({ payload, proxmox, job, change, step, until, shows, say }) {
    const { sid, name, how, from, target } = payload
    const guest = sid.slice(sid.indexOf(':') + 1)
    const values = { name, target, guest }
    await change('ask', {
      call: `POST /cluster/ha/resources/${sid}/${how}`,
      id: sid,
      isSo: async () => (await placeOf(proxmox, sid))?.heading === target,
      act: async () => {
        const { comigrated, blocking } = await proxmox.moveHaResource(sid, how, target)
        const named = blocking.map((one) => one.sid).join(', ')
        if (blocking.length > 0) throw new Refused('was-blocked', { ...values, blocking: named })
        if (comigrated.length > 0) await shows([{ name: say('along'), value: comigrated.join(', ') }])
      },
      showsWithinMs: takenWithinMs,
    })
    await step('taken', async () => {
      const begun = async () => ((await quietly(placeOf(proxmox, sid)))?.heading === target ? true : undefined)
      if (await until(begun, { everyMs: 1000, withinMs: takenWithinMs })) return true
      throw new Refused('not-taken', values, { raw: await lastMove(proxmox, guest, job.ordered.at) })
    })
    return step('moved', async () => {
      const end = await until(
        async () => {
          const place = await quietly(placeOf(proxmox, sid))
          return place && (place.settled || place.state === 'error') ? place : undefined
        },
        { everyMs: 1000, withinMs: movedWithinMs },
      )
      if (!end) throw new Refused('still-moving', values)
      const raw = await lastMove(proxmox, guest, job.ordered.at)
      if (end.state === 'error') throw new Refused('in-error', values, { raw })
      if (end.node !== target) throw new Refused('move-failed', { ...values, node: end.node }, { raw })
      return { values, fields: [{ name: say('wasOn'), value: from }] }
    })
  },
  async leftovers({ payload, proxmox, say }) {
    const place = await placeOf(proxmox, payload.sid)
    return place ? [say('left', { name: payload.name, node: place.node, state: place.state })] : []
  },
})

/** Where HA has a guest, where it is bound for, and whether it stands still there. Undefined: HA does not have it. */
export async function placeOf(proxmox: ProxmoxWriterPort, sid: string) {
  const [entries, manager] = await Promise.all([proxmox.haStatus(), proxmox.managerStatus()])
  const entry = entries.find((one) => one.type === 'service' && one.sid === sid)
  if (!entry) return undefined
  const state = entry.crmState ?? entry.state ?? ''
  const moving = state === 'migrate' || state === 'relocate'
  const heading = moving ? (manager.services[sid]?.target ?? entry.node) : entry.node
  // After a move "starting" means that the new node has not confirmed it yet.
  const settled = entry.state === 'started' || entry.state === 'stopped' || entry.state === 'disabled'
  return { node: entry.node, heading, state, settled }
}

const quietly = <T>(look: Promise<T>): Promise<T | undefined> => look.catch(() => undefined)

/** The end of the newest migration task of this guest since the order, if it failed. */
async function lastMove(proxmox: ProxmoxWriterPort, guest: string, since: number): Promise<string | undefined> {
  const tasks = (await quietly(proxmox.clusterTasks())) ?? []
  const moves = tasks.filter(
    ({ id, type, starttime }) => id === guest && /^(?:qm|vz)migrate$/.test(type) && starttime >= since,
  )
  const newest = moves.sort((a, b) => b.starttime - a.starttime)[0]
  return newest?.exit === 'OK' ? undefined : newest?.exit
}
