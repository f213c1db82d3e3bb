/** `/nodes/{node}/scan` and `disks/lvm`: what servers, arrays and the node itself offer to become a storage. */
import { fail } from '../fault.ts'
import { type Backing, backingOf, type ClusterConfig, type SimCluster, type SimNode, viewOf } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { index, str } from '../router.ts'

const MIB = 1024 ** 2
const EXTENT = 4 * MIB

/** Boxes of one kind at an address, with the rest of their key; none that this node does not get through to. */
function found({ sim, node }: Context, kind: string, at: string): [rest: string, box: Backing][] {
  const start = `${kind}:${at}:`
  return [...sim.shared].flatMap(([key, box]): [string, Backing][] => {
    if (!key.startsWith(start) || box.unreachable || box.lostBy?.has(node.name)) return []
    return [[key.slice(start.length), box]]
  })
}

async function scanNfs(ctx: Context): Promise<Json> {
  const server = str(ctx, 'server')
  const exports = found(ctx, 'nfs', server)
  if (exports.length === 0) {
    // showmount waits until it gives up.
    await ctx.sim.clock.pause(8)
    throw fail(`command '/sbin/showmount --no-headers --exports ${server}' failed: exit code 1`)
  }
  return exports.map(([path]) => ({ path, options: '*' }))
}

async function scanIscsi(ctx: Context): Promise<Json> {
  const portal = str(ctx, 'portal').replace(/:3260$/, '')
  const targets = found(ctx, 'iscsi', portal)
  if (targets.length === 0) {
    await ctx.sim.clock.pause(2)
    throw fail(`iSCSI: unable to discover targets on portal ${portal}: portal is not reachable`)
  }
  return targets.map(([target]) => ({ target, portal: `${portal}:3260,1` }))
}

interface Group {
  name: string
  device: string
  size: number
}

/** The volume groups that a node sees: that of its own disk, and those on LUNs of the arrays it is logged in to. */
function groupsOn(sim: SimCluster, node: SimNode, config: ClusterConfig): Group[] {
  const disk = node.hardware.disks[0]
  const own = disk ? [{ name: 'pve', device: `${disk.devpath}3`, size: disk.size - 1024 * MIB }] : []
  const arrays = [...config.storages.values()].filter(({ type }) => type === 'iscsi')
  const luns = arrays.flatMap((array) => backingOf(sim, node, array)?.volumes ?? [])
  const held = luns.flatMap(({ holds, size }, i) =>
    holds?.vg === undefined ? [] : [{ name: holds.vg, device: `/dev/sd${String.fromCharCode(98 + i)}`, size }],
  )
  return [...own, ...held].map((group) => ({ ...group, size: Math.floor((group.size - MIB) / EXTENT) * EXTENT }))
}

function lvm(ctx: Context): Json {
  const groups = groupsOn(ctx.sim, ctx.node, viewOf(ctx.node))
  return {
    leaf: 0,
    children: groups.map(({ name, device, size }) => ({
      name,
      size,
      free: size,
      leaf: 0,
      children: [{ name: device, size, free: size, leaf: 1 }],
    })),
  }
}

const scanLvm = (ctx: Context): Json => groupsOn(ctx.sim, ctx.node, viewOf(ctx.node)).map(({ name }) => ({ vg: name }))

/** Pools and the datasets in them. */
const scanZfs = ({ node: { pools = [] } }: Context): Json =>
  pools.flatMap(({ kind, name, total, datasets = [] }) =>
    kind === 'zfspool' ? [name, ...datasets].map((pool) => ({ pool, size: total, free: total })) : [],
  )

function scanThin(ctx: Context): Json {
  const vg = str(ctx, 'vg')
  const names = ['pve/data', ...(ctx.node.pools ?? []).filter(({ kind }) => kind === 'lvmthin').map(({ name }) => name)]
  return names.filter((name) => name.startsWith(`${vg}/`)).map((name) => ({ lv: name.slice(vg.length + 1) }))
}

