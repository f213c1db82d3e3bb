import { z } from 'zod'
import { formatSize } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'

/** The nodes of a cluster; what a node that is offline last said about itself is not shown as if it were true. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.nodes, reads.guests],
  args: z.object({}),
  text: {
    en: {
      summary: 'List the nodes, and how busy they are',
      args: {},
      words: { title: 'Nodes of {cluster}: {online} of {count} online', cores: '{percent} % of {cores}' },
    },
    es: {
      summary: 'Listar los nodos, y qué tan ocupados están',
      args: {},
      words: { title: 'Nodos de {cluster}: {online} de {count} en línea', cores: '{percent} % de {cores}' },
    },
  },
  examples: [{ say: 'host list', answers: true }],
  async plan({ proxmox, cluster, say, house, asker, signal }) {
    const { labels, nodeStates, say: shared } = house.words[asker.language]
    const { nodes, guests } = await proxmox.resources({ signal })
    const online = nodes.filter(({ status }) => status === 'online').length
    return answer({
      title: say('title', { cluster, online, count: nodes.length }),
      table: {
        columns: [labels.node, labels.status, labels.cpu, labels.memory, labels.uptime, labels.guests],
        rows: nodes.map((node) => {
          const its = guests.filter((guest) => guest.node === node.name && !guest.template)
          if (node.status !== 'online') {
            return [node.name, nodeStates[node.status], shared.unknown, shared.unknown, '', String(its.length)]
          }
          const running = its.filter(({ status }) => status === 'running').length
          return [
            node.name,
            nodeStates.online,
            say('cores', { percent: Math.round(node.cpu * 100), cores: node.cpus }),
            `${formatSize(node.memory)} / ${formatSize(node.maxMemory)}`,
            formatDuration(node.uptime),
            `${running} / ${its.length}`,
          ]
        }),
      },
    })
  },
})
