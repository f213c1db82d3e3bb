import { drivesOf } from './guest.ts'
import type { ProxmoxPort } from './ports.ts'

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

/** The guests whose configuration names this storage, by their own configurations: a guest that is off counts too. */
export async function usersOf(proxmox: ProxmoxPort, storage: string, signal?: AbortSignal): Promise<StorageUser[]> {
  const options = signal === undefined ? {} : { signal }
  const { guests } = await proxmox.resources(options)
  const users: StorageUser[] = []
  for (let i = 0; i < guests.length; i += atOnce) {
    const looked = guests.slice(i, i + atOnce).map(async (guest) => {
      const config = await proxmox.guestConfig(guest, options)
      const { vmid, name, node, haState } = guest
      return drivesOf(config)
        .filter((drive) => drive.storage === storage)
        .map(
          ({ key, cdrom }): StorageUser => ({
            vmid,
            name,
            node,
            drive: key,
            kind: cdrom ? 'cdrom' : 'disk',
            underHa: haState !== undefined,
          }),
        )
    })
    users.push(...(await Promise.all(looked)).flat())
  }
  return users
}

export const usersText = (users: readonly StorageUser[]): string =>
  users.map(({ name, vmid, drive }) => `${name} (${vmid}) ${drive}`).join(', ')
