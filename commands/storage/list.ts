import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { findAnyNode, seenNow } from '../../src/core/find.ts'
import { readHa } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import { storageRisks, toldRisk } from '../../src/core/storage-risks.ts'
import { placesIn } from '../../src/ha/affinity.ts'
import type { StorageOnNode } from '../../src/proxmox/port.ts'

/** The storages of a cluster: a shared one on one line with its nodes, a local one on a line for each node. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.storages, reads.nodes, reads.guests, reads.cluster],
  args: z.object({ node: arg.node().optional() }),
  text: {
    en: {
      summary: 'List the storages: what they hold, how full they are, which nodes reach them',
      args: { node: 'Only those of this node' },
      words: {
        title: 'Storages of {cluster}: {count}',
        shared: 'Shared',
        nodes: 'Nodes',
        cannotRead: '{node} (not known)',
        text: '{storages}: not every node can read it now, so those figures are not known.',
      },
    },
    es: {
      summary: 'Listar los almacenamientos: qué guardan, qué tan llenos están, qué nodos los alcanzan',
      args: { node: 'Solo los de este nodo' },
      words: {
        title: 'Almacenamientos de {cluster}: {count}',
        shared: 'Compartido',
        nodes: 'Nodos',
        cannotRead: '{node} (no se sabe)',
        text: '{storages}: ahora no todos los nodos pueden leerlo, así que esas cifras no se saben.',
      },
    },
  },
  examples: [
    { say: 'storage list', answers: true },
    { say: 'storage list node:pve1', answers: true },
    { say: 'storage list node:pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, say: shared } = house.words[asker.language]
    const [site, sections] = await Promise.all([readHa(proxmox, signal), proxmox.storageConfig({ signal })])
    const { storages: told, nodes } = site
    const storages = seenNow(told, nodes)
    const node = args.node === undefined ? undefined : findAnyNode(nodes, args.node, cluster).name
    const groups = grouped(storages.filter((storage) => node === undefined || storage.node === node))
    const unread = groups.filter((group) => group.some((storage) => !isRead(storage)))
    const names = [...new Set(unread.map(([first]) => first!.storage))]
    const risks = await storageRisks(proxmox, { site, sections, allowed: placesIn(site) }, signal)
    const warnings = [
      ...(names.length > 0 ? [say('text', { storages: names.join(', ') })] : []),
      ...risks.map((risk) => toldRisk(risk, house.words[asker.language])),
    ]
    return answer({
      title: say('title', { cluster, count: new Set(groups.map(([first]) => first!.storage)).size }),
      state: warnings.length > 0 ? 'warning' : 'info',
      ...(warnings.length > 0 ? { text: warnings.join('\n') } : {}),
      table: {
        columns: [labels.storage, labels.type, labels.content, say('shared'), labels.used, say('nodes')],
        rows: groups.map((group) => {
          const [first] = group as [StorageOnNode, ...StorageOnNode[]]
          const read = group.find(isRead)
          return [
            first.storage,
            first.type,
            first.content.join(', '),
            first.shared ? shared.yes : shared.no,
            read ? fullness(read) : shared.unknown,
            group.map((one) => (isRead(one) ? one.node : say('cannotRead', { node: one.node }))).join(', '),
          ]
        }),
      },
    })
  },
})

/** An iSCSI target has no figures of its own. */
const fullness = ({ used, total }: StorageOnNode) =>
  total === 0 ? '–' : `${formatSize(used!)} / ${formatSize(total!)}`

const isRead = ({ status, used, total }: StorageOnNode) =>
  status === 'available' && used !== undefined && total !== undefined

/** By name; a local storage is another one on each node. */
function grouped(storages: readonly StorageOnNode[]): StorageOnNode[][] {
  const groups = new Map<string, StorageOnNode[]>()
  const sorted = storages.toSorted((a, b) => a.storage.localeCompare(b.storage) || a.node.localeCompare(b.node))
  for (const storage of sorted) {
    const key = storage.shared ? storage.storage : `${storage.storage} ${storage.node}`
    groups.set(key, [...(groups.get(key) ?? []), storage])
  }
  return [...groups.values()]
}
