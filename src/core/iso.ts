import { Refused } from './errors.ts'
import { near } from './near.ts'
import type { ProxmoxPort } from './ports.ts'
import { driversAmong } from './presets.ts'

type StorageOnNode = Awaited<ReturnType<ProxmoxPort['resources']>>['storages'][number]

export interface Iso {
  volid: string
  storage: string
  shared: boolean
}

const fileOf = ({ volid }: Iso) => volid.slice(volid.lastIndexOf('/') + 1)

/** The ISO images that a node reaches, those on shared storages first. */
export async function isosOn(
  proxmox: ProxmoxPort,
  storages: readonly StorageOnNode[],
  node: string,
  signal?: AbortSignal,
): Promise<Iso[]> {
  const holding = storages.filter((s) => s.node === node && s.content.includes('iso') && s.status === 'available')
  const lists = await Promise.all(
    holding.map(async ({ storage, shared }) => {
      const images = await proxmox.storageContents(node, storage, 'iso', signal ? { signal } : undefined)
      return images.map(({ volid }) => ({ volid, storage, shared }))
    }),
  )
  return lists.flat().sort((a, b) => Number(b.shared) - Number(a.shared))
}

/**
 * The image that a person means by its file name or volume id.
 * @throws Refused `no-such-iso`, `no-such-iso-near`
 */
export function findIso(images: readonly Iso[], given: string, node: string): Iso {
  const wanted = given.toLowerCase()
  const found = images.find((iso) => [iso.volid, fileOf(iso)].some((name) => name.toLowerCase() === wanted))
  if (found) return found
  const close = near(given.slice(given.lastIndexOf('/') + 1), images.map(fileOf))
  if (close.length > 0) throw new Refused('no-such-iso-near', { given, node, near: close.join(', ') })
  throw new Refused('no-such-iso', { given, node })
}

/** The image with Windows's drivers; storages that cannot be read now hold none. */
export async function findDrivers(
  proxmox: ProxmoxPort,
  storages: readonly StorageOnNode[],
  node: string,
): Promise<Iso | undefined> {
  const images = await Promise.all(
    storages.filter((one) => one.node === node).map((one) => isosOn(proxmox, [one], node).catch(() => [])),
  )
  const sorted = images.flat().sort((a, b) => Number(b.shared) - Number(a.shared))
  const volid = driversAmong(sorted.map((iso) => iso.volid))
  return sorted.find((iso) => iso.volid === volid)
}
