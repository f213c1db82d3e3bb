/** `/storage`: the sections of storage.cfg. */
import { badParams, fail } from '../fault.ts'
import type { Backing, ClusterConfig, SimNode, StorageEntry } from '../model.ts'
import { backingKey, clusterNodes, isRunning, storageOnNode } from '../model.ts'
import { sha1Hex } from '../random.ts'
import type { Context, Json, Params, Route } from '../router.ts'
import { optStr, splitList, str, withCfsLock } from '../router.ts'
import { activate, findStorage, logIn, splitVolid } from './storage-access.ts'
import { isFixed, isShared, takesProperty, typeFacts } from './storage-types.ts'

const NOT_OPTIONS = new Set(['storage', 'type', 'content', 'shared', 'nodes', 'disable', 'digest', 'delete', 'node'])

/** Of the whole file, as Proxmox's is; an untouched one is empty and has the digest of nothing. */
export function storageDigest(config: ClusterConfig): string {
  const untouched = [...config.storages.values()].every((entry) => entry.options.priority !== undefined)
  if (untouched) return sha1Hex('')
  return sha1Hex(
    JSON.stringify([...config.storages.values()].map((entry) => [entry, Object.entries(entry.options).sort()])),
  )
}

function shown(config: ClusterConfig, entry: StorageEntry): Json {
  const priority = entry.options.priority
  return {
    ...entry.options,
    ...(priority === undefined ? {} : { priority }),
    storage: entry.storage,
    type: entry.type,
    content: entry.content.join(','),
    digest: storageDigest(config),
    ...(isShared(entry) ? { shared: 1 } : {}),
    ...(entry.nodes ? { nodes: entry.nodes.join(',') } : {}),
    ...(entry.disable ? { disable: 1 } : {}),
  }
}

function list(ctx: Context): Json {
  const type = optStr(ctx, 'type')
  return [...ctx.config.storages.values()]
    .filter((entry) => type === undefined || entry.type === type)
    .filter((entry) => maySee(ctx, entry.storage))
    .map((entry) => shown(ctx.config, entry))
}

/** Lists leave out what the caller may not see. */
export const maySee = (ctx: Context, storage: string) =>
  ctx.can(`/storage/${storage}`, 'Datastore.Audit') || ctx.can(`/storage/${storage}`, 'Datastore.AllocateSpace')

const read = (ctx: Context): Json => shown(ctx.config, findStorage(ctx.config, str(ctx, 'storage')))

async function create(ctx: Context): Promise<Json> {
  const entry = newEntry(ctx.params)
  await withCfsLock(ctx, 'file-storage_cfg', 'create storage failed: ', () => {
    const { storages } = ctx.config
    if (storages.has(entry.storage)) throw fail(`storage ID '${entry.storage}' already defined`)
    prepareDisk(ctx, entry)
    if (storageOnNode(entry, ctx.node.name)) logIn(entry, activate(ctx, entry), optStr(ctx, 'password'))
    storages.set(entry.storage, entry)
    const local = storages.get('local')
    if (local) delete local.options.priority
  })
  return { storage: entry.storage, type: entry.type }
}

function newEntry(params: Params): StorageEntry {
  const type = String(params.type)
  const facts = typeFacts(type)
  const given = Object.keys(params).filter((name) => params[name] !== undefined)
  const odd = given.find((name) => !NOT_OPTIONS.has(name) && !takesProperty(type, name))
  if (odd !== undefined) throw fail(`unexpected property '${odd}'`)
  const missing = facts.required.find((name) => params[name] === undefined)
  if (missing !== undefined) throw fail(`missing value for required option '${missing}'`)
  const content = params.content === undefined ? facts.defaultContent : contentList(type, params.content)
  return {
    storage: String(params.storage),
    type,
    content,
    shared: Number(params.shared ?? 0) === 1,
    ...(params.nodes === undefined ? {} : { nodes: splitList(String(params.nodes)) }),
    disable: Number(params.disable ?? 0) === 1,
    options: optionsIn(params),
  }
}

const optionsIn = (params: Params): StorageEntry['options'] =>
  Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => !NOT_OPTIONS.has(name) && name !== 'password')
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  )

function contentList(type: string, value: unknown): string[] {
  const wanted = splitList(String(value))
  const odd = wanted.find((content) => !typeFacts(type).contents.includes(content))
  if (odd !== undefined) throw fail(`storage does not support content type '${odd}'`)
  return wanted
}

/**
 * A directory is made where it is missing; an LVM section with `base` makes its volume group on that LUN. What lies on
 * a NAS or an array is there already, or not at all.
 */
function prepareDisk(ctx: Context, entry: StorageEntry) {
  const nodes = clusterNodes(ctx.sim, ctx.node).filter((node) => storageOnNode(entry, node.name) && isRunning(node))
  if (entry.type === 'dir' || entry.type === 'btrfs') return makeFolders(ctx, entry, nodes)
  if (entry.type === 'lvm' && entry.options.base !== undefined) return makeVolumeGroup(ctx, entry)
  const key = backingKey(entry)
  if (key !== undefined) return
  for (const node of nodes) {
    const twin = [...ctx.config.storages.values()].find((other) => onSameDisk(other, entry))
    const backing = (twin && node.local.get(twin.storage)) ?? onPool(node, entry)
    if (backing) node.local.set(entry.storage, backing)
  }
}

