import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode, seenNow } from '../../src/core/find.ts'
import { near } from '../../src/core/near.ts'
import { reads } from '../../src/core/needs.ts'
import type { StorageOnNode, Volume } from '../../src/proxmox/port.ts'

/** The order in which people look for things. */
const contents = ['iso', 'vztmpl', 'import', 'backup', 'snippets', 'images', 'rootdir'] as const
const mostRows = 60

/** What is on one storage, or on all of them: ISO images and templates first. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.storages, reads.nodes],
  args: z.object({
    storage: arg.storage().optional(),
    node: arg.node().optional(),
    content: arg.choice(contents).optional(),
  }),
  positionals: ['storage'],
  text: {
    en: {
      summary: 'Show what is on a storage: ISO images, templates, disks, backups',
      args: { storage: 'Storage; without it, all of them', node: 'As this node sees it', content: 'Only this kind' },
      words: {
        title: 'On {storage}: {count}',
        all: 'all storages',
        volume: 'Volume',
        empty: 'Nothing.',
        more: 'The first {shown} of {count}. Fewer: give storage: or content:.',
        unread: 'Not known, since it cannot be read now: {storages}',
      },
      refusals: {
        'no-storage': {
          says: 'No storage is called "{given}" in {cluster}. There is: {storages}.',
          hint: 'storage list',
        },
        'no-storage-near': {
          says: 'No storage is called "{given}" in {cluster}. Did you mean {near}?',
          hint: 'storage contents {first}',
        },
        'not-readable': { says: 'Storage {storage} cannot be read now on any node.', hint: 'storage list' },
      },
    },
    es: {
      summary: 'Mostrar lo que hay en un almacenamiento: imágenes ISO, plantillas, discos, respaldos',
      args: { storage: 'Almacenamiento; sin él, todos', node: 'Como lo ve este nodo', content: 'Solo de esta clase' },
      words: {
        title: 'En {storage}: {count}',
        all: 'todos los almacenamientos',
        volume: 'Volumen',
        empty: 'Nada.',
        more: 'Los primeros {shown} de {count}. Para ver menos: indica storage: o content:.',
        unread: 'No se sabe, porque ahora no se puede leer: {storages}',
      },
      refusals: {
        'no-storage': {
          says: 'Ningún almacenamiento se llama «{given}» en {cluster}. Hay: {storages}.',
          hint: 'storage list',
        },
        'no-storage-near': {
          says: 'Ningún almacenamiento se llama «{given}» en {cluster}. ¿Quisiste decir {near}?',
          hint: 'storage contents {first}',
        },
        'not-readable': {
          says: 'El almacenamiento {storage} no se puede leer ahora en ningún nodo.',
          hint: 'storage list',
        },
      },
    },
  },
  examples: [
    { say: 'storage contents', answers: true },
    { say: 'storage contents NASAccess content:iso', answers: true },
    { say: 'storage contents local node:pve2', answers: true },
    { say: 'storage contents NASAcess', refuses: 'no-storage-near' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels } = house.words[asker.language]
    const { storages: told, nodes } = await proxmox.resources({ signal })
    const storages = seenNow(told, nodes)
    const node = args.node === undefined ? undefined : findNode(nodes, args.node, cluster).name
    const here = storages.filter((storage) => node === undefined || storage.node === node)
    const name = args.storage === undefined ? undefined : findStorage(here, args.storage, cluster)
    const wanted = here.filter(
      ({ storage, content }) =>
        (name === undefined || storage === name) && (args.content === undefined || content.includes(args.content)),
    )
    const readable = onceEach(wanted.filter(({ status }) => status === 'available'))
    if (name !== undefined && wanted.length > 0 && readable.length === 0) {
      throw new Refused('not-readable', { storage: name })
    }
    const unread = new Set(wanted.filter((s) => !readable.some((r) => isSame(r, s))).map(labelOf))
    const lists = await Promise.all(
      readable.map(async (storage) => {
        try {
          const volumes = await proxmox.storageContents(storage.node, storage.storage, args.content, { signal })
          return volumes.map((volume) => ({ storage, volume }))
        } catch (error) {
          // One storage that does not answer must not hide what is on the others.
          if (readable.length === 1) throw error
          unread.add(labelOf(storage))
          return []
        }
      }),
    )
    const found = lists
      .flat()
      .sort((a, b) => rank(a.volume) - rank(b.volume) || a.volume.volid.localeCompare(b.volume.volid))
    const shown = found.slice(0, mostRows)
    const text = [
      ...(found.length === 0 ? [say('empty')] : []),
      ...(found.length > shown.length ? [say('more', { shown: shown.length, count: found.length })] : []),
      ...(unread.size > 0 ? [say('unread', { storages: [...unread].join(', ') })] : []),
    ].join('\n')
    return answer({
      title: say('title', { storage: name ?? say('all'), count: found.length }),
      state: unread.size > 0 ? 'warning' : 'info',
      ...(text === '' ? {} : { text }),
      ...(shown.length === 0
        ? {}
        : {
            table: {
              columns: [say('volume'), labels.content, labels.size, 'VMID', labels.node],
              rows: shown.map(({ storage, volume }) => [
                volume.volid,
                volume.content,
                formatSize(volume.size),
                volume.vmid === undefined ? '' : String(volume.vmid),
                storage.shared ? '' : storage.node,
              ]),
            },
          }),
    })
  },
})

const labelOf = ({ storage, node, shared }: StorageOnNode) => (shared ? storage : `${storage} (${node})`)
const isSame = (a: StorageOnNode, b: StorageOnNode) => a.storage === b.storage && (a.shared || a.node === b.node)

/** A shared storage is asked through one node. */
const onceEach = (storages: readonly StorageOnNode[]) =>
  storages.filter((storage, i) => storages.findIndex((other) => isSame(other, storage)) === i)

function rank({ content }: Volume): number {
  const place = (contents as readonly string[]).indexOf(content)
  return place < 0 ? contents.length : place
}

function findStorage(storages: readonly StorageOnNode[], given: string, cluster: string): string {
  const names = [...new Set(storages.map(({ storage }) => storage))].sort()
  const found = names.find((name) => name.toLowerCase() === given.toLowerCase())
  if (found !== undefined) return found
  const close = near(given, names)
  if (close.length > 0)
    throw new Refused('no-storage-near', { given, cluster, near: close.join(', '), first: close[0] })
  throw new Refused('no-storage', { given, cluster, storages: names.join(', ') })
}
