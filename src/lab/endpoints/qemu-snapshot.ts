/** Snapshots: everything but the form of the name is decided inside the task (snap.jsonl.gz, err.jsonl.gz). */
import { fail } from '../fault.ts'
import type { ConfigKeys, GuestConfig, GuestSnapshot } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { compact, flag, index, optStr, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { disksOf } from './qemu-drives.ts'
import { checkLock, editGuest, findGuest, guestDigest, unlock } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import { kill, launch } from './qemu-process.ts'
import { saveMemory } from './qemu-suspend.ts'
import { shownKeys } from './qemu-values.ts'
import type { Place } from './storage-access.ts'
import { findVolume, requireVolume } from './storage-access.ts'
import { freeVolume, hasFeature } from './storage-volumes.ts'

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

function list(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx))
  const taken = guest.snapshots.map((snapshot) =>
    compact({
      name: snapshot.name,
      description: snapshot.description ?? '',
      snaptime: snapshot.snaptime,
      vmstate: snapshot.vmstate ? 1 : 0,
      parent: snapshot.parent,
    }),
  )
  const current = {
    name: 'current',
    description: 'You are here!',
    digest: guestDigest(guest),
    running: ctx.node.processes.has(guest.vmid) ? 1 : 0,
    parent: guest.parent,
  }
  return [...taken, compact(current)]
}

function create(ctx: Context): Json {
  const name = str(ctx, 'snapname')
  if (name === 'current' || name === 'pending') throw fail(`unable to use snapshot name '${name}' (reserved name)`)
  const description = optStr(ctx, 'description')
  const vmstate = flag(ctx, 'vmstate')
  return ctx.task({ type: 'qmsnapshot', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmidOf(ctx), task, () => take(ctx, task, { name, description, vmstate })),
  )
}

interface Wanted {
  name: string
  description: string | undefined
  vmstate: boolean
}

async function take(ctx: Context, task: TaskHandle, { name, description, vmstate }: Wanted) {
  const vmid = vmidOf(ctx)
  const guest = findGuest(ctx, vmid)
  if (guest.template) throw fail(`you can't take a snapshot if it's a template`)
  checkLock(guest)
  if (guest.snapshots.some((snapshot) => snapshot.name === name)) throw fail(`snapshot name '${name}' already used`)
  checkDisks(ctx, guest)
  editGuest(ctx, vmid, (edited) => {
    edited.lock = 'snapshot'
  })
  try {
    const running = ctx.node.processes.has(vmid)
    const state = running && vmstate ? await saveMemory(ctx, guest, `vm-${vmid}-state-${name}`, task) : undefined
    for (const { key, drive } of disksOf(guest.keys)) {
      task.log(`snapshotting 'drive-${key}' (${drive.file})`)
      await task.sleep(0.3)
    }
    editGuest(ctx, vmid, (edited) => add(edited, ctx, name, description, state))
  } finally {
    unlock(ctx, vmid)
  }
}

function checkDisks(place: Place, guest: GuestConfig) {
  const able = disksOf(guest.keys).every(({ drive }) => {
    const { entry, volume } = requireVolume(place, drive.file)
    return hasFeature(entry, volume, 'snapshot')
  })
  if (!able) throw fail('snapshot feature is not available')
}

function add(guest: GuestConfig, ctx: Context, name: string, description: string | undefined, state?: string) {
  const keys: ConfigKeys = { ...guest.keys, ...(state === undefined ? {} : { vmstate: state }) }
  const snapshot: GuestSnapshot = {
    name,
    snaptime: Math.floor(ctx.sim.clock.now()),
    vmstate: state !== undefined,
    keys,
    ...(description === undefined ? {} : { description }),
    ...(guest.parent === undefined ? {} : { parent: guest.parent }),
  }
  guest.snapshots.push(snapshot)
  guest.parent = name
}

function findSnapshot(guest: GuestConfig, name: string): GuestSnapshot {
  const snapshot = guest.snapshots.find((candidate) => candidate.name === name)
  if (!snapshot) throw fail(`snapshot '${name}' does not exist`)
  return snapshot
}

function rollback(ctx: Context): Json {
  const name = str(ctx, 'snapname')
  return ctx.task({ type: 'qmrollback', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmidOf(ctx), task, () => restoreTo(ctx, task, name)),
  )
}

