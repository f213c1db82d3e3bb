/** Changes of a running guest that wait for its restart, and those that take effect at once. */
import type { ConfigKeys, GuestConfig, GuestProcess } from '../model.ts'
import { isDriveKey, parseDrive } from './qemu-drives.ts'
import { ownedVolume } from './qemu-volumes.ts'
import type { Place } from './storage-access.ts'

/** Proxmox writes these through whether the guest runs or not. */
const AT_ONCE = new Set([
  ...['name', 'description', 'tags', 'onboot', 'startup', 'protection', 'shares', 'hookscript', 'vmstatestorage'],
  ...['migrate_downtime', 'migrate_speed', 'lock', 'affinity', 'autostart', 'cpulimit', 'cpuunits'],
])

const HOTPLUG_DEFAULT = 'network,disk,usb'

/** Whether a change of this key reaches a guest while it runs. */
export function isLive(keys: ConfigKeys, key: string, value: string | number | null): boolean {
  if (AT_ONCE.has(key) || /^unused\d+$/.test(key)) return true
  const setting = String(keys.hotplug ?? HOTPLUG_DEFAULT)
  const plugs = setting === '1' ? HOTPLUG_DEFAULT.split(',') : setting.split(',')
  if (/^net\d+$/.test(key)) return plugs.includes('network')
  if (/^(scsi|virtio)\d+$/.test(key)) return plugs.includes('disk')
  if (isDriveKey(key)) return isMediaChange(keys[key], value)
  if (/^usb\d+$/.test(key)) return plugs.includes('usb')
  if (key === 'memory' || key === 'balloon') return plugs.includes('memory')
  return key === 'vcpus' && plugs.includes('cpu')
}

/** Another disc in a drive that stays. */
const isMediaChange = (old: string | number | undefined, value: string | number | null) =>
  [old, value].every((text) => typeof text === 'string' && parseDrive(text).options.media === 'cdrom')

/** Writes one change into the config. A disk that goes becomes `unusedN`, so that its data is kept. */
export function applyChange(place: Place, guest: GuestConfig, key: string, value: string | number | null) {
  const old = guest.keys[key]
  if (old !== undefined && isDriveKey(key)) keepDisk(place, guest, String(old), value)
  if (value === null) delete guest.keys[key]
  else guest.keys[key] = value
  const process = place.node.processes.get(guest.vmid)
  if (process) mirror(process, guest, key)
}

function mirror(process: GuestProcess, guest: GuestConfig, key: string) {
  const value = guest.keys[key]
  if (value === undefined) delete process.keys[key]
  else process.keys[key] = value
}

function keepDisk(place: Place, guest: GuestConfig, old: string, value: string | number | null) {
  const volid = ownedVolume(place, guest.vmid, old)
  const stays = typeof value === 'string' && parseDrive(value).file === parseDrive(old).file
  if (volid !== undefined && !stays && !/cloudinit/.test(volid)) addUnused(guest, volid)
}

export function addUnused(guest: GuestConfig, volid: string) {
  if (Object.entries(guest.keys).some(([key, value]) => /^unused\d+$/.test(key) && value === volid)) return
  let n = 0
  while (guest.keys[`unused${n}`] !== undefined) n++
  guest.keys[`unused${n}`] = volid
}

/** What a start does first. */
export function applyPending(place: Place, guest: GuestConfig) {
  for (const [key, value] of Object.entries(guest.pending)) applyChange(place, guest, key, value)
  guest.pending = {}
}

/** The config as GET `config` shows it: as it will be after the next start. */
export function withPending(guest: GuestConfig): ConfigKeys {
  const keys = { ...guest.keys }
  for (const [key, value] of Object.entries(guest.pending)) {
    if (value === null) delete keys[key]
    else keys[key] = value
  }
  return keys
}
