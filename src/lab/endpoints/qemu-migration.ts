/**
 * What a `qmigrate` task does, with the log of the real one (test/recordings/migrate.jsonl.gz). Memory and local disks
 * travel at the pace of a network of one gigabit.
 */
import { fail } from '../fault.ts'
import type { GuestConfig, SimNode } from '../model.ts'
import { reaches } from '../model.ts'
import { standsStill } from '../standstill.ts'
import { guestFigures } from '../stats.ts'
import type { TaskHandle } from '../tasks.ts'
import { logTime } from './log-time.ts'
import { drivesOf, isCdrom, isCloudinit, renderBytes } from './qemu-drives.ts'
import { checkLock, editGuest, findGuest, unlock } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import {
  BYTES_PER_SECOND,
  copyOffline,
  dropCopies,
  dropSources,
  type Journey,
  type LocalDisk,
  mirrorOnline,
  type StorageMap,
} from './qemu-migration-disks.ts'
import { kill, launch } from './qemu-process.ts'
import type { Place } from './storage-access.ts'
import { findStorage, splitVolid } from './storage-access.ts'
import { isShared } from './storage-types.ts'
import { isInterrupted, mayCleanUp } from './task-end.ts'

/** `targetstorage`: one storage for all, or `from:to` pairs; `1` and nothing keep each where it is. */
export function storageMap(text: string | undefined): StorageMap {
  if (text === undefined || text === '1') return (storage) => storage
  const pairs = text.split(',').map((pair) => pair.split(':'))
  const all = pairs.find((pair) => pair.length === 1)?.[0]
  return (storage) => pairs.find(([from, to]) => from === storage && to !== undefined)?.[1] ?? all ?? storage
}

export interface MigrateOptions {
  withLocalDisks?: boolean
  mapping?: StorageMap
}

/** Moves a guest, live if it runs. Afterwards its config lies with the target, or is as before. */
export function migrateWorker(place: Place, vmid: number, target: SimNode, o: MigrateOptions = {}) {
  return (task: TaskHandle) =>
    withGuestLock(place, vmid, task, async () => {
      const guest = findGuest(place, vmid)
      checkLock(guest)
      await run(journey(place, vmid, target, task, o))
    })
}

function journey(place: Place, vmid: number, target: SimNode, task: TaskHandle, o: MigrateOptions): Journey {
  return {
    place,
    vmid,
    target,
    task,
    running: place.node.processes.has(vmid),
    withLocalDisks: o.withLocalDisks ?? false,
    mapping: o.mapping ?? ((storage) => storage),
    log: (line) => task.log(`${logTime(place.node, place.sim.clock.now())} ${line}`),
    async travel(seconds) {
      await task.sleep(seconds)
      if (!reaches(place.node, target)) throw fail('lost connection to the target node')
    },
  }
}

async function run(trip: Journey) {
  const since = trip.place.sim.clock.now()
  const lasted = () => duration(trip.place.sim.clock.now() - since)
  const newer = trip.place.sim.pve.version === '9.2'
  if (trip.running && newer) {
    trip.log('conntrack state migration not supported or disabled, active connections might get dropped')
  }
  await checkLink(trip, lasted)
  trip.log(`starting migration of VM ${trip.vmid} to node '${trip.target.name}' (${trip.target.ip})`)
  const disks = await prepare(trip, lasted)
  try {
    if (trip.running) await goOnline(trip, disks)
    await arrive(trip, disks)
  } catch (error) {
    throw problems(trip, disks, error as Error, lasted)
  }
  trip.log(`migration finished successfully (duration ${lasted()})`)
}

const duration = (seconds: number) => new Date(Math.round(seconds) * 1000).toISOString().slice(11, 19)

/** The first thing is a login on the target by ssh. */
async function checkLink({ place, target, task, log }: Journey, lasted: () => string) {
  if (reaches(place.node, target)) return
  const address = target.ip
  log(`# /usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias=${target.name}' root@${address} /bin/true`)
  await task.sleep(3)
  log(`ssh: connect to host ${address} port 22: No route to host`)
  log(`ERROR: migration aborted (duration ${lasted()}): Can't connect to destination address using public key`)
  throw fail('migration aborted')
}

/** Phase 1: lock, look for what binds the guest to its host, copy the disks of one that is off. */
async function prepare(trip: Journey, lasted: () => string): Promise<LocalDisk[]> {
  const { place, vmid, log } = trip
  const disks: LocalDisk[] = []
  try {
    const guest = editGuest(place, vmid, (edited) => {
      edited.lock = 'migrate'
      return edited
    })
    checkDevices(guest)
    disks.push(...scan(trip, guest))
    if (!trip.running && disks.length > 0) await copyOffline(trip, disks)
    return disks
  } catch (error) {
    if (!mayCleanUp(trip.task)) throw error
    const why = isInterrupted(trip.task) ? 'interrupted by signal' : (error as Error).message
    log(`ERROR: ${why}`)
    log('aborting phase 1 - cleanup resources')
    dropCopies(trip, disks)
    unlock(place, vmid)
    log(`ERROR: migration aborted (duration ${lasted()}): ${why}`)
    throw fail('migration aborted')
  }
}

