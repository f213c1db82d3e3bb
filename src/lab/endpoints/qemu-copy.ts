/** Copying a guest's disk: linked, with qemu-img while it is off, mirrored by QEMU while it runs. */
import { fail } from '../fault.ts'
import { viewOf } from '../model.ts'
import type { TaskHandle } from '../tasks.ts'
import { type DriveEntry, formatSize, isCloudinit, printDrive, renderBytes } from './qemu-drives.ts'
import type { FoundVolume, Place } from './storage-access.ts'
import { requireVolume, storageOn, withStorageLock } from './storage-access.ts'
import { copyDisk, transferred } from './storage-copy.ts'
import { imageFormats, volumePath } from './storage-types.ts'
import { allocate, imageName, linkVolume } from './storage-volumes.ts'
import { isInterrupted } from './task-end.ts'

export interface DiskCopy {
  disk: DriveEntry
  full: boolean
  /** Who gets the copy. */
  vmid: number
  storage: string | undefined
  format: string | undefined
  running: boolean
}

/** Returns the copy's value for the config; its volume is added to `made`. */
export async function cloneDisk(place: Place, task: TaskHandle, o: DiskCopy, made: string[]): Promise<string> {
  const { disk, full, vmid } = o
  const source = requireVolume(place, disk.drive.file)
  if (isCloudinit(disk.drive)) return copyCloudinit(place, task, o, source, made)
  task.log(`create ${full ? 'full' : 'linked'} clone of drive ${disk.key} (${disk.drive.file})`)
  if (full) return copyFull(place, task, o, source, made)
  await task.sleep(0.4)
  const volume = await withStorageLock(place, source.entry, task, () => linkVolume(place, source, vmid, task.log))
  const volid = `${source.entry.storage}:${volume.name}`
  made.push(volid)
  return print(disk, volid, volume.size)
}

const print = ({ drive }: DriveEntry, file: string, size: number) =>
  printDrive({ file, options: { ...drive.options, size: formatSize(size) } })

async function copyFull(place: Place, task: TaskHandle, o: DiskCopy, source: FoundVolume, made: string[]) {
  const storage = o.storage ?? source.entry.storage
  const entry = storageOn(viewOf(place.node), storage, place.node.name)
  const formats = imageFormats(entry)
  const wanted = o.format ?? source.volume.format
  const format = formats.includes(wanted) ? wanted : formats[0]
  const size = source.volume.size
  const volume = await withStorageLock(place, entry, task, () =>
    allocate(place, { entry, vmid: o.vmid, size, format, log: task.log }),
  )
  const volid = `${storage}:${volume.name}`
  made.push(volid)
  task.log(`allocated target volume '${volid}'`)
  const target = requireVolume(place, volid)
  if (o.running) await mirror(task, o.disk.key, source, target)
  else await convert(task, source, target)
  return print(o.disk, volid, volume.size)
}

async function convert(task: TaskHandle, source: FoundVolume, target: FoundVolume) {
  try {
    await copyDisk(task, source, target, transferred)
  } catch (error) {
    const why = isInterrupted(task) ? 'interrupted by signal' : 'exit code 1'
    if (!task.signal.aborted) task.log((error as Error).message)
    throw fail(`copy failed: command '${convertCommand(source, target)}' failed: ${why}`)
  }
}

function convertCommand(source: FoundVolume, target: FoundVolume) {
  const path = ({ entry, volume }: FoundVolume) => volumePath(entry, volume.name)
  return (
    `/usr/bin/qemu-img convert -p -n -f ${source.volume.format} -O ${target.volume.format} ` +
    `${path(source)} zeroinit:${path(target)}`
  )
}

/** A running guest goes on writing, so QEMU itself keeps both sides equal. */
export async function mirror(task: TaskHandle, key: string, source: FoundVolume, target: FoundVolume) {
  task.log(`drive mirror is starting for drive-${key}`)
  const job = `mirror-${key}`
  try {
    await copyDisk(task, source, target, (done, total, seconds) => {
      const percent = ((done / total) * 100).toFixed(2)
      const ready = done === total ? ', ready' : ''
      return `${job}: transferred ${renderBytes(done)} of ${renderBytes(total)} (${percent}%) in ${Math.round(seconds)}s${ready}`
    })
  } catch (error) {
    task.log(`${job}: Cancelling block job`)
    task.log(`${job}: Done.`)
    if (isInterrupted(task)) throw fail('mirroring error: interrupted by signal')
    throw fail(`block job (mirror) error: ${job}: ${(error as Error).message.replace(/^qemu-img: /, '')}`)
  }
  task.log(`all 'mirror' jobs are ready`)
  task.log(`${job}: Completing block job...`)
  task.log(`${job}: Completed successfully.`)
}

async function copyCloudinit(place: Place, task: TaskHandle, o: DiskCopy, source: FoundVolume, made: string[]) {
  const storage = o.storage ?? source.entry.storage
  const entry = storageOn(viewOf(place.node), storage, place.node.name)
  const format = imageFormats(entry).includes(source.volume.format) ? source.volume.format : 'raw'
  const name = imageName(entry, o.vmid, `vm-${o.vmid}-cloudinit`, format)
  const size = source.volume.size
  const volume = await withStorageLock(place, entry, task, () =>
    allocate(place, { entry, vmid: o.vmid, size, format, name, log: task.log }),
  )
  made.push(`${storage}:${volume.name}`)
  return printDrive({ file: `${storage}:${volume.name}`, options: o.disk.drive.options })
}
