/** Hibernation: the memory goes to a volume, the config keeps the lock `suspended` until the next start. */
import { fail } from '../fault.ts'
import type { GuestConfig } from '../model.ts'
import { viewOf } from '../model.ts'
import { guestFigures, memoryOf } from '../stats.ts'
import type { TaskHandle } from '../tasks.ts'
import { disksOf, renderBytes } from './qemu-drives.ts'
import { editGuest, findGuest, unlock } from './qemu-guests.ts'
import { kill } from './qemu-process.ts'
import type { Place } from './storage-access.ts'
import { findVolume, splitVolid, storageOn } from './storage-access.ts'
import { copySeconds } from './storage-copy.ts'
import { allocate, freeVolume, imageName } from './storage-volumes.ts'

/** Writes the memory of a running guest to a new volume and returns its id. `stem` names it. */
export async function saveMemory(place: Place, guest: GuestConfig, stem: string, task: TaskHandle): Promise<string> {
  const storage = stateStorage(guest)
  const entry = storageOn(viewOf(place.node), storage, place.node.name)
  const used = guestFigures(place.sim, place.node, guest).mem
  const size = memoryOf(guest.keys) + 512 * 1024 ** 2
  const name = imageName(entry, guest.vmid, stem, 'raw')
  task.log(`saving VM state and RAM using storage '${storage}'`)
  const volume = allocate(place, { entry, vmid: guest.vmid, size, format: 'raw', name, log: task.log })
  const seconds = Math.max(1, copySeconds(used))
  try {
    await task.sleep(seconds)
  } catch (error) {
    const found = findVolume(place, `${storage}:${volume.name}`)
    if (found) freeVolume(found, () => {})
    throw error
  }
  if (volume.used !== undefined) volume.used = used
  task.log(`completed saving the VM state in ${Math.round(seconds)}s, saved ${renderBytes(used, 2)}`)
  return `${storage}:${volume.name}`
}

/** The storage named for it, or that of the first disk. */
function stateStorage(guest: GuestConfig): string {
  const named = guest.keys.vmstatestorage
  if (named !== undefined) return String(named)
  const [first] = disksOf(guest.keys)
  if (!first) throw fail('no storage found for VM state')
  return splitVolid(first.drive.file)[0]
}

export async function saveState(place: Place, vmid: number, task: TaskHandle) {
  editGuest(place, vmid, (guest) => {
    guest.lock = 'suspending'
  })
  try {
    const guest = findGuest(place, vmid)
    const stamp = new Date(place.sim.clock.now() * 1000).toISOString().slice(0, 10)
    const volid = await saveMemory(place, guest, `vm-${vmid}-state-suspend-${stamp}`, task)
    editGuest(place, vmid, (edited) => {
      edited.lock = 'suspended'
      edited.keys.vmstate = volid
    })
    kill(place, vmid)
  } catch (error) {
    unlock(place, vmid)
    throw error
  }
}

/** A start of a suspended guest: reads the state back and drops it. */
export function thawState(place: Place, vmid: number, task: TaskHandle) {
  editGuest(place, vmid, (guest) => {
    const volid = guest.keys.vmstate
    task.log('Resuming suspended VM')
    const found = volid === undefined ? undefined : findVolume(place, String(volid))
    if (found) freeVolume(found, task.log)
    delete guest.keys.vmstate
    delete guest.lock
    task.log('Resumed VM, removing state')
  })
}
