import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import { refuseUsedVolume } from '../src/core/storage-users.ts'
import { defineWorker } from '../src/core/worker.ts'

/** Deletes one volume. Whether a machine uses it is looked at again right before. */
export default defineWorker({
  payload: z.object({
    node: z.string(),
    storage: z.string(),
    volid: z.string(),
    /** Of a disk or a backup: whose it is, or was. */
    vmid: z.number().optional(),
    isDisk: z.boolean(),
  }),
  needs: [reads.storages, { path: '/storage/{storage}', privileges: ['Datastore.Allocate'] }],
  // One at a time: Proxmox names such a task after its storage and its guest, not after the volume.
  locks: ({ storage, vmid }) => [`volumes:${storage}`, ...(vmid === undefined ? [] : [`guest:${vmid}`])],
  text: {
    en: {
      title: 'Delete {volid}',
      steps: { users: 'See whether a machine uses it', delete: 'Delete', check: 'See that it is gone' },
      done: '{volid} is deleted',
      words: { left: '{volid}: still there' },
      refusals: {
        'volume-still-there': {
          says: 'Proxmox says that it is done, and {volid} is there still.',
          hint: 'storage contents {storage}',
        },
      },
    },
    es: {
      title: 'Borrar {volid}',
      steps: { users: 'Ver si una máquina lo usa', delete: 'Borrar', check: 'Ver que ya no está' },
      done: '{volid} está borrado',
      words: { left: '{volid}: sigue ahí' },
      refusals: {
        'volume-still-there': {
          says: 'Proxmox dice que ya está, y {volid} sigue ahí.',
          hint: 'storage contents {storage}',
        },
      },
    },
  },
  titled: ({ volid }) => ({ volid }),
  async run({ payload, proxmox, step, effect, follow }) {
    const { node, storage, volid, vmid, isDisk } = payload
    const isThere = async () => (await proxmox.storageContents(node, storage)).some((one) => one.volid === volid)
    await step('users', () => refuseUsedVolume(proxmox, { volid, vmid: isDisk ? vmid : undefined }))
    const upid = await effect('delete', {
      node,
      types: ['imgdel'],
      id: vmid === undefined ? storage : `${vmid}@${storage}`,
      act: () => proxmox.deleteVolume(node, volid),
    })
    await follow('delete', upid)
    return step('check', async () => {
      if (await isThere()) throw new Refused('volume-still-there', { volid, storage })
      return { values: { volid } }
    })
  },
  async leftovers({ payload: { node, storage, volid }, proxmox, say }) {
    const found = (await proxmox.storageContents(node, storage)).some((one) => one.volid === volid)
    return found ? [say('left', { volid })] : []
  },
})
