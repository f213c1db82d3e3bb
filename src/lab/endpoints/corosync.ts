/** corosync.conf as the API shows it: all values are texts there, numbers in /cluster/status. */
import { fail, PveFault } from '../fault.ts'
import type { Corosync } from '../model.ts'
import { nodeByName } from '../model.ts'
import { sha1Hex } from '../random.ts'
import { type Context, index, optStr, type Route } from '../router.ts'

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
]

function nodes(ctx: Context) {
  const entries = ctx.config.corosync?.nodes ?? []
  return ctx.sim.random.shuffle(entries).map((entry) => ({
    node: entry.name,
    name: entry.name,
    nodeid: String(entry.nodeid),
    quorum_votes: String(entry.votes),
    ring0_addr: entry.ring0,
  }))
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
      pve_addr: nodeByName(ctx.sim, entry.name)?.ip ?? entry.ring0,
      pve_fp: nodeByName(ctx.sim, entry.name)?.certificate.fingerprint ?? '',
    })),
  }
}