function checkDevices({ keys }: GuestConfig) {
  const bound = Object.entries(keys).filter(
    ([key, value]) => /^(usb|hostpci)\d+$/.test(key) && !/spice|mapping=/.test(String(value)),
  )
  if (bound.length > 0) throw fail(`can't migrate VM which uses local devices: ${bound.map(([key]) => key).join(', ')}`)
}

/** Disks that only this node has. What speaks against the move is told after all of them were found. */
function scan(trip: Journey, guest: GuestConfig): LocalDisk[] {
  const { place, log } = trip
  const disks: LocalDisk[] = []
  const complaints: string[] = []
  for (const { key, drive } of drivesOf(guest.keys)) {
    if (drive.file === 'cdrom') complaints.push(`can't migrate local cdrom drive`)
    if (!drive.file.includes(':')) continue
    if (isShared(findStorage(place.node.config, splitVolid(drive.file)[0]))) continue
    log(`found local disk '${drive.file}' (attached)`)
    const problem = isCdrom(drive) && !isCloudinit(drive) ? 'local cdrom image' : liveProblem(trip, guest)
    if (problem === undefined) disks.push({ key, volid: drive.file })
    else complaints.push(`can't migrate local disk '${drive.file}': ${problem}`)
  }
  for (const complaint of complaints) log(complaint)
  if (complaints.length > 0) throw fail(`Problem found while scanning volumes - can't migrate VM - check log`)
  return disks
}

function liveProblem({ running, withLocalDisks }: Journey, guest: GuestConfig): string | undefined {
  if (!running) return undefined
  if (!withLocalDisks) return `can't live migrate attached local disks without with-local-disks option`
  return guest.snapshots.length > 0 ? 'online storage migration not possible if snapshot exists' : undefined
}

/** Phase 2: a twin starts on the target, disks are mirrored, then memory goes over. */
async function goOnline(trip: Journey, disks: LocalDisk[]) {
  const { vmid, target, log, travel } = trip
  log(`starting VM ${vmid} on remote node '${target.name}'`)
  await travel(2)
  log('start remote tunnel')
  await travel(0.8)
  log('ssh tunnel ver 1')
  if (disks.length > 0) await mirrorOnline(trip, disks)
  log(`starting online/live migration on unix:/run/qemu-server/${vmid}.migrate`)
  log('set migration capabilities')
  log('migration downtime limit: 100 ms')
  const cache = 2 ** Math.max(3, Math.round(Math.log2(memory(trip) / 10 / 1024 ** 2)))
  log(`migration cachesize: ${cache}.0 MiB`)
  log('set migration parameters')
  log(`start migrate command to unix:/run/qemu-server/${vmid}.migrate`)
  await sendMemory(trip)
}

const memory = ({ place, vmid }: Journey) => guestFigures(place.sim, place.node, findGuest(place, vmid)).maxmem

const here = ({ place, vmid }: Journey) => place.node.processes.get(vmid)

async function sendMemory(trip: Journey) {
  const { place, vmid, log, travel, task } = trip
  const figures = guestFigures(place.sim, place.node, findGuest(place, vmid))
  const total = Math.max(figures.mem, 3 * 1024 ** 2)
  const seconds = Math.max(1, total / BYTES_PER_SECOND)
  const steps = Math.max(1, Math.min(100, Math.floor(seconds)))
  for (let step = 1; step <= steps; step++) {
    await travel(seconds / steps)
    task.progress(Math.floor((100 * step) / steps))
    if (step === steps) break
    const done = renderBytes((total * step) / steps)
    log(`migration active, transferred ${done} of ${renderBytes(figures.maxmem)} VM-state, 112.0 MiB/s`)
  }
  // What has not been written yet goes to the disk before the guest goes over.
  for (let process = here(trip); process && standsStill(place, process); process = here(trip)) await travel(1)
  log(`average migration speed: ${renderBytes(total / seconds)}/s - downtime ${5 + (vmid % 60)} ms`)
  log(`migration completed, transferred ${renderBytes(total)} VM-state`)
  log('migration status: completed')
}

/** Phase 3: the config file changes folders, and with it who runs the guest. */
async function arrive(trip: Journey, disks: LocalDisk[]) {
  const { place, vmid, target, travel } = trip
  await travel(trip.running ? 0.2 : 1.2)
  const paused = place.node.processes.get(vmid)?.qmpstatus === 'paused'
  const there = { sim: place.sim, node: target }
  editGuest(place, vmid, (guest) => {
    for (const { key, copy } of disks) if (copy !== undefined) guest.keys[key] = copy.value
    delete guest.lock
    guest.node = target.name
    if (!trip.running) return
    const { pending } = guest
    guest.pending = {}
    kill(place, vmid)
    launch(there, guest, { paused })
    guest.pending = pending
  })
  dropSources(trip, disks)
  if (trip.running) await trip.task.sleep(1.5)
}

function problems(trip: Journey, disks: LocalDisk[], error: Error, lasted: () => string): Error {
  const { place, vmid, log, task } = trip
  if (!mayCleanUp(task)) return error
  const why = isInterrupted(task) ? 'interrupted by signal' : error.message
  log(trip.running ? `ERROR: online migrate failure - ${why}` : `ERROR: ${why}`)
  log('aborting phase 2 - cleanup resources')
  if (trip.running) log('migrate_cancel')
  dropCopies(trip, disks)
  unlock(place, vmid)
  log(`ERROR: migration finished with problems (duration ${lasted()})`)
  return fail('migration problems')
}
