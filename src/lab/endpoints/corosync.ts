/** corosync.conf as the API shows it: all values are texts there, numbers in /cluster/status. */
import { fail, PveFault } from '../fault.ts'
import { addMember, createCluster, joinCluster, removeMember } from '../join.ts'
import type { Corosync } from '../model.ts'
import { nodeByName } from '../model.ts'
import { sha1Hex } from '../random.ts'
import { type Context, index, optNum, optStr, type Route, str } from '../router.ts'

export const routes: Route[] = [
  {
    method: 'GET',
    path: '/cluster/config',
    handler: index('name', 'nodes', 'totem', 'join', 'qdevice', 'apiversion'),
  },
  { method: 'GET', path: '/cluster/config/apiversion', handler: () => '1' },
  { method: 'GET', path: '/cluster/config/qdevice', handler: () => ({}) },
  { method: 'GET', path: '/cluster/config/nodes', handler: nodes },
  {
    method: 'GET',
    path: '/cluster/config/totem',
    handler: ({ config }) => (config.corosync ? totem(config.corosync) : null),
  },
  { method: 'GET', path: '/cluster/config/join', handler: joinInformation },
  { method: 'POST', path: '/cluster/config', handler: create },
  { method: 'POST', path: '/cluster/config/join', handler: join },
  { method: 'POST', path: '/cluster/config/nodes/{node}', handler: add },
  {
    method: 'DELETE',
    path: '/cluster/config/nodes/{node}',
    handler: (ctx) => removeMember(ctx.sim, ctx.node, str(ctx, 'node')),
  },
]

function nodes(ctx: Context) {
  const entries = ctx.config.corosync?.nodes ?? []
  return ctx.sim.random.shuffle(entries).map((entry) => ({
    node: entry.name,
    name: entry.name,
    nodeid: String(entry.nodeid),
    quorum_votes: String(entry.votes),
    ring0_addr: entry.ring0,
    ...(entry.ring1 === undefined ? {} : { ring1_addr: entry.ring1 }),
  }))
}

const links = (ctx: Context) => ({ link0: optStr(ctx, 'link0'), link1: optStr(ctx, 'link1') })

function create(ctx: Context) {
  if (ctx.config.corosync) throw fail("cluster config '/etc/pve/corosync.conf' already exists")
  const name = str(ctx, 'clustername')
  const o = { ...links(ctx), name, nodeid: optNum(ctx, 'nodeid') ?? 1, votes: optNum(ctx, 'votes') ?? 1 }
  return ctx.task({ type: 'clustercreate', id: name }, (task) => createCluster(ctx.sim, ctx.node, task, o))
}

function join(ctx: Context) {
  const o = {
    ...links(ctx),
    hostname: str(ctx, 'hostname'),
    fingerprint: str(ctx, 'fingerprint'),
    password: str(ctx, 'password'),
    nodeid: optNum(ctx, 'nodeid'),
    votes: optNum(ctx, 'votes') ?? 1,
  }
  return ctx.task({ type: 'clusterjoin' }, (task) => joinCluster(ctx.sim, ctx.node, task, o))
}

/** What a joining host asks of a member; the keys it gets are not simulated. */
function add(ctx: Context) {
  const { link0, link1 } = links(ctx)
  const ring0 = link0 ?? optStr(ctx, 'new_node_ip')
  if (ring0 === undefined) throw fail('no links and no fallback ip (new_node_ip) given, cannot join cluster')
  const entry = { name: str(ctx, 'node'), nodeid: optNum(ctx, 'nodeid'), votes: optNum(ctx, 'votes') ?? 1, ring0 }
  addMember(ctx.sim, ctx.node, link1 === undefined ? entry : { ...entry, ring1: link1 })
  return { corosync_authkey: '', corosync_conf: '', warnings: [] }
}

export const totem = (corosync: Corosync) => ({
  version: '2',
  secauth: 'on',
  cluster_name: corosync.name,
  config_version: String(corosync.version),
  ip_version: 'ipv4-6',
  link_mode: 'passive',
  token_coefficient: '125',
  interface: { 0: { linknumber: '0' } },
})

function joinInformation(ctx: Context) {
  const { corosync } = ctx.config
  if (!corosync) throw new PveFault(424, 'node is not in a cluster, no join info available!')
  const preferred = optStr(ctx, 'node') ?? ctx.node.name
  if (!corosync.nodes.some((entry) => entry.name === preferred)) throw fail(`no such node '${preferred}'`)
  return {
    config_digest: sha1Hex(JSON.stringify(corosync)),
    preferred_node: preferred,
    totem: totem(corosync),
    nodelist: ctx.sim.random.shuffle(corosync.nodes).map((entry) => ({
      name: entry.name,
      nodeid: String(entry.nodeid),
      quorum_votes: String(entry.votes),
      ring0_addr: entry.ring0,
      ...(entry.ring1 === undefined ? {} : { ring1_addr: entry.ring1 }),
      pve_addr: nodeByName(ctx.sim, entry.name)?.ip ?? entry.ring0,
      pve_fp: nodeByName(ctx.sim, entry.name)?.certificate.fingerprint ?? '',
    })),
  }
}
