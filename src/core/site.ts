import { affinitiesOf } from '../ha/affinity.ts'
import type { Site, SiteGuest } from '../ha/impact.ts'
import { hindrances } from '../ha/movable.ts'
import { drivesOf } from './guest.ts'
import { type HaSite, readHa, sidOf, unreachable } from './ha.ts'
import type { ProxmoxPort } from './ports.ts'

type Config = Awaited<ReturnType<ProxmoxPort['guestConfig']>>
type Guest = HaSite['guests'][number]

/** A cluster as the predictor wants it, and what it was read from. */
export interface SiteLook {
  site: Site
  ha: HaSite
  /** Of the guests that were asked for, by VMID; one that could not be read is not in it. */
  configs: ReadonlyMap<number, Config>
  storages: Awaited<ReturnType<ProxmoxPort['storageConfig']>>
  members: Awaited<ReturnType<ProxmoxPort['clusterStatus']>>['members']
  /** What could not be read, by word. */
  unread: ('votes' | 'policy')[]
}

/** So many configurations are read at a time. */
const atOnce = 8

/** Reads what decides about the guests that `wanted` names, in ten requests and one more for each of them. */
export async function readSite(
  proxmox: ProxmoxPort,
  wanted: (guest: Guest, isManaged: boolean) => boolean,
  signal: AbortSignal,
): Promise<SiteLook> {
  const [ha, status, votes, qdevice, options, storages] = await Promise.all([
    readHa(proxmox, signal),
    proxmox.clusterStatus({ signal }),
    proxmox.votes({ signal }).catch(() => undefined),
    proxmox.qdevice({ signal }).catch(() => ({})),
    proxmox.clusterOptions({ signal }).catch(() => undefined),
    proxmox.storageConfig({ signal }),
  ])
  const under = new Set(ha.managed.map(({ sid }) => sid))
  const asked = ha.guests.filter((guest) => !guest.template && wanted(guest, under.has(sidOf(guest))))
  const configs = await configsOf(proxmox, asked, signal)
  const nodes = ha.nodes.map(({ name }) => name)
  const members = status.members
  return {
    ha,
    configs,
    storages,
    members,
    unread: [...(votes ? [] : (['votes'] as const)), ...(options ? [] : (['policy'] as const))],
    site: {
      nodes: ha.nodes.map(({ name, status: state, memory, maxMemory }) => ({
        name,
        online: state === 'online',
        memory,
        maxMemory,
      })),
      quorate: status.cluster?.quorate ?? true,
      votes: votes ?? [],
      qdeviceVotes: votesOf(qdevice, members.length),
      disarmed: ha.entries.some(({ type, armedState }) => type === 'fencing' && /^disarm/.test(armedState ?? '')),
      policy: options?.shutdownPolicy ?? 'conditional',
      affinities: affinitiesOf({
        rules: (ha.rules ?? []).filter(({ errors }) => Object.keys(errors).length === 0),
        groups: ha.groups,
        resources: ha.managed,
      }),
      guests: ha.guests
        .filter(({ template }) => !template)
        .map((guest) => siteGuest(guest, configs.get(guest.vmid), storages, nodes)),
      managed: managedOf(ha),
      ...(ha.manager?.master === undefined ? {} : { master: ha.manager.master }),
    },
  }
}

/** Proxmox sets a QDevice up with one vote for an even number of nodes, else with one fewer than there are nodes. */
const votesOf = (qdevice: { state?: string }, nodes: number): number =>
  /^connected/i.test(qdevice.state ?? '') ? (nodes % 2 === 0 ? 1 : nodes - 1) : 0

async function configsOf(proxmox: ProxmoxPort, guests: readonly Guest[], signal: AbortSignal) {
  const found = new Map<number, Config>()
  const waiting = [...guests]
  const reading = async () => {
    for (let guest = waiting.shift(); guest; guest = waiting.shift()) {
      const config = await proxmox.guestConfig(guest, { signal }).catch(() => undefined)
      if (config) found.set(guest.vmid, config)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, reading))
  return found
}

function siteGuest(
  guest: Guest,
  config: Config | undefined,
  storages: SiteLook['storages'],
  nodes: readonly string[],
): SiteGuest {
  const drives = config ? drivesOf(config) : []
  const lacking = unreachable(drives, storages, nodes)
  // A disk of one node's own is on no other one.
  const elsewhere = nodes.filter((node) => node !== guest.node)
  return {
    sid: sidOf(guest),
    name: guest.name,
    node: guest.node,
    running: guest.status !== 'stopped',
    memory: guest.maxMemory,
    onBoot: config?.onboot === '1',
    ...(config ? { listens: guest.kind === 'lxc' || /^(?:1|enabled=1)/.test(config.agent ?? '') } : {}),
    hindrances: config
      ? hindrances({
          template: false,
          config,
          drives,
          lacking: lacking.map((one) => (one.local ? { ...one, lacking: elsewhere } : one)),
        })
      : [],
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
