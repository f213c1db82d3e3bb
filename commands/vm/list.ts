import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { findAnyNode } from '../../src/core/find.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'

/** Every machine (as `ct list`, every container) of a cluster, in one request however many there are. */
export default defineCommand({
  also: ['ct'],
  role: 'viewer',
  risk: 'reads',
  pools: 'shown',
  needs: [reads.guests, reads.nodes],
  args: z.object({
    node: arg.node().optional(),
    running: arg.boolean().optional(),
  }),
  text: {
    en: {
      summary: 'List machines or containers, and where they run',
      args: { node: 'Only those on this node', running: 'true: only running ones; false: only stopped ones' },
      words: {
        machines: 'Machines of {cluster}: {count}',
        containers: 'Containers of {cluster}: {count}',
        none: 'None. The next step: `vm create NAME`.',
        noneSuch: 'None that fits. All of them: `{path}`.',
        noContainers: 'None.',
      },
    },
    es: {
      summary: 'Listar las máquinas o los contenedores, y dónde corren',
      args: { node: 'Solo las de este nodo', running: 'true: solo las encendidas; false: solo las apagadas' },
      words: {
        machines: 'Máquinas de {cluster}: {count}',
        containers: 'Contenedores de {cluster}: {count}',
        none: 'Ninguna. El siguiente paso: `vm create NAME`.',
        noneSuch: 'Nada que coincida. Para ver todo: `{path}`.',
        noContainers: 'Ninguno.',
      },
    },
  },
  examples: [
    { say: 'vm list', answers: true },
    { say: 'vm list node:pve1 running:true', answers: true },
    { say: 'ct list', answers: true },
    { say: 'vm list node:pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, path, signal }) {
    const { labels, guestStates } = house.words[asker.language]
    const { guests, nodes } = await proxmox.resources({ signal })
    const node = args.node === undefined ? undefined : findAnyNode(nodes, args.node, cluster).name
    // What the last figures of a dead node say about its guests may be long untrue.
    const alive = new Set(nodes.filter(({ status }) => status === 'online').map(({ name }) => name))
    const kind = path.startsWith('ct') ? 'lxc' : 'qemu'
    const listed = guests
      .filter((guest) => guest.kind === kind)
      .filter((guest) => node === undefined || guest.node === node)
      .filter(({ status }) => args.running === undefined || args.running === (status !== 'stopped'))
    const title = say(kind === 'qemu' ? 'machines' : 'containers', { cluster, count: listed.length })
    const filtered = node !== undefined || args.running !== undefined
    if (listed.length === 0) {
      const text = filtered ? say('noneSuch', { path }) : say(kind === 'qemu' ? 'none' : 'noContainers')
      return answer({ title, text })
    }
    return answer({
      title,
      table: {
        columns: ['VMID', labels.name, labels.node, labels.status, labels.cpu, labels.memory, labels.uptime, 'HA'],
        rows: listed.map((guest) => {
          const status = alive.has(guest.node) ? guest.status : 'unknown'
          return [
            String(guest.vmid),
            guest.name,
            guest.node,
            guest.template ? guestStates.template : guestStates[status],
            String(guest.cpus),
            formatSize(guest.maxMemory),
            status === 'stopped' || status === 'unknown' ? '' : formatDuration(guest.uptime),
            guest.haState ?? '',
          ]
        }),
      },
    })
  },
})
