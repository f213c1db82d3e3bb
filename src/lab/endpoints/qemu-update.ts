/** Carrying a change of a guest's config out, on a stopped or a running guest. */
import { fail } from '../fault.ts'
import type { ConfigKeys, GuestConfig } from '../model.ts'
import { isDriveKey, isUnusedKey } from './qemu-drives.ts'
import { checkProtection, editGuest, findGuest } from './qemu-guests.ts'
import { addUnused, applyChange, applyPending, isLive } from './qemu-pending.ts'
import { type MadeDrives, makeDrives, ownedVolume, takeBack } from './qemu-volumes.ts'
import type { Place, Worker } from './storage-access.ts'
import { findVolume, withStorageLock } from './storage-access.ts'
import { freeVolume } from './storage-volumes.ts'

export interface ConfigChange {
  keys: ConfigKeys
  drop: string[]
  revert: string[]
  /** Dropped disks are destroyed, not kept as unused ones. */
  force: boolean
}

/** New disks are made first; where one cannot be, nothing changes. */
export async function changeConfig(place: Place, vmid: number, change: ConfigChange, worker: Worker) {
  editGuest(place, vmid, () => {})
  const made: MadeDrives = { keys: {}, volids: [] }
  try {
    await makeDrives(place, vmid, change.keys, worker, made)
  } catch (error) {
    takeBack(place, made.volids, worker.log)
    throw error
  }
  for (const key of change.drop) await dropKey(place, vmid, key, change.force, worker)
  editGuest(place, vmid, (guest) => {
    for (const key of change.revert) delete guest.pending[key]
    if (!place.node.processes.has(vmid)) applyPending(place, guest)
    for (const [key, value] of Object.entries({ ...change.keys, ...made.keys })) setKey(place, guest, key, value)
  })
}

function setKey(place: Place, guest: GuestConfig, key: string, value: string | number) {
  if (key === 'lock') {
    guest.lock = String(value)
    return
  }
  if (key === 'template') {
    guest.template = value === 1
    return
  }
  delete guest.pending[key]
  if (guest.keys[key] === value) return
  const running = place.node.processes.has(guest.vmid)
  if (!running || isLive(guest.keys, key, value)) applyChange(place, guest, key, value)
  else guest.pending[key] = value
}

async function dropKey(place: Place, vmid: number, key: string, force: boolean, worker: Worker) {
  const guest = findGuest(place, vmid)
  if (key === 'lock') {
    delete guest.lock
    return
  }
  delete guest.pending[key]
  const value = guest.keys[key]
  if (value === undefined) return worker.log(`cannot delete '${key}' - not set in current configuration!`)
  if (isUnusedKey(key)) return destroyDisk(place, guest, key, worker)
  if (isDriveKey(key)) checkProtection(guest, `can't unlink used disk '${String(value).split(',')[0]}'`)
  if (place.node.processes.has(vmid) && !isLive(guest.keys, key, null)) {
    guest.pending[key] = null
    return
  }
  applyChange(place, guest, key, null)
  if (force && isDriveKey(key)) await destroyDetached(place, guest, String(value), worker)
}

async function destroyDetached(place: Place, guest: GuestConfig, value: string, worker: Worker) {
  const [file] = value.split(',')
  const key = Object.keys(guest.keys).find((name) => isUnusedKey(name) && guest.keys[name] === file)
  if (key !== undefined) await destroyDisk(place, guest, key, worker)
}

/** Frees the volume behind an `unusedN`, unless a snapshot still needs it. */
async function destroyDisk(place: Place, guest: GuestConfig, key: string, worker: Worker) {
  const value = String(guest.keys[key])
  if (guest.snapshots.some((snapshot) => Object.values(snapshot.keys).some((text) => String(text).startsWith(value)))) {
    throw fail(`unable to delete '${value}' - volume is still in use (snapshot?)`)
  }
  delete guest.keys[key]
  const volid = ownedVolume(place, guest.vmid, value)
  const found = volid === undefined ? undefined : findVolume(place, volid)
  if (!found) return
  try {
    await withStorageLock(place, found.entry, worker, () => freeVolume(found, worker.log))
  } catch (error) {
    addUnused(guest, value)
    throw error
  }
}
