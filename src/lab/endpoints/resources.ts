/** GET /cluster/resources and /nodes: everything that there is, each with what its last figures were. */
import type { GuestConfig, SimNode, StorageEntry } from '../model.ts'
import { backingOf, clusterNodes, nodeByName, seesOnline, storageOnNode, usedOn } from '../model.ts'
import { bit, type Context, compact, type Json, optStr, type Route } from '../router.ts'
import { guestFigures, isKnown, nodeFigures } from '../stats.ts'
import { isShared } from './storage-types.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/cluster/resources', handler: resources },
  { method: 'GET', path: '/nodes', handler: listNodes },
]

function resources(ctx: Context): Json {
  const type = optStr(ctx, 'type')
  const wants = (one: string) => type === undefined || type === one
  const members = clusterNodes(ctx.sim, ctx.node)
  return [
    ...(type === undefined ? pools(ctx) : []),
    ...(wants('vm') ? guests(ctx) : []),
    ...(wants('node') ? members.map((node) => nodeResource(ctx, node)) : []),
    ...(wants('storage') ? storages(ctx, members) : []),
    ...(wants(ctx.sim.pve.version === '9.2' ? 'network' : 'sdn') ? zones(ctx, members) : []),
  ]
}

function listNodes(ctx: Context) {
  const members = clusterNodes(ctx.sim, ctx.node)
  return members.map((node) => nodeEntry(ctx, node, { ssl_fingerprint: node.certificate.fingerprint }, {}))
}

const nodeResource = (ctx: Context, node: SimNode) =>
  nodeEntry(ctx, node, {}, { 'cgroup-mode': 2, hastate: ctx.config.ha.manager.node_status[node.name] })

/** Without Sys.Audit one sees that a node exists and whether it is up; before its first figures not even that. */
function nodeEntry(
  ctx: Context,
  node: SimNode,
  always: Record<string, Json>,
  withFigures: Record<string, Json | undefined>,
) {
  const base = { id: `node/${node.name}`, node: node.name, type: 'node', ...always }
  if (!node.reporting) return { ...base, status: 'unknown' }
  const online = seesOnline(ctx.node, node)
  const { maxcpu, maxmem, maxdisk, ...live } = nodeFigures(ctx.sim, node)
  const figures = { maxcpu, maxmem, maxdisk, ...(online ? live : {}) }
  const status = online ? 'online' : 'offline'
  const mayAudit = ctx.can(`/nodes/${node.name}`, 'Sys.Audit')
  return compact({ ...base, ...withFigures, level: '', status, ...(mayAudit ? figures : {}) })
}

const pools = (ctx: Context) =>
  [...ctx.config.access.pools.values()]
    .filter(({ poolid }) => ctx.can(`/pool/${poolid}`, 'Pool.Audit'))
    .map(({ poolid }) => ({ id: `/pool/${poolid}`, pool: poolid, type: 'pool' }))

const guests = (ctx: Context) =>
  [...ctx.config.guests.values()]
    .filter((guest) => ctx.can(`/vms/${guest.vmid}`, 'VM.Audit'))
    .sort((a, b) => a.vmid - b.vmid)
    .map((guest) => guestEntry(ctx, guest))

/** Also what a pool says of its members. Labels are read from the config, figures and the name come with pvestatd. */
export function guestEntry(ctx: Context, guest: GuestConfig) {
  const { vmid, type, node, template, lock, keys } = guest
  const pool = [...ctx.config.access.pools.values()].find((one) => one.vmids.has(vmid))
  const labels = { tags: keys.tags, lock, pool: pool?.poolid, hastate: hastate(ctx, guest) }
  const base = { id: `${type}/${vmid}`, type, vmid, node, ...labels }
  const known = nodeByName(ctx.sim, node)?.reporting && isKnown(guest, ctx.now)
  if (!known) return compact({ ...base, status: 'unknown' })
  return compact({ ...base, template: bit(template), ...guestFigures(ctx.sim, ctx.node, guest) })
}

/** What the CRM makes of the guest; what is wanted of it while the CRM has not met it. */
function hastate({ config }: Context, { vmid, type }: GuestConfig) {
  const sid = `${type === 'lxc' ? 'ct' : 'vm'}:${vmid}`
  const service = config.ha.manager.service_status?.[sid]
  const resource = config.ha.resources.get(sid)
  return service?.state ?? (resource && String(resource.keys.state ?? 'started'))
}

function storages(ctx: Context, members: SimNode[]) {
  return [...ctx.config.storages.values()]
    .filter((entry) => ctx.can(`/storage/${entry.storage}`, 'Datastore.Audit'))
    .flatMap((entry) =>
      members.filter((node) => storageOnNode(entry, node.name)).map((node) => storageEntry(ctx, entry, node)),
    )
}

/** Also what a pool says of its members. */
export function storageEntry(ctx: Context, entry: StorageEntry, node: SimNode) {
  const { storage, type, content } = entry
  const backing = node.reporting ? backingOf(ctx.sim, node, entry) : undefined
  return compact({
    id: `storage/${node.name}/${storage}`,
    type: 'storage',
    storage,
    node: node.name,
    plugintype: type,
    content: content.join(','),
    shared: bit(isShared(entry)),
    status: backing ? 'available' : 'unknown',
    // LUNs are not filled by anybody: iSCSI has no figures.
    disk: backing && (type === 'iscsi' ? 0 : usedOn(backing)),
    maxdisk: backing && (type === 'iscsi' ? 0 : backing.total),
  })
}

/** The one zone that every installation has. */
function zones(ctx: Context, members: SimNode[]): Json[] {
  const zone = 'localnetwork'
  if (!ctx.can(`/sdn/zones/${zone}`, 'SDN.Audit')) return []
  return members.map((node) => {
    const base = { node: node.name, status: 'ok' }
    if (ctx.sim.pve.version !== '9.2') return { ...base, id: `sdn/${node.name}/${zone}`, type: 'sdn', sdn: zone }
    const id = `network/${node.name}/zone/${zone}`
    return { ...base, id, type: 'network', network: zone, 'network-type': 'zone' }
  })
}
