import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { findNode } from '../../src/core/find.ts'
import { reads } from '../../src/core/needs.ts'
import hostUpdates from '../../workers/host-updates.ts'

/** Asks the package repositories what is newer; only the acting token may. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.nodes, reads.guests],
  args: z.object({ node: arg.node().optional() }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Look for updates of the nodes; installs nothing',
      args: { node: 'One node; else all that are online' },
      words: {
        title: 'Look for updates of {nodes}',
        after: 'Installing has no API; on the node: apt-get dist-upgrade',
        afterwards: 'To install',
        click: 'Select node {node}, then "Updates", and click "Refresh"',
      },
    },
    es: {
      summary: 'Buscar actualizaciones de los nodos; no instala nada',
      args: { node: 'Un nodo; si no, todos los que están en línea' },
      words: {
        title: 'Buscar actualizaciones de {nodes}',
        after: 'Instalar no tiene API; en el nodo: apt-get dist-upgrade',
        afterwards: 'Para instalar',
        click: 'Selecciona el nodo {node}, luego «Updates», y haz clic en «Refresh»',
      },
    },
  },
  examples: [
    { say: 'host update-check', plans: 'host-updates' },
    { say: 'host update-check pve1', plans: 'host-updates' },
    { say: 'host update-check pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, signal }) {
    const { nodes: all } = await proxmox.resources({ signal })
    const nodes =
      args.node === undefined
        ? all.filter(({ status }) => status === 'online').map(({ name }) => name)
        : [findNode(all, args.node, cluster).name]
    return run(hostUpdates.job({ nodes }), {
      title: say('title', { nodes: nodes.join(', ') }),
      node: nodes[0] ?? '',
      shows: [{ name: say('afterwards'), value: say('after') }],
      explain: {
        shell: nodes.flatMap((node) => [
          `pvesh create /nodes/${node}/apt/update`,
          `pvesh get /nodes/${node}/apt/update`,
        ]),
        clicks: nodes.map((node) => say('click', { node })),
      },
    })
  },
})
