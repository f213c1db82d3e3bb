import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode, seenNow } from '../../src/core/find.ts'
import { findSection } from '../../src/core/find-section.ts'
import { near } from '../../src/core/near.ts'
import { reads } from '../../src/core/needs.ts'
import { refuseUsedVolume } from '../../src/core/storage-users.ts'
import storageDelete from '../../workers/storage-delete.ts'

/** What nobody can fetch again. */
const precious = new Set(['images', 'rootdir', 'backup'])

/** Deletes one file or disk from a storage; never one that a machine has. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.storages, reads.guests, reads.nodes],
  args: z.object({ volume: arg.text(), node: arg.node().optional() }),
  positionals: ['volume'],
  text: {
    en: {
      summary: 'Delete an ISO image, a template, a backup or an orphaned disk from a storage',
      args: { volume: 'As storage contents shows it: NASAccess:iso/old.iso', node: 'Of a storage that is not shared' },
      words: {
        title: 'Delete {volid} ({size})',
        forGood: 'It cannot be brought back.',
        clickMenu: 'Select storage {storage} under node {node}, select {name}, click "Remove"',
      },
      refusals: {
        'bad-volume': {
          says: '"{given}" is no volume: it begins with its storage, as in NASAccess:iso/old.iso.',
          hint: 'storage contents',
        },
        'no-volume': {
          says: 'There is no {volid} on a node that can be asked now.',
          hint: 'storage contents {storage}',
        },
        'no-volume-near': {
          says: 'There is no {volid}. Did you mean {near}?',
          hint: 'storage contents {storage}',
        },
        'which-node': {
          says: '{storage} is not shared, and {volid} is on several nodes: {nodes}.',
          hint: 'storage delete {volid} node:{first}',
        },
      },
    },
    es: {
      summary: 'Borrar de un almacenamiento una imagen ISO, una plantilla, un respaldo o un disco huérfano',
      args: {
        volume: 'Como lo muestra storage contents: NASAccess:iso/viejo.iso',
        node: 'De un almacenamiento que no es compartido',
      },
      words: {
        title: 'Borrar {volid} ({size})',
        forGood: 'No se puede recuperar.',
        clickMenu: 'Selecciona el almacenamiento {storage} bajo el nodo {node}, selecciona {name}, clic en «Remove»',
      },
      refusals: {
        'bad-volume': {
          says: '«{given}» no es un volumen: empieza con su almacenamiento, como en NASAccess:iso/viejo.iso.',
          hint: 'storage contents',
        },
        'no-volume': {
          says: 'No hay {volid} en ningún nodo al que se pueda preguntar ahora.',
          hint: 'storage contents {storage}',
        },
        'no-volume-near': {
          says: 'No hay {volid}. ¿Quisiste decir {near}?',
          hint: 'storage contents {storage}',
        },
        'which-node': {
          says: '{storage} no es compartido, y {volid} está en varios nodos: {nodes}.',
          hint: 'storage delete {volid} node:{first}',
        },
      },
    },
  },
  examples: [
    { say: 'storage delete NASAccess:iso/ubuntu-24.04.iso', plans: 'storage-delete' },
    { say: 'storage delete NASAccess:iso/ubuntu-24.04.is', refuses: 'no-volume-near' },
    { say: 'storage delete local:iso/alpine-virt-3.22.iso node:pve2', plans: 'storage-delete' },
    { say: 'storage delete local:iso/alpine-virt-3.22.iso', refuses: 'which-node' },
    { say: 'storage delete local-lvm:base-9000-disk-0', refuses: 'volume-of-guest' },
    { say: 'storage delete old.iso', refuses: 'bad-volume' },
    { say: 'storage delete NASAccess:iso/nothing-of-the-kind', refuses: 'no-volume' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels } = house.words[asker.language]
    const [, given = '', rest = ''] = /^([^:\s]+):(\S+)$/.exec(args.volume.trim()) ?? []
    if (rest === '') throw new Refused('bad-volume', { given: args.volume.slice(0, 80) })
    const [config, { nodes, storages }] = await Promise.all([
      proxmox.storageConfig({ signal }),
      proxmox.resources({ signal }),
    ])
    const { storage } = findSection(config, given, cluster)
    const only = args.node === undefined ? undefined : findNode(nodes, args.node, cluster).name
    const here = seenNow(storages, nodes)
      .filter((one) => one.storage === storage && one.status === 'available')
      .filter(({ node }) => only === undefined || node === only)
    const asked = here.filter(({ shared }, i) => !shared || i === 0)
    const lists = await Promise.all(
      asked.map(async ({ node }) => ({
        node,
        volumes: await proxmox.storageContents(node, storage, undefined, { signal }),
      })),
    )
    const volid = `${storage}:${rest}`
    const found = lists.flatMap(({ node, volumes }) =>
      volumes.filter((one) => one.volid === volid).map((volume) => ({ node, volume })),
    )
    const [first] = found
    if (!first) {
      const all = lists.flatMap(({ volumes }) => volumes.map((one) => one.volid))
      const close = near(volid, all)
      if (close.length > 0) throw new Refused('no-volume-near', { volid, storage, near: close.join(', ') })
      throw new Refused('no-volume', { volid, storage })
    }
    if (found.length > 1) {
      const names = found.map(({ node }) => node).join(', ')
      throw new Refused('which-node', { storage, volid, nodes: names, first: first.node })
    }
    const { node, volume } = first
    const isDisk = volume.content === 'images' || volume.content === 'rootdir'
    await refuseUsedVolume(proxmox, { volid, vmid: isDisk ? volume.vmid : undefined }, signal)
    const plan = run(storageDelete.job({ node, storage, volid, vmid: volume.vmid, isDisk }), {
      title: say('title', { volid, size: formatSize(volume.size) }),
      node,
      shows: [
        { name: labels.content, value: volume.content },
        { name: labels.size, value: formatSize(volume.size) },
        { name: labels.node, value: node },
      ],
      warnings: [say('forGood')],
      explain: {
        shell: [`pvesm free ${volid}   # ${node}`],
        clicks: [say('clickMenu', { storage, node, name: rest })],
      },
      state: { volid, size: volume.size, node },
    })
    return precious.has(volume.content) && plan.kind === 'run' ? { ...plan, risk: 'destroys' } : plan
  },
})
