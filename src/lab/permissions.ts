/**
 * Who may do what: ACLs with propagation, roles, pools, tokens with separated privileges.
 * Rules: pve-docs, chapter "User Management", sections "Permission Management"; texts: test/recordings/limited.jsonl.gz.
 */
import { badParams, forbidden } from './fault.ts'
import type { AclEntry, ClusterConfig, User } from './model.ts'
import type { EndpointFacts } from './schema/facts.ts'

/** Who calls: a user in person (ticket), or one of its tokens. */
export interface Auth {
  userid: string
  tokenid?: string | undefined
}

export const ROOT = 'root@pam'

export const authId = (auth: Auth) => (auth.tokenid === undefined ? auth.userid : `${auth.userid}!${auth.tokenid}`)

/** Privileges held on a path; the value says whether they reach below it. */
export type Privileges = Map<string, boolean>

/** The path as ACLs spell it; undefined for what cannot be one. */
export function normalizePath(path: string): string | undefined {
  const clean = path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '')
  return /^\/([\w.\-@]+(\/[\w.\-@ ]+)*)?$/.test(clean) ? clean : undefined
}

const prefixes = (path: string) => {
  const parts = path.split('/').filter((part) => part !== '')
  return ['/', ...parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`)]
}

type RoleMap = Map<string, boolean>

function rolesFrom(entries: AclEntry[], final: boolean): RoleMap {
  const roles: RoleMap = new Map()
  for (const entry of entries) if (final || entry.propagate) roles.set(entry.roleid, entry.propagate)
  return roles.has('NoAccess') ? new Map([['NoAccess', true]]) : roles
}

/** Deeper entries replace inherited ones, and a user's own replace its groups'. */
function rolesOn(config: ClusterConfig, path: string, type: 'user' | 'token', id: string, groups: string[]): RoleMap {
  let roles: RoleMap = new Map()
  for (const prefix of prefixes(path)) {
    const here = config.access.acl.filter((entry) => entry.path === prefix)
    if (here.length === 0) continue
    const final = prefix === path
    const own = here.filter((entry) => entry.type === type && entry.ugid === id)
    const viaGroups = here.filter((entry) => entry.type === 'group' && groups.includes(entry.ugid))
    const found = [rolesFrom(own, final), rolesFrom(viaGroups, final)].find((map) => map.size > 0)
    if (found) roles = found
  }
  return roles
}

/** What a pool's members inherit from the rights on the pool. */
function poolPath(config: ClusterConfig, path: string): string | undefined {
  const [, kind, id = ''] = /^\/(vms|storage)\/([^/]+)$/.exec(path) ?? []
  if (kind === undefined) return undefined
  const pools = [...config.access.pools.values()]
  const pool = pools.find((p) => (kind === 'vms' ? p.vmids.has(Number(id)) : p.storages.has(id)))
  return pool && `/pool/${pool.poolid}`
}

function ownPrivileges(
  config: ClusterConfig,
  path: string,
  type: 'user' | 'token',
  id: string,
  groups: string[],
): Privileges {
  let roles = rolesOn(config, path, type, id, groups)
  const pool = poolPath(config, path)
  if (pool) {
    const inherited = rolesOn(config, pool, type, id, groups)
    if (inherited.size > 0) roles = new Map([...(roles.has('NoAccess') ? [] : roles), ...inherited])
  }
  const privileges: Privileges = new Map()
  for (const [role, propagate] of roles) {
    for (const priv of config.access.roles.get(role) ?? []) {
      privileges.set(priv, propagate || (privileges.get(priv) ?? false))
    }
  }
  return privileges
}

function userPrivileges(config: ClusterConfig, user: User, path: string): Privileges {
  if (user.userid !== ROOT) return ownPrivileges(config, path, 'user', user.userid, user.groups)
  return new Map([...(config.access.roles.get('Administrator') ?? [])].map((priv) => [priv, true]))
}

/** Privileges on one path; empty for disabled or expired users and tokens, and on what is no path. */
export function privilegesOn(config: ClusterConfig, auth: Auth, now: number, path: string): Privileges {
  const user = config.access.users.get(auth.userid)
  if (path === '' || !user || !isValid(user, now)) return new Map()
  const ofUser = userPrivileges(config, user, path)
  if (auth.tokenid === undefined) return ofUser
  const token = user.tokens.get(auth.tokenid)
  if (!token) return new Map()
  if (!token.privsep) return ofUser
  const ofToken = ownPrivileges(config, path, 'token', authId(auth), [])
  return new Map([...ofToken].filter(([priv]) => ofUser.has(priv)).map(([p, way]) => [p, way && !!ofUser.get(p)]))
}

export const isValid = (o: { expire: number; enable?: boolean }, now: number) =>
  o.enable !== false && (o.expire === 0 || o.expire > now)

/** True when the caller holds all the privileges on the path. */
export function hasPrivileges(config: ClusterConfig, auth: Auth, now: number, path: string, privs: string[]): boolean {
  const held = privilegesOn(config, auth, now, path)
  return privs.every((priv) => held.has(priv))
}

/** Throws 403 `Permission check failed (PATH, PRIV)`. */
export function authorise(
  config: ClusterConfig,
  auth: Auth,
  now: number,
  path: string,
  privs: string[],
  o: { any?: boolean } = {},
) {
  const held = privilegesOn(config, auth, now, path)
  if (o.any && !privs.some((priv) => held.has(priv))) throw forbidden(`${path}, ${privs.join('|')}`)
  if (o.any) return
  const missing = privs.find((priv) => !held.has(priv))
  if (missing !== undefined) throw forbidden(`${path}, ${missing}`)
}

type RawParams = Record<string, unknown>

/** Applies an endpoint's own rule, before its parameters are verified; without a rule it is root@pam's alone. Throws 403. */
export function authoriseEndpoint(
  config: ClusterConfig,
  auth: Auth,
  now: number,
  facts: EndpointFacts['permissions'],
  params: RawParams,
) {
  if (authId(auth) === ROOT) return
  if (facts?.user !== undefined) return
  if (!facts?.check) throw forbidden('user != root@pam')
  runCheck({ config, auth, now, params }, facts.check)
}

interface CheckScope {
  config: ClusterConfig
  auth: Auth
  now: number
  params: RawParams
}

function runCheck(scope: CheckScope, check: readonly unknown[]): void {
  const [kind, ...rest] = check
  if (kind === 'and') {
    for (const part of rest) runCheck(scope, part as unknown[])
    return
  }
  if (kind === 'or') {
    if (!rest.some((part) => passes(scope, part as unknown[]))) throw forbidden('')
    return
  }
  if (kind === 'perm') checkPath(scope, rest)
  else if (kind === 'perm-modify') checkAclPath(scope, fillIn(String(rest[0]), scope.params))
  else if (kind === 'userid-param') checkUserParam(scope, String(rest[0]))
  else if (kind === 'userid-group') checkUserGroups(scope, rest[0] as string[], optionsOf(rest.slice(1)))
  else throw forbidden('')
}

function passes(scope: CheckScope, check: unknown[]): boolean {
  try {
    runCheck(scope, check)
    return true
  } catch {
    return false
  }
}

const optionsOf = (pairs: unknown[]): Record<string, unknown> =>
  Object.fromEntries(pairs.flatMap((key, i) => (i % 2 === 0 ? [[String(key), pairs[i + 1]]] : [])))

const fillIn = (template: string, params: RawParams) =>
  normalizePath(template.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ''))) ?? ''

function checkPath(scope: CheckScope, [template, privs, ...pairs]: unknown[]) {
  const options = optionsOf(pairs)
  const required = options.require_param
  if (required !== undefined && scope.params[String(required)] === undefined) throw forbidden('')
  const path = fillIn(String(template), scope.params)
  authorise(scope.config, scope.auth, scope.now, path, privs as string[], { any: options.any === 1 })
}

function checkAclPath({ config, auth, now }: CheckScope, path: string) {
  if (path === '') return authorise(config, auth, now, '/access', ['Permissions.Modify'])
  const own = /^\/(storage|vms|pool)\/./.exec(path)?.[1]
  const beside = { storage: 'Datastore.Allocate', vms: 'VM.Allocate', pool: 'Pool.Allocate' }[own ?? '']
  authorise(config, auth, now, path, ['Permissions.Modify', ...(beside ? [beside] : [])], { any: true })
}

function checkUserParam({ config, auth, now, params }: CheckScope, what: string) {
  const userid = String(params.userid ?? '')
  if (what === 'self') {
    if (userid !== authId(auth)) throw forbidden('')
    return
  }
  const realm = /@([^@]+)$/.exec(userid)?.[1]
  if (realm === undefined)
    throw badParams({ userid: `invalid format - value '${userid}' does not look like a valid user name\n` })
  authorise(config, auth, now, `/access/realm/${realm}`, [what])
}

/** User.Modify on all groups, or on one that the user in question is in (or shall be put into). */
function checkUserGroups({ config, auth, now, params }: CheckScope, privs: string[], o: Record<string, unknown>) {
  const holdsOn = (path: string) => privs.some((priv) => hasPrivileges(config, auth, now, path, [priv]))
  if (holdsOn('/access/groups')) return
  const mine = [...config.access.groups.keys()].filter((group) => holdsOn(`/access/groups/${group}`))
  if (o.groups_param !== undefined) {
    const wanted = String(params.groups ?? '')
      .split(/[,;\s]+/)
      .filter((group) => group !== '')
    if (wanted.length === 0) throw forbidden(`/access/groups, ${privs.join(', ')}`)
    const missing = wanted.find((group) => !mine.includes(group))
    if (missing !== undefined) throw forbidden(`/access/groups/${missing}, ${privs.join(', ')}`)
  }
  if (o.groups_param === 'create') return
  const groups = config.access.users.get(String(params.userid ?? ''))?.groups ?? []
  if (!groups.some((group) => mine.includes(group))) throw forbidden('')
}