function onPool({ pools = [] }: SimNode, { type, options }: StorageEntry): Backing | undefined {
  const name = type === 'lvmthin' ? `${options.vgname}/${options.thinpool}` : String(options.pool)
  const pool = pools.find((one) => one.kind === type && (one.name === name || one.datasets?.includes(name)))
  return pool && { total: pool.total, baseUsed: 0, volumes: [] }
}

const onSameDisk = (a: StorageEntry, b: StorageEntry) =>
  a.type === b.type && ['vgname', 'thinpool', 'pool'].every((name) => a.options[name] === b.options[name])

function makeFolders({ sim }: Context, entry: StorageEntry, nodes: SimNode[]) {
  const key = backingKey(entry)
  const [first] = nodes
  if (key !== undefined && first && !sim.shared.has(key)) sim.shared.set(key, folderOn(first))
  if (key !== undefined) return
  for (const node of nodes) if (!node.local.has(entry.storage)) node.local.set(entry.storage, folderOn(node))
}

const folderOn = ({ hardware }: SimNode): Backing => ({
  total: hardware.rootTotal,
  baseUsed: hardware.rootUsed,
  volumes: [],
})

function makeVolumeGroup(ctx: Context, entry: StorageEntry) {
  const key = backingKey(entry) ?? ''
  const [storage, lun] = splitVolid(String(entry.options.base))
  const disk = activate(ctx, findStorage(ctx.config, storage)).volumes.find((volume) => volume.name === lun)
  if (!disk) throw fail(`device '/dev/disk/by-id/${lun.replace(/^\d+\.\d+\.\d+\./, '')}' does not exist`)
  const vg = String(entry.options.vgname)
  const device = `/dev/disk/by-id/${lun.replace(/^\d+\.\d+\.\d+\./, '')}`
  if (disk.holds?.vg === vg) return
  if (disk.holds?.vg !== undefined) throw fail(`device '${device}' is already used by volume group '${disk.holds.vg}'`)
  // Proxmox clears the first sector before it asks LVM for anything.
  disk.holds = {}
  if (ctx.sim.shared.has(key)) {
    throw fail(`vgcreate error:   A volume group called ${vg} already exists.`)
  }
  disk.holds = { vg }
  ctx.sim.shared.set(key, { total: disk.size, baseUsed: 0, volumes: [] })
}

async function update(ctx: Context): Promise<Json> {
  const storage = str(ctx, 'storage')
  return withCfsLock(ctx, 'file-storage_cfg', 'update storage failed: ', () => {
    const entry = findStorage(ctx.config, storage)
    checkDigest(ctx)
    const { type } = entry
    const options = { ...optionsIn(ctx.params) }
    for (const [name, value] of Object.entries(options)) {
      if (!takesProperty(type, name)) throw fail(`unexpected property '${name}'`)
      if (isFixed(type, name) && entry.options[name] !== value) {
        throw fail(`can't change value of fixed parameter '${name}'`)
      }
    }
    const dropped = splitList(optStr(ctx, 'delete') ?? '')
    checkDropped(entry, dropped)
    const content = ctx.params.content === undefined ? undefined : contentList(type, ctx.params.content)
    Object.assign(entry.options, options)
    if (content) entry.content = content
    if (ctx.params.nodes !== undefined) entry.nodes = splitList(str(ctx, 'nodes'))
    if (ctx.params.shared !== undefined) entry.shared = Number(ctx.params.shared) === 1
    if (ctx.params.disable !== undefined) entry.disable = Number(ctx.params.disable) === 1
    for (const name of dropped) drop(entry, name)
    return { storage, type }
  })
}

function checkDigest(ctx: Context) {
  const digest = optStr(ctx, 'digest')
  if (digest !== undefined && digest !== storageDigest(ctx.config)) {
    throw fail('detected modified configuration - file changed by other user? Try again.')
  }
}

function checkDropped({ type }: StorageEntry, names: string[]) {
  for (const name of names) {
    if (!NOT_OPTIONS.has(name) && !takesProperty(type, name)) throw badParams({ delete: `unknown option '${name}'` })
    if (isFixed(type, name) || name === 'type')
      throw badParams({ delete: `unable to delete required option '${name}'` })
  }
}

function drop(entry: StorageEntry, name: string) {
  if (name === 'nodes') delete entry.nodes
  else if (name === 'disable') entry.disable = false
  else if (name === 'shared') entry.shared = false
  else if (name === 'content') entry.content = typeFacts(entry.type).defaultContent
  else delete entry.options[name]
}

async function remove(ctx: Context): Promise<null> {
  const storage = str(ctx, 'storage')
  await withCfsLock(ctx, 'file-storage_cfg', 'delete storage failed: ', () => {
    const entry = findStorage(ctx.config, storage)
    const users = [...ctx.config.storages.values()]
    if (users.some((other) => String(other.options.base ?? '').startsWith(`${storage}:`))) {
      throw fail(`can't remove storage - storage is used as base of another storage`)
    }
    ctx.config.storages.delete(storage)
    for (const pool of ctx.config.access.pools.values()) pool.storages.delete(storage)
    return entry
  })
  return null
}

export const routes: Route[] = [
  { method: 'GET', path: '/storage', handler: list },
  { method: 'POST', path: '/storage', handler: create },
  { method: 'GET', path: '/storage/{storage}', handler: read },
  { method: 'PUT', path: '/storage/{storage}', handler: update },
  { method: 'DELETE', path: '/storage/{storage}', handler: remove },
]
