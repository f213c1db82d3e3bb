/** What can be read about high availability. How each text comes about: HA manager's Status.pm, seen in recordings ha.jsonl.gz. */
import { needsAgent } from '../ha/lrm.ts'
import { wanted } from '../ha/service-states.ts'
import type { HaLrmStatus, HaResource, HaService } from '../model.ts'
import { isQuorate } from '../model.ts'
import { bit, type Context, compact, type Json, type Route } from '../router.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/cluster/ha', handler: folder },
  { method: 'GET', path: '/cluster/ha/status', handler: statusIndex },
  { method: 'GET', path: '/cluster/ha/status/current', handler: current },
  { method: 'GET', path: '/cluster/ha/status/manager_status', handler: managerStatus },
]

/** Seconds without a sign after which a CRM or LRM is called dead; how far ahead its clock may be. */
const STALE = 30
const DRIFT = 2

function folder(ctx: Context) {
  const names = ['status', 'resources', 'groups', ...(ctx.sim.pve.haRules ? ['rules'] : [])]
  return names.map((id) => ({ id }))
}

function statusIndex(ctx: Context) {
  const names = ['current', 'manager_status', ...(ctx.sim.pve.haArming ? ['disarm-ha', 'arm-ha'] : [])]
  return names.map((name) => ({ name }))
}

function current(ctx: Context) {
  const { manager } = ctx.config.ha
  const entries: Json[] = [quorumEntry(ctx)]
  if (manager.master_node !== undefined && manager.timestamp !== undefined) entries.push(masterEntry(ctx))
  if (ctx.sim.pve.haArming) entries.push(fencingEntry(ctx))
  for (const node of Object.keys(manager.node_status).sort()) entries.push(lrmEntry(ctx, node))
  const known = Object.keys(manager.service_status ?? {}).sort()
  const queued = [...ctx.config.ha.resources.keys()].filter((sid) => !known.includes(sid)).sort()
  for (const sid of [...known, ...queued]) entries.push(serviceEntry(ctx, sid))
  return entries
}

function quorumEntry(ctx: Context) {
  const quorate = isQuorate(ctx.sim, ctx.node)
  const status = quorate ? 'OK' : `No quorum on node '${ctx.node.name}'!`
  return { id: 'quorum', type: 'quorum', node: ctx.node.name, status, quorate: bit(quorate) }
}

const isFresh = (ctx: Context, timestamp: number | undefined) =>
  timestamp !== undefined && ctx.now - timestamp <= STALE && timestamp - ctx.now <= DRIFT

/** Unknown to releases that cannot disarm. */
const disarmOf = ({ sim, config }: Context) => (sim.pve.haArming ? config.ha.manager.disarm : undefined)

function masterEntry(ctx: Context) {
  const { manager, resources } = ctx.config.ha
  const { master_node: node = '', timestamp = 0 } = manager
  const disarm = disarmOf(ctx)
  const idle = isQuorate(ctx.sim, ctx.node) && resources.size === 0
  const extra = disarm ? ` - ${disarm.state}, resource mode: ${disarm.mode}` : ''
  const status = `${node} (${age(ctx, timestamp, idle ? 'idle' : undefined)}, ${localtime(timestamp)})${extra}`
  return { id: 'master', type: 'master', node, status, timestamp }
}

function age(ctx: Context, timestamp: number, whenStale = 'old timestamp - dead?', fresh = 'active') {
  if (timestamp - ctx.now > DRIFT) return 'detected time drift!'
  return ctx.now - timestamp > STALE ? whenStale : fresh
}

