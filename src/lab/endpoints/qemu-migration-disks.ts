/** Local disks of a guest that migrates: copied with dd's lines while it is off, mirrored while it runs. */
import type { SimNode } from '../model.ts'
import { viewOf } from '../model.ts'
import type { TaskHandle } from '../tasks.ts'
import { formatSize, parseDrive, printDrive, renderBytes } from './qemu-drives.ts'
import { findGuest } from './qemu-guests.ts'
import type { FoundVolume, Place } from './storage-access.ts'
import { findVolume, requireVolume, splitVolid, storageOn } from './storage-access.ts'
import { imageFormats } from './storage-types.ts'
import { allocate, freeVolume } from './storage-volumes.ts'

export const BYTES_PER_SECOND = 112 * 1024 ** 2

export type StorageMap = (storage: string) => string

export interface Journey {
  place: Place
  vmid: number
  target: SimNode
  task: TaskHandle
  running: boolean
  withLocalDisks: boolean
  mapping: StorageMap
  /** A line with the time, as migrations write them. */
  log(line: string): void
  /** Lets time pass; throws when the two hosts lose each other. */
  travel(seconds: number): Promise<void>
}

export interface LocalDisk {
  key: string
  volid: string
  /** The volume on the target, and the value that names it in the config. */
  copy?: { volid: string; value: string }
}

const remote = ({ place, target }: Journey): Place => ({ sim: place.sim, node: target })

/** Makes an empty volume on the target, under the same name if that is free there. */
function makeTarget(trip: Journey, disk: LocalDisk, source: FoundVolume): FoundVolume {
  const there = remote(trip)
  const [storage, name] = splitVolid(disk.volid)
  const entry = storageOn(viewOf(trip.target), trip.mapping(storage), trip.target.name)
  const kept = entry.storage === storage && !findVolume(there, disk.volid)
  const format = imageFormats(entry).includes(source.volume.format) ? source.volume.format : imageFormats(entry)[0]
  const { size, used } = source.volume
  const volume = allocate(there, { entry, vmid: trip.vmid, size, format, log: trip.log, ...(kept ? { name } : {}) })
  if (volume.used !== undefined) volume.used = used ?? size
  const volid = `${entry.storage}:${volume.name}`
  const drive = parseDrive(String(findGuest(trip.place, trip.vmid).keys[disk.key]))
  const options = { ...drive.options, size: formatSize(volume.size) }
  disk.copy = { volid, value: printDrive({ file: volid, options }) }
  return requireVolume(there, volid)
}

export async function copyOffline(trip: Journey, disks: LocalDisk[]) {
  trip.log('copying local disk images')
  for (const disk of disks) {
    const source = requireVolume(trip.place, disk.volid)
    await trip.travel(1)
    const target = makeTarget(trip, disk, source)
    await pour(trip, source.volume.size)
    trip.log(`successfully imported '${disk.copy?.volid}'`)
    trip.log(`volume '${disk.volid}' is '${disk.copy?.volid}' on the target`)
    target.volume.ctime = Math.floor(trip.place.sim.clock.now())
  }
}

async function pour({ log, travel, task }: Journey, size: number) {
  const seconds = size / BYTES_PER_SECOND
  const every = Math.max(3, seconds / 100)
  for (let at = every; at < seconds; at += every) {
    await travel(every)
    log(copied(Math.floor((size * at) / seconds), at))
    task.progress(Math.floor((100 * at) / seconds))
  }
  await travel(seconds % every)
  const blocks = Math.floor(size / 65_536)
  log(`${blocks}+0 records in`)
  log(`${blocks}+0 records out`)
  log(copied(size, seconds))
}

const copied = (bytes: number, seconds: number) =>
  `${bytes} bytes (${decimal(bytes)}, ${renderBytes(bytes, 0)}) copied, ${seconds.toFixed(0)} s, ` +
  `${(bytes / Math.max(seconds, 0.01) / 1e6).toFixed(1)} MB/s`

const decimal = (bytes: number) => (bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`)

export async function mirrorOnline(trip: Journey, disks: LocalDisk[]) {
  trip.log('starting storage migration')
  for (const disk of disks) {
    const source = requireVolume(trip.place, disk.volid)
    const target = makeTarget(trip, disk, source)
    const job = `mirror-${disk.key}`
    const socket = `nbd:unix:/run/qemu-server/${trip.vmid}_nbd.migrate:exportname=drive-${disk.key}`
    trip.log(`${disk.key}: start migration to ${socket}`)
    trip.log(`drive mirror is starting for drive-${disk.key}`)
    await mirror(trip, job, target.volume.size)
  }
  trip.log(`all 'mirror' jobs are ready`)
  trip.log('switching mirror jobs to actively synced mode')
}

async function mirror({ log, travel, task }: Journey, job: string, size: number) {
  const seconds = Math.max(1, size / BYTES_PER_SECOND)
  const steps = Math.max(1, Math.min(100, Math.floor(seconds)))
  for (let step = 0; step <= steps; step++) {
    if (step > 0) await travel(seconds / steps)
    const done = renderBytes((size * step) / steps)
    const percent = ((100 * step) / steps).toFixed(2)
    const ready = step === steps ? ', ready' : ''
    const at = Math.round((seconds * step) / steps)
    log(`${job}: transferred ${done} of ${renderBytes(size)} (${percent}%) in ${at}s${ready}`)
    task.progress(Math.floor((90 * step) / steps))
  }
}

/** After a failure the target keeps nothing. */
export function dropCopies(trip: Journey, disks: LocalDisk[]) {
  for (const { copy } of disks) if (copy) free(remote(trip), copy.volid, trip.log)
}

/** After the move the old host keeps nothing. */
export function dropSources(trip: Journey, disks: LocalDisk[]) {
  for (const { volid, copy } of disks) if (copy) free(trip.place, volid, trip.log)
}

function free(place: Place, volid: string, log: (line: string) => void) {
  const found = findVolume(place, volid)
  if (found) freeVolume(found, log)
}
