import { parseSize } from './args.ts'
import { Refused } from './errors.ts'
import { findGuest, findNode } from './find.ts'
import type { ProxmoxPort } from './ports.ts'

type Resources = Awaited<ReturnType<ProxmoxPort['resources']>>
type Guest = Resources['guests'][number]

/** A guest as its own node sees it now. */
export interface GuestFacts extends Resources {
  guest: Guest
  config: Awaited<ReturnType<ProxmoxPort['guestConfig']>>
  state: Awaited<ReturnType<ProxmoxPort['guestState']>>
  /** `qm` or `pct`. */
  tool: 'qm' | 'pct'
  /** As HA names it: `vm:100`, `ct:101`. */
  sid: string
  /** Its name as one would type it; its number where the name is missing or not its own alone. */
  called: string
}

/**
 * Finds the guest that a person means and reads it from its own node, in three requests. Machines and containers are
 * both found, whichever group the command was typed in.
 * @throws Refused `unknown-guest`, `unknown-guest-near`, `ambiguous-guest`, `node-offline`
 */
export async function readGuest(
  proxmox: ProxmoxPort,
  given: string,
  cluster: string,
  signal: AbortSignal,
): Promise<GuestFacts> {
  const resources = await proxmox.resources({ signal })
  const guest = findGuest(resources.guests, given, cluster)
  findNode(resources.nodes, guest.node, cluster)
  const [config, state] = await Promise.all([
    proxmox.guestConfig(guest, { signal }),
    proxmox.guestState(guest, { signal }),
  ])
  const isMachine = guest.kind === 'qemu'
  const sid = `${isMachine ? 'vm' : 'ct'}:${guest.vmid}`
  const isAlone = resources.guests.filter(({ name }) => name === guest.name).length === 1
  const called = isAlone && !/\s/.test(guest.name) ? guest.name : String(guest.vmid)
  return { ...resources, guest, config, state, tool: isMachine ? 'qm' : 'pct', sid, called }
}

/** What a decision about a guest rests on: another place, state or configuration needs a new decision. */
export const decidedOn = ({ guest, state, config }: GuestFacts) => ({
  node: guest.node,
  status: state.status,
  digest: config.digest,
  ha: state.haManaged,
})

/** @throws Refused `guest-locked` */
export function refuseLocked({ guest, config }: GuestFacts): void {
  if (config.lock !== undefined) throw new Refused('guest-locked', { lock: config.lock, vmid: guest.vmid })
}

/** A disk or a drive of a guest's configuration. */
export interface Drive {
  /** `scsi0`, `ide2`, `rootfs`. */
  key: string
  /** Absent for an empty drive. */
  volid?: string
  storage?: string
  bytes?: number
  cdrom: boolean
}

const driveKey = /^(?:(?:ide|sata|scsi|virtio|mp)\d+|efidisk0|tpmstate0|rootfs)$/

/** Disks and CD-ROM drives, in the order of their names. A path on the host and a host's own drive have no storage. */
export function drivesOf(config: Readonly<Record<string, string>>): Drive[] {
  return Object.entries(config)
    .filter(([key]) => driveKey.test(key))
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([key, value]) => {
      const [first = '', ...options] = value.split(',')
      const volid = first.replace(/^(?:file|volume)=/, '')
      const size = options.find((option) => option.startsWith('size='))?.slice('size='.length)
      const bytes = size === undefined ? undefined : parseSize(size, 'G')
      const storage = /^([\w.-]+):/.exec(volid)?.[1]
      return {
        key,
        cdrom: options.includes('media=cdrom'),
        ...(volid === 'none' ? {} : { volid }),
        ...(storage === undefined ? {} : { storage }),
        ...(bytes === undefined ? {} : { bytes }),
      }
    })
}
