import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { discIn } from '../../src/core/cdrom.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { type Drive, drivesOf, readGuest } from '../../src/core/guest.ts'
import type { Values } from '../../src/core/language.ts'
import type { Field } from '../../src/core/message.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'
import type { GuestConfig } from '../../src/proxmox/port.ts'

const MiB = 1024 ** 2

/** One guest: its state now, and its configuration in words. */
export default defineCommand({
  also: ['ct'],
  role: 'viewer',
  risk: 'reads',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Show a machine or container: state, disks, network, ISO in its drive',
      args: { guest: 'Name or number' },
      words: {
        cores: 'cores: {cores}',
        sockets: 'sockets: {sockets}, cores of each: {cores}',
        memory: '{memory}; at least {least} when memory is short',
        network: 'Network {key}',
        nic: '{model} on {bridge}, {mac}',
        tag: ', VLAN {tag}',
        disk: 'Disk {key}',
        drive: 'CD-ROM {key}',
        empty: 'empty',
        hostDrive: "the host's own drive",
        toEject: '{disc}; to eject: `/pve vm cdrom {vmid} eject drive:{key}`',
        system: 'System',
        start: 'Starts with its node',
        protection: 'Protected from deletion',
        agent: 'Guest agent',
        agentOn: 'expected',
        agentOff: 'not set up: a shutdown asks through ACPI',
        noHa: 'not under high availability',
        haState: 'managed, {state}',
        lock: 'Locked',
        tags: 'Tags',
        pool: 'Pool',
      },
    },
    es: {
      summary: 'Mostrar una máquina o un contenedor: estado, discos, red, ISO en su unidad',
      args: { guest: 'Nombre o número' },
      words: {
        cores: 'núcleos: {cores}',
        sockets: 'sockets: {sockets}, núcleos de cada uno: {cores}',
        memory: '{memory}; al menos {least} cuando falta memoria',
        network: 'Red {key}',
        nic: '{model} en {bridge}, {mac}',
        tag: ', VLAN {tag}',
        disk: 'Disco {key}',
        drive: 'CD-ROM {key}',
        empty: 'vacía',
        hostDrive: 'la unidad del propio nodo',
        toEject: '{disc}; para sacarla: `/pve vm cdrom {vmid} eject drive:{key}`',
        system: 'Sistema',
        start: 'Arranca con su nodo',
        protection: 'Protegida contra borrado',
        agent: 'Agente (guest agent)',
        agentOn: 'se espera',
        agentOff: 'no configurado: el apagado se pide por ACPI',
        noHa: 'fuera de la alta disponibilidad',
        haState: 'administrada, {state}',
        lock: 'Bloqueo',
        tags: 'Etiquetas',
        pool: 'Pool',
      },
    },
  },
  examples: [
    { say: 'vm show web1', answers: true },
    { say: 'vm show 9000', answers: true },
    { say: 'vm show wbe1', refuses: 'unknown-guest-near' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, guestStates, guestKinds, say: shared } = house.words[asker.language]
    const { guest, config, state } = await readGuest(proxmox, args.guest, cluster, signal)
    const words = { say: say as Say, labels }
    const now = guest.template ? guestStates.template : guestStates[state.status]
    const up = state.status === 'running' ? `, ${formatDuration(state.uptime)}` : ''
    const optional = (name: string, value: string | undefined): Field[] =>
      value === undefined || value === '' ? [] : [{ name, value }]
    return answer({
      title: `${guest.name} (${guest.vmid})`,
      fields: [
        { name: labels.type, value: guestKinds[guest.kind] },
        { name: labels.status, value: `${now}${up}` },
        { name: labels.node, value: guest.node },
        { name: 'HA', value: state.haManaged ? say('haState', { state: guest.haState ?? '…' }) : say('noHa') },
        ...optional(say('lock'), config.lock),
        ...hardware(config, guest.kind, words),
        ...networks(config, words.say),
        ...drivesOf(config).map((drive) =>
          driveField(drive, { vmid: guest.vmid, isDisc: discIn(config, drive.key) !== undefined }, words.say),
        ),
        ...(guest.kind === 'qemu'
          ? [{ name: say('agent'), value: say(hasAgent(config) ? 'agentOn' : 'agentOff') }]
          : []),
        { name: say('start'), value: config.onboot === '1' ? shared.yes : shared.no },
        ...(config.protection === '1' ? [{ name: say('protection'), value: shared.yes }] : []),
        ...optional(say('tags'), guest.tags.join(', ')),
        ...optional(say('pool'), guest.pool),
      ],
    })
  },
})

type Say = (key: string, values?: Values) => string

const hasAgent = (config: GuestConfig) => /^(?:1|enabled=1)/.test(config.agent ?? '')

function hardware(
  config: GuestConfig,
  kind: 'qemu' | 'lxc',
  words: { say: Say; labels: Record<'cpu' | 'memory', string> },
) {
  const { say, labels } = words
  const cores = config.cores ?? '1'
  const sockets = config.sockets ?? '1'
  // Proxmox's defaults where the configuration says nothing.
  const memory = /^(?:current=)?(\d+)/.exec(config.memory ?? '')?.[1] ?? '512'
  const least = config.balloon === undefined || config.balloon === '0' ? memory : config.balloon
  const size = (mib: string) => formatSize(Number(mib) * MiB)
  return [
    { name: labels.cpu, value: sockets === '1' ? say('cores', { cores }) : say('sockets', { sockets, cores }) },
    {
      name: labels.memory,
      value: least === memory ? size(memory) : say('memory', { memory: size(memory), least: size(least) }),
    },
    { name: say('system'), value: config.ostype ?? (kind === 'qemu' ? 'other' : 'unmanaged') },
  ]
}

/** `virtio=BC:24:…,bridge=vmbr0,tag=5`, and of containers `name=eth0,bridge=vmbr0,hwaddr=BC:24:…`. */
function networks(config: GuestConfig, say: Say): Field[] {
  return Object.entries(config)
    .filter(([key]) => /^net\d+$/.test(key))
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([key, value]) => {
      const options = new Map(value.split(',').map((pair) => pair.split('=') as [string, string]))
      const [model = '', mac = ''] = [...options][0] ?? []
      const isContainer = options.has('hwaddr') || model === 'name'
      const nic = say('nic', {
        model: isContainer ? (options.get('name') ?? '') : model,
        mac: isContainer ? (options.get('hwaddr') ?? '') : mac,
        bridge: options.get('bridge') ?? '-',
      })
      const tag = options.get('tag')
      return { name: say('network', { key }), value: tag === undefined ? nic : nic + say('tag', { tag }) }
    })
}

function driveField(
  { key, volid, bytes, cdrom }: Drive,
  { vmid, isDisc }: { vmid: number; isDisc: boolean },
  say: Say,
): Field {
  if (!cdrom) {
    return { name: say('disk', { key }), value: bytes === undefined ? (volid ?? '') : `${volid}, ${formatSize(bytes)}` }
  }
  const name = say('drive', { key })
  if (volid === undefined) return { name, value: say('empty') }
  const disc = volid === 'cdrom' ? say('hostDrive') : volid
  return { name, value: isDisc ? say('toEject', { disc, vmid, key }) : disc }
}
