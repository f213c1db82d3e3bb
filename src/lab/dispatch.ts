/**
 * The way of one call through Proxmox, in its order: who, where to, may they, which node, are the parameters good,
 * and only then what it means. Order and texts: test/recordings/err.jsonl.gz, limited.jsonl.gz, failover.jsonl.gz.
 */
import { badParams, forbidden, PveFault } from './fault.ts'
import { authenticate, type Credentials, tokenFrom } from './login.ts'
import type { SimCluster, SimNode } from './model.ts'
import { clusterNodes, nodeByName, reaches, viewOf } from './model.ts'
import { type Auth, authoriseEndpoint } from './permissions.ts'
import { type Method, makeContext, type Reply, type Routes } from './router.ts'
import type { EndpointFacts, PveSchema } from './schema/facts.ts'
import { findEndpoint, mergeParams, verifyParams } from './schema/verify.ts'
import { type Sent, toReply } from './wire.ts'

export interface Api {
  sim: SimCluster
  schema: PveSchema
  routes: Routes
}

export interface Call {
  method: Method
  path: string
  credentials: Credentials
}

/** Calls that make or renew a login need none. */
const OPEN = new Set([
  'POST /access/ticket',
  'GET /access/ticket',
  'GET /access/domains',
  'POST /access/openid/auth-url',
])

/** Undefined for the calls that anybody may make. Throws 401 after the real one's three seconds. */
export async function identify({ sim }: Api, entry: SimNode, call: Call): Promise<Auth | undefined> {
  if (OPEN.has(`${call.method} ${call.path}`)) return undefined
  try {
    return authenticate(entry, call.method, call.credentials, sim.clock.now(), sim.pve)
  } catch (error) {
    await sim.clock.pause(3)
    throw error
  }
}

/** Throws `PveFault` for whatever Proxmox refuses. */
export async function dispatch(
  api: Api,
  entry: SimNode,
  call: Call,
  auth: Auth | undefined,
  sent: Sent,
): Promise<Reply> {
  const { sim } = api
  const found = findEndpoint(api.schema, call.method, call.path)
  const route = found.facts && api.routes.get(`${call.method} ${found.template}`)
  if (!found.facts || !route) {
    throw new PveFault(501, `Method '${call.method} ${call.path || '/'}' not implemented`)
  }
  const { facts } = found
  const merged = mergeParams(found.pathParams, sent.params)
  if (!merged.ok) throw badParams(merged.errors)
  checkToken(facts, call)
  checkRights(entry, auth, sim.clock.now(), facts, merged.given)
  const node = await target(sim, entry, facts, merged.given)
  const verified = verifyParams(facts, merged.given, sent.encoding)
  if (!verified.ok) throw badParams(verified.errors)
  const nobody = { userid: '' }
  const context = makeContext({ sim, node, entry, params: verified.params, auth: auth ?? nobody })
  return toReply(await route.handler(sent.upload ? { ...context, upload: sent.upload } : context))
}

function checkToken(facts: EndpointFacts, { path, credentials }: Call) {
  if (facts.allowToken || tokenFrom(credentials.authorization) === undefined) return
  throw forbidden(`URI '${path}' not available with API token, need proper ticket.\n`)
}

function checkRights(
  entry: SimNode,
  auth: Auth | undefined,
  now: number,
  facts: EndpointFacts,
  given: Record<string, unknown>,
) {
  if (auth) return authoriseEndpoint(viewOf(entry), auth, now, facts.permissions, given)
  if (facts.permissions?.user !== 'world') throw forbidden('user != null')
}

/** The node that carries the call out. Throws as pveproxy does when it cannot pass the call on. */
async function target(
  sim: SimCluster,
  entry: SimNode,
  facts: EndpointFacts,
  given: Record<string, unknown>,
): Promise<SimNode> {
  const name = facts.proxyTo === undefined ? undefined : String(given[facts.proxyTo] ?? '')
  if (name === undefined || name === 'localhost' || name === entry.name) return entry
  const node = clusterNodes(sim, entry).find((member) => member.name === name)
  if (!node) throw await strangerFault(sim, entry, name)
  if (!reaches(entry, node)) throw await silenceFault(sim, entry, node)
  return node
}

/** Names that /etc/hosts knows lead to a host whose certificate is not the cluster's, or to nobody. */
async function strangerFault(sim: SimCluster, entry: SimNode, name: string): Promise<PveFault> {
  if (!isNodeName(name)) return badParams({ node: 'invalid format - value does not look like a valid node name\n' })
  const host = nodeByName(sim, name.toLowerCase())
  if (!host || !entry.hosts.includes(` ${host.name}\n`)) {
    const why = `failed to get address info for: ${name}: Name or service not known`
    return new PveFault(500, `hostname lookup '${name}' failed - ${why}`)
  }
  if (!reaches(entry, host)) return silenceFault(sim, entry, host)
  return new PveFault(596, 'error:0A000086:SSL routines::certificate verify failed', { bare: true })
}

const isNodeName = (name: string) => /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/.test(name)

async function silenceFault(sim: SimCluster, entry: SimNode, node: SimNode): Promise<PveFault> {
  if (node.offBy === 'shutdown' && entry.network === 'up' && node.network === 'up') {
    return new PveFault(595, 'Connection refused', { bare: true })
  }
  await sim.clock.pause(3)
  return new PveFault(595, 'No route to host', { bare: true })
}
