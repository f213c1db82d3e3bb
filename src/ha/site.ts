import type { SiteLook } from '../core/site.ts'
import { affinitiesOf } from './affinity.ts'
import type { Site, SiteGuest } from './impact.ts'
import { hindrances } from './movable.ts'

/** A cluster as the predictor wants it. What could not be read counts as Proxmox's default. */
export function siteOf({ ha, status, votes, qdevice, options, configs }: SiteLook): Site {
  const nodes = ha.nodes.map(({ name }) => name)
  return {
    nodes: ha.nodes.map(({ name, status: state, memory, maxMemory }) => ({
      name,
      online: state === 'online',
      memory,
      maxMemory,
    })),
    quorate: status.cluster?.quorate ?? true,
    votes: votes ?? [],
    qdeviceVotes: votesOf(qdevice, status.members.length),
    disarmed: ha.entries.some(({ type, armedState }) => type === 'fencing' && /^disarm/.test(armedState ?? '')),
    policy: options?.shutdownPolicy ?? 'conditional',
    affinities: affinitiesOf({
      rules: (ha.rules ?? []).filter(({ errors }) => Object.keys(errors).length === 0),
      groups: ha.groups,
      resources: ha.managed,
    }),
    guests: ha.guests
      .filter(({ template }) => !template)
      .map((guest) => siteGuest(guest, configs.get(guest.vmid), nodes)),
    managed: managedOf(ha),
    ...(ha.manager?.master === undefined ? {} : { master: ha.manager.master }),
  }
}

/** Proxmox sets a QDevice up with one vote for an even number of nodes, else with one fewer than there are nodes. */
const votesOf = (qdevice: { state?: string }, nodes: number): number =>
  /^connected/i.test(qdevice.state ?? '') ? (nodes % 2 === 0 ? 1 : nodes - 1) : 0

type HaSite = SiteLook['ha']

const sidOf = ({ kind, vmid }: { kind: 'qemu' | 'lxc'; vmid: number }) => `${kind === 'qemu' ? 'vm' : 'ct'}:${vmid}`

function siteGuest(
  guest: HaSite['guests'][number],
  read: SiteLook['configs'] extends ReadonlyMap<number, infer R> ? R | undefined : never,
  nodes: readonly string[],
): SiteGuest {
  // A disk of one node's own is on no other one.
  const elsewhere = nodes.filter((node) => node !== guest.node)
  const common = {
    sid: sidOf(guest),
    name: guest.name,
    node: guest.node,
    running: guest.status !== 'stopped',
    memory: guest.maxMemory,
  }
  if (!read) return { ...common, onBoot: false, hindrances: [] }
  const { config, drives, lacking } = read
  return {
    ...common,
    onBoot: config.onboot === '1',
    drives: drives.flatMap(({ key, storage, cdrom }) => (storage === undefined ? [] : [{ key, storage, cdrom }])),
    listens: guest.kind === 'lxc' || /^(?:1|enabled=1)/.test(config.agent ?? ''),
    hindrances: hindrances({
      template: false,
      config,
      drives,
      lacking: lacking.map((one) => (one.local ? { ...one, lacking: elsewhere } : one)),
    }),
  }
}

const managedOf = ({ managed, manager, groups }: HaSite): Site['managed'] =>
  managed.map(({ sid, state, failback, maxRelocate, group }) => {
    const service = manager?.services[sid]
    const bound = groups?.find((one) => one.group === group)
    return {
      sid,
      wanted: state,
      failback: bound ? !bound.nofailback : failback,
      maxRelocate,
      ...(service?.node === undefined ? {} : { node: service.node, state: service.state }),
    }
  })
