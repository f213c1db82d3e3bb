/** Copying a disk: qemu-img's progress lines, and how long it takes. */
import { fail } from '../fault.ts'
import { renderBytes } from './qemu-drives.ts'
import type { FoundVolume } from './storage-access.ts'
import { freeOn, isThin } from './storage-volumes.ts'

/** Between disks of one host, or to the storage network. */
const BYTES_PER_SECOND = 500e6

export const copySeconds = (bytes: number) => bytes / BYTES_PER_SECOND

export interface CopyTask {
  log(line: string): void
  sleep(seconds: number): Promise<void>
  progress(percent: number): void
}

/**
 * Copies one disk, with a line a second but no more than a hundred. Throws as qemu-img does when a thin target fills up.
 * `line` says how far it is.
 */
export async function copyDisk(
  task: CopyTask,
  source: FoundVolume,
  target: FoundVolume,
  line: (done: number, total: number, seconds: number) => string,
) {
  const total = source.volume.size
  const written = source.volume.used ?? total
  const room = isThin(target.entry) ? freeOn(target.backing) + (target.volume.used ?? 0) : written
  const seconds = copySeconds(total)
  const steps = Math.max(1, Math.min(100, Math.floor(seconds)))
  task.log(line(0, total, 0))
  for (let step = 1; step <= steps; step++) {
    await task.sleep(seconds / steps)
    if ((written * step) / steps > room) {
      throw fail(`qemu-img: error while writing at byte ${Math.floor(room)}: No space left on device`)
    }
    if (isThin(target.entry))
      target.volume.used = Math.max(target.volume.used ?? 0, Math.floor((written * step) / steps))
    task.log(line(Math.floor((total * step) / steps), total, (seconds * step) / steps))
    task.progress(Math.floor((100 * step) / steps))
  }
}

/** `transferred 1.2 GiB of 32.0 GiB (3.75%)` */
export const transferred = (done: number, total: number) =>
  `transferred ${renderBytes(done)} of ${renderBytes(total)} (${((done / total) * 100).toFixed(2)}%)`
