/** The volumes that a guest's drives ask for: made, looked up, or taken over from an import. */
import { fail } from '../fault.ts'
import type { ConfigKeys, Volume } from '../model.ts'
import { viewOf } from '../model.ts'
import { formatSize, isCdrom, isDriveKey, parseDrive, printDrive } from './qemu-drives.ts'
import { isEmptyCdrom, newCloudinit, newDisk } from './qemu-values.ts'
import type { Place, Worker } from './storage-access.ts'
import { findVolume, requireVolume, storageOn, withStorageLock } from './storage-access.ts'
import { copySeconds } from './storage-copy.ts'
import { imageFormats } from './storage-types.ts'
import { allocate, freeVolume, GiB, imageName } from './storage-volumes.ts'

const MIB = 1024 ** 2

export interface MadeDrives {
  /** The drives as the config will say them. */
  keys: ConfigKeys
  /** What was newly made, for taking it back. */
  volids: string[]
}

/**
 * Makes the volumes of all drives among `keys`. `made` fills up on the way, so that a caller whom an error stops can
 * take everything back. Log lines as `qm create` writes them.
 */
export async function makeDrives(place: Place, vmid: number, keys: ConfigKeys, worker: Worker, made: MadeDrives) {
  for (const key of Object.keys(keys).filter(isDriveKey).sort()) {
    made.keys[key] = await makeDrive(place, vmid, key, String(keys[key]), worker, made.volids)
  }
}

async function makeDrive(place: Place, vmid: number, key: string, value: string, worker: Worker, volids: string[]) {
  if (isEmptyCdrom(value) || parseDrive(value).file.startsWith('/')) return value
  const cloudinit = newCloudinit(value)
  if (cloudinit !== undefined) return makeCloudinit(place, vmid, cloudinit, worker, volids)
  const wanted = newDisk(value)
  return wanted ? makeDisk(place, vmid, key, value, wanted, worker, volids) : withSize(place, value)
}

/** A volume that exists: its size goes to the config. */
function withSize(place: Place, value: string): string {
  const drive = parseDrive(value)
  const { volume } = requireVolume(place, drive.file)
  return printDrive({ ...drive, options: { ...drive.options, size: formatSize(volume.size) } })
}

/** EFI variables and TPM state have a size of their own, whatever was asked for. */
const FIXED_SIZES: [RegExp, number][] = [[/^(efidisk|tpmstate)/, 4 * MIB]]

async function makeDisk(
  place: Place,
  vmid: number,
  key: string,
  value: string,
  wanted: { storage: string; gib: number },
  worker: Worker,
  volids: string[],
) {
  const drive = parseDrive(value)
  const entry = storageOn(viewOf(place.node), wanted.storage, place.node.name)
  const source = drive.options['import-from']
  const imported = source === undefined ? undefined : requireVolume(place, source).volume
  const fixed = FIXED_SIZES.find(([pattern]) => pattern.test(key))?.[1]
  const size = fixed ?? imported?.size ?? Math.round(wanted.gib * GiB)
  if (size === 0) throw fail(`${key}: cannot create a disk of size 0`)
  const { format } = drive.options
  const volume = await withStorageLock(place, entry, worker, () =>
    allocate(place, { entry, vmid, size, format, log: worker.log }),
  )
  const volid = `${entry.storage}:${volume.name}`
  volids.push(volid)
  await worker.sleep(imported ? copySeconds(size) : 0.5)
  if (imported) volume.used = imported.size
  const { format: _, 'import-from': __, size: ___, ...options } = drive.options
  const printed = printDrive({ file: volid, options: { ...options, size: formatSize(volume.size) } })
  worker.log(`${key}: successfully created disk '${printed}'`)
  return printed
}

async function makeCloudinit(place: Place, vmid: number, storage: string, worker: Worker, volids: string[]) {
  const entry = storageOn(viewOf(place.node), storage, place.node.name)
  const format = imageFormats(entry).includes('qcow2') ? 'qcow2' : 'raw'
  const name = imageName(entry, vmid, `vm-${vmid}-cloudinit`, format)
  const volume = await withStorageLock(place, entry, worker, () =>
    allocate(place, { entry, vmid, size: 4 * MIB, format, name, log: worker.log }),
  )
  volids.push(`${storage}:${volume.name}`)
  worker.log(`ide2: successfully created disk '${storage}:${volume.name},media=cdrom'`)
  return `${storage}:${volume.name},media=cdrom`
}

/** Takes volumes back after a failure; what cannot be freed is left, with a line. */
export function takeBack(place: Place, volids: string[], log: (line: string) => void) {
  for (const volid of volids) {
    try {
      const found = findVolume(place, volid)
      if (found) freeVolume(found, () => {})
    } catch (error) {
      log(`unable to remove volume '${volid}' - ${(error as Error).message}`)
    }
  }
}

/** Whether a drive's volume belongs to this guest, and goes with it. */
export function ownedVolume(place: Place, vmid: number, value: string): string | undefined {
  const drive = parseDrive(value)
  if (!drive.file.includes(':')) return undefined
  const volume = findOrNothing(place, drive.file)
  if (isCdrom(drive) && !/cloudinit/.test(drive.file)) return undefined
  return volume?.vmid === vmid ? drive.file : undefined
}

function findOrNothing(place: Place, volid: string): Volume | undefined {
  try {
    return findVolume(place, volid)?.volume
  } catch {
    return undefined
  }
}
