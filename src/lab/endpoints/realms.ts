/**
 * `/access/domains`: where accounts are checked. Which type takes which properties: pve-docs, "Authentication Realms", and
 * the parameters of the schema; texts as Proxmox's API words them.
 */
import { fail } from '../fault.ts'
import type { ClusterConfig, Realm } from '../model.ts'
import { sha1Hex } from '../random.ts'
import { type Context, compact, flag, optStr, type Params, type Route, splitList, str, withCfsLock } from '../router.ts'
import { lookInto } from './realm-sync.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/access/domains', handler: list },
  { method: 'POST', path: '/access/domains', handler: create },
  { method: 'GET', path: '/access/domains/{realm}', handler: read },
  { method: 'PUT', path: '/access/domains/{realm}', handler: update },
  { method: 'DELETE', path: '/access/domains/{realm}', handler: remove },
]

/** pmxcfs's lock around domains.cfg. */
const REALM_LOCK = 'file-domains_cfg'

const COMMON = ['comment', 'default', 'tfa']
const SERVER = ['server2', 'port', 'mode', 'secure', 'sslversion', 'verify', 'capath', 'cert', 'certkey']
const LOOK = ['bind_dn', 'filter', 'user_classes', 'sync_attributes', 'sync-defaults-options']
const GROUPS = ['group_dn', 'group_name_attr', 'group_filter', 'group_classes']
const OPENID = [
  ...['client-key', 'autocreate', 'username-claim', 'prompt', 'scopes', 'acr-values', 'query-userinfo'],
  ...['groups-claim', 'groups-autocreate', 'groups-overwrite'],
]

const TYPES: Readonly<Record<string, { required: readonly string[]; optional: readonly string[] }>> = {
  ad: {
    required: ['domain', 'server1'],
    optional: [...COMMON, ...SERVER, ...LOOK, ...GROUPS, 'base_dn', 'user_attr', 'case-sensitive'],
  },
  ldap: {
    required: ['base_dn', 'server1', 'user_attr'],
    optional: [...COMMON, ...SERVER, ...LOOK, ...GROUPS],
  },
  openid: { required: ['client-id', 'issuer-url'], optional: ['comment', 'default', ...OPENID] },
  pam: { required: [], optional: COMMON },
  pve: { required: [], optional: COMMON },
}

/** Neither in domains.cfg nor of the section itself. */
const NOT_OPTIONS = new Set(['realm', 'type', 'comment', 'default', 'password', 'check-connection', 'delete', 'digest'])

const digestOf = ({ access }: ClusterConfig) =>
  sha1Hex(JSON.stringify([...access.realms.values()].map(({ password, ...shown }) => shown)))

function list(ctx: Context) {
  return [...ctx.config.access.realms.values()].map(({ realm, type, comment, default: isDefault }) =>
    compact({ realm, type, comment, default: isDefault ? 1 : undefined }),
  )
}

function found(ctx: Context, what = 'domain'): Realm {
  const name = str(ctx, 'realm')
  const realm = ctx.config.access.realms.get(name)
  if (!realm) throw fail(`${what} '${name}' does not exist`)
  return realm
}

function read(ctx: Context) {
  const { type, comment, default: isDefault, options } = found(ctx)
  return compact({ ...options, type, comment, default: isDefault ? 1 : undefined, digest: digestOf(ctx.config) })
}

async function create(ctx: Context) {
  await withCfsLock(ctx, REALM_LOCK, 'add auth server failed: ', () => {
    const { realms } = ctx.config.access
    const [name, type] = [str(ctx, 'realm'), str(ctx, 'type')]
    if (realms.has(name)) throw fail(`domain '${name}' already exists`)
    if (name === 'pam' || name === 'pve') throw fail(`unable to use reserved name '${name}'`)
    if (type === 'pam' || type === 'pve') throw fail(`unable to create builtin type '${type}'`)
    refuseCheck(ctx, type)
    refuseProperties(type, ctx.params)
    const missing = TYPES[type]!.required.find((property) => ctx.params[property] === undefined)
    if (missing !== undefined) throw fail(`missing value for required option '${missing}'`)
    const realm: Realm = { realm: name, type, options: {} }
    fill(ctx, realm)
    if (flag(ctx, 'check-connection')) lookInto(ctx.sim, realm)
    if (realm.default) for (const other of realms.values()) delete other.default
    realms.set(name, realm)
  })
  return null
}

async function update(ctx: Context) {
  await withCfsLock(ctx, REALM_LOCK, 'update auth server failed: ', () => {
    const digest = optStr(ctx, 'digest')
    if (digest !== undefined && digest !== digestOf(ctx.config)) {
      throw fail('detected modified configuration - file changed by other user? Try again.')
    }
    const realm = found(ctx)
    refuseCheck(ctx, realm.type)
    const dropped = splitList(optStr(ctx, 'delete') ?? '')
    const given = Object.keys(ctx.params).filter((name) => !['realm', 'delete', 'digest'].includes(name))
    if (dropped.length === 0 && given.length === 0) throw fail('no options specified')
    refuseProperties(realm.type, ctx.params)
    const changed: Realm = { ...realm, options: { ...realm.options } }
    for (const name of dropped) drop(changed, name)
    fill(ctx, changed)
    if (flag(ctx, 'check-connection')) lookInto(ctx.sim, changed)
    if (changed.default) for (const other of ctx.config.access.realms.values()) delete other.default
    ctx.config.access.realms.set(realm.realm, changed)
  })
  return null
}

async function remove(ctx: Context) {
  await withCfsLock(ctx, REALM_LOCK, 'delete auth server failed: ', () => {
    ctx.config.access.realms.delete(found(ctx, 'authentication domain').realm)
  })
  return null
}

function refuseCheck(ctx: Context, type: string) {
  if (ctx.params['check-connection'] === undefined || type === 'ldap' || type === 'ad') return
  throw fail("'check-connection' parameter can only be set for realms of type 'ldap' or 'ad'")
}

function refuseProperties(type: string, params: Params) {
  const { required, optional } = TYPES[type]!
  const taken = new Set([...required, ...optional])
  const odd = Object.keys(params).find((name) => !NOT_OPTIONS.has(name) && !taken.has(name))
  if (odd !== undefined) throw fail(`unexpected property '${odd}'`)
}

function fill(ctx: Context, realm: Realm) {
  for (const [name, value] of Object.entries(ctx.params)) {
    if (NOT_OPTIONS.has(name) || value === undefined) continue
    realm.options[name] = typeof value === 'number' ? value : String(value)
  }
  const [comment, password] = [optStr(ctx, 'comment'), optStr(ctx, 'password')]
  if (comment !== undefined) realm.comment = comment
  if (password !== undefined) realm.password = password
  if (ctx.params.default !== undefined) realm.default = flag(ctx, 'default')
}

function drop(realm: Realm, name: string) {
  if (name === 'comment') delete realm.comment
  else if (name === 'default') delete realm.default
  else if (name === 'password') delete realm.password
  else delete realm.options[name]
}
