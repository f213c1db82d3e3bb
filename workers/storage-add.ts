import { z } from 'zod'
import { formatSize } from '../src/core/args.ts'
import { Refused } from '../src/core/errors.ts'
import { lookAtLun } from '../src/core/lun.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import type { Secret } from '../src/core/secret.ts'
import { absentShare, refuseAbsent, type WantedStorage } from '../src/core/storage-absent.ts'
import { isSameThing, storageTypes } from '../src/core/storage-params.ts'
import { askNodes, toldReach } from '../src/core/storage-reach.ts'
import { defineWorker } from '../src/core/worker.ts'

/**
 * Adds a storage, and then asks every node whether it can use it: Proxmox takes a storage that only the node that was
 * asked reaches, and the others tell nobody until something fails.
 */
export default defineWorker({
  payload: z.object({
    id: z.string(),
    type: z.enum(storageTypes),
    params: z.record(z.string(), z.union([z.string(), z.boolean()])),
    secret: z.enum(['password', 'keyring']).optional(),
    /** The LUN as it was when this was decided; without a size it was not to be seen, and `holds` is what was agreed to. */
    lun: z.object({ volid: z.string(), size: z.number().optional(), holds: z.enum(['ours', 'unproved']) }).optional(),
    node: z.string(),
    /** The nodes that shall have it; null: all. */
    only: z.array(z.string()).nullable(),
  }),
  needs: [reads.storages, reads.cluster, { path: '/storage', privileges: ['Datastore.Allocate'] }],
  locks: () => ['storage'],
  text: {
    en: {
      title: 'Add storage {id}',
      steps: {
        look: 'See what is there',
        secret: 'Wait for the secret',
        add: 'Tell Proxmox',
        reach: 'Ask every node whether it reaches it',
      },
      done: 'Storage {id} is there: {nodes}',
      words: {
        password: 'the password of {who} for storage {id}',
        keyring: 'the Ceph key of {who} for storage {id} (only the key)',
        left: 'storage {id}: in storage.cfg',
      },
      refusals: {
        'storage-other': {
          says: 'Meanwhile somebody has added another storage called {id} ({type}). Nothing was done.',
          hint: 'storage list',
        },
        'lun-changed': {
          says: 'The LUN {base} ({size}) is no longer as it was when this was decided, so it was not touched.',
          hint: 'storage contents',
        },
      },
    },
    es: {
      title: 'Añadir el almacenamiento {id}',
      steps: {
        look: 'Ver qué hay',
        secret: 'Esperar el secreto',
        add: 'Decírselo a Proxmox',
        reach: 'Preguntar a cada nodo si llega a él',
      },
      done: 'El almacenamiento {id} está listo: {nodes}',
      words: {
        password: 'la contraseña de {who} para el almacenamiento {id}',
        keyring: 'la clave de Ceph de {who} para el almacenamiento {id} (solo la clave)',
        left: 'almacenamiento {id}: está en storage.cfg',
      },
      refusals: {
        'storage-other': {
          says: 'Mientras tanto alguien añadió otro almacenamiento llamado {id} ({type}). No se hizo nada.',
          hint: 'storage list',
        },
        'lun-changed': {
          says: 'La LUN {base} ({size}) ya no está como cuando se decidió, así que no se tocó.',
          hint: 'storage contents',
        },
      },
    },
  },
  titled: ({ id }) => ({ id }),
  async run({ payload, proxmox, step, secret, change, until, words, say }) {
    const { id, params, lun, node } = payload
    const already = await isAdded(proxmox, payload)
    if (!already) await step('look', async () => void (await refuseAbsent(proxmox, payload)))
    const purpose = payload.secret
    const who = String(params.username ?? params['fs-name'] ?? 'admin')
    const kept =
      purpose === undefined || already
        ? undefined
        : await secret('secret', { purpose: `storage-${purpose}`, label: say(purpose, { who, id }) })
    await change('add', {
      call: 'POST /storage',
      id,
      isSo: () => isAdded(proxmox, payload),
      act: async () => {
        if (lun) await refuseChanged(proxmox, { id, lun, vg: String(params.vgname), node })
        const all = { storage: id, type: payload.type, ...params, ...secretParams(payload, who, kept) }
        await proxmox.createStorage(all, { prefer: node }).catch(async (error) => {
          throw (await absentShare(proxmox, payload)) ?? error
        })
      },
    })
    return step('reach', async () => {
      const { nodes } = await proxmox.resources()
      const wanted = nodes.filter(({ name }) => payload.only?.includes(name) ?? true)
      const told = toldReach(id, await askNodes(proxmox, { storage: id, nodes: wanted }, until), words)
      return { values: { id, nodes: told.summary }, fields: told.fields, warnings: told.warnings }
    })
  },
  async leftovers({ payload, proxmox, say }) {
    const isThere = (await proxmox.storageConfig()).some(({ storage }) => storage === payload.id)
    return isThere ? [say('left', { id: payload.id })] : []
  },
})

/** @throws Refused `storage-other` */
async function isAdded(proxmox: ProxmoxWriterPort, { id, type, params }: WantedStorage): Promise<boolean> {
  const found = (await proxmox.storageConfig()).find(({ storage }) => storage === id)
  if (found && !isSameThing(found, { type, params })) throw new Refused('storage-other', { id, type: found.type })
  return found !== undefined
}

/** Between the decision and the act somebody may have put something there; or it was not to be seen before. */
async function refuseChanged(
  proxmox: ProxmoxWriterPort,
  o: { id: string; lun: { volid: string; size?: number | undefined; holds: string }; vg: string; node: string },
): Promise<void> {
  const { id, lun, vg, node } = o
  const { holds, size } = await lookAtLun(proxmox, { base: lun.volid, vg, node })
  const about = { base: lun.volid, size: formatSize(size) }
  if (lun.size === undefined) {
    if (holds === 'ours' || lun.holds === 'unproved') return
    throw new Refused('lun-not-proved', { ...about, line: `storage add ${id} type:lvm vg:${vg} base:${lun.volid}` })
  }
  if (holds !== lun.holds || size !== lun.size) throw new Refused('lun-changed', about)
}

/** Ceph's block devices want a keyring file, its filesystem the key alone. */
function secretParams(
  { secret, type }: { secret?: 'password' | 'keyring' | undefined; type: string },
  who: string,
  kept: Secret | undefined,
): Record<string, string> {
  if (secret === undefined || kept === undefined) return {}
  if (secret === 'keyring' && type === 'rbd') return { keyring: `[client.${who}]\n\tkey = ${kept.reveal()}\n` }
  return { [secret]: kept.reveal() }
}
