/**
 * Making, growing, cloning and freeing volumes. Thick storages take the whole size at once, thin ones what was written.
 * Texts are those of qemu-img, LVM, ZFS and Ceph as Proxmox passes them on.
 */
import { fail } from '../fault.ts'
import type { Backing, StorageEntry, Volume } from '../model.ts'
import { usedOn } from '../model.ts'
import type { FoundVolume, Place } from './storage-access.ts'
import { activate } from './storage-access.ts'
import { baseName, imageFormats, layoutOf, ownName, parseVolumeName, volumePath } from './storage-types.ts'

export const GiB = 1024 ** 3
const EXTENT = 4 * 1024 ** 2
/** ext4's longest file. */
const LONGEST_FILE = 16 * 1024 ** 4 - 4096

export type Log = (line: string) => void

export interface NewVolume {
  entry: StorageEntry
  vmid: number
  /** Bytes. */
  size: number
  /** The storage's default format where absent. */
  format?: string | undefined
  /** The next free `vm-VMID-disk-N` where absent. */
  name?: string
  content?: Volume['content']
  log: Log
}

/** Makes a volume and says so in the log; throws the text of the tool that would fail. */
export function allocate(place: Place, o: NewVolume): Volume {
  const backing = activate(place, o.entry)
  const format = o.format ?? imageFormats(o.entry)[0] ?? 'raw'
  const layout = layoutOf(o.entry)
  if (layout === 'iscsi') throw fail(`can't allocate space in iscsi storage`)
  if (!imageFormats(o.entry).includes(format)) throw fail(`unsupported format '${format}'`)
  const name = o.name ?? freeName(backing, o.entry, o.vmid, format)
  const size = layout === 'file' ? o.size : Math.ceil(o.size / EXTENT) * EXTENT
  if (layout === 'file') announceFile(o.entry, name, format, size, o.log)
  checkSpace(o.entry, backing, name, size)
  if (layout === 'lvm' || layout === 'lvmthin') o.log(`  Logical volume "${baseName(name)}" created.`)
  const volume: Volume = {
    name,
    content: o.content ?? 'images',
    format,
    size,
    vmid: o.vmid,
    ctime: Math.floor(place.sim.clock.now()),
    ...(isThin(o.entry) ? { used: format === 'qcow2' ? 327_680 + Math.floor(size / 16_384) : 0 } : {}),
  }
  backing.volumes.push(volume)
  return volume
}

/** Volumes take only what was written to them. */
export const isThin = (entry: StorageEntry) => {
  const layout = layoutOf(entry)
  return ['file', 'lvmthin', 'rbd'].includes(layout) || (layout === 'zfs' && Number(entry.options.sparse ?? 0) === 1)
}

export const freeOn = (backing: Backing) => Math.max(0, backing.total - usedOn(backing))

const QCOW2 = (size: string, backing = '') =>
  backing === ''
    ? `fmt=qcow2 cluster_size=65536 extended_l2=off preallocation=metadata compression_type=zlib size=${size} lazy_refcounts=off refcount_bits=16`
    : `fmt=qcow2 cluster_size=131072 extended_l2=on preallocation=metadata compression_type=zlib size=${size} backing_file=${backing} backing_fmt=qcow2 lazy_refcounts=off refcount_bits=16`

function announceFile(entry: StorageEntry, name: string, format: string, size: number, log: Log) {
  const digits = BigInt(size).toString()
  const rest =
    format === 'qcow2' ? QCOW2(digits) : `fmt=${format} size=${digits}${format === 'raw' ? ' preallocation=off' : ''}`
  if (format !== 'subvol') log(`Formatting '${volumePath(entry, name)}', ${rest}`)
}

function checkSpace(entry: StorageEntry, backing: Backing, name: string, size: number) {
  const layout = layoutOf(entry)
  const free = freeOn(backing)
  const vg = String(entry.options.vgname)
  if (layout === 'file' && size > LONGEST_FILE) {
    const format = parseVolumeName(entry, name).format
    throw fail(
      `unable to create image: qemu-img: ${volumePath(entry, name)}: ` +
        `The image size is too large for file format '${format}'${format === 'qcow2' ? ' (try using a larger cluster size)' : ''}`,
    )
  }
  if (layout === 'file' && free < 1024 ** 2) {
    throw fail(
      `unable to create image: qemu-img: ${volumePath(entry, name)}: Could not write metadata: No space left on device`,
    )
  }
  if (layout === 'lvm' && size > free) {
    throw fail(
      `lvcreate '${vg}/${name}' error:   Volume group "${vg}" has insufficient free space ` +
        `(${Math.floor(free / EXTENT)} extents): ${Math.ceil(size / EXTENT)} required.`,
    )
  }
  if (layout === 'lvmthin' && free === 0) {
    throw fail(
      `lvcreate '${vg}/${name}' error:   Cannot create new thin volume, ` +
        `free space in thin pool ${vg}/${entry.options.thinpool} reached threshold.`,
    )
  }
  if (layout === 'zfs' && size > free && !isThin(entry)) {
    throw fail(`zfs error: cannot create '${entry.options.pool}/${name}': out of space`)
  }
  if (layout === 'rbd' && free === 0)
    throw fail(`rbd create '${name}' error: rbd: create error: (28) No space left on device`)
}

