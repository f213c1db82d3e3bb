/** Reading a guest's config and changing it: at once (PUT) or in a task (POST). */
import { badParams, fail } from '../fault.ts'
import type { ConfigKeys, GuestConfig } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { flag, optStr, splitList, str } from '../router.ts'
import { checkLock, checkProtection, findGuest, guestDigest } from './qemu-guests.ts'
import { isKnownKey } from './qemu-keys.ts'
import { withGuestLock } from './qemu-locks.ts'
import { withPending } from './qemu-pending.ts'
import { checkBridges, checkDrives, checkKeys, checkRootOnly, skipsLock } from './qemu-rights.ts'
import { type ConfigChange, changeConfig } from './qemu-update.ts'
import { configKeysIn, shownKeys } from './qemu-values.ts'
import type { Worker } from './storage-access.ts'

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

function read(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx))
  const snapname = optStr(ctx, 'snapshot')
  if (snapname !== undefined) return readSnapshot(ctx, guest, snapname)
  const keys = flag(ctx, 'current') ? guest.keys : withPending(guest)
  return { ...shownKeys(ctx.sim, keys), ...fileKeys(guest) }
}

/** What the model keeps beside the keys. */
const fileKeys = (guest: GuestConfig): ConfigKeys => ({
  digest: guestDigest(guest),
  ...(guest.lock === undefined ? {} : { lock: guest.lock }),
  ...(guest.template ? { template: 1 } : {}),
  ...(guest.parent === undefined ? {} : { parent: guest.parent }),
})

function readSnapshot(ctx: Context, guest: GuestConfig, snapname: string): Json {
  const snapshot = guest.snapshots.find(({ name }) => name === snapname)
  if (!snapshot) throw fail(`snapshot '${snapname}' does not exist`)
  return { ...shownKeys(ctx.sim, snapshot.keys), snaptime: snapshot.snaptime, digest: guestDigest(guest) }
}

function pending(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx))
  const now: ConfigKeys = { ...shownKeys(ctx.sim, guest.keys), ...fileKeys(guest) }
  const names = new Set([...Object.keys(now), ...Object.keys(guest.pending)])
  return [...names].map((key) => {
    const wanted = guest.pending[key]
    return {
      key,
      ...(now[key] === undefined ? {} : { value: now[key] }),
      ...(wanted === null ? { delete: 1 } : wanted === undefined ? {} : { pending: wanted }),
    }
  })
}

/** Checks that need no look at the config, in Proxmox's order. */
function requested(ctx: Context): ConfigChange {
  checkRootOnly(ctx, 'skiplock')
  const keys = configKeysIn(ctx)
  const drop = splitList(optStr(ctx, 'delete') ?? '').map((key) => (key === 'cdrom' ? 'ide2' : key))
  const revert = splitList(optStr(ctx, 'revert') ?? '')
  if (Object.keys(keys).length + drop.length + revert.length === 0) throw fail('no options specified')
  for (const key of revert) {
    if (!isKnownKey(key)) throw badParams({ revert: `unknown option '${key}'` })
    if (keys[key] !== undefined)
      throw badParams({ delete: `you can't use '-${key}' and '-revert ${key}' at the same time` })
  }
  for (const key of drop) {
    if (keys[key] !== undefined)
      throw badParams({ delete: `you can't use '-${key}' and -delete ${key}' at the same time` })
    if (revert.includes(key))
      throw badParams({ revert: `you can't use '-delete ${key}' and '-revert ${key}' at the same time` })
    if (!isKnownKey(key)) throw badParams({ delete: `unknown option '${key}'` })
  }
  return { keys, drop, revert, force: flag(ctx, 'force') }
}

function checkRights(ctx: Context, { keys, drop, revert }: ConfigChange) {
  const vmid = vmidOf(ctx)
  const touched = Object.fromEntries([...drop, ...revert].map((key) => [key, '']))
  checkKeys(ctx, vmid, { ...touched, ...keys })
  checkDrives(ctx, vmid, keys)
  checkBridges(ctx, keys)
}

/** Throws where somebody else has changed or locked the config. */
function checkState(ctx: Context, change: ConfigChange) {
  const guest = findGuest(ctx, vmidOf(ctx))
  const digest = optStr(ctx, 'digest')
  if (digest !== undefined && digest !== guestDigest(guest))
    throw fail('checksum mismatch (file change by other user?)')
  const unlocks = change.drop.includes('lock')
  if (!skipsLock(ctx) && !unlocks) checkLock(guest)
  for (const key of change.drop) {
    if (/^unused\d+$/.test(key)) checkProtection(guest, `can't remove unused disk '${guest.keys[key]}'`)
  }
}

async function put(ctx: Context): Promise<null> {
  const change = requested(ctx)
  checkRights(ctx, change)
  const worker: Worker = { log: () => {}, sleep: (seconds) => ctx.sim.clock.pause(seconds) }
  await withGuestLock(ctx, vmidOf(ctx), worker, async () => {
    checkState(ctx, change)
    await changeConfig(ctx, vmidOf(ctx), change, worker)
  })
  return null
}

async function post(ctx: Context): Promise<Json> {
  const change = requested(ctx)
  checkRights(ctx, change)
  checkState(ctx, change)
  const upid = ctx.task({ type: 'qmconfig', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmidOf(ctx), task, async () => {
      task.log(`update VM ${vmidOf(ctx)}: ${spelledOut(ctx)}`)
      await task.sleep(0.2)
      await changeConfig(ctx, vmidOf(ctx), change, task)
    }),
  )
  return upid
}

const UNSAID = new Set(['node', 'vmid', 'digest', 'background_delay'])

/** The call as `qm set` would be typed. */
const spelledOut = (ctx: Context) =>
  Object.keys(ctx.params)
    .filter((name) => !UNSAID.has(name))
    .sort()
    .map((name) => `-${name} ${name === 'cipassword' ? '<hidden>' : ctx.params[name]}`)
    .join(' ')

/** `unlink`: the same as dropping the keys. */
async function unlink(ctx: Context): Promise<null> {
  const keys = splitList(str(ctx, 'idlist'))
  return put({ ...ctx, params: { ...pathOf(ctx), delete: keys.join(','), force: flag(ctx, 'force') ? 1 : 0 } })
}

const pathOf = (ctx: Context) => ({ node: ctx.node.name, vmid: vmidOf(ctx) })

const CONFIG = '/nodes/{node}/qemu/{vmid}/config'

export const routes: Route[] = [
  { method: 'GET', path: CONFIG, handler: read },
  { method: 'PUT', path: CONFIG, handler: put },
  { method: 'POST', path: CONFIG, handler: post },
  { method: 'GET', path: '/nodes/{node}/qemu/{vmid}/pending', handler: pending },
  { method: 'PUT', path: '/nodes/{node}/qemu/{vmid}/unlink', handler: unlink },
]