async function scanCifs(ctx: Context): Promise<Json> {
  const server = str(ctx, 'server')
  const shares = found(ctx, 'cifs', server)
  if (shares.length === 0) {
    await ctx.sim.clock.pause(8)
    throw fail('failed to get share list: NT_STATUS_HOST_UNREACHABLE')
  }
  return shares.map(([share]) => ({ share, description: '' }))
}

async function scanPbs(ctx: Context): Promise<Json> {
  const server = str(ctx, 'server')
  const stores = found(ctx, 'pbs', server)
  if (stores.length === 0) {
    await ctx.sim.clock.pause(8)
    throw fail(`error fetching datastores - 500 Can't connect to ${server}:8007 (No route to host)`)
  }
  const known = stores.every(
    ([, { login }]) => !login || (login.username === str(ctx, 'username') && login.password === str(ctx, 'password')),
  )
  if (!known) throw fail('error fetching datastores - 401 Unauthorized')
  return stores.map(([store]) => ({ store }))
}

const zfsPools = ({ node: { pools = [] } }: Context) => pools.filter(({ kind }) => kind === 'zfspool')

const zfsList = (ctx: Context): Json =>
  zfsPools(ctx).map(({ name, total }) => ({
    name,
    size: total,
    alloc: 0,
    free: total,
    frag: 0,
    dedup: 1,
    health: health(ctx, name),
  }))

const health = (ctx: Context, pool: string) =>
  zfsPools(ctx)
    .find(({ name }) => name === pool)
    ?.vdevs?.every(({ state }) => state === 'ONLINE') === false
    ? 'DEGRADED'
    : 'ONLINE'

/** As `zpool status` has it: the pool itself first, what it is made of below. */
function zfsDetail(ctx: Context): Json {
  const name = str(ctx, 'name')
  const pool = zfsPools(ctx).find((one) => one.name === name)
  if (!pool) throw fail(`cannot open '${name}': no such pool`)
  const leaf = (disk: string, state: string) => ({ name: disk, state, read: 0, write: 0, cksum: 0, msg: '', leaf: 1 })
  const state = health(ctx, name)
  const children = (pool.vdevs ?? []).flatMap((vdev): Json[] => {
    const disks = vdev.disks.map((disk) => leaf(disk, vdev.state))
    if (vdev.name === '') return disks
    return [{ name: vdev.name, state: vdev.state, read: 0, write: 0, cksum: 0, msg: '', leaf: 0, children: disks }]
  })
  return {
    name,
    state,
    scan: 'none requested',
    errors: 'No known data errors',
    children: [{ name, state, read: 0, write: 0, cksum: 0, msg: '', leaf: 0, children }],
    leaf: 0,
  }
}

const SCAN = '/nodes/{node}/scan'

export const routes: Route[] = [
  { method: 'GET', path: SCAN, handler: index('method', 'cifs', 'iscsi', 'lvm', 'lvmthin', 'nfs', 'pbs', 'zfs') },
  { method: 'GET', path: `${SCAN}/nfs`, handler: scanNfs },
  { method: 'GET', path: `${SCAN}/iscsi`, handler: scanIscsi },
  { method: 'GET', path: `${SCAN}/lvm`, handler: scanLvm },
  { method: 'GET', path: `${SCAN}/zfs`, handler: scanZfs },
  { method: 'GET', path: `${SCAN}/lvmthin`, handler: scanThin },
  { method: 'GET', path: `${SCAN}/cifs`, handler: scanCifs },
  { method: 'GET', path: `${SCAN}/pbs`, handler: scanPbs },
  { method: 'GET', path: '/nodes/{node}/disks/zfs', handler: zfsList },
  { method: 'GET', path: '/nodes/{node}/disks/zfs/{name}', handler: zfsDetail },
  { method: 'GET', path: '/nodes/{node}/disks/lvm', handler: lvm },
]
