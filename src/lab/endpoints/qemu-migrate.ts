/** GET and POST `migrate`: what speaks against a node, and the refusals that come before the task. */
import { badParams, fail } from '../fault.ts'
import type { ClusterConfig, GuestConfig } from '../model.ts'
import { nodeByName, storageOnNode } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { checkQuorum, compact, flag, optStr, splitList, str } from '../router.ts'
import { drivesOf, isCdrom, isCloudinit, unusedOf } from './qemu-drives.ts'
import { checkLock, findGuest, isHaManaged } from './qemu-guests.ts'
import { haMigrate } from './qemu-ha.ts'
import { migrateWorker, storageMap } from './qemu-migration.ts'
import { checkRootOnly } from './qemu-rights.ts'
import { findStorage, findVolume, splitVolid } from './storage-access.ts'
import { isShared } from './storage-types.ts'

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

function preconditions(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx))
  const running = ctx.node.processes.has(guest.vmid)
  const others = (ctx.config.corosync?.nodes ?? []).map(({ name }) => name).filter((name) => name !== ctx.node.name)
  const obstacles = others.map((name) => [name, obstaclesOn(ctx, guest, name)] as const)
  const newer = ctx.sim.pve.version === '9.2'
  const allowed = obstacles.filter(([, found]) => Object.keys(found).length === 0).map(([name]) => name)
  const refused = newer ? obstacles : obstacles.filter(([, found]) => Object.keys(found).length > 0)
  const dependents = resourcesBeside(ctx.config, `vm:${guest.vmid}`, 'positive')
  return compact({
    running: running ? 1 : 0,
    local_disks: localDisks(ctx, guest),
    local_resources: localResources(guest),
    allowed_nodes: newer || !running ? allowed : undefined,
    not_allowed_nodes: newer || !running ? Object.fromEntries(refused) : undefined,
    ...(ctx.sim.pve.version === '7.2' ? {} : { 'mapped-resources': [], 'mapped-resource-info': {} }),
    ...(newer ? { 'has-dbus-vmstate': 1 } : {}),
    'dependent-ha-resources': dependents.length > 0 ? dependents : undefined,
  })
}

type Obstacles = { [key: string]: Json }

function obstaclesOn(ctx: Context, guest: GuestConfig, node: string): Obstacles {
  const missing = storagesOf(guest).filter((storage) => {
    const entry = ctx.config.storages.get(storage)
    return !entry || !storageOnNode(entry, node)
  })
  const apart = resourcesBeside(ctx.config, `vm:${guest.vmid}`, 'negative').filter((sid) => homeOf(ctx, sid) === node)
  return {
    ...(missing.length > 0 ? { unavailable_storages: missing } : {}),
    ...(apart.length > 0 ? { 'blocking-ha-resources': apart.map((sid) => ({ sid, cause: 'resource-affinity' })) } : {}),
  }
}

const homeOf = (ctx: Context, sid: string) => ctx.config.guests.get(Number(sid.split(':')[1]))?.node

/** The other resources in the enabled affinity rules of one. */
function resourcesBeside(config: ClusterConfig, sid: string, affinity: 'positive' | 'negative'): string[] {
  const rules = [...config.ha.rules.values()].filter(
    ({ type, keys }) => type === 'resource-affinity' && keys.affinity === affinity && Number(keys.disable ?? 0) === 0,
  )
  const groups = rules.map(({ keys }) => splitList(String(keys.resources ?? '')))
  return [...new Set(groups.filter((group) => group.includes(sid)).flat())].filter((other) => other !== sid)
}

const storagesOf = (guest: GuestConfig) => [
  ...new Set(
    drivesOf(guest.keys)
      .filter(({ drive }) => drive.file.includes(':'))
      .map(({ drive }) => splitVolid(drive.file)[0]),
  ),
]

/** CD-ROMs and unused disks included; `cdrom` is the node's own drive. */
function localDisks(ctx: Context, guest: GuestConfig): Json[] {
  return [...drivesOf(guest.keys), ...unusedOf(guest.keys)].flatMap(({ key, drive }) => {
    const physical = drive.file === 'cdrom'
    if (!physical && !drive.file.includes(':')) return []
    const entry = physical ? undefined : findStorage(ctx.config, splitVolid(drive.file)[0])
    if (entry && isShared(entry)) return []
    const size = physical ? undefined : findVolume(ctx, drive.file)?.volume.size
    const unused = key.startsWith('unused')
    return compact({
      volid: drive.file,
      drivename: key,
      size,
      cdrom: isCdrom(drive) && !isCloudinit(drive) ? 1 : 0,
      is_attached: unused ? 0 : 1,
      is_unused: unused ? 1 : 0,
      is_cloudinit: isCloudinit(drive) ? 1 : 0,
      is_tpmstate: key === 'tpmstate0' ? 1 : 0,
      is_vmstate: 0,
      shared: 0,
      replicate: 1,
    })
  })
}

const localResources = (guest: GuestConfig) =>
  Object.entries(guest.keys)
    .filter(([key, value]) => /^(usb|hostpci)\d+$/.test(key) && !/spice|mapping=/.test(String(value)))
    .map(([key]) => key)

function migrate(ctx: Context): Json {
  const vmid = vmidOf(ctx)
  const target = str(ctx, 'target')
  checkQuorum(ctx)
  if (target === ctx.node.name) throw badParams({ target: 'target is local node.' })
  const members = (ctx.config.corosync?.nodes ?? []).map(({ name }) => name)
  const node = nodeByName(ctx.sim, target)
  if (!node || !members.includes(target)) throw fail(`no such cluster node '${target}'`)
  checkRootOnly(ctx, 'force', 'migration_type', 'migration_network')
  const guest = findGuest(ctx, vmid)
  checkLock(guest)
  const online = flag(ctx, 'online')
  if (ctx.node.processes.has(vmid) && !online) throw fail(`can't migrate running VM without --online`)
  checkStorages(ctx, guest, target)
  if (isHaManaged(ctx.config, vmid)) return haMigrate(ctx, vmid, target)
  const withLocalDisks = flag(ctx, 'with-local-disks')
  const mapping = storageMap(optStr(ctx, 'targetstorage'))
  return ctx.task(
    { type: 'qmigrate', id: str(ctx, 'vmid') },
    migrateWorker(ctx, vmid, node, { withLocalDisks, mapping }),
  )
}

/** Throws `storage 'x' is not available on node 'y'`. */
function checkStorages(ctx: Context, guest: GuestConfig, target: string) {
  const mapping = storageMap(optStr(ctx, 'targetstorage'))
  for (const storage of storagesOf(guest)) {
    const there = mapping(storage)
    const entry = findStorage(ctx.config, there)
    if (!storageOnNode(entry, target)) throw fail(`storage '${there}' is not available on node '${target}'`)
  }
}

const MIGRATE = '/nodes/{node}/qemu/{vmid}/migrate'

export const routes: Route[] = [
  { method: 'GET', path: MIGRATE, handler: preconditions },
  { method: 'POST', path: MIGRATE, handler: migrate },
]
