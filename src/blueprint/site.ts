import type { Blueprint } from '../core/blueprint.ts'
import { Refused } from '../core/errors.ts'
import { type HaSite, readHa } from '../core/ha.ts'
import { type Lun, lookAtLun } from '../core/lun.ts'
import type { ProxmoxPort } from '../core/ports.ts'

type Reads<K extends keyof ProxmoxPort> = ProxmoxPort[K] extends (...of: never) => Promise<infer R> ? R : never

/** One request each, within the time that a plan has. */
const mostGuests = 300

/** A cluster, or a lone host, as far as a blueprint speaks of it. */
export interface Site {
  version: { major: number }
  status: Reads<'clusterStatus'>
  ha: HaSite
  storages: Reads<'storageConfig'>
  /** The host that answers, while it is in no cluster. */
  alone?: { name: string; addresses: Reads<'addresses'> }
  /** The addresses of the cluster's links on one member, link 0 first; read where no blueprint asks. */
  links: Reads<'addresses'>
  /** Of the blueprint's guests that are there already, by VMID. */
  configs: ReadonlyMap<number, Reads<'guestConfig'>>
  /** What lies on the storages that the blueprint names and that can be read; absent: not known. */
  files: ReadonlyMap<string, readonly string[]>
  /** The LUNs of storages that are still to be added, by storage, or why not; absent: not to be seen yet. */
  luns: ReadonlyMap<string, Lun | Refused>
}

/** Reads it all at once: as many requests as the blueprint has guests, and a few. Without one, all machines are read. */
export async function readSite(
  proxmox: ProxmoxPort,
  blueprint: Blueprint | undefined,
  signal: AbortSignal,
): Promise<Site> {
  const [{ version }, status, ha, storages] = await Promise.all([
    proxmox.capabilities({ signal }),
    proxmox.clusterStatus({ signal }),
    readHa(proxmox, signal),
    proxmox.storageConfig({ signal }),
  ])
  const guests = blueprint?.guests ?? []
  const there = blueprint
    ? ha.guests.filter(({ vmid }) => guests.some(({ id }) => id === vmid))
    : ha.guests.filter(({ kind, template }) => kind === 'qemu' && !template)
  if (there.length > mostGuests) throw new Refused('blueprint-too-large', { count: there.length, most: mostGuests })
  const [configs, files, luns, network] = await Promise.all([
    Promise.all(there.map(async (guest) => [guest.vmid, await proxmox.guestConfig(guest, { signal })] as const)),
    filesOn(proxmox, namedIn(blueprint), ha, signal),
    lunsOf(proxmox, blueprint, { ha, storages }, signal),
    networkOf(proxmox, blueprint, status, signal),
  ])
  return { version, status, ha, storages, configs: new Map(configs), files, luns, ...network }
}

/** The storages that hold files which the blueprint speaks of. */
function namedIn(blueprint: Blueprint | undefined): Set<string> {
  const isos = blueprint?.guests.flatMap(({ iso }) => (iso === undefined ? [] : [iso.split(':')[0]!])) ?? []
  return new Set([...isos, ...(blueprint?.downloads.map(({ to }) => to) ?? [])])
}

async function filesOn(proxmox: ProxmoxPort, named: ReadonlySet<string>, ha: HaSite, signal: AbortSignal) {
  const found = [...named].map(async (storage) => {
    const on = ha.storages.find((one) => one.storage === storage && one.status === 'available')
    if (!on) return []
    const volumes = await proxmox.storageContents(on.node, storage, undefined, { signal })
    return [[storage, volumes.map(({ volid }) => volid)] as const]
  })
  return new Map((await Promise.all(found)).flat())
}

async function lunsOf(
  proxmox: ProxmoxPort,
  blueprint: Blueprint | undefined,
  { ha, storages }: Pick<Site, 'ha' | 'storages'>,
  signal: AbortSignal,
) {
  const isThere = (id: string) => storages.some(({ storage }) => storage === id)
  const found = (blueprint?.storage ?? []).map(async ({ id, base, vg, nodes }) => {
    const node = ha.nodes.find(({ name, status }) => status === 'online' && (nodes?.includes(name) ?? true))?.name
    if (isThere(id) || base === undefined || vg === undefined || node === undefined) return []
    if (!isThere(base.slice(0, base.indexOf(':')))) return []
    const look = await lookAtLun(proxmox, { base, vg, node, signal }).catch((error: unknown) => {
      if (error instanceof Refused) return error
      throw error
    })
    return [[id, look] as const]
  })
  return new Map<string, Lun | Refused>((await Promise.all(found)).flat())
}

/** A lone host's addresses, of which the links are chosen; without a blueprint, those that the cluster's links have. */
async function networkOf(
  proxmox: ProxmoxPort,
  blueprint: Blueprint | undefined,
  { cluster, members }: Site['status'],
  signal: AbortSignal,
): Promise<Pick<Site, 'alone' | 'links'>> {
  const local = members.find((one) => one.local)?.name ?? members[0]?.name ?? ''
  if (!cluster) {
    if (!blueprint?.cluster) return { links: [] }
    return { links: [], alone: { name: local, addresses: await proxmox.addresses(local, { signal }) } }
  }
  if (blueprint) return { links: [] }
  const [info, addresses] = await Promise.all([
    proxmox.joinInfo(local, { signal }),
    proxmox.addresses(local, { signal }),
  ])
  const own = info?.members.find(({ name }) => name === local)?.links ?? []
  return {
    links: own.map((link) => addresses.find(({ address }) => address === link)).filter((one) => one !== undefined),
  }
}
