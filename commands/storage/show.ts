import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { findSection } from '../../src/core/find-section.ts'
import { readHa } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import { askOnce, toldReach } from '../../src/core/storage-reach.ts'
import { storageRisks, toldRisk } from '../../src/core/storage-risks.ts'
import { usersOf, usersText } from '../../src/core/storage-users.ts'
import { placesIn } from '../../src/ha/affinity.ts'

/** Options that nobody needs to read. */
const left = new Set(['priority', 'encryption-key', 'master-pubkey'])

/** One storage: what it is, whether each node reaches it now, who uses it, and what not to count on. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.storages, reads.nodes, reads.guests, reads.cluster],
  args: z.object({ storage: arg.storage() }),
  positionals: ['storage'],
  text: {
    en: {
      summary: 'Show one storage: what it is, which nodes reach it now, who uses it',
      args: { storage: 'Name of the storage' },
      words: {
        title: 'Storage {storage} ({type}): {nodes}',
        off: 'switched off',
        offText: 'Nothing can use it until somebody switches it on: storage update {storage} disabled:false',
        shared: 'Shared',
        users: 'Used by',
        nobody: 'nobody',
      },
    },
    es: {
      summary: 'Mostrar un almacenamiento: qué es, qué nodos llegan a él ahora, quién lo usa',
      args: { storage: 'Nombre del almacenamiento' },
      words: {
        title: 'Almacenamiento {storage} ({type}): {nodes}',
        off: 'desactivado',
        offText: 'Nada puede usarlo hasta que alguien lo active: storage update {storage} disabled:false',
        shared: 'Compartido',
        users: 'Lo usan',
        nobody: 'nadie',
      },
    },
  },
  examples: [
    { say: 'storage show NASAccess', answers: true },
    { say: 'storage show local-lvm', answers: true },
    { say: 'storage show NASAcess', refuses: 'no-storage-near' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const [site, sections] = await Promise.all([readHa(proxmox, signal), proxmox.storageConfig({ signal })])
    const section = findSection(sections, args.storage, cluster)
    const { storage, type } = section
    const wanted = section.disabled ? [] : site.nodes.filter(({ name }) => section.nodes?.includes(name) ?? true)
    const [reach, users, risks] = await Promise.all([
      Promise.all(
        wanted.map(async ({ name, status }) =>
          status === 'online' ? { node: name, state: await askOnce(proxmox, name, storage) } : { node: name },
        ),
      ),
      usersOf(proxmox, storage, signal),
      storageRisks(proxmox, { site, sections: [section], allowed: placesIn(site) }, signal),
    ])
    const told = toldReach(storage, reach, words)
    const own = risks.filter((risk) => risk.storage === storage && risk.code !== 'unreached')
    const warnings = [
      ...(section.disabled ? [say('offText', { storage })] : told.warnings),
      ...own.map((risk) => toldRisk(risk, words)),
    ]
    return answer({
      title: say('title', { storage, type, nodes: section.disabled ? say('off') : told.summary }),
      state: warnings.length > 0 ? 'warning' : 'info',
      ...(warnings.length > 0 ? { text: warnings.join('\n') } : {}),
      fields: [
        ...told.fields,
        { name: words.labels.content, value: section.content.join(', ') },
        { name: say('shared'), value: section.shared ? words.say.yes : words.say.no },
        ...Object.entries(section.options)
          .filter(([name]) => !left.has(name))
          .map(([name, value]) => ({ name, value })),
        { name: say('users'), value: usersText(users) || say('nobody') },
      ],
    })
  },
})
