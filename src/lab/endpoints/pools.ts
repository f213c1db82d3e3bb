/** Resource pools. */
import { fail } from '../fault.ts'
import { nodeByName, type Pool, storageOnNode } from '../model.ts'
import { type Context, compact, flag, type Json, optStr, type Route, splitList, str, withCfsLock } from '../router.ts'
import { guestEntry, storageEntry } from './resources.ts'
import { USER_LOCK } from './users.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/pools', handler: list },
  { method: 'POST', path: '/pools', handler: create },
  { method: 'PUT', path: '/pools', handler: update },
  { method: 'DELETE', path: '/pools', handler: remove },
  { method: 'GET', path: '/pools/{poolid}', handler: read },
  { method: 'PUT', path: '/pools/{poolid}', handler: update },
  { method: 'DELETE', path: '/pools/{poolid}', handler: remove },
]

function findPool(ctx: Context): Pool {
  const poolid = str(ctx, 'poolid')
  const pool = ctx.config.access.pools.get(poolid)
  if (!pool) throw fail(`pool '${poolid}' does not exist`)
  return pool
}

function list(ctx: Context): Json {
  const wanted = optStr(ctx, 'poolid')
  if (wanted !== undefined) {
    ctx.check(`/pool/${wanted}`, ['Pool.Audit'])
    const pool = findPool(ctx)
    return [compact({ poolid: pool.poolid, comment: pool.comment, members: members(ctx, pool) })]
  }
  return [...ctx.config.access.pools.values()]
    .filter(({ poolid }) => ctx.can(`/pool/${poolid}`, 'Pool.Audit'))
    .map(({ poolid, comment }) => compact({ poolid, comment }))
}

function read(ctx: Context) {
  const pool = findPool(ctx)
  return compact({ comment: pool.comment, members: members(ctx, pool) })
}

function members(ctx: Context, pool: Pool): Json[] {
  const type = optStr(ctx, 'type')
  const guests = [...pool.vmids].flatMap((vmid) => {
    const guest = ctx.config.guests.get(vmid)
    if (!guest || (type !== undefined && type !== guest.type) || !ctx.can(`/vms/${vmid}`, 'VM.Audit')) return []
    const { pool: _, hastate: __, tags: ___, ...entry } = guestEntry(ctx, guest) as Record<string, Json>
    return [entry]
  })
  if (type !== undefined && type !== 'storage') return guests
  const storages = [...pool.storages].flatMap((storage) => {
    const entry = ctx.config.storages.get(storage)
    if (!entry || !ctx.can(`/storage/${storage}`, 'Datastore.Audit')) return []
    const place = storageOnNode(entry, ctx.node.name) ? ctx.node : nodeByName(ctx.sim, entry.nodes?.[0] ?? '')
    return [storageEntry(ctx, entry, place ?? ctx.node)]
  })
  return [...guests, ...storages]
}

function create(ctx: Context) {
  const poolid = str(ctx, 'poolid')
  return withCfsLock(ctx, USER_LOCK, 'create pool failed: ', () => {
    const { pools } = ctx.config.access
    if (pools.has(poolid)) throw fail(`pool '${poolid}' already exists`)
    const parent = poolid.split('/').slice(0, -1).join('/')
    if (parent !== '' && !pools.has(parent)) throw fail(`parent '${parent}' of pool '${poolid}' does not exist`)
    const comment = optStr(ctx, 'comment')
    const fresh = { poolid, vmids: new Set<number>(), storages: new Set<string>() }
    pools.set(poolid, { ...fresh, ...(comment === undefined ? {} : { comment }) })
  })
}

function update(ctx: Context) {
  return withCfsLock(ctx, USER_LOCK, 'update pools failed: ', () => {
    const pool = findPool(ctx)
    const comment = optStr(ctx, 'comment')
    if (comment !== undefined) pool.comment = comment
    for (const vmid of splitList(optStr(ctx, 'vms') ?? '')) changeGuest(ctx, pool, Number(vmid))
    for (const storage of splitList(optStr(ctx, 'storage') ?? '')) changeStorage(ctx, pool, storage)
  })
}

function changeGuest(ctx: Context, pool: Pool, vmid: number) {
  ctx.check(`/vms/${vmid}`, ['VM.Allocate', 'Permissions.Modify'], { any: true })
  if (flag(ctx, 'delete')) {
    if (!pool.vmids.delete(vmid)) throw fail(`VM ${vmid} is not a pool member`)
    return
  }
  if (pool.vmids.has(vmid)) throw fail(`VM ${vmid} is already a pool member`)
  const other = [...ctx.config.access.pools.values()].find((one) => one.vmids.has(vmid))
  if (other && !flag(ctx, 'allow-move')) {
    throw fail(`VM ${vmid} belongs already to pool '${other.poolid}' and 'allow-move' is not set`)
  }
  other?.vmids.delete(vmid)
  pool.vmids.add(vmid)
}

function changeStorage(ctx: Context, pool: Pool, storage: string) {
  ctx.check(`/storage/${storage}`, ['Datastore.Allocate', 'Permissions.Modify'], { any: true })
  if (flag(ctx, 'delete')) {
    if (!pool.storages.delete(storage)) throw fail(`Storage '${storage}' is not a pool member`)
    return
  }
  if (pool.storages.has(storage)) throw fail(`Storage '${storage}' is already a pool member`)
  pool.storages.add(storage)
}

function remove(ctx: Context) {
  return withCfsLock(ctx, USER_LOCK, 'delete pool failed: ', () => {
    const pool = findPool(ctx)
    const { poolid } = pool
    const child = [...ctx.config.access.pools.keys()].find((one) => one.startsWith(`${poolid}/`))
    if (child !== undefined) throw fail(`pool '${poolid}' is not empty (contains pool '${child}')`)
    const [vmid] = pool.vmids
    if (vmid !== undefined) throw fail(`pool '${poolid}' is not empty (contains VM ${vmid})`)
    const [storage] = pool.storages
    if (storage !== undefined) throw fail(`pool '${poolid}' is not empty (contains storage '${storage}')`)
    ctx.config.access.pools.delete(poolid)
    ctx.config.access.acl = ctx.config.access.acl.filter((entry) => entry.path !== `/pool/${poolid}`)
  })
}
