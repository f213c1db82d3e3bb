import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode } from '../../src/core/find.ts'
import { readHa, refuseWithoutQuorum } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import { carrying, isAs, lineOf, paramsOf, type Wished, wishedOver } from '../../src/core/network.ts'
import type { ProxmoxPort } from '../../src/core/ports.ts'
import hostNetwork from '../../workers/host-network.ts'

const modes = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const

/** The interfaces of the hosts; with a name and what it should be, a change of it on some of them, one after another. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.cluster, reads.nodes, reads.guests],
  args: z.object({
    nodes: arg.text().optional(),
    iface: arg.text().optional(),
    type: arg.choice(['bridge', 'bond', 'vlan']).optional(),
    ports: arg.text().optional(),
    mode: arg.choice(modes).optional(),
    vlan: arg.integer({ min: 1, max: 4094 }).optional(),
    on: arg.text().optional(),
    address: arg.text().optional(),
    gateway: arg.text().optional(),
    mtu: arg.integer({ min: 1280, max: 65520 }).optional(),
    aware: arg.boolean().optional(),
    comment: arg.text().optional(),
    remove: arg.boolean().prefault('false'),
    console: arg.boolean().prefault('false'),
  }),
  positionals: ['nodes', 'iface'],
  text: {
    en: {
      summary: 'Show the network of the nodes; make or change a bridge, bond or VLAN, one node at a time',
      args: {
        nodes: 'Nodes, separated by commas; else all are shown',
        iface: 'The interface: vmbr1',
        type: 'What it is, when it is new',
        ports: 'Cards of a bridge or bond, separated by commas',
        mode: 'How a bond shares its cards',
        vlan: 'Number of a VLAN',
        on: 'The interface that a VLAN lies on',
        address: 'Address with its range: 172.16.3.103/24',
        gateway: 'Gateway',
        mtu: 'MTU',
        aware: 'A bridge that knows VLANs',
        comment: 'Comment',
        remove: 'Take it away',
        console: "Someone stands at the node's console and can undo it",
      },
      words: {
        list: 'Network of {nodes}',
        iface: 'Interface',
        is: 'Is',
        up: 'Up',
        yes: 'yes',
        no: 'no',
        pending: 'Waiting on {node}, not applied',
        title: '{iface} on {nodes}',
        diff: '{before} → {after}',
        one: 'Proxmox has no way back once this is applied. It goes node by node, and stops at the first that does not come back.',
        carries:
          'It carries the address by which {node} is reached: whoever stands at the console keeps it from being lost.',
        watched: 'The HA agent of {node} still holds its watchdog: out of touch for a minute, the node resets itself.',
        click: 'Select node {node}, then "Network"; change {iface}, and click "Apply Configuration"',
      },
      refusals: {
        'network-carries': {
          says: '{iface} on {node} carries the address of management or corosync ({carries}): a mistake there cuts the node off, and Proxmox has no way back.',
          hint: '{line} console:true   # only with someone at the console',
        },
        'network-pending': {
          says: "Somebody's changes wait on {node} and would be applied with this one.",
          hint: 'pvesh delete /nodes/{node}/network   # forgets them',
        },
        'network-drain-first': {
          says: '{node} runs machines under HA ({sids}): should its network stumble, it resets itself.',
          hint: 'host drain {node}',
        },
        'network-no-port': { says: '{node} has no interface {port}. It has: {known}.', hint: 'host network {node}' },
        'network-port-taken': { says: '{port} on {node} belongs to {owner} already.', hint: 'host network {node}' },
        'network-other-type': { says: '{iface} on {node} is a {type}.', hint: 'host network {node}' },
        'network-no-such': { says: '{node} has no interface {iface}.', hint: 'host network {node}' },
        'network-type': { says: '{iface} is new: say what it is.', hint: 'host network {node} {iface} type:bridge' },
        'network-one-address': {
          says: 'An address belongs to one node alone.',
          hint: 'host network {node} {iface} address:{address}',
        },
        'network-so-already': { says: '{iface} is so already on {nodes}.', hint: 'host network {nodes}' },
        'network-which': { says: 'Say on which nodes.', hint: 'host network pve1,pve2 vmbr1 type:bridge' },
      },
    },
    es: {
      summary: 'Mostrar la red de los nodos; crear o cambiar un bridge, bond o VLAN, un nodo a la vez',
      args: {
        nodes: 'Nodos, separados por comas; si no, se muestran todos',
        iface: 'La interfaz: vmbr1',
        type: 'Qué es, cuando es nueva',
        ports: 'Tarjetas de un bridge o bond, separadas por comas',
        mode: 'Cómo reparte un bond sus tarjetas',
        vlan: 'Número de una VLAN',
        on: 'La interfaz sobre la que va una VLAN',
        address: 'Dirección con su rango: 172.16.3.103/24',
        gateway: 'Puerta de enlace',
        mtu: 'MTU',
        aware: 'Un bridge que conoce VLAN',
        comment: 'Comentario',
        remove: 'Quitarla',
        console: 'Hay alguien en la consola del nodo que puede deshacerlo',
      },
      words: {
        list: 'Red de {nodes}',
        iface: 'Interfaz',
        is: 'Es',
        up: 'Activa',
        yes: 'sí',
        no: 'no',
        pending: 'Esperando en {node}, sin aplicar',
        title: '{iface} en {nodes}',
        diff: '{before} → {after}',
        one: 'Proxmox no tiene vuelta atrás una vez aplicado. Va nodo por nodo, y se detiene en el primero que no vuelve.',
        carries: 'Lleva la dirección por la que se alcanza {node}: quien está en la consola evita que se pierda.',
        watched:
          'El agente de HA de {node} todavía tiene su watchdog: un minuto sin contacto, y el nodo se reinicia solo.',
        click: 'Selecciona el nodo {node}, luego «Network»; cambia {iface}, y haz clic en «Apply Configuration»',
      },
      refusals: {
        'network-carries': {
          says: '{iface} en {node} lleva la dirección de gestión o de corosync ({carries}): un error ahí aísla el nodo, y Proxmox no tiene vuelta atrás.',
          hint: '{line} console:true   # solo con alguien en la consola',
        },
        'network-pending': {
          says: 'En {node} esperan cambios de alguien, y se aplicarían con este.',
          hint: 'pvesh delete /nodes/{node}/network   # los olvida',
        },
        'network-drain-first': {
          says: '{node} corre máquinas bajo HA ({sids}): si su red tropieza, se reinicia solo.',
          hint: 'host drain {node}',
        },
        'network-no-port': { says: '{node} no tiene interfaz {port}. Tiene: {known}.', hint: 'host network {node}' },
        'network-port-taken': { says: '{port} en {node} ya es de {owner}.', hint: 'host network {node}' },
        'network-other-type': { says: '{iface} en {node} es un {type}.', hint: 'host network {node}' },
        'network-no-such': { says: '{node} no tiene interfaz {iface}.', hint: 'host network {node}' },
        'network-type': { says: '{iface} es nueva: di qué es.', hint: 'host network {node} {iface} type:bridge' },
        'network-one-address': {
          says: 'Una dirección es de un solo nodo.',
          hint: 'host network {node} {iface} address:{address}',
        },
        'network-so-already': { says: '{iface} ya está así en {nodes}.', hint: 'host network {nodes}' },
        'network-which': { says: 'Di en qué nodos.', hint: 'host network pve1,pve2 vmbr1 type:bridge' },
      },
    },
  },
  examples: [
    { say: 'host network', answers: true },
    { say: 'host network pve3 vmbr1 type:bridge ports:eno2', plans: 'host-network' },
    { say: 'host network pve3 vmbr0 mtu:9000', refuses: 'network-carries' },
    { say: 'host network pve3 vmbr7', refuses: 'network-type' },
  ],
  async plan({ args, proxmox, cluster, say, asker, house, signal }) {
    const { iface } = args
    const ha = await readHa(proxmox, signal)
    const nodes =
      args.nodes === undefined
        ? ha.nodes.filter(({ status }) => status === 'online').map(({ name }) => name)
        : listed(args.nodes).map((name) => findNode(ha.nodes, name, cluster).name)
    const looks = await Promise.all(
      nodes.map(async (node) => ({ node, ...(await proxmox.hostNetwork(node, { signal })) })),
    )
    if (iface === undefined) {
      return answer({
        title: say('list', { nodes: nodes.join(', ') }),
        fields: looks.flatMap(({ node, changes }) =>
          changes === undefined ? [] : [{ name: say('pending', { node }), value: changes }],
        ),
        table: {
          columns: [house.words[asker.language].labels.node, say('iface'), say('is'), say('up')],
          rows: looks.flatMap(({ node, interfaces }) =>
            interfaces.map((one) => [node, one.iface, lineOf(one), say(one.active ? 'yes' : 'no')]),
          ),
        },
      })
    }
    refuseWithoutQuorum(ha, cluster)
    const [first = ''] = nodes
    if (args.nodes === undefined) throw new Refused('network-which')
    if (args.address !== undefined && nodes.length > 1) {
      throw new Refused('network-one-address', { node: first, iface, address: args.address })
    }
    const addresses = await addressesOf(proxmox, signal)
    const line = `host network ${nodes.join(',')} ${iface}`
    const planned = looks.map(({ node, interfaces, changes }) => {
      const found = interfaces.find((one) => one.iface === iface)
      const values = { node, iface }
      if (changes !== undefined) throw new Refused('network-pending', values)
      if (!found && args.remove) throw new Refused('network-no-such', values)
      const type = args.type ?? (found?.type as Wished['type'] | undefined)
      if (type === undefined) throw new Refused('network-type', values)
      if (found && found.type !== type) throw new Refused('network-other-type', { ...values, type: found.type })
      if (!['bridge', 'bond', 'vlan'].includes(type)) throw new Refused('network-other-type', { ...values, type })
      const wish = wishOf({ ...args, iface, type })
      const touched = [...(wish.ports ?? []), ...(wish.on === undefined ? [] : [wish.on])]
      for (const port of touched) {
        if (interfaces.some((one) => one.iface === port)) continue
        throw new Refused('network-no-port', { ...values, port, known: interfaces.map((one) => one.iface).join(', ') })
      }
      const carried = carrying(interfaces, addresses.get(node) ?? [])
      const endangered = [iface, ...(wish.ports ?? [])].filter((name) => carried.has(name))
      if (endangered.length > 0 && !args.console) {
        throw new Refused('network-carries', { ...values, carries: endangered.join(', '), line })
      }
      for (const port of wish.ports ?? []) {
        const owner = interfaces.find((one) => one.iface !== iface && [...one.ports, ...one.slaves].includes(port))
        if (owner) throw new Refused('network-port-taken', { ...values, port, owner: owner.iface })
      }
      const sids = heldBy(ha.entries, node)
      if (sids.length > 0) throw new Refused('network-drain-first', { ...values, sids: sids.join(', ') })
      const watched = ha.manager?.lrms[node]?.state === 'active'
      const after = args.remove ? '–' : lineOf(wishedOver(found, wish))
      return {
        node,
        wish,
        was: lineOf(found),
        after,
        so: !args.remove && isAs(found, wish),
        carries: endangered.length > 0,
        watched,
      }
    })
    const open = planned.filter(({ so }) => !so)
    const [one] = open
    if (!one) throw new Refused('network-so-already', { iface, nodes: nodes.join(',') })
    const { iface: ___, ...params } = paramsOf(one.wish)
    const options = Object.entries(params).map(([key, value]) => `--${key} '${value}'`)
    return run(
      hostNetwork.job({ hosts: open.map(({ node, was }) => ({ node, was })), remove: args.remove, wish: one.wish }),
      {
        title: say('title', { iface, nodes: open.map(({ node }) => node).join(', ') }),
        node: one.node,
        shows: open.map(({ node, was, after }) => ({ name: node, value: say('diff', { before: was, after }) })),
        warnings: [
          say('one'),
          ...open.flatMap(({ node, carries }) => (carries ? [say('carries', { node })] : [])),
          ...open.flatMap(({ node, watched }) => (watched ? [say('watched', { node })] : [])),
        ],
        explain: {
          shell: open.flatMap(({ node, was }) => [
            args.remove
              ? `pvesh delete /nodes/${node}/network/${iface}`
              : was === '–'
                ? `pvesh create /nodes/${node}/network --iface ${iface} ${options.join(' ')}`
                : `pvesh set /nodes/${node}/network/${iface} ${options.join(' ')}`,
            `pvesh set /nodes/${node}/network`,
          ]),
          clicks: open.map(({ node }) => say('click', { node, iface })),
        },
        state: open.map(({ node, was }) => ({ node, was })),
      },
    )
  },
})

/** What HA would lose with the node: all that it runs there, or is bringing there. */
const heldBy = (entries: readonly { type: string; node: string; sid?: string; state?: string }[], node: string) =>
  entries
    .filter((one) => one.type === 'service' && one.node === node)
    .filter(({ state = '' }) => !['stopped', 'disabled', 'ignored'].includes(state))
    .map(({ sid = '' }) => sid)

