/**
 * Clones. The new config is there soon after the call, with lock `clone`, and gains its disks one by one.
 * Between the call and that moment two calls for one number both get a task: the second task fails (race.jsonl.gz).
 */
import { fail } from '../fault.ts'
import type { ConfigKeys, GuestConfig } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { checkQuorum, optStr, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { emptyGuest } from './qemu-claim.ts'
import { cloneDisk } from './qemu-copy.ts'
import { type DriveEntry, disksOf, drivesOf, isCloudinit, parseNet, printDrive, printNet } from './qemu-drives.ts'
import { checkLock, checkWritable, editGuest, findGuest, forgetGuest, requireGuest } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import { checkPool } from './qemu-rights.ts'
import { birthKeys, newMac } from './qemu-values.ts'
import { takeBack } from './qemu-volumes.ts'
import { findStorage, requireVolume, splitVolid, storageOn } from './storage-access.ts'
import { isShared } from './storage-types.ts'
import { hasFeature } from './storage-volumes.ts'
import { mayCleanUp } from './task-end.ts'

/** From the call until the new config is there. */
const RACE_SECONDS = 0.3

interface Plan {
  vmid: number
  newid: number
  full: boolean
  snapname: string | undefined
  storage: string | undefined
  format: string | undefined
  target: string | undefined
}

function clone(ctx: Context): Json {
  const pool = optStr(ctx, 'pool')
  checkPool(ctx, pool)
  const plan = planOf(ctx)
  checkTarget(ctx, plan)
  checkQuorum(ctx)
  const guest = requireGuest(ctx, plan.vmid)
  checkLock(guest)
  checkSource(ctx, guest, plan)
  return ctx.task({ type: 'qmclone', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, plan.vmid, task, () => run(ctx, task, plan, pool), { shared: true }),
  )
}

function planOf(ctx: Context): Plan {
  const vmid = Number(ctx.params.vmid)
  const template = ctx.config.guests.get(vmid)?.template ?? false
  const full = ctx.params.full === undefined ? !template : Number(ctx.params.full) === 1
  const target = optStr(ctx, 'target')
  return {
    vmid,
    newid: Number(ctx.params.newid),
    full,
    snapname: optStr(ctx, 'snapname'),
    storage: optStr(ctx, 'storage'),
    format: optStr(ctx, 'format'),
    target: target === ctx.node.name ? undefined : target,
  }
}

function checkTarget(ctx: Context, { storage, target }: Plan) {
  const members = ctx.config.corosync?.nodes.map(({ name }) => name) ?? [ctx.node.name]
  if (target !== undefined && !members.includes(target)) throw fail(`no such cluster node '${target}'`)
  if (storage === undefined) return
  ctx.check(`/storage/${storage}`, ['Datastore.AllocateSpace'])
  const entry = storageOn(ctx.config, storage, ctx.node.name)
  if (target === undefined) return
  storageOn(ctx.config, storage, target)
  if (!isShared(entry)) throw fail(`can't clone to non-shared storage '${storage}'`)
}

function checkSource(ctx: Context, guest: GuestConfig, plan: Plan) {
  const { full, snapname, target, newid } = plan
  const keys = sourceKeys(guest, snapname)
  if (!full && plan.storage !== undefined) throw fail(`parameter 'storage' not allowed for linked clones`)
  if (!full && plan.format !== undefined) throw fail(`parameter 'format' not allowed for linked clones`)
  if (target !== undefined && !isReachable(ctx, keys, target)) {
    throw fail(`can't clone VM to node '${target}' (VM uses local storage)`)
  }
  checkFree(ctx, newid)
  for (const { key, drive } of disksOf(keys)) {
    if (isCloudinit(drive)) continue
    const { entry, volume } = requireVolume(ctx, drive.file)
    if (hasFeature(entry, volume, full ? 'copy' : 'clone', snapname)) continue
    throw fail(`${full ? 'Full' : 'Linked'} clone feature is not supported for drive '${key}'`)
  }
}

function sourceKeys(guest: GuestConfig, snapname: string | undefined): ConfigKeys {
  if (snapname === undefined) return guest.keys
  const snapshot = guest.snapshots.find(({ name }) => name === snapname)
  if (!snapshot) throw fail(`snapshot '${snapname}' does not exist`)
  return snapshot.keys
}

/** Every volume, CD-ROMs included, lies on storages that all nodes share. */
const isReachable = (ctx: Context, keys: ConfigKeys, target: string) =>
  drivesOf(keys).every(({ drive }) => {
    if (!drive.file.includes(':')) return true
    const entry = findStorage(ctx.config, splitVolid(drive.file)[0])
    return isShared(entry) && (entry.nodes === undefined || entry.nodes.includes(target))
  })

function checkFree(ctx: Context, newid: number) {
  if (ctx.config.guests.has(newid)) throw fail(`unable to create VM ${newid}: config file already exists`)
}

async function run(ctx: Context, task: TaskHandle, plan: Plan, pool: string | undefined) {
  const { vmid, newid, target } = plan
  await task.sleep(RACE_SECONDS)
  checkFree(ctx, newid)
  checkWritable(ctx, vmid)
  const source = findGuest(ctx, vmid)
  const keys = sourceKeys(source, plan.snapname)
  ctx.config.guests.set(newid, emptyGuest(ctx, newid, freshKeys(ctx, source, keys), 'clone'))
  task.log(`creating a clone of VM ${vmid} with ID ${newid}`)
  const made: string[] = []
  try {
    for (const disk of drivesOf(keys)) {
      const value = await cloneOne(ctx, task, plan, disk, made)
      editGuest(ctx, newid, (guest) => {
        guest.keys[disk.key] = value
      })
    }
    await task.sleep(0.2)
    editGuest(ctx, newid, (guest) => {
      delete guest.lock
      if (target !== undefined) guest.node = target
    })
  } catch (error) {
    if (mayCleanUp(task)) {
      takeBack(ctx, made, task.log)
      forgetGuest(ctx, newid)
    }
    throw fail(`clone failed: ${(error as Error).message}`)
  }
  if (pool !== undefined) ctx.config.access.pools.get(pool)?.vmids.add(newid)
}

function cloneOne(ctx: Context, task: TaskHandle, plan: Plan, disk: DriveEntry, made: string[]) {
  const { drive } = disk
  if (!disksOf({ [disk.key]: printDrive(drive) }).length) return printDrive(drive)
  const { full, newid, storage, format } = plan
  const running = ctx.node.processes.has(plan.vmid) && plan.snapname === undefined
  return cloneDisk(ctx, task, { disk, full, vmid: newid, storage, format, running }, made)
}

/** The source's keys without what belongs to it alone: disks come later, cards and ids are new. */
function freshKeys(ctx: Context, source: GuestConfig, keys: ConfigKeys): ConfigKeys {
  const kept = Object.entries(keys).filter(
    ([key]) => !/^unused\d+$/.test(key) && key !== 'vmstate' && !drivesOf({ [key]: keys[key] ?? '' }).length,
  )
  const fresh: ConfigKeys = Object.fromEntries(
    kept.map(([key, value]) => [key, /^net\d+$/.test(key) ? withNewMac(ctx, String(value)) : value]),
  )
  const name = optStr(ctx, 'name') ?? `Copy-of-VM-${source.keys.name ?? source.vmid}`
  const description = optStr(ctx, 'description') ?? keys.description
  const { smbios1, vmgenid, meta } = birthKeys(ctx.sim)
  return {
    ...fresh,
    name,
    ...(description === undefined ? {} : { description }),
    ...(smbios1 === undefined || keys.smbios1 === undefined ? {} : { smbios1 }),
    ...(vmgenid === undefined || keys.vmgenid === undefined ? {} : { vmgenid }),
    ...(meta === undefined ? {} : { meta }),
  }
}

function withNewMac(ctx: Context, value: string): string {
  return printNet({ ...parseNet(value), mac: newMac(ctx.sim, ctx.config.options.mac_prefix) })
}

export const routes: Route[] = [{ method: 'POST', path: '/nodes/{node}/qemu/{vmid}/clone', handler: clone }]