function freeName(backing: Backing, entry: StorageEntry, vmid: number, format: string): string {
  const kind = format === 'subvol' ? 'subvol' : 'vm'
  const taken = new Set(
    backing.volumes.map(
      ({ name }) => new RegExp(`^(?:vm|base|subvol|basevol)-${vmid}-disk-(\\d+)`).exec(baseName(name))?.[1],
    ),
  )
  let n = 0
  while (taken.has(String(n))) n++
  return imageName(entry, vmid, `${kind}-${vmid}-disk-${n}`, format)
}

/** The volume's full name for an image called `stem` on this type of storage. */
export function imageName(entry: StorageEntry, vmid: number, stem: string, format: string): string {
  if (layoutOf(entry) === 'file') return `${vmid}/${stem}.${format}`
  return format === 'qcow2' ? `${stem}.qcow2` : stem
}

/** Frees a volume; throws while linked clones still live from it. */
export function freeVolume({ backing, entry, volume, volid }: FoundVolume, log: Log) {
  if (backing.volumes.some((other) => other.parent === volume.name)) {
    throw fail(`base volume '${volid}' is still in use by linked cloned`)
  }
  backing.volumes.splice(backing.volumes.indexOf(volume), 1)
  if (layoutOf(entry) === 'lvm' || layoutOf(entry) === 'lvmthin') {
    log(`  Logical volume "${baseName(volume.name)}" successfully removed.`)
  }
}

export function resizeVolume({ entry, backing, volume }: FoundVolume, size: number, log: Log) {
  const layout = layoutOf(entry)
  const more = size - volume.size
  const lv = `${entry.options.vgname}/${baseName(volume.name)}`
  if (!isThin(entry) && more > freeOn(backing)) {
    if (layout !== 'lvm')
      throw fail(`zfs error: cannot set property for '${entry.options.pool}/${volume.name}': out of space`)
    throw fail(`command '/sbin/lvextend -L ${Math.ceil(size / 1024)}k /dev/${lv}' failed: exit code 5`)
  }
  if (layout === 'file') log('Image resized.')
  if (layout === 'lvm' || layout === 'lvmthin') {
    const gib = (bytes: number) => `${(bytes / GiB).toFixed(2)} GiB (${Math.ceil(bytes / EXTENT)} extents)`
    log(`  Size of logical volume ${lv} changed from ${gib(volume.size)} to ${gib(size)}.`)
    log(`  Logical volume ${lv} successfully resized.`)
  }
  if (layout === 'rbd') log('Resizing image: 100% complete...done.')
  volume.size = layout === 'file' ? size : Math.ceil(size / EXTENT) * EXTENT
}

/** Turns a volume into a base that linked clones can grow from; returns its new name. */
export function makeBase({ entry, volume }: FoundVolume): string {
  const stem = baseName(volume.name)
  volume.name = volume.name.slice(0, -stem.length) + stem.replace(/^vm-/, 'base-').replace(/^subvol-/, 'basevol-')
  parseVolumeName(entry, volume.name)
  return volume.name
}

/** A linked clone: takes no space until it is written to. */
export function linkVolume(place: Place, found: FoundVolume, vmid: number, log: Log): Volume {
  const { entry, backing, volume } = found
  const layout = layoutOf(entry)
  const own = freeName(backing, entry, vmid, layout === 'file' ? 'qcow2' : volume.format)
  const base = ownName(volume.name)
  if (layout === 'file') {
    log(`clone ${base}: images, ${baseName(own)}, ${vmid} to ${baseName(own)} (base=../${base})`)
    log(`Formatting '${volumePath(entry, own)}', ${QCOW2(String(volume.size), `../${base}`)}`)
  } else if (layout === 'lvmthin') {
    log(`  Logical volume "${own}" created.`)
  }
  const clone: Volume = {
    name: layout === 'lvmthin' ? own : `${base}/${own}`,
    content: volume.content,
    format: layout === 'file' ? 'qcow2' : volume.format,
    size: volume.size,
    used: layout === 'file' ? 528_384 : 0,
    vmid,
    ctime: Math.floor(place.sim.clock.now()),
    parent: volume.name,
  }
  backing.volumes.push(clone)
  return clone
}

export type Feature = 'snapshot' | 'clone' | 'copy' | 'template' | 'resize' | 'rename'

/** Whether a storage can do something with a volume, as its plugin declares it. */
export function hasFeature(
  entry: StorageEntry,
  volume: { name: string; format: string },
  feature: Feature,
  snapname?: string,
): boolean {
  const layout = layoutOf(entry)
  const isBase = /(?:^|\/)base(?:vol)?-[^/]+$/.test(volume.name)
  if (layout === 'iscsi') return feature === 'copy' && !isBase
  const canSnapshot = layout === 'file' ? volume.format === 'qcow2' : layout !== 'lvm' || volume.format === 'qcow2'
  if (snapname !== undefined) {
    if (feature === 'clone') return layout === 'lvmthin' || layout === 'rbd'
    return canSnapshot && (feature !== 'copy' || layout !== 'zfs')
  }
  if (feature === 'copy') return true
  if (feature === 'clone') return isBase && layout !== 'lvm'
  if (isBase) return false
  return feature === 'snapshot' ? canSnapshot : true
}
