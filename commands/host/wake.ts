import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findAnyNode } from '../../src/core/find.ts'
import { reads } from '../../src/core/needs.ts'
import hostWake from '../../workers/host-wake.ts'

/** Switches a node on from afar: by its power device where one is configured, else another node sends a Wake-on-LAN packet. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.guests, reads.nodes],
  args: z.object({ node: arg.node() }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Wake a node that is off, by a packet from another one',
      args: { node: 'The node' },
      words: {
        title: 'Wake node {node}',
        by: 'Sent by',
        device: 'its power device',
        deviceClick: 'At the power device: switch {node} on',
        click: 'Select node {node} in the tree on the left, then "Wake-on-LAN" in the menu of a right click',
      },
      refusals: {
        'host-is-on': { says: 'Node {node} is online already.', hint: 'host list' },
        'nobody-wakes': { says: 'No other node is online that could wake {node}.', hint: 'host list' },
      },
    },
    es: {
      summary: 'Despertar un nodo apagado, con un paquete desde otro',
      args: { node: 'El nodo' },
      words: {
        title: 'Despertar el nodo {node}',
        by: 'Lo envía',
        device: 'su dispositivo de encendido',
        deviceClick: 'En el dispositivo de encendido: encender {node}',
        click: 'Selecciona el nodo {node} en el árbol de la izquierda, luego «Wake-on-LAN» en el menú del clic derecho',
      },
      refusals: {
        'host-is-on': { says: 'El nodo {node} ya está en línea.', hint: 'host list' },
        'nobody-wakes': { says: 'No hay otro nodo en línea que pueda despertar a {node}.', hint: 'host list' },
      },
    },
  },
  examples: [{ say: 'host wake pve3', refuses: 'host-is-on' }],
  async plan({ args, proxmox, cluster, say, house, signal }) {
    const { nodes } = await proxmox.resources({ signal })
    const found = findAnyNode(nodes, args.node, cluster)
    const node = found.name
    if (found.status === 'online') throw new Refused('host-is-on', { node })
    const by = nodes.find(({ status }) => status === 'online')?.name
    if (by === undefined) throw new Refused('nobody-wakes', { node })
    const device = house.drills.means(node).restore === 'webhook'
    const packet = `pvesh create /nodes/${node}/wakeonlan   # ${by}`
    return run(hostWake.job({ node }), {
      title: say('title', { node }),
      node: by,
      shows: [{ name: say('by'), value: device ? say('device') : by }],
      explain: {
        shell: [device ? `curl -X POST -d '{"power":"on"}' …   # power: { ${node}: { webhook } }` : packet],
        clicks: [device ? say('deviceClick', { node }) : say('click', { node })],
      },
    })
  },
})
