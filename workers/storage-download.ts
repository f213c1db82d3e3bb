import { z } from 'zod'
import { formatSize } from '../src/core/args.ts'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker } from '../src/core/worker.ts'

/**
 * Lets a node fetch a file. What the address holds is looked at first: a web page that calls itself an ISO image would
 * be stored as one.
 */
export default defineWorker({
  payload: z.object({
    node: z.string(),
    storage: z.string(),
    content: z.enum(['iso', 'vztmpl', 'import']),
    name: z.string(),
    checksum: z.object({ algorithm: z.string(), sum: z.string() }).optional(),
    from: z.union([z.object({ url: z.string() }), z.object({ template: z.string() })]),
  }),
  needs: [
    reads.storages,
    { path: '/storage/{storage}', privileges: ['Datastore.AllocateTemplate'] },
    { path: '/nodes/{node}', privileges: ['Sys.AccessNetwork'], since: 8 },
  ],
  locks: ({ storage, content, name }) => [`file:${storage}:${content}/${name}`],
  text: {
    en: {
      title: 'Download {name} to {storage}',
      steps: { look: 'See what the address holds', fetch: 'Download', check: 'See the file on the storage' },
      done: '{volid} is there ({size})',
      words: {
        size: 'Size',
        verified: 'Checksum verified',
        unverified: 'No checksum was given: nothing proves what this file is.',
        left: '{volid} ({size})',
      },
      refusals: {
        'is-html': {
          says: 'The address holds a web page ({mime}), not a file: most likely the page that leads to the download.',
          hint: 'Copy the address of the download itself, then: storage download URL',
        },
        'too-big': {
          says: 'The file has {size}, and {storage} has {free} left.',
          hint: 'storage list   # one with more space, then the same line with storage:NAME',
        },
      },
    },
    es: {
      title: 'Descargar {name} a {storage}',
      steps: { look: 'Ver qué hay en la dirección', fetch: 'Descargar', check: 'Ver el archivo en el almacenamiento' },
      done: '{volid} está listo ({size})',
      words: {
        size: 'Tamaño',
        verified: 'Suma de verificación correcta',
        unverified: 'No se dio una suma de verificación: nada prueba qué es este archivo.',
        left: '{volid} ({size})',
      },
      refusals: {
        'is-html': {
          says: 'La dirección tiene una página web ({mime}), no un archivo: seguramente la página que lleva a la descarga.',
          hint: 'Copia la dirección de la descarga misma, y luego: storage download URL',
        },
        'too-big': {
          says: 'El archivo ocupa {size}, y a {storage} le quedan {free}.',
          hint: 'storage list   # uno con más espacio, y la misma línea con storage:NOMBRE',
        },
      },
    },
  },
  titled: ({ name, storage }) => ({ name, storage }),
  async run({ payload, proxmox, step, effect, follow, shows, say }) {
    const { node, storage, content, name, checksum, from } = payload
    const volid = `${storage}:${content}/${name}`
    await step('look', async () => {
      if (!('url' in from)) return
      const { mime, size } = await proxmox.urlFacts(node, from.url)
      if (mime !== undefined && /^(text\/html|application\/xhtml)/i.test(mime)) throw new Refused('is-html', { mime })
      if (size === undefined) return
      await shows([{ name: say('size'), value: formatSize(size) }])
      const { storages } = await proxmox.resources()
      const room = storages.find((one) => one.storage === storage && one.node === node)
      const free = room?.total === undefined ? undefined : room.total - (room.used ?? 0)
      if (free !== undefined && free < size) {
        throw new Refused('too-big', { size: formatSize(size), free: formatSize(free), storage })
      }
    })
    const upid = await effect('fetch', {
      node,
      types: ['download'],
      id: name,
      act: () =>
        'url' in from
          ? proxmox.downloadUrl(node, storage, {
              content,
              filename: name,
              url: from.url,
              checksum: checksum?.sum,
              'checksum-algorithm': checksum?.algorithm,
            })
          : proxmox.downloadAppliance(node, storage, from.template),
    })
    await follow('fetch', upid)
    return step('check', async () => {
      const found = (await proxmox.storageContents(node, storage, content)).find((one) => one.volid === volid)
      if (!found) throw new Refused('not-there-after', { what: volid })
      const isProved = checksum !== undefined || 'template' in from
      return {
        values: { volid, size: formatSize(found.size) },
        ...(checksum ? { fields: [{ name: say('verified'), value: checksum.algorithm }] } : {}),
        warnings: isProved ? [] : [say('unverified')],
      }
    })
  },
  async leftovers({ payload: { node, storage, content, name }, proxmox, say }) {
    const volid = `${storage}:${content}/${name}`
    const found = (await proxmox.storageContents(node, storage, content)).find((one) => one.volid === volid)
    return found ? [say('left', { volid, size: formatSize(found.size) })] : []
  },
})
