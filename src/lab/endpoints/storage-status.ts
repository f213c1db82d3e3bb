/** `/nodes/{node}/storage`: what a node can use, and how full it is. */
import { fail } from '../fault.ts'
import type { StorageEntry } from '../model.ts'
import { backingOf, storageOnNode, usedOn } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { flag, index, optStr, splitList, str } from '../router.ts'
import { rrdTimes } from './rrd.ts'
import { findStorage, storageOn } from './storage-access.ts'
import { maySee } from './storage-config.ts'
import { imageFormats, isShared, layoutOf } from './storage-types.ts'

interface Space {
  active: number
  total: number
  used: number
  avail: number
}

/** All 0 where the storage does not answer. */
export function spaceOf(ctx: Pick<Context, 'sim' | 'node'>, entry: StorageEntry): Space {
  const backing = storageOnNode(entry, ctx.node.name) ? backingOf(ctx.sim, ctx.node, entry) : undefined
  if (!backing) return { active: 0, total: 0, used: 0, avail: 0 }
  // LUNs are not filled by anybody: iSCSI has no figures.
  if (layoutOf(entry) === 'iscsi') return { active: 1, total: 0, used: 0, avail: 0 }
  const used = Math.min(backing.total, usedOn(backing))
  return { active: 1, total: backing.total, used, avail: backing.total - used }
}

const row = (ctx: Context, entry: StorageEntry) => ({
  type: entry.type,
  content: entry.content.join(','),
  shared: isShared(entry) ? 1 : 0,
  enabled: storageOnNode(entry, ctx.node.name) ? 1 : 0,
  ...spaceOf(ctx, entry),
})

function list(ctx: Context): Json {
  const wanted = splitList(optStr(ctx, 'content') ?? '')
  const only = optStr(ctx, 'storage')
  const target = optStr(ctx, 'target')
  if (only !== undefined) findStorage(ctx.config, only)
  return [...ctx.config.storages.values()]
    .filter((entry) => only === undefined || entry.storage === only)
    .filter((entry) => maySee(ctx, entry.storage))
    .filter((entry) => wanted.length === 0 || wanted.some((content) => entry.content.includes(content)))
    .filter((entry) => !flag(ctx, 'enabled') || storageOnNode(entry, ctx.node.name))
    .filter((entry) => target === undefined || target === ctx.node.name || reachesBoth(ctx, entry, target))
    .map((entry) => ({ ...row(ctx, entry), storage: entry.storage, ...fraction(ctx, entry), ...formats(ctx, entry) }))
}

const reachesBoth = (ctx: Context, entry: StorageEntry, target: string) =>
  isShared(entry) && storageOnNode(entry, ctx.node.name) && storageOnNode(entry, target)

function fraction(ctx: Context, entry: StorageEntry) {
  const { used, total } = spaceOf(ctx, entry)
  return total > 0 ? { used_fraction: used / total } : {}
}

function formats(ctx: Context, entry: StorageEntry) {
  if (!flag(ctx, 'format')) return {}
  const supported = imageFormats(entry)
  return {
    formats: { supported: [...supported], default: supported[0] ?? 'raw' },
    ...(layoutOf(entry) === 'iscsi' ? { select_existing: 1 } : {}),
  }
}

function status(ctx: Context): Json {
  const storage = str(ctx, 'storage')
  return row(ctx, storageOn(ctx.config, storage, ctx.node.name))
}

const children = index(
  'subdir',
  ...[
    'content',
    'download-url',
    'file-restore',
    'import-metadata',
    'prunebackups',
    'rrd',
    'rrddata',
    'status',
    'upload',
  ],
)

function rrddata(ctx: Context): Json {
  const entry = findStorage(ctx.config, str(ctx, 'storage'))
  const { total, used, active } = spaceOf(ctx, entry)
  if (active === 0) throw fail(`storage '${entry.storage}' is not available on node '${ctx.node.name}'`)
  return rrdTimes(ctx.now, str(ctx, 'timeframe')).map((time) => ({ time, total, used }))
}

export const routes: Route[] = [
  { method: 'GET', path: '/nodes/{node}/storage', handler: list },
  { method: 'GET', path: '/nodes/{node}/storage/{storage}', handler: children },
  { method: 'GET', path: '/nodes/{node}/storage/{storage}/status', handler: status },
  { method: 'GET', path: '/nodes/{node}/storage/{storage}/rrddata', handler: rrddata },
]
