import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import { defineWorker } from '../src/core/worker.ts'
import { unmarked } from '../src/ha/drain.ts'

/** Gives back the failback that `host drain` set aside; HA then moves home what prefers to be there. */
export default defineWorker({
  payload: z.object({
    node: z.string(),
    aside: z.array(z.object({ what: z.enum(['resource', 'group']), id: z.string() })),
  }),
  needs: [reads.cluster, { path: '/', privileges: ['Sys.Console'] }],
  locks: ({ node }) => ['ha', `node:${node}`],
  text: {
    en: {
      title: 'Undrain {node}',
      steps: { restore: 'Restore failback' },
      done: '{node}: failback restored of {ids}; HA moves home what prefers to be there',
      words: { left: 'Failback of {id} is still set aside' },
      refusals: {
        'comment-gone': {
          says: 'The mark on {id} is gone: somebody has changed it meanwhile, so its failback was left as it is.',
          hint: 'ha status',
        },
      },
    },
    es: {
      title: 'Volver a usar {node}',
      steps: { restore: 'Restaurar el failback' },
      done: '{node}: failback restaurado de {ids}; HA trae de vuelta lo que prefiere estar ahí',
      words: { left: 'El failback de {id} sigue apartado' },
      refusals: {
        'comment-gone': {
          says: 'La marca en {id} ya no está: alguien lo cambió entretanto, así que su failback quedó como está.',
          hint: 'ha status',
        },
      },
    },
  },
  titled: ({ node }) => ({ node }),
  async run({ payload: { node, aside }, proxmox, change }) {
    for (const [i, { what, id }] of aside.entries()) {
      const look = {
        call: `PUT /cluster/ha/${what}s/${id}`,
        id,
        isSo: async () => {
          const { comment, failback } = await settingOf(proxmox, what, id)
          return failback && unmarked(comment, node) === undefined
        },
        async act() {
          const comment = unmarked((await settingOf(proxmox, what, id)).comment, node)
          if (comment === undefined) throw new Refused('comment-gone', { id })
          const gone = comment === '' ? { delete: 'comment' } : { comment }
          if (what === 'resource') await proxmox.updateHaResource(id, { failback: true, ...gone })
          else await proxmox.updateHaGroup(id, { nofailback: false, ...gone })
        },
      }
      await change('restore', look, i + 1)
    }
    return { values: { node, ids: aside.map(({ id }) => id).join(', ') } }
  },
  async leftovers({ payload: { node, aside }, proxmox, say }) {
    const found = await Promise.all(
      aside.map(async ({ what, id }) =>
        unmarked((await settingOf(proxmox, what, id)).comment, node) === undefined ? [] : [say('left', { id })],
      ),
    )
    return found.flat()
  },
})

async function settingOf(proxmox: ProxmoxWriterPort, what: 'resource' | 'group', id: string) {
  if (what === 'resource') {
    const found = (await proxmox.haResources()).find(({ sid }) => sid === id)
    return { comment: found?.comment, failback: found?.failback ?? true }
  }
  const found = (await proxmox.haGroups()).find(({ group }) => group === id)
  return { comment: found?.comment, failback: !found?.nofailback }
}
