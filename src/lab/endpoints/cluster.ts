/** The cluster as a whole: who is in, what happened, options, the next free id. */
import { badParams, fail } from '../fault.ts'
import { clusterNodes, isQuorate, seesOnline } from '../model.ts'
import { authId } from '../permissions.ts'
import {
  bit,
  type Context,
  compact,
  index,
  type Json,
  optNum,
  optStr,
  type Route,
  splitList,
  withCfsLock,
} from '../router.ts'
import { taskOwner } from '../tasks.ts'

export const routes: Route[] = [
  {
    method: 'GET',
    path: '/cluster',
    handler: index('name', 'log', 'options', 'resources', 'status', 'tasks', 'nextid', 'config', 'ha'),
  },
  { method: 'GET', path: '/cluster/status', handler: status },
  { method: 'GET', path: '/cluster/log', handler: log },
  { method: 'GET', path: '/cluster/tasks', handler: tasks },
  { method: 'GET', path: '/cluster/nextid', handler: nextId },
  { method: 'GET', path: '/cluster/options', handler: readOptions },
  { method: 'GET', path: '/cluster/replication', handler: () => [] },
  { method: 'GET', path: '/nodes/{node}/replication', handler: () => [] },
  { method: 'PUT', path: '/cluster/options', handler: writeOptions },
]

function status(ctx: Context): Json {
  const { corosync } = ctx.config
  const members = clusterNodes(ctx.sim, ctx.node).map((node) => ({
    id: `node/${node.name}`,
    type: 'node',
    name: node.name,
    nodeid: corosync?.nodes.find((entry) => entry.name === node.name)?.nodeid ?? 0,
    ip: node.ip,
    level: '',
    local: bit(node === ctx.node),
    online: bit(seesOnline(ctx.node, node)),
  }))
  if (!corosync) return members
  const { name, version, nodes } = corosync
  const quorate = bit(isQuorate(ctx.sim, ctx.node))
  return [{ id: 'cluster', type: 'cluster', name, version, nodes: nodes.length, quorate }, ...members]
}

const DEFAULT_LOG_LINES = 50

function log(ctx: Context) {
  const all = ctx.can('/', 'Sys.Syslog')
  const lines = ctx.config.log.filter((line) => all || line.user === authId(ctx.auth))
  const newestFirst = lines.toReversed().sort((a, b) => b.time - a.time)
  return newestFirst.slice(0, optNum(ctx, 'max') ?? DEFAULT_LOG_LINES).map((line) => ({
    ...line,
    uid: String(line.uid),
    id: `${line.uid}:${line.node}`,
  }))
}

/** As many of each node's as pmxcfs passes around. */
const BROADCAST_TASKS = 25

function tasks(ctx: Context) {
  return clusterNodes(ctx.sim, ctx.node).flatMap((node) => {
    const all = ctx.can(`/nodes/${node.name}`, 'Sys.Audit')
    const silent = seesOnline(ctx.node, node) ? undefined : ctx.config.lastTasks.get(node.name)
    const known = silent ?? node.tasks
    return known
      .slice(-BROADCAST_TASKS)
      .toReversed()
      .filter((task) => all || (task.endtime === undefined ? taskOwner(task) : task.user) === authId(ctx.auth))
      .map((task) => {
        const { upid, type, id, user, tokenid, starttime } = task
        const base = { upid, type, id, user, tokenid, starttime, node: task.node }
        if (task.endtime === undefined) return compact({ ...base, pid: task.pid })
        return compact({ ...base, endtime: task.endtime, status: task.exitstatus, saved: '1' })
      })
  })
}

function nextId(ctx: Context) {
  const { guests, options } = ctx.config
  const wanted = optNum(ctx, 'vmid')
  if (wanted !== undefined) {
    if (guests.has(wanted)) throw badParams({ vmid: `VM ${wanted} already exists` })
    return String(wanted)
  }
  const range = propertyString(String(options['next-id'] ?? ''))
  const lower = Number(range.lower ?? 100)
  const upper = Number(range.upper ?? 1_000_000)
  for (let vmid = lower; vmid < upper; vmid += 1) if (!guests.has(vmid)) return String(vmid)
  throw fail(`unable to get any free VMID in range [${lower}, ${upper - 1}]`)
}

/** Options that the API shows taken apart, with the key that may be left out. */
const STRUCTURED: Record<string, string> = {
  bwlimit: '',
  crs: '',
  ha: '',
  location: '',
  migration: 'type',
  'next-id': '',
  notify: '',
  replication: '',
  'tag-style': '',
  u2f: '',
  'user-tag-access': '',
  webauthn: '',
}

function propertyString(text: string, defaultKey = ''): Record<string, string> {
  const pairs = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=')
      return at === -1 ? [defaultKey, part] : [part.slice(0, at), part.slice(at + 1)]
    })
  return Object.fromEntries(pairs)
}

/** What everybody may read, for the look of the web interface. */
const OPEN_OPTIONS = new Set(['consent-text', 'console', 'tag-style', 'user-tag-access'])

function readOptions(ctx: Context): Json {
  const mayAudit = ctx.can('/', 'Sys.Audit')
  const options = Object.entries(ctx.config.options).filter(([key]) => mayAudit || OPEN_OPTIONS.has(key))
  const shown = options.map(([key, value]) => {
    const defaultKey = STRUCTURED[key]
    return [key, defaultKey === undefined ? value : propertyString(String(value), defaultKey)]
  })
  const tags = [...ctx.config.guests.values()].flatMap((guest) => splitList(String(guest.keys.tags ?? '')))
  return {
    ...(mayAudit ? { mac_prefix: 'BC:24:11', description: '' } : {}),
    ...Object.fromEntries(shown),
    'allowed-tags': [...new Set(tags)].sort(),
  }
}

function writeOptions(ctx: Context) {
  const { delete: dropped, ...given } = ctx.params
  return withCfsLock(ctx, 'file-datacenter_cfg', '', () => {
    for (const key of splitList(String(dropped ?? ''))) delete ctx.config.options[key]
    for (const key of Object.keys(given)) ctx.config.options[key] = optStr(ctx, key) ?? ''
  })
}
