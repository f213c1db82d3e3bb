import { type Drive, drivesOf } from './guest.ts'
import { type HaSite, readHa, sidOf, unreachable } from './ha.ts'
import type { ProxmoxPort } from './ports.ts'

type Reads<K extends keyof ProxmoxPort> = ProxmoxPort[K] extends (...of: never) => Promise<infer R> ? R : never
type Guest = HaSite['guests'][number]

/** A cluster as it is read to foretell what a loss would do. */
export interface SiteLook {
  ha: HaSite
  status: Reads<'clusterStatus'>
  /** Absent when they could not be read. */
  votes?: Reads<'votes'>
  qdevice: Reads<'qdevice'>
  options?: Reads<'clusterOptions'>
  storages: Reads<'storageConfig'>
  /** Of the guests that were asked for, by VMID; one that could not be read is not in it. */
  configs: ReadonlyMap<number, Configured>
}

export interface Configured {
  config: Reads<'guestConfig'>
  drives: Drive[]
  /** Drives that some nodes do not reach. */
  lacking: ReturnType<typeof unreachable>
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
  const nodes = ha.nodes.map(({ name }) => name)
  const found = new Map<number, Configured>()
  const waiting = [...asked]
  const reading = async () => {
    for (let guest = waiting.shift(); guest; guest = waiting.shift()) {
      const config = await proxmox.guestConfig(guest, { signal }).catch(() => undefined)
      if (!config) continue
      const drives = drivesOf(config)
      found.set(guest.vmid, { config, drives, lacking: unreachable(drives, storages, nodes) })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, reading))
  return {
    ha,
    status,
    qdevice,
    storages,
    configs: found,
    ...(votes ? { votes } : {}),
    ...(options ? { options } : {}),
  }
}
