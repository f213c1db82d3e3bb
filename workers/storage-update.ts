import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import { askNodes, toldReach } from '../src/core/storage-reach.ts'
import { defineWorker } from '../src/core/worker.ts'

/** Changes what a storage is for and where, only if storage.cfg is still as it was when that was decided. */
export default defineWorker({
  payload: z.object({
    storage: z.string(),
    type: z.string(),
    set: z.object({
      content: z.array(z.string()).optional(),
      /** Null: all nodes. */
      nodes: z.array(z.string()).nullable().optional(),
      shared: z.boolean().optional(),
      disabled: z.boolean().optional(),
    }),
    digest: z.string().optional(),
    node: z.string(),
  }),
  needs: [reads.storages, reads.cluster, { path: '/storage', privileges: ['Datastore.Allocate'] }],
  locks: () => ['storage'],
  text: {
    en: {
      title: 'Change storage {storage}',
      steps: { update: 'Tell Proxmox', reach: 'Ask every node whether it reaches it' },
      done: 'Storage {storage} is changed: {nodes}',
      words: { off: 'switched off, nothing uses it' },
      refusals: {
        'storage-gone': { says: 'There is no storage {storage} any more. Nothing was done.', hint: 'storage list' },
      },
    },
    es: {
      title: 'Cambiar el almacenamiento {storage}',
      steps: { update: 'Decírselo a Proxmox', reach: 'Preguntar a cada nodo si llega a él' },
      done: 'El almacenamiento {storage} está cambiado: {nodes}',
      words: { off: 'desactivado, nada lo usa' },
      refusals: {
        'storage-gone': { says: 'Ya no hay un almacenamiento {storage}. No se hizo nada.', hint: 'storage list' },
      },
    },
  },
  titled: ({ storage }) => ({ storage }),
  async run({ payload, proxmox, step, change, until, words, say }) {
    const { storage, set, digest, node } = payload
    await change('update', {
      call: 'PUT /storage/{storage}',
      id: storage,
      isSo: () => isSo(proxmox, payload),
      act: () =>
        proxmox.updateStorage(
          storage,
          {
            content: set.content?.join(','),
            nodes: set.nodes?.join(','),
            shared: set.shared,
            disable: set.disabled,
            delete: set.nodes === null ? 'nodes' : undefined,
            digest,
          },
          { prefer: node },
        ),
    })
    return step('reach', async () => {
      const [{ nodes }, section] = await Promise.all([proxmox.resources(), sectionOf(proxmox, storage)])
      if (section.disabled) return { values: { storage, nodes: say('off') } }
      const wanted = nodes.filter(({ name }) => section.nodes?.includes(name) ?? true)
      const { fields, warnings, summary } = toldReach(
        storage,
        await askNodes(proxmox, { storage, nodes: wanted }, until),
        words,
      )
      return { values: { storage, nodes: summary }, fields, warnings }
    })
  },
})

/** @throws Refused `storage-gone` */
async function sectionOf(proxmox: ProxmoxWriterPort, storage: string) {
  const found = (await proxmox.storageConfig()).find((one) => one.storage === storage)
  if (!found) throw new Refused('storage-gone', { storage })
  return found
}

interface Wanted {
  content?: string[] | undefined
  nodes?: string[] | null | undefined
  shared?: boolean | undefined
  disabled?: boolean | undefined
}
const asText = (list: readonly string[] | null | undefined) => [...(list ?? [])].sort().join(',')

async function isSo(proxmox: ProxmoxWriterPort, { storage, set }: { storage: string; set: Wanted }): Promise<boolean> {
  const is = await sectionOf(proxmox, storage)
  return (
    (set.content === undefined || asText(set.content) === asText(is.content)) &&
    (set.nodes === undefined || asText(set.nodes) === asText(is.nodes)) &&
    (set.shared === undefined || set.shared === is.shared) &&
    (set.disabled === undefined || set.disabled === is.disabled)
  )
}
