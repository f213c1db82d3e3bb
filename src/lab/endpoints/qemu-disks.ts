/** Growing a disk and moving it to another storage. */
import { badParams, fail } from '../fault.ts'
import type { GuestConfig } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { flag, optStr, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { cloneDisk } from './qemu-copy.ts'
import { formatSize, isCdrom, parseDrive, parseSize, printDrive } from './qemu-drives.ts'
import { checkLock, editGuest, findGuest, guestDigest } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import { addUnused } from './qemu-pending.ts'
import { checkRootOnly, skipsLock } from './qemu-rights.ts'
import { takeBack } from './qemu-volumes.ts'
import { findVolume, requireVolume, splitVolid, storageOn, withStorageLock } from './storage-access.ts'
import { freeVolume, resizeVolume } from './storage-volumes.ts'
import { mayCleanUp } from './task-end.ts'

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

function checkDigest(ctx: Context, guest: GuestConfig) {
  const digest = optStr(ctx, 'digest')
  if (digest !== undefined && digest !== guestDigest(guest))
    throw fail('checksum mismatch (file change by other user?)')
}

function driveOf(guest: GuestConfig, key: string) {
  const value = guest.keys[key]
  if (value === undefined) throw fail(`disk '${key}' does not exist`)
  return parseDrive(String(value))
}

/** Before 8.0 the call itself did the work and answered null. */
async function resize(ctx: Context): Promise<Json> {
  checkRootOnly(ctx, 'skiplock')
  if (ctx.sim.pve.version !== '7.2') {
    return ctx.task({ type: 'resize', id: str(ctx, 'vmid') }, (task) =>
      withGuestLock(ctx, vmidOf(ctx), task, async () => {
        await grow(ctx, task.log)
        await task.sleep(0.3)
      }),
    )
  }
  const worker = { log: () => {}, sleep: (seconds: number) => ctx.sim.clock.pause(seconds) }
  await withGuestLock(ctx, vmidOf(ctx), worker, () => grow(ctx, () => {}))
  return null
}

async function grow(ctx: Context, log: (line: string) => void) {
  const guest = findGuest(ctx, vmidOf(ctx))
  checkDigest(ctx, guest)
  if (!skipsLock(ctx)) checkLock(guest)
  const key = str(ctx, 'disk')
  const drive = driveOf(guest, key)
  if (isCdrom(drive)) throw fail(`you can't resize a cdrom`)
  const found = requireVolume(ctx, drive.file)
  const wanted = str(ctx, 'size')
  const asked = parseSize(wanted.replace(/^\+/, '')) ?? 0
  const size = wanted.startsWith('+') ? found.volume.size + asked : asked
  if (size < found.volume.size) throw fail('shrinking disks is not supported')
  if (size === found.volume.size) return
  editGuest(ctx, guest.vmid, (edited) => {
    const running = ctx.node.processes.get(guest.vmid)
    // QEMU grows the disk of a running guest without a word.
    resizeVolume(found, size, running && found.volume.format === 'qcow2' ? () => {} : log)
    edited.keys[key] = printDrive({ ...drive, options: { ...drive.options, size: formatSize(found.volume.size) } })
    if (running) running.keys[key] = edited.keys[key]
  })
}

function move(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx))
  const key = str(ctx, 'disk')
  const storage = optStr(ctx, 'storage')
  if (storage === undefined) throw badParams({ storage: 'property is missing and it is not optional' })
  ctx.check(`/storage/${storage}`, ['Datastore.AllocateSpace'])
  checkDigest(ctx, guest)
  checkLock(guest)
  const drive = driveOf(guest, key)
  if (!drive.file.includes(':')) throw fail(`disk '${key}' has no associated volume`)
  if (isCdrom(drive)) throw fail(`you can't move a cdrom`)
  const [old] = splitVolid(drive.file)
  const format = optStr(ctx, 'format')
  const now = requireVolume(ctx, drive.file).volume.format
  if (old === storage && (format === undefined || format === now)) {
    throw fail(`you can't move to the same storage with same format`)
  }
  if (guest.snapshots.some(({ keys }) => keys[key] !== undefined) && flag(ctx, 'delete')) {
    throw fail(`you can't move a disk with snapshots and delete the source`)
  }
  storageOn(ctx.config, storage, ctx.node.name)
  return ctx.task({ type: 'qmmove', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, guest.vmid, task, () => carry(ctx, task, { key, storage, format, old })),
  )
}

interface Move {
  key: string
  storage: string
  format: string | undefined
  old: string
}

async function carry(ctx: Context, task: TaskHandle, { key, storage, format, old }: Move) {
  const vmid = vmidOf(ctx)
  const drive = driveOf(findGuest(ctx, vmid), key)
  task.log(`copying volume '${drive.file}' from current storage '${old}' to target storage '${storage}'`)
  const made: string[] = []
  try {
    const running = ctx.node.processes.has(vmid)
    const copy = { disk: { key, drive }, full: true, vmid, storage, format, running }
    const value = await cloneDisk(ctx, task, copy, made)
    editGuest(ctx, vmid, (guest) => {
      guest.keys[key] = value
      const process = ctx.node.processes.get(vmid)
      if (process) process.keys[key] = value
    })
  } catch (error) {
    if (mayCleanUp(task)) takeBack(ctx, made, task.log)
    throw fail(`storage migration failed: ${(error as Error).message}`)
  }
  await settleOld(ctx, task, drive.file)
}

/** With `delete` the old volume goes; else the guest keeps it as an unused disk. */
async function settleOld(ctx: Context, task: TaskHandle, volid: string) {
  const found = findVolume(ctx, volid)
  if (!found) return
  if (!flag(ctx, 'delete')) return editGuest(ctx, vmidOf(ctx), (guest) => addUnused(guest, volid))
  await withStorageLock(ctx, found.entry, task, () => freeVolume(found, task.log))
}

const VM = '/nodes/{node}/qemu/{vmid}'

export const routes: Route[] = [
  { method: 'PUT', path: `${VM}/resize`, handler: resize },
  { method: 'POST', path: `${VM}/move_disk`, handler: move },
]
