import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findSection } from '../../src/core/find-section.ts'
import { reads } from '../../src/core/needs.ts'
import { usersOf, usersText } from '../../src/core/storage-users.ts'
import storageRemove from '../../workers/storage-remove.ts'

/** Takes a storage out of the cluster's configuration; what lies on it stays where it is. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.storages, reads.guests, reads.nodes],
  args: z.object({ storage: arg.storage() }),
  positionals: ['storage'],
  text: {
    en: {
      summary: 'Take a storage out of the cluster; what lies on it stays there',
      args: { storage: 'Name of the storage' },
      words: {
        title: 'Take storage {storage} out of the cluster',
        stays: 'What lies on it is not deleted. Nodes may keep it mounted until they are restarted.',
        clickMenu: 'Datacenter → Storage → select {storage} → Remove',
      },
      refusals: {
        'is-base': {
          says: 'Storage {used} stands on {storage}, so it has to go first.',
          hint: 'storage remove {used}',
        },
      },
    },
    es: {
      summary: 'Quitar un almacenamiento del clúster; lo que hay en él se queda ahí',
      args: { storage: 'Nombre del almacenamiento' },
      words: {
        title: 'Quitar el almacenamiento {storage} del clúster',
        stays: 'Lo que hay en él no se borra. Los nodos pueden tenerlo montado hasta que se reinicien.',
        clickMenu: 'Datacenter → Storage → selecciona {storage} → Remove',
      },
      refusals: {
        'is-base': {
          says: 'El almacenamiento {used} se apoya en {storage}, así que primero hay que quitar ese.',
          hint: 'storage remove {used}',
        },
      },
    },
  },
  examples: [
    { say: 'storage remove NASAccess', plans: 'storage-remove' },
    { say: 'storage remove NASAcess', refuses: 'no-storage-near' },
    { say: 'storage remove local-lvm', refuses: 'storage-used' },
  ],
  async plan({ args, proxmox, cluster, say, signal }) {
    const config = await proxmox.storageConfig({ signal })
    const { digest: _, ...found } = findSection(config, args.storage, cluster)
    const { storage, type } = found
    const above = config.find(({ options }) => options.base?.startsWith(`${storage}:`))
    if (above) throw new Refused('is-base', { storage, used: above.storage })
    const [users, { nodes }] = await Promise.all([usersOf(proxmox, storage, signal), proxmox.resources({ signal })])
    if (users.length > 0) throw new Refused('storage-used', { storage, guests: usersText(users) })
    const node = nodes.find(({ status }) => status === 'online')?.name ?? ''
    return run(storageRemove.job({ storage, type }), {
      title: say('title', { storage }),
      node,
      shows: Object.entries({ type, content: found.content.join(','), ...found.options }).map(([name, value]) => ({
        name,
        value,
      })),
      warnings: [say('stays')],
      explain: { shell: [`pvesm remove ${storage}`], clicks: [say('clickMenu', { storage })] },
      state: found,
    })
  },
})
