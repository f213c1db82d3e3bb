/** POST `template`, and `feature`: what can be made of a guest. */
import { badParams, fail } from '../fault.ts'
import type { GuestConfig } from '../model.ts'
import { clusterNodes } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { optStr, str } from '../router.ts'
import { disksOf, formatSize, printDrive } from './qemu-drives.ts'
import { checkLock, editGuest, findGuest } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import { findStorage, requireVolume, splitVolid } from './storage-access.ts'
import { isShared } from './storage-types.ts'
import { type Feature, hasFeature, makeBase } from './storage-volumes.ts'

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

function check(ctx: Context): GuestConfig {
  const guest = findGuest(ctx, vmidOf(ctx))
  checkLock(guest)
  if (guest.snapshots.length > 0) throw fail('unable to create template, because VM contains snapshots')
  if (guest.template && optStr(ctx, 'disk') === undefined) throw fail(`you can't convert a template to a template`)
  if (ctx.node.processes.has(guest.vmid)) throw fail(`you can't convert a VM to template if VM is running`)
  return guest
}

function convert(ctx: Context): Json {
  const guest = check(ctx)
  const only = optStr(ctx, 'disk')
  if (only !== undefined && guest.keys[only] === undefined) throw badParams({ disk: `disk '${only}' does not exist` })
  return ctx.task({ type: 'qmtemplate', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmidOf(ctx), task, async () => {
      check(ctx)
      await task.sleep(0.5)
      editGuest(ctx, vmidOf(ctx), (edited) => {
        edited.template = true
        turnIntoBases(ctx, edited, only)
      })
    }),
  )
}

function turnIntoBases(ctx: Context, guest: GuestConfig, only: string | undefined) {
  for (const { key, drive } of disksOf(guest.keys)) {
    if (only !== undefined && key !== only) continue
    const found = requireVolume(ctx, drive.file)
    if (!hasFeature(found.entry, found.volume, 'template')) continue
    const file = `${found.entry.storage}:${makeBase(found)}`
    guest.keys[key] = printDrive({ file, options: { ...drive.options, size: formatSize(found.volume.size) } })
  }
}

/** Whether every disk can do it, and on which nodes a copy could live. */
function feature(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx))
  const snapname = optStr(ctx, 'snapname')
  const snapshot = guest.snapshots.find(({ name }) => name === snapname)
  if (snapname !== undefined && !snapshot) throw fail(`snapshot '${snapname}' does not exist`)
  const disks = disksOf(snapshot?.keys ?? guest.keys)
  const able = disks.every(({ drive }) => {
    const { entry, volume } = requireVolume(ctx, drive.file)
    return hasFeature(entry, volume, str(ctx, 'feature') as Feature, snapname)
  })
  const shared = disks.every(({ drive }) => isShared(findStorage(ctx.config, splitVolid(drive.file)[0])))
  const nodes = shared ? clusterNodes(ctx.sim, ctx.node).map(({ name }) => name) : [ctx.node.name]
  return { hasFeature: able ? 1 : 0, nodes }
}

const VM = '/nodes/{node}/qemu/{vmid}'

export const routes: Route[] = [
  { method: 'POST', path: `${VM}/template`, handler: convert },
  { method: 'GET', path: `${VM}/feature`, handler: feature },
]
