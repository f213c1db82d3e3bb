/** `/nodes/{node}/storage/{storage}/content`: the volumes of a storage. */
import { badParams, fail } from '../fault.ts'
import type { Backing, StorageEntry, Volume } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { optNum, optStr, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { findTask } from '../tasks.ts'
import { activate, splitVolid, storageOn, withStorageLock } from './storage-access.ts'
import { layoutOf, ownName, parseVolumeName, volumePath } from './storage-types.ts'
import { allocate, freeVolume, GiB } from './storage-volumes.ts'

/** The storage in the path and its disk; throws where this node cannot use it. */
function place(ctx: Context): { entry: StorageEntry; backing: Backing } {
  const entry = storageOn(ctx.config, str(ctx, 'storage'), ctx.node.name)
  return { entry, backing: activate(ctx, entry) }
}

function list(ctx: Context): Json {
  const { entry, backing } = place(ctx)
  const content = optStr(ctx, 'content')
  const vmid = optNum(ctx, 'vmid')
  return backing.volumes
    .filter((volume) => (content === undefined ? isOffered(entry, volume) : volume.content === content))
    .filter((volume) => vmid === undefined || volume.vmid === vmid)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((volume) => row(entry, volume))
}

const isOffered = (entry: StorageEntry, { content }: Volume) =>
  entry.content.includes(content) || (layoutOf(entry) === 'iscsi' && content === 'images')

function row(entry: StorageEntry, volume: Volume) {
  const { name, content, format, size, vmid, ctime, notes } = volume
  const isImage = content === 'images' || content === 'rootdir'
  return {
    volid: `${entry.storage}:${name}`,
    content,
    format,
    size,
    ...(layoutOf(entry) === 'iscsi' ? {} : { ctime }),
    ...(vmid === undefined ? {} : { vmid }),
    ...(isImage && layoutOf(entry) === 'file' ? { used: volume.used ?? size, parent: parentOf(volume) } : {}),
    ...(content === 'backup' ? { subtype: name.includes('vzdump-lxc') ? 'lxc' : 'qemu' } : {}),
    ...(notes === undefined ? {} : { notes: notes.split('\n')[0] ?? '' }),
    ...(volume.protected ? { protected: 1 } : {}),
  }
}

const parentOf = ({ parent }: Volume) => (parent === undefined ? null : `../${ownName(parent)}`)

/** The volume in the path, which may be a whole id or a name on this storage. */
function volumeOf(ctx: Context): { name: string; volid: string } {
  const storage = str(ctx, 'storage')
  const given = str(ctx, 'volume')
  if (!/^[^/]+:/.test(given)) return { name: given, volid: `${storage}:${given}` }
  const [owner, name] = splitVolid(given)
  if (owner !== storage) throw badParams({ storage: `storage ID missmatch (${owner} != ${storage})` })
  return { name, volid: given }
}

function checkAccess(ctx: Context, entry: StorageEntry, volume: Pick<Volume, 'content' | 'vmid'> | undefined) {
  if (ctx.can(`/storage/${entry.storage}`, 'Datastore.Allocate')) return
  if (volume?.vmid === undefined) {
    return ctx.check(`/storage/${entry.storage}`, ['Datastore.AllocateSpace', 'Datastore.Audit'], { any: true })
  }
  ctx.check(`/vms/${volume.vmid}`, [volume.content === 'backup' ? 'VM.Backup' : 'VM.Config.Disk'])
}

function read(ctx: Context): Json {
  const { entry, backing } = place(ctx)
  const { name, volid } = volumeOf(ctx)
  checkAccess(ctx, entry, parseVolumeName(entry, name))
  const volume = backing.volumes.find((candidate) => candidate.name === name)
  if (!volume) throw fail(`volume_size_info on '${volid}' failed - no format`)
  const { format, size, notes } = volume
  return {
    path: volumePath(entry, name),
    format,
    size,
    used: volume.used ?? size,
    ...(notes === undefined ? {} : { notes }),
    ...(volume.protected ? { protected: 1 } : {}),
  }
}

const UNITS: Record<string, number> = { '': 1024, M: 1024 ** 2, G: GiB }

async function alloc(ctx: Context): Promise<Json> {
  const { entry, backing } = place(ctx)
  const vmid = Number(ctx.params.vmid)
  const stem = str(ctx, 'filename')
  const [, digits = '0', unit = ''] = /^(\d+)([MG]?)$/.exec(str(ctx, 'size')) ?? []
  const [, suffix] = /\.(raw|qcow2|vmdk)$/.exec(stem) ?? []
  const format = optStr(ctx, 'format')
  if (suffix !== undefined && format !== undefined && suffix !== format) {
    throw badParams({ format: `different storage formats (${format} != ${suffix})` })
  }
  if (!new RegExp(`^(vm|base|subvol)-${vmid}-`).test(stem)) {
    throw fail(`illegal name '${stem}' - should be 'vm-${vmid}-*'`)
  }
  const name = layoutOf(entry) === 'file' ? `${vmid}/${stem}` : stem
  if (backing.volumes.some((volume) => volume.name === name)) {
    throw fail(
      layoutOf(entry) === 'file'
        ? `disk image '${volumePath(entry, name)}' already exists`
        : `lvcreate '${entry.options.vgname}/${name}' error:   Logical Volume "${name}" already exists in volume group "${entry.options.vgname}"`,
    )
  }
  const size = Number(digits) * (UNITS[unit] ?? 1024)
  const worker = { log: () => {}, sleep: (seconds: number) => ctx.sim.clock.pause(seconds) }
  return withStorageLock(ctx, entry, worker, () => {
    allocate(ctx, { entry, vmid, size, format: format ?? suffix, name, log: () => {} })
    return `${entry.storage}:${name}`
  })
}

async function remove(ctx: Context): Promise<Json> {
  const { entry, backing } = place(ctx)
  const { name, volid } = volumeOf(ctx)
  const { vmid, content } = parseVolumeName(entry, name)
  if (content === 'backup') checkAccess(ctx, entry, { content, ...(vmid === undefined ? {} : { vmid }) })
  else ctx.check(`/storage/${entry.storage}`, ['Datastore.Allocate'])
  const id = vmid === undefined ? entry.storage : `${vmid}@${entry.storage}`
  const upid = ctx.task({ type: 'imgdel', id }, (task) => removeVolume(ctx, task, { entry, backing, name, volid }))
  return (await hasEnded(ctx, upid, optNum(ctx, 'delay'))) ? null : upid
}

interface Doomed {
  entry: StorageEntry
  backing: Backing
  name: string
  volid: string
}

async function removeVolume(ctx: Context, task: TaskHandle, { entry, backing, name, volid }: Doomed) {
  await task.sleep(0.3)
  await withStorageLock({ sim: ctx.sim, node: task.node }, entry, task, () => {
    const volume = backing.volumes.find((candidate) => candidate.name === name)
    if (volume?.protected) throw fail(`can't remove protected volume '${volid}'`)
    if (volume) freeVolume({ entry, backing, volume, volid }, task.log)
    else refuseMissing(entry, name, task)
  })
  task.log(`Removed volume '${volid}'`)
}

/** A missing image file is only mentioned; anything else that is missing cannot be removed. */
function refuseMissing(entry: StorageEntry, name: string, task: TaskHandle) {
  const path = volumePath(entry, name)
  if (layoutOf(entry) === 'file' && parseVolumeName(entry, name).content === 'images') {
    return task.log(`disk image '${path}' does not exist`)
  }
  if (layoutOf(entry) === 'file') throw fail(`unlink '${path}' failed - No such file or directory`)
  if (layoutOf(entry) === 'zfs')
    throw fail(`zfs error: cannot open '${entry.options.pool}/${name}': dataset does not exist`)
  const lv = `${entry.options.vgname}/${name}`
  throw fail(`lvremove '${lv}' error:   Failed to find logical volume "${lv}"`)
}

/** With `delay`, waits that long for the task: its end within it is answered with null. */
async function hasEnded(ctx: Context, upid: string, delay: number | undefined): Promise<boolean> {
  if (delay === undefined) return false
  const until = ctx.sim.clock.now() + delay
  while (ctx.sim.clock.now() < until) {
    const record = findTask(ctx.node, upid)
    if (record?.exitstatus === 'OK') return true
    if (record?.exitstatus !== undefined) throw fail(record.exitstatus)
    await ctx.sim.clock.pause(0.25)
  }
  return false
}

function annotate(ctx: Context): null {
  const { entry, backing } = place(ctx)
  const { name, volid } = volumeOf(ctx)
  const { content, vmid } = parseVolumeName(entry, name)
  checkAccess(ctx, entry, { content, ...(vmid === undefined ? {} : { vmid }) })
  const volume = backing.volumes.find((candidate) => candidate.name === name)
  if (!volume) throw fail(`volume '${volid}' does not exist`)
  if (content !== 'backup') throw fail(`attribute 'notes' is not supported for volume of type '${content}'`)
  const notes = optStr(ctx, 'notes')
  if (notes === '') delete volume.notes
  else if (notes !== undefined) volume.notes = notes
  if (ctx.params.protected !== undefined) volume.protected = Number(ctx.params.protected) === 1
  return null
}

const CONTENT = '/nodes/{node}/storage/{storage}/content'

export const routes: Route[] = [
  { method: 'GET', path: CONTENT, handler: list },
  { method: 'POST', path: CONTENT, handler: alloc },
  { method: 'GET', path: `${CONTENT}/{volume}`, handler: read },
  { method: 'PUT', path: `${CONTENT}/{volume}`, handler: annotate },
  { method: 'DELETE', path: `${CONTENT}/{volume}`, handler: remove },
]
