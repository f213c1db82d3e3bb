import type { Blueprint } from '../core/blueprint.ts'
import { Refused } from '../core/errors.ts'
import { type HaSite, readHa } from '../core/ha.ts'
import type { ProxmoxPort } from '../core/ports.ts'

type Reads<K extends keyof ProxmoxPort> = ProxmoxPort[K] extends (...of: never) => Promise<infer R> ? R : never

/** One request each, within the time that a plan has. */
const mostGuests = 300

/** A cluster, or a lone host, as far as a blueprint speaks of it. */
export interface Site {
  status: Reads<'clusterStatus'>
  ha: HaSite
  storages: Reads<'storageConfig'>
  /** Of the blueprint's guests that are there already, by VMID. */
  configs: ReadonlyMap<number, Reads<'guestConfig'>>
  /** ISO images on the storages that the blueprint names and that can be read; absent: not known. */
  isos: ReadonlyMap<string, readonly string[]>
}

/** Reads it all at once: as many requests as the blueprint has guests, and a few. Without one, all machines are read. */
export async function readSite(
  proxmox: ProxmoxPort,
  blueprint: Blueprint | undefined,
  signal: AbortSignal,
): Promise<Site> {
  const [status, ha, storages] = await Promise.all([
    proxmox.clusterStatus({ signal }),
    readHa(proxmox, signal),
    proxmox.storageConfig({ signal }),
  ])
  const guests = blueprint?.guests ?? []
  const there = blueprint
    ? ha.guests.filter(({ vmid }) => guests.some(({ id }) => id === vmid))
    : ha.guests.filter(({ kind, template }) => kind === 'qemu' && !template)
  if (there.length > mostGuests) throw new Refused('blueprint-too-large', { count: there.length, most: mostGuests })
  const named = new Set(guests.flatMap(({ iso }) => (iso === undefined ? [] : [iso.split(':')[0]!])))
  const readable = ha.storages.filter(({ storage, status: seen }) => named.has(storage) && seen === 'available')
  const [configs, isos] = await Promise.all([
    Promise.all(there.map(async (guest) => [guest.vmid, await proxmox.guestConfig(guest, { signal })] as const)),
    Promise.all(
      [...named].flatMap((storage) => {
        const on = readable.find((one) => one.storage === storage)
        return on ? [volids(proxmox, on.node, storage, signal)] : []
      }),
    ),
  ])
  return { status, ha, storages, configs: new Map(configs), isos: new Map(isos) }
}

async function volids(proxmox: ProxmoxPort, node: string, storage: string, signal: AbortSignal) {
  const volumes = await proxmox.storageContents(node, storage, 'iso', { signal })
  return [storage, volumes.map(({ volid }) => volid)] as const
}
