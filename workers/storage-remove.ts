import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import { usersOf, usersText } from '../src/core/storage-users.ts'
import { defineWorker } from '../src/core/worker.ts'

/** Proxmox lets go of a storage although machines have disks on it; here they are looked for again right before. */
export default defineWorker({
  payload: z.object({ storage: z.string(), type: z.string() }),
  needs: [reads.storages, { path: '/storage', privileges: ['Datastore.Allocate'] }],
  locks: () => ['storage'],
  text: {
    en: {
      title: 'Take out storage {storage}',
      steps: { users: 'See whether anybody uses it', remove: 'Tell Proxmox' },
      done: 'Storage {storage} is no longer part of the cluster',
      words: { left: 'storage {storage}: still in storage.cfg' },
      refusals: {
        'storage-other': {
          says: 'Storage {storage} is now of type {type}: somebody replaced it. Nothing was done.',
          hint: 'storage list',
        },
      },
    },
    es: {
      title: 'Quitar el almacenamiento {storage}',
      steps: { users: 'Ver si alguien lo usa', remove: 'Decírselo a Proxmox' },
      done: 'El almacenamiento {storage} ya no es parte del clúster',
      words: { left: 'almacenamiento {storage}: sigue en storage.cfg' },
      refusals: {
        'storage-other': {
          says: 'El almacenamiento {storage} ahora es de tipo {type}: alguien lo reemplazó. No se hizo nada.',
          hint: 'storage list',
        },
      },
    },
  },
  titled: ({ storage }) => ({ storage }),
  async run({ payload, proxmox, step, change }) {
    const { storage } = payload
    await step('users', async () => {
      const users = await usersOf(proxmox, storage)
      if (users.length > 0) throw new Refused('storage-used', { storage, guests: usersText(users) })
    })
    await change('remove', {
      call: 'DELETE /storage/{storage}',
      id: storage,
      isSo: async () => !(await isThere(proxmox, payload)),
      act: () => proxmox.deleteStorage(storage),
    })
    return { values: { storage } }
  },
  async leftovers({ payload, proxmox, say }) {
    const found = (await proxmox.storageConfig()).some(({ storage }) => storage === payload.storage)
    return found ? [say('left', { storage: payload.storage })] : []
  },
})

/** @throws Refused `storage-other` */
async function isThere(proxmox: ProxmoxWriterPort, { storage, type }: { storage: string; type: string }) {
  const found = (await proxmox.storageConfig()).find((one) => one.storage === storage)
  if (found && found.type !== type) throw new Refused('storage-other', { storage, type: found.type })
  return found !== undefined
}
