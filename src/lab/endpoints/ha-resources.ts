/** `/cluster/ha/resources`: which guests HA looks after, and how; test/recordings/ha.jsonl.gz, err.jsonl.gz. */
import { fail } from '../fault.ts'
import { dropFromRules, isManaged, resourcesDigest } from '../ha/config.ts'
import { readRules } from '../ha/rules.ts'
import type { ConfigKeys, HaResource } from '../model.ts'
import { type Context, checkQuorum, type Json, optStr, type Route, str } from '../router.ts'
import { checkDigest, given, type Options, parseSid, type Sid, updated, withHaLock } from './ha-sections.ts'

const RESOURCES = '/cluster/ha/resources'

export const routes: Route[] = [
  { method: 'GET', path: RESOURCES, handler: list },
  { method: 'POST', path: RESOURCES, handler: create },
  { method: 'GET', path: `${RESOURCES}/{sid}`, handler: read },
  { method: 'PUT', path: `${RESOURCES}/{sid}`, handler: update },
  { method: 'DELETE', path: `${RESOURCES}/{sid}`, handler: remove },
  { method: 'POST', path: `${RESOURCES}/{sid}/migrate`, handler: move('migrate') },
  { method: 'POST', path: `${RESOURCES}/{sid}/relocate`, handler: move('relocate') },
]

const OPTIONS: Options = {
  state: 'optional',
  group: 'optional',
  max_restart: 'optional',
  max_relocate: 'optional',
  failback: 'optional',
  comment: 'optional',
}

/** Since 9.0 groups are rules, unless some were not migrated yet. */
export const hasOnlyRules = ({ sim, config }: Context) => sim.pve.haRules && config.ha.groups.size === 0

const resourcesOf = (ctx: Context) => ctx.config.ha.resources

function show(ctx: Context, { sid, type, keys: { group, ...keys } }: HaResource) {
  const shown = hasOnlyRules(ctx) || group === undefined ? keys : { ...keys, group }
  return { ...shown, sid, type, digest: resourcesDigest(ctx.config) }
}

function list(ctx: Context) {
  const type = optStr(ctx, 'type')
  return [...resourcesOf(ctx).values()]
    .filter((resource) => type === undefined || resource.type === type)
    .map((resource) => ({ ...show(ctx, resource), ...lostGroup(ctx, resource) }))
}

function lostGroup(ctx: Context, { keys: { group } }: HaResource) {
  if (group === undefined || hasOnlyRules(ctx) || ctx.config.ha.groups.has(String(group))) return {}
  return { errors: { group: `group '${group}' does not exist` } }
}

function read(ctx: Context) {
  const { sid } = parseSid(ctx, str(ctx, 'sid'))
  const resource = resourcesOf(ctx).get(sid)
  if (!resource) throw fail(`no such resource '${sid}'`)
  return show(ctx, resource)
}

function create(ctx: Context) {
  checkQuorum(ctx)
  const wanted = parseSid(ctx, str(ctx, 'sid'))
  const type = optStr(ctx, 'type')
  if (type !== undefined && type !== wanted.type) throw fail('types does not match')
  if (hasOnlyRules(ctx)) checkGroup(ctx)
  const resource = checkGuest(ctx, wanted, given(ctx, OPTIONS))
  return withHaLock(ctx, 'create resource failed: ', () => {
    if (resourcesOf(ctx).has(resource.sid)) throw fail(`resource ID '${resource.sid}' already defined`)
    resourcesOf(ctx).set(resource.sid, resource)
  })
}

function checkGroup(ctx: Context) {
  const group = optStr(ctx, 'group')
  if (group === undefined) return
  if (hasOnlyRules(ctx)) throw fail(`invalid parameter 'group': ha groups have been migrated to rules`)
  if (!ctx.config.ha.groups.has(group)) throw fail(`HA group '${group}' does not exist`)
}

const KINDS = { vm: { type: 'qemu', words: 'a virtual machine' }, ct: { type: 'lxc', words: 'a container' } } as const

/** Templates are taken too; the CRM then finds out that they cannot start. */
function checkGuest({ config }: Context, { sid, type, name }: Sid, keys: ConfigKeys): HaResource {
  if (type !== 'vm' && type !== 'ct') throw fail(`unknown section type '${type}'`)
  if (!/^[1-9]\d+$/.test(name)) throw fail('invalid VMID')
  const guest = config.guests.get(Number(name))
  if (!guest) throw fail(`resource '${sid}' does not exist in cluster`)
  const kind = KINDS[type]
  if (guest.type !== kind.type) throw fail(`resource '${sid}' - guest with ID ${name} is not ${kind.words}`)
  return { sid, type, keys }
}

function update(ctx: Context) {
  const { sid } = parseSid(ctx, str(ctx, 'sid'))
  checkGroup(ctx)
  checkFault(ctx, sid)
  return withHaLock(ctx, 'update resources config failed: ', () => {
    checkDigest(ctx, resourcesDigest(ctx.config))
    const resource = resourcesOf(ctx).get(sid)
    if (!resource) throw fail(`no such resource '${sid}'`)
    resource.keys = updated(ctx, resource.keys, OPTIONS)
  })
}

/** A service in error does nothing until somebody has disabled it. */
function checkFault(ctx: Context, sid: string) {
  const isFaulty = ctx.config.ha.manager.service_status?.[sid]?.state === 'error'
  if (!isFaulty || !isManaged(ctx.config, sid) || optStr(ctx, 'state') === 'disabled') return
  throw fail(`service '${sid}' in error state, must be disabled and fixed first`)
}

function remove(ctx: Context) {
  const { sid } = parseSid(ctx, str(ctx, 'sid'))
  if (!resourcesOf(ctx).has(sid)) throw fail(`cannot delete service '${sid}', not HA managed!`)
  return withHaLock(ctx, 'delete resource failed: ', () => {
    resourcesOf(ctx).delete(sid)
    if (Number(ctx.params.purge ?? 1) === 1) dropFromRules(ctx.config.ha, sid)
  })
}

/** Only asks the CRM, which may refuse later without anybody hearing of it. */
function move(how: 'migrate' | 'relocate') {
  return async (ctx: Context): Promise<Json> => {
    const { sid } = parseSid(ctx, str(ctx, 'sid'))
    if (!isManaged(ctx.config, sid)) throw fail(`resource '${sid}' is not HA managed`)
    checkFault(ctx, sid)
    const node = str(ctx, 'node')
    const answer = ctx.sim.pve.haRules ? { sid, 'requested-node': node, ...company(ctx, sid, node) } : null
    await withHaLock(ctx, '', () => void ctx.config.ha.commands.push(`${how} ${sid} ${node}`))
    return answer
  }
}

/** Who goes along, and who stands in the way. */
function company({ config: { ha } }: Context, sid: string, node: string) {
  const services = ha.manager.service_status ?? {}
  const rules = readRules(ha)
  const along = rules.together(sid).filter((other) => services[other])
  const isThere = (other: string) => {
    const service = services[other]
    return service?.node === node && (service.target === undefined || service.target === node)
  }
  const isOnline = ha.manager.node_status[node] === 'online'
  const blocking = isOnline ? rules.apart(sid).filter(isThere) : []
  return {
    ...(along.length > 0 ? { 'comigrated-resources': along } : {}),
    ...(blocking.length > 0
      ? { 'blocking-resources': blocking.map((other) => ({ sid: other, cause: 'resource-affinity' })) }
      : {}),
  }
}
