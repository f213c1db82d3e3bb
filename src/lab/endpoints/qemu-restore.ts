/** `archive` of POST qemu: a guest made anew from a backup of vzdump. */
import { badParams, fail } from '../fault.ts'
import type { ConfigKeys, Volume } from '../model.ts'
import type { Context, Json } from '../router.ts'
import { checkQuorum, flag, optStr, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { claimId } from './qemu-claim.ts'
import { type DriveEntry, disksOf, formatSize, parseNet, printDrive, printNet, sizeOfDrive } from './qemu-drives.ts'
import { checkLock, editGuest, findGuest, forgetGuest, lookUp } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import { startInTask } from './qemu-power.ts'
import { birthKeys, configKeysIn, newMac } from './qemu-values.ts'
import { ownedVolume, takeBack } from './qemu-volumes.ts'
import { findVolume, requireVolume, splitVolid, storageOn, withStorageLock } from './storage-access.ts'
import { copySeconds } from './storage-copy.ts'
import { imageFormats, volumePath } from './storage-types.ts'
import { allocate } from './storage-volumes.ts'
import { mayCleanUp } from './task-end.ts'

export function restore(ctx: Context, vmid: number): Json {
  const archive = str(ctx, 'archive')
  const [storage] = splitVolid(archive)
  ctx.check(`/storage/${storage}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], { any: true })
  const target = optStr(ctx, 'storage')
  if (target !== undefined) ctx.check(`/storage/${target}`, ['Datastore.AllocateSpace'])
  checkQuorum(ctx)
  const saved = requireVolume(ctx, archive)
  const config = saved.volume.archived
  if (saved.volume.content !== 'backup' || config === undefined) throw badParams({ archive: 'not a VM backup archive' })
  const old = claim(ctx, vmid)
  const start = flag(ctx, 'start')
  return ctx.task({ type: 'qmrestore', id: String(vmid) }, async (task) => {
    const path = volumePath(saved.entry, saved.volume.name)
    await withGuestLock(ctx, vmid, task, () => fill(ctx, task, vmid, { path, config, volume: saved.volume, old }))
    if (start) startInTask(ctx, task, vmid)
  })
}

/** A guest that is there already is overwritten with `force` alone, and only while it is off. */
function claim(ctx: Context, vmid: number): ConfigKeys | undefined {
  const emsg = `unable to restore VM ${vmid} -`
  const other = ctx.config.guests.get(vmid)
  if (!other) {
    claimId(ctx, vmid, {}, 'create')
    return undefined
  }
  if (!flag(ctx, 'force') || !lookUp(ctx, vmid)) throw fail(`${emsg} VM ${vmid} already exists on node '${other.node}'`)
  checkLock(other)
  if (ctx.node.processes.has(vmid)) throw fail(`${emsg} vm is running`)
  const keys = other.keys
  other.lock = 'create'
  return keys
}

interface Archive {
  path: string
  config: ConfigKeys
  volume: Volume
  old: ConfigKeys | undefined
}

async function fill(ctx: Context, task: TaskHandle, vmid: number, { path, config, volume, old }: Archive) {
  const made: string[] = []
  try {
    task.log(
      `restore vma archive: zstd -q -d -c ${path} | vma extract -v -r /var/tmp/vzdumptmp.fifo - /var/tmp/vzdumptmp`,
    )
    const disks = disksOf(config)
    for (const [i, { key, drive }] of disks.entries()) {
      task.log(`DEV: dev_id=${i + 1} size: ${sizeOfDrive(drive)} devname: drive-${key}`)
    }
    const keys: ConfigKeys = { ...config }
    for (const disk of disks) keys[disk.key] = await makeTarget(ctx, task, vmid, disk, made)
    await pour(
      task,
      disks.reduce((sum, { drive }) => sum + sizeOfDrive(drive), 0),
      volume,
    )
    task.log('rescan volumes...')
    dropOld(ctx, vmid, old, task)
    editGuest(ctx, vmid, (guest) => {
      guest.keys = { ...(flag(ctx, 'unique') ? unique(ctx, keys) : keys), ...configKeysIn(ctx) }
      guest.pending = {}
      guest.snapshots = []
      delete guest.lock
    })
  } catch (error) {
    if (mayCleanUp(task)) {
      takeBack(ctx, made, task.log)
      if (old === undefined) forgetGuest(ctx, vmid)
      else delete findGuest(ctx, vmid).lock
    }
    throw fail(`unable to restore VM ${vmid} - ${(error as Error).message}`)
  }
}

async function makeTarget(ctx: Context, task: TaskHandle, vmid: number, disk: DriveEntry, made: string[]) {
  const [own] = splitVolid(disk.drive.file)
  const entry = storageOn(ctx.config, optStr(ctx, 'storage') ?? own, ctx.node.name)
  const wanted = /\.(qcow2|vmdk)$/.exec(disk.drive.file)?.[1] ?? 'raw'
  const format = imageFormats(entry).includes(wanted) ? wanted : imageFormats(entry)[0]
  const size = sizeOfDrive(disk.drive)
  const volume = await withStorageLock(ctx, entry, task, () =>
    allocate(ctx, { entry, vmid, size, format, log: task.log }),
  )
  const volid = `${entry.storage}:${volume.name}`
  made.push(volid)
  task.log(`new volume ID is '${volid}'`)
  task.log(`map 'drive-${disk.key}' to '${volumePath(entry, volume.name)}' (write zeros = 0)`)
  return printDrive({ file: volid, options: { ...disk.drive.options, size: formatSize(volume.size) } })
}

async function pour(task: TaskHandle, total: number, { size }: Volume) {
  const seconds = Math.max(1, copySeconds(total))
  for (let percent = 1; percent <= 100; percent++) {
    await task.sleep(seconds / 100)
    const read = Math.floor((total * percent) / 100)
    task.log(`progress ${percent}% (read ${read} bytes, duration ${Math.floor((seconds * percent) / 100)} sec)`)
    task.progress(percent)
  }
  const sparse = Math.max(0, total - size)
  task.log(
    `total bytes read ${total}, sparse bytes ${sparse} (${total === 0 ? 0 : Math.round((sparse / total) * 1000) / 10}%)`,
  )
}

/** Disks of the guest that was overwritten. */
function dropOld(ctx: Context, vmid: number, old: ConfigKeys | undefined, task: TaskHandle) {
  const volids = disksOf(old ?? {}).flatMap(({ drive }) => ownedVolume(ctx, vmid, drive.file) ?? [])
  takeBack(
    ctx,
    volids.filter((volid) => findVolume(ctx, volid)),
    task.log,
  )
}

function unique(ctx: Context, keys: ConfigKeys): ConfigKeys {
  const { smbios1, vmgenid } = birthKeys(ctx.sim)
  const cards = Object.entries(keys).filter(([key]) => /^net\d+$/.test(key))
  const fresh = cards.map(([key, value]) => [
    key,
    printNet({ ...parseNet(String(value)), mac: newMac(ctx.sim, ctx.config.options.mac_prefix) }),
  ])
  return { ...keys, ...Object.fromEntries(fresh), ...(smbios1 && { smbios1 }), ...(vmgenid && { vmgenid }) }
}
