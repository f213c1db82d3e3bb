import { drivesOf } from './guest.ts'
import { type HaSite, sidOf, unreachable } from './ha.ts'
import { fill, type Values } from './language.ts'
import type { ProxmoxPort, Words } from './ports.ts'
import { configsOf } from './storage-users.ts'

type Reads<K extends keyof ProxmoxPort> = ProxmoxPort[K] extends (...of: never) => Promise<infer R> ? R : never
type Section = Reads<'storageConfig'>[number]
type OnNode = Reads<'resources'>['storages'][number]

/** What a storage does not give although people count on it; said in words that a student understands. */
export interface StorageRisk {
  code: keyof Words['storage']['risks']
  storage: string
  values: Values
}

export const toldRisk = ({ code, values }: StorageRisk, { storage: { risks } }: Words): string =>
  fill(risks[code], values)

interface Needed {
  name: string
  vmid: number
  home: string
  /** Where high availability may start it. */
  targets: readonly string[]
  drives: ReturnType<typeof drivesOf>
  /** Nodes that hold a copy of its disks. */
  copies: readonly string[]
}

interface Ground {
  site: HaSite
  sections: readonly Section[]
  /** Nodes where high availability may start it. */
  allowed(sid: string): readonly string[]
}

export async function storageRisks(proxmox: ProxmoxPort, ground: Ground, signal: AbortSignal): Promise<StorageRisk[]> {
  const [moving, below] = await Promise.all([
    haStorageRisks(proxmox, ground, signal),
    redundancyRisks(proxmox, ground.sections, ground.site.nodes, signal),
  ])
  return [...moving, ...below]
}

/** Machines under high availability whose disks some node of their set does not have or does not reach. */
async function haStorageRisks(
  proxmox: ProxmoxPort,
  { site, sections, allowed }: Ground,
  signal: AbortSignal,
): Promise<StorageRisk[]> {
  const under = site.guests.filter((guest) => site.managed.some(({ sid }) => sid === sidOf(guest)))
  if (under.length === 0) return []
  const [configs, plans] = await Promise.all([
    configsOf(proxmox, under, signal),
    proxmox.replicationPlans({ signal }).catch(() => []),
  ])
  const needed = configs.map(
    ({ guest, config }): Needed => ({
      ...{ name: guest.name, vmid: guest.vmid, home: guest.node, drives: drivesOf(config) },
      targets: allowed(sidOf(guest)).filter((node) => node !== guest.node),
      copies: plans.filter((plan) => plan.guest === guest.vmid).map(({ target }) => target),
    }),
  )
  return byStorage(needed.flatMap((one) => risksOf(one, sections, site)))
}

type Found = Pick<StorageRisk, 'code' | 'storage'> & { nodes: string; guest: string; home: string }

function risksOf(one: Needed, sections: readonly Section[], site: Pick<HaSite, 'nodes' | 'storages'>): Found[] {
  const { name, vmid, home, targets, drives, copies } = one
  const about = { guest: `${name} (${vmid})`, home }
  const lacking = unreachable(drives, [...sections], targets).flatMap(({ storage, local, lacking: nodes }): Found[] => {
    if (!local) return [{ code: 'limited', storage, nodes: nodes.join(', '), ...about }]
    return targets.every((node) => copies.includes(node)) ? [] : [{ code: 'local', storage, nodes: '', ...about }]
  })
  const known = new Set(lacking.map(({ storage }) => storage))
  const away = [...new Set(drives.flatMap(({ storage }) => storage ?? []))]
    .filter((storage) => !known.has(storage))
    .flatMap((storage): Found[] => {
      const nodes = unreachedOn(storage, targets, site)
      return nodes.length > 0 ? [{ code: 'unreached', storage, nodes: nodes.join(', '), ...about }] : []
    })
  return [...lacking, ...away]
}

/** Of these nodes those that are there and say now that they do not reach it. */
export function unreachedOn(
  storage: string,
  nodes: readonly string[],
  site: { nodes: readonly { name: string; status: string }[]; storages: readonly OnNode[] },
): string[] {
  const online = new Set(site.nodes.filter(({ status }) => status === 'online').map(({ name }) => name))
  return site.storages
    .filter((one) => one.storage === storage && nodes.includes(one.node) && online.has(one.node))
    .filter(({ status }) => status !== 'available')
    .map(({ node }) => node)
}

/** One line for each storage, however many machines are on it. */
function byStorage(found: readonly Found[]): StorageRisk[] {
  const groups = new Map<string, Found[]>()
  for (const one of found) {
    const key = `${one.code} ${one.storage} ${one.nodes}`
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.values()].map((all) => {
    const [{ code, storage, nodes }] = all as [Found, ...Found[]]
    const each = (names: string[]) => [...new Set(names)].sort().join(', ')
    const values = {
      storage,
      nodes,
      guests: each(all.map(({ guest }) => guest)),
      homes: each(all.map(({ home }) => home)),
    }
    return { code, storage, values }
  })
}

/** Disks that do not survive the loss of one, where that can be seen: below ZFS, and in volume groups of several disks. */
export async function redundancyRisks(
  proxmox: ProxmoxPort,
  sections: readonly Section[],
  nodes: readonly { name: string; status: string }[],
  signal: AbortSignal,
): Promise<StorageRisk[]> {
  const looks = sections
    .filter(({ disabled, shared }) => !disabled && !shared)
    .flatMap((section) =>
      nodes
        .filter(({ name, status }) => status === 'online' && (section.nodes?.includes(name) ?? true))
        .map(({ name }) => lookBelow(proxmox, section, name, signal)),
    )
  return (await Promise.all(looks)).flat()
}

async function lookBelow(proxmox: ProxmoxPort, section: Section, node: string, signal: AbortSignal) {
  const { storage, type, options } = section
  const risk = (code: StorageRisk['code'], values: Values): StorageRisk => ({
    code,
    storage,
    values: { storage, node, ...values },
  })
  try {
    if (type === 'zfspool' && options.pool !== undefined) {
      const [pool = ''] = options.pool.split('/')
      const { state, vdevs } = await proxmox.zfsPool(node, pool, { signal })
      const bare = vdevs.filter(({ isDisk }) => isDisk).length
      return [
        ...(bare > 0 ? [risk(vdevs.length === 1 ? 'single' : 'striped', { pool, count: vdevs.length })] : []),
        ...(state === 'ONLINE' ? [] : [risk('degraded', { pool, state })]),
      ]
    }
    if (type === 'lvm' || type === 'lvmthin') {
      const vg = options.vgname ?? ''
      const disks = (await proxmox.volumeGroups(node, { signal })).find(({ name }) => name === vg)?.disks ?? []
      return disks.length > 1 ? [risk('spanned', { vg, count: disks.length })] : []
    }
    return []
  } catch {
    return [risk('unlooked', { nodes: node })]
  }
}
