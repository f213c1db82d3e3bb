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

const scanZfs = (ctx: Context): Json => {
  const pools = [...ctx.config.storages.values()].filter(({ type }) => type === 'zfspool')
  return [...new Set(pools.map(({ options }) => String(options.pool)))].map((pool) => ({ pool }))
}

const SCAN = '/nodes/{node}/scan'

export const routes: Route[] = [
  { method: 'GET', path: SCAN, handler: index('method', 'cifs', 'iscsi', 'lvm', 'lvmthin', 'nfs', 'pbs', 'zfs') },
  { method: 'GET', path: `${SCAN}/nfs`, handler: scanNfs },
  { method: 'GET', path: `${SCAN}/iscsi`, handler: scanIscsi },
  { method: 'GET', path: `${SCAN}/lvm`, handler: scanLvm },
  { method: 'GET', path: `${SCAN}/zfs`, handler: scanZfs },
  { method: 'GET', path: '/nodes/{node}/disks/lvm', handler: lvm },
]
