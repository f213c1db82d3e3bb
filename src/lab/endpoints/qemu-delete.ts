/** DELETE `/nodes/{node}/qemu/{vmid}`: running, protected or under HA is refused at once, a lock inside the task. */
import { fail } from '../fault.ts'
import { dropFromRules } from '../ha/config.ts'
import type { GuestConfig } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { flag, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { disksOf, unusedOf } from './qemu-drives.ts'
import { checkLock, checkProtection, checkWritable, findGuest, forgetGuest, isHaManaged } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import { checkRootOnly, skipsLock } from './qemu-rights.ts'
import { ownedVolume } from './qemu-volumes.ts'
import { activate, findVolume, withStorageLock } from './storage-access.ts'
import { freeVolume } from './storage-volumes.ts'

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

function check(ctx: Context): GuestConfig {
  const vmid = vmidOf(ctx)
  const guest = findGuest(ctx, vmid)
  checkProtection(guest, `can't remove VM ${vmid}`)
  if (!flag(ctx, 'purge') && isHaManaged(ctx.config, vmid)) {
    throw fail(`unable to remove VM ${vmid} - used in HA resources and purge parameter not set.`)
  }
  if (ctx.node.processes.has(vmid)) throw fail(`VM ${vmid} is running - destroy failed`)
  return guest
}

function destroy(ctx: Context): Json {
  checkRootOnly(ctx, 'skiplock')
  check(ctx)
  return ctx.task({ type: 'qmdestroy', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmidOf(ctx), task, () => run(ctx, task)),
  )
}

async function run(ctx: Context, task: TaskHandle) {
  const vmid = vmidOf(ctx)
  const guest = check(ctx)
  if (!skipsLock(ctx)) checkLock(guest)
  checkBases(ctx, guest)
  for (const volid of volumesOf(ctx, guest)) await free(ctx, task, volid)
  if (Number(ctx.params['destroy-unreferenced-disks'] ?? 0) === 1) await freeStrays(ctx, task, vmid)
  await task.sleep(0.9)
  checkWritable(ctx, vmid)
  if (flag(ctx, 'purge')) purge(ctx, task, vmid)
  forgetGuest(ctx, vmid)
}

/** A template whose linked clones live on is kept whole. */
function checkBases(ctx: Context, guest: GuestConfig) {
  for (const { drive } of disksOf(guest.keys)) {
    const found = findVolume(ctx, drive.file)
    if (found?.backing.volumes.some((other) => other.parent === found.volume.name)) {
      throw fail(`base volume '${drive.file}' is still in use by linked cloned`)
    }
  }
}

function volumesOf(ctx: Context, guest: GuestConfig): string[] {
  const current = [...disksOf(guest.keys), ...unusedOf(guest.keys)].map(({ drive }) => drive.file)
  const states = [guest.keys, ...guest.snapshots.map((snapshot) => snapshot.keys)].map((keys) => keys.vmstate)
  const all = [...current, ...states.filter((state) => state !== undefined).map(String)]
  return [...new Set(all)].flatMap((volid) => ownedVolume(ctx, guest.vmid, volid) ?? [])
}

async function free(ctx: Context, task: TaskHandle, volid: string) {
  const found = findVolume(ctx, volid)
  if (found) await withStorageLock(ctx, found.entry, task, () => freeVolume(found, task.log))
}

/** Volumes with the guest's number that no config names. */
async function freeStrays(ctx: Context, task: TaskHandle, vmid: number) {
  for (const entry of ctx.config.storages.values()) {
    if (entry.disable || !entry.content.includes('images')) continue
    if (entry.nodes && !entry.nodes.includes(ctx.node.name)) continue
    const strays = activate(ctx, entry).volumes.filter((volume) => volume.vmid === vmid && volume.content === 'images')
    for (const { name } of strays) await free(ctx, task, `${entry.storage}:${name}`)
  }
}

function purge(ctx: Context, task: TaskHandle, vmid: number) {
  task.log(`purging VM ${vmid} from related configurations..`)
  for (const job of ctx.config.backupJobs.values()) {
    if (job.vmid === undefined) continue
    job.vmid = String(job.vmid)
      .split(',')
      .filter((id) => id !== String(vmid))
      .join(',')
  }
  if (!ctx.config.ha.resources.delete(`vm:${vmid}`)) return
  dropFromRules(ctx.config.ha, `vm:${vmid}`)
  task.log(`NOTE: removed VM ${vmid} from HA resource configuration.`)
}

export const routes: Route[] = [{ method: 'DELETE', path: '/nodes/{node}/qemu/{vmid}', handler: destroy }]