/** As Perl prints a local time: `Sun Nov 22 21:18:12 2026`. */
export function localtime(seconds: number) {
  const [, day, date = '', month, year, time] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(
    new Date(seconds * 1000).toUTCString(),
  ) ?? ['', '', '', '', '', '']
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`
}

function fencingEntry(ctx: Context) {
  const { manager } = ctx.config.ha
  const disarm = disarmOf(ctx)
  const node = manager.master_node ?? ctx.node.name
  const base = { id: 'fencing', type: 'fencing', node }
  if (disarm) {
    const watchdog = disarm.state === 'disarmed' ? 'released' : 'active'
    const status = `${disarm.state}, resource mode: ${disarm.mode} (CRM watchdog ${watchdog})`
    return { ...base, status, 'armed-state': disarm.state, resource_mode: disarm.mode }
  }
  if (isFresh(ctx, manager.timestamp)) {
    return { ...base, status: 'armed (CRM watchdog active)', 'armed-state': 'armed' }
  }
  return { ...base, status: 'standby (CRM watchdog standby)', 'armed-state': 'standby' }
}

function lrmEntry(ctx: Context, node: string) {
  const lrm = ctx.config.ha.lrm.get(node)
  const base = { id: `lrm:${node}`, type: 'lrm', node }
  if (!lrm?.timestamp) return { ...base, status: `${node} (unable to read lrm status)` }
  const watchdog = ctx.sim.pve.haArming ? `, watchdog ${lrmWatchdog(ctx, lrm)}` : ''
  const status = `${node} (${lrmState(ctx, lrm, node)}${watchdog}, ${localtime(lrm.timestamp)})`
  return { ...base, status, timestamp: lrm.timestamp }
}

function lrmState(ctx: Context, lrm: HaLrmStatus, node: string) {
  const hidesAge = lrm.mode === 'maintenance' || (lrm.mode === 'disarm' && ctx.sim.pve.haArming)
  if (hidesAge) return `${lrm.mode} mode`
  if (lrm.mode !== 'active') return age(ctx, lrm.timestamp, undefined, `${lrm.mode} mode`)
  const idle = lrm.state === 'wait_for_agent_lock' && !hasServices(ctx, node)
  return age(ctx, lrm.timestamp, undefined, idle ? 'idle' : lrm.state)
}

function lrmWatchdog(ctx: Context, lrm: HaLrmStatus) {
  if (lrm.mode === 'disarm') return 'released'
  const holds = lrm.state === 'active' || lrm.state === 'maintenance'
  return holds && isFresh(ctx, lrm.timestamp) ? 'active' : 'standby'
}

function hasServices({ sim, config }: Context, node: string) {
  const services = Object.values(config.ha.manager.service_status ?? {})
  if (sim.pve.haCountsArriving) return services.some((service) => needsAgent(service, node))
  return services.some((service) => service.node === node && service.state !== 'stopped' && service.state !== 'freeze')
}

function serviceEntry(ctx: Context, sid: string) {
  const { ha, guests } = ctx.config
  const resource = ha.resources.get(sid)
  const service = ha.manager.service_status?.[sid]
  const vmid = Number(sid.split(':')[1])
  const node = service?.node ?? guests.get(vmid)?.node
  const state = verboseState(ctx, sid, resource, service)
  return compact({
    id: `service:${sid}`,
    type: 'service',
    sid,
    node: node ?? '---',
    state,
    status: `${sid} (${node ?? '---'}, ${state})`,
    crm_state: service?.state,
    ...(resource ? resourceDefaults(ctx, resource) : {}),
  })
}

function resourceDefaults(ctx: Context, resource: HaResource) {
  const { keys } = resource
  return {
    request_state: wanted(resource),
    max_restart: keys.max_restart ?? 1,
    max_relocate: keys.max_relocate ?? 1,
    failback: ctx.sim.pve.haRules ? (keys.failback ?? 1) : undefined,
    group: keys.group,
    comment: keys.comment,
  }
}

/** What the web interface shows; the first rule that fits. */
function verboseState(ctx: Context, sid: string, resource: HaResource | undefined, service: HaService | undefined) {
  if (!resource) return 'deleting'
  const asked = wanted(resource)
  if (asked === 'ignored') return 'ignored'
  if (!ctx.config.guests.has(Number(sid.split(':')[1]))) return 'not found'
  if (!service) return 'queued'
  if (disarmOf(ctx)?.mode === 'ignore') return 'ignore'
  if (service.state === 'stopped' && asked === 'started') return 'starting'
  if (service.state === 'stopped' && asked === 'disabled') return 'disabled'
  if (service.state === 'started' && service.running !== 1) return 'starting'
  if (service.state === 'started' && (asked === 'stopped' || asked === 'disabled')) return 'stopping'
  if (service.state === 'error' && asked === 'disabled') return 'clearing error flag'
  return service.state
}

function managerStatus(ctx: Context): Json {
  const { manager, lrm } = ctx.config.ha
  const nodes = Object.keys(manager.node_status).filter((node) => lrm.has(node))
  return compact({
    manager_status: structuredClone(manager) as unknown as Json,
    quorum: { node: ctx.node.name, quorate: isQuorate(ctx.sim, ctx.node) ? '1' : '0' },
    lrm_status: nodes.length === 0 ? undefined : Object.fromEntries(nodes.map((node) => [node, { ...lrm.get(node)! }])),
  })
}
