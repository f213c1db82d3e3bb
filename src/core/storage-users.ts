import { Refused } from './errors.ts'
import { drivesOf } from './guest.ts'
import type { ProxmoxPort } from './ports.ts'
import { twinsOf } from './storage-params.ts'

/** A guest with something on a storage: `disk` is its own, `cdrom` an image in its drive. */
export interface StorageUser {
  vmid: number
  name: string
  node: string
  /** `scsi0`, `ide2`. */
  drive: string
  kind: 'disk' | 'cdrom'
  underHa: boolean
}

/** Enough at once to be quick, few enough for a cluster that is busy. */
const atOnce = 8

type Guest = Awaited<ReturnType<ProxmoxPort['resources']>>['guests'][number]
type Config = Awaited<ReturnType<ProxmoxPort['guestConfig']>>

/** Each of these guests with its configuration, some at a time. */
export async function configsOf(proxmox: ProxmoxPort, guests: readonly Guest[], signal?: AbortSignal) {
  const options = signal === undefined ? {} : { signal }
  const all: { guest: Guest; config: Config }[] = []
  for (let i = 0; i < guests.length; i += atOnce) {
    const looked = guests.slice(i, i + atOnce).map(async (guest) => ({
      guest,
      config: await proxmox.guestConfig(guest, options),
    }))
    all.push(...(await Promise.all(looked)))
  }
  return all
}

/** The guests whose configuration names this storage, by their own configurations: a guest that is off counts too. */
export async function usersOf(proxmox: ProxmoxPort, storage: string, signal?: AbortSignal): Promise<StorageUser[]> {
  const { guests } = await proxmox.resources(signal === undefined ? {} : { signal })
  return (await configsOf(proxmox, guests, signal)).flatMap(({ guest, config }) =>
    drivesOf(config)
      .filter((drive) => drive.storage === storage)
      .map(({ key, cdrom }) => userOf(guest, key, cdrom)),
  )
}

const userOf = ({ vmid, name, node, haState }: Guest, drive: string, cdrom: boolean): StorageUser => ({
  vmid,
  name,
  node,
  drive,
  kind: cdrom ? 'cdrom' : 'disk',
  underHa: haState !== undefined,
})

/**
 * A disk belongs to its machine as long as that is there, also one that no drive names any more: a snapshot may need it.
 * An image in a drive keeps its machine from starting when it is gone, also one that it has by the name of another storage
 * over the same bytes.
 * @throws Refused `volume-of-guest`, `volume-used`
 */
export async function refuseUsedVolume(
  proxmox: ProxmoxPort,
  { volid, vmid }: { volid: string; vmid?: number | undefined },
  signal?: AbortSignal,
): Promise<void> {
  const options = signal === undefined ? {} : { signal }
  const [{ guests }, sections] = await Promise.all([proxmox.resources(options), proxmox.storageConfig(options)])
  const [storage = '', name = ''] = cut(volid)
  const doomed = [volid, ...twinsOf(sections, storage).map((twin) => `${twin.storage}:${name}`)]
  const users = (await configsOf(proxmox, guests, signal)).flatMap(({ guest, config }) =>
    Object.entries(config)
      .filter(([, value]) => doomed.includes(value.split(',')[0]!))
      .map(([key, value]) => userOf(guest, key, value.includes('media=cdrom'))),
  )
  const owner = guests.find((guest) => guest.vmid === vmid) ?? users.find(({ kind }) => kind === 'disk')
  if (owner) {
    const key = users.find((one) => one.vmid === owner.vmid)?.drive
    const { name, node } = owner
    throw new Refused('volume-of-guest', { volid, name, node, vmid: owner.vmid, drive: key ? ` (${key})` : '' })
  }
  const [first] = users
  if (!first) return
  throw new Refused('volume-used', { volid, guests: usersText(users), ...first, underHa: undefined })
}

const cut = (volid: string) => [volid.slice(0, volid.indexOf(':')), volid.slice(volid.indexOf(':') + 1)]

export const usersText = (users: readonly StorageUser[]): string =>
  users.map(({ name, vmid, drive }) => `${name} (${vmid}) ${drive}`).join(', ')