async function restoreTo(ctx: Context, task: TaskHandle, name: string) {
  const vmid = vmidOf(ctx)
  const guest = findGuest(ctx, vmid)
  if (guest.template) throw fail(`you can't rollback if it's a template`)
  const snapshot = findSnapshot(guest, name)
  checkLock(guest)
  checkNewest(ctx, guest, snapshot)
  editGuest(ctx, vmid, (edited) => {
    edited.lock = 'rollback'
  })
  try {
    kill(ctx, vmid)
    await task.sleep(0.5 + 0.3 * disksOf(snapshot.keys).length)
    editGuest(ctx, vmid, (edited) => {
      const { vmstate: _, ...keys } = snapshot.keys
      edited.keys = keys
      edited.pending = {}
      edited.parent = name
    })
  } finally {
    unlock(ctx, vmid)
  }
  if (snapshot.vmstate || flag(ctx, 'start')) launch(ctx, findGuest(ctx, vmid))
}

/** ZFS goes back to the newest snapshot of a disk only. */
function checkNewest(place: Place, guest: GuestConfig, snapshot: GuestSnapshot) {
  for (const { drive } of disksOf(snapshot.keys)) {
    const found = findVolume(place, drive.file)
    if (found?.entry.type !== 'zfspool' || guest.snapshots.at(-1) === snapshot) continue
    throw fail(`can't rollback, '${snapshot.name}' is not most recent snapshot on '${drive.file}'`)
  }
}

function remove(ctx: Context): Json {
  const name = str(ctx, 'snapname')
  return ctx.task({ type: 'qmdelsnapshot', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmidOf(ctx), task, () => drop(ctx, task, name)),
  )
}

async function drop(ctx: Context, task: TaskHandle, name: string) {
  const vmid = vmidOf(ctx)
  const guest = findGuest(ctx, vmid)
  const snapshot = findSnapshot(guest, name)
  if (!flag(ctx, 'force')) checkLock(guest)
  editGuest(ctx, vmid, (edited) => {
    edited.lock = 'snapshot-delete'
  })
  try {
    await task.sleep(0.4 + 0.4 * disksOf(snapshot.keys).length)
    const state = snapshot.keys.vmstate
    const found = state === undefined ? undefined : findVolume(ctx, String(state))
    if (found) freeVolume(found, task.log)
    editGuest(ctx, vmid, (edited) => forget(edited, snapshot))
  } finally {
    unlock(ctx, vmid)
  }
}

/** What came after a snapshot now comes after the one before it. */
function forget(guest: GuestConfig, { name, parent }: GuestSnapshot) {
  guest.snapshots = guest.snapshots.filter((other) => other.name !== name)
  for (const child of [...guest.snapshots, guest]) {
    if (child.parent !== name) continue
    if (parent === undefined) delete child.parent
    else child.parent = parent
  }
}

function readConfig(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx))
  const snapshot = guest.snapshots.find(({ name }) => name === str(ctx, 'snapname'))
  if (!snapshot) throw fail(`snapshot '${str(ctx, 'snapname')}' does not exist`)
  const { description, snaptime, parent } = snapshot
  return compact({ ...shownKeys(ctx.sim, snapshot.keys), description, snaptime, parent })
}

async function describe(ctx: Context): Promise<null> {
  const worker = { log: () => {}, sleep: (seconds: number) => ctx.sim.clock.pause(seconds) }
  await withGuestLock(ctx, vmidOf(ctx), worker, () => {
    checkLock(findGuest(ctx, vmidOf(ctx)))
    editGuest(ctx, vmidOf(ctx), (guest) => {
      const snapshot = findSnapshot(guest, str(ctx, 'snapname'))
      const description = optStr(ctx, 'description')
      if (description !== undefined) snapshot.description = description
    })
  })
  return null
}

const SNAPSHOTS = '/nodes/{node}/qemu/{vmid}/snapshot'

export const routes: Route[] = [
  { method: 'GET', path: SNAPSHOTS, handler: list },
  { method: 'POST', path: SNAPSHOTS, handler: create },
  { method: 'GET', path: `${SNAPSHOTS}/{snapname}`, handler: index('cmd', 'config', 'rollback') },
  { method: 'DELETE', path: `${SNAPSHOTS}/{snapname}`, handler: remove },
  { method: 'GET', path: `${SNAPSHOTS}/{snapname}/config`, handler: readConfig },
  { method: 'PUT', path: `${SNAPSHOTS}/{snapname}/config`, handler: describe },
  { method: 'POST', path: `${SNAPSHOTS}/{snapname}/rollback`, handler: rollback },
]