const listed = (text: string) => text.split(/[\s,;]+/).filter(Boolean)

function wishOf(args: {
  iface: string
  type: Wished['type']
  ports?: string | undefined
  mode?: string | undefined
  vlan?: number | undefined
  on?: string | undefined
  address?: string | undefined
  gateway?: string | undefined
  mtu?: number | undefined
  aware?: boolean | undefined
  comment?: string | undefined
}): Wished {
  const { iface, type, ports, aware, mode, vlan, on, address, gateway, mtu, comment } = args
  const wish = { iface, type, ports: ports === undefined ? undefined : listed(ports), vlanAware: aware }
  const whole = { ...wish, mode, vlan, on, address, gateway, mtu, comment }
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined)) as unknown as Wished
}

/** By node: its addresses of management and of corosync's links. */
async function addressesOf(proxmox: ProxmoxPort, signal: AbortSignal): Promise<Map<string, string[]>> {
  const [{ members }, corosync] = await Promise.all([
    proxmox.clusterStatus({ signal }),
    proxmox.corosyncNodes({ signal }),
  ])
  return new Map(
    members.map(({ name, ip }) => [
      name,
      [...(ip === undefined ? [] : [ip]), ...(corosync.find((one) => one.name === name)?.links ?? [])],
    ]),
  )
}
