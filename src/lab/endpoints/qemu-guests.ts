/** A guest's config file and the two locks on it: the `lock` key and the file lock of its node. */
import { fail } from '../fault.ts'
import type { ClusterConfig, ConfigKeys, GuestConfig, GuestType } from '../model.ts'
import { isQuorate, isUnderHa, takePid, viewOf } from '../model.ts'
import { sha1Hex } from '../random.ts'
import type { Place } from './storage-access.ts'

const FOLDERS = { qemu: 'qemu-server', lxc: 'lxc' }

const configPath = (node: string, type: GuestType, vmid: number) => `nodes/${node}/${FOLDERS[type]}/${vmid}.conf`

export function lookUp({ node }: Pick<Place, 'node'>, vmid: number, type: GuestType = 'qemu'): GuestConfig | undefined {
  const guest = viewOf(node).guests.get(vmid)
  return guest?.node === node.name && guest.type === type ? guest : undefined
}

/** Throws `Configuration file '…' does not exist`. */
export function findGuest(place: Pick<Place, 'node'>, vmid: number, type: GuestType = 'qemu'): GuestConfig {
  const guest = lookUp(place, vmid, type)
  if (!guest) throw fail(`Configuration file '${configPath(place.node.name, type, vmid)}' does not exist`)
  return guest
}

/** The other text for the same: what asks whether it runs says this one. */
export function requireGuest(place: Place, vmid: number): GuestConfig {
  const guest = lookUp(place, vmid)
  if (!guest) throw fail(`unable to find configuration file for VM ${vmid} on node '${place.node.name}'`)
  return guest
}

/** Throws unless it runs on this node. */
export function requireRunning(place: Place, vmid: number) {
  requireGuest(place, vmid)
  const process = place.node.processes.get(vmid)
  if (!process) throw fail(`VM ${vmid} not running`)
  return process
}

/** Throws `VM is locked (backup)`. */
export function checkLock(guest: GuestConfig) {
  if (guest.lock !== undefined) throw fail(`VM is locked (${guest.lock})`)
}

export function checkProtection(guest: GuestConfig, what: string) {
  if (Number(guest.keys.protection ?? 0) === 1) throw fail(`${what} - protection mode enabled`)
}

/** Throws where /etc/pve cannot be written. */
export function checkWritable(place: Place, vmid: number) {
  if (isQuorate(place.sim, place.node)) return
  const path = `/etc/pve/${configPath(place.node.name, 'qemu', vmid)}.tmp.${takePid(place.node)}`
  throw fail(`unable to open file '${path}' - Permission denied`)
}

/** Finds the guest anew and writes its config; throws where it is gone or /etc/pve is read-only. */
export function editGuest<T>(place: Place, vmid: number, change: (guest: GuestConfig) => T): T {
  const guest = findGuest(place, vmid)
  checkWritable(place, vmid)
  return change(guest)
}

/** Takes the `lock` away after a failure, where that is possible. */
export function unlock(place: Place, vmid: number) {
  const guest = lookUp(place, vmid)
  if (guest && isQuorate(place.sim, place.node)) delete guest.lock
}

const sorted = (keys: Record<string, unknown>) => Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1))

/** Of the config file: changes with every byte of it. */
export const guestDigest = (guest: GuestConfig) =>
  sha1Hex(
    JSON.stringify([
      sorted(guest.keys),
      sorted(guest.pending),
      guest.snapshots.map((snapshot) => [snapshot, sorted(snapshot.keys)]),
      [guest.lock, guest.template, guest.parent],
    ]),
  )

/** Where the HA stack has the say. */
export const isHaManaged = (config: ClusterConfig, vmid: number) => isUnderHa(config, { type: 'qemu', vmid })

export const hasTag = (keys: ConfigKeys, tag: string) =>
  String(keys.tags ?? '')
    .split(/[;, ]/)
    .includes(tag)

/** Removes a config, and the guest from pools and rights; nothing happens where /etc/pve cannot be written. */
export function forgetGuest(place: Place, vmid: number) {
  if (!isQuorate(place.sim, place.node)) return
  const { config } = place.node
  config.guests.delete(vmid)
  config.access.acl = config.access.acl.filter((entry) => entry.path !== `/vms/${vmid}`)
  for (const pool of config.access.pools.values()) pool.vmids.delete(vmid)
}
