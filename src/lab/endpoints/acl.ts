/** ACLs, roles, groups, and what somebody may do. */
import { badParams, fail } from '../fault.ts'
import type { AclEntry } from '../model.ts'
import { type Auth, authId, hasPrivileges, normalizePath, privilegesOn } from '../permissions.ts'
import { BUILT_IN_ROLES } from '../roles.ts'
import {
  bit,
  type Context,
  compact,
  flag,
  index,
  optNum,
  optStr,
  type Route,
  splitList,
  str,
  withCfsLock,
} from '../router.ts'
import { USER_LOCK } from './users.ts'

export const routes: Route[] = [
  {
    method: 'GET',
    path: '/access',
    handler: index('subdir', 'users', 'groups', 'roles', 'acl', 'domains', 'openid', 'tfa', 'ticket', 'password'),
  },
  { method: 'GET', path: '/access/acl', handler: listAcl },
  { method: 'PUT', path: '/access/acl', handler: updateAcl },
  { method: 'GET', path: '/access/permissions', handler: permissions },
  { method: 'GET', path: '/access/roles', handler: listRoles },
  { method: 'POST', path: '/access/roles', handler: createRole },
  { method: 'GET', path: '/access/roles/{roleid}', handler: readRole },
  { method: 'PUT', path: '/access/roles/{roleid}', handler: updateRole },
  { method: 'DELETE', path: '/access/roles/{roleid}', handler: deleteRole },
  { method: 'GET', path: '/access/groups', handler: listGroups },
  { method: 'POST', path: '/access/groups', handler: createGroup },
  { method: 'GET', path: '/access/groups/{groupid}', handler: readGroup },
  { method: 'PUT', path: '/access/groups/{groupid}', handler: updateGroup },
  { method: 'DELETE', path: '/access/groups/{groupid}', handler: deleteGroup },
]

const mayModify = (ctx: Context, path: string) => {
  const beside = { storage: 'Datastore.Allocate', vms: 'VM.Allocate', pool: 'Pool.Allocate' }[path.split('/')[1] ?? '']
  const own = path.split('/').length > 2 && beside !== undefined ? [beside] : []
  return ['Permissions.Modify', ...own].some((priv) => ctx.can(path, priv))
}

function listAcl(ctx: Context) {
  const auditor = ctx.can('/access', 'Sys.Audit')
  return ctx.config.access.acl
    .filter((entry) => auditor || mayModify(ctx, entry.path))
    .map(({ path, type, ugid, roleid, propagate }) => ({ path, type, ugid, roleid, propagate: bit(propagate) }))
}

const ACL_PATH =
  /^\/(?:$|access(?:$|\/groups(?:$|\/[\w.-]+$)|\/realm(?:$|\/[\w.-]+$))|mapping(?:$|\/(?:dir|notifications|pci|usb)(?:$|\/[\w.-]+$))|nodes(?:$|\/[\w.-]+$)|pool(?:$|\/[\w.\-/]+$)|sdn(?:$|\/)|storage(?:$|\/[\w.-]+$)|vms(?:$|\/[1-9]\d{2,8}$))/

function updateAcl(ctx: Context) {
  const given = str(ctx, 'path')
  const path = normalizePath(given)
  const remove = flag(ctx, 'delete')
  if (path === undefined || (!remove && !ACL_PATH.test(path))) {
    throw badParams({ path: `invalid ACL path '${given}'` })
  }
  const who = {
    user: splitList(optStr(ctx, 'users') ?? ''),
    group: splitList(optStr(ctx, 'groups') ?? ''),
    token: splitList(optStr(ctx, 'tokens') ?? ''),
  }
  if (Object.values(who).every((list) => list.length === 0)) {
    const text = "either 'users', 'groups' or 'tokens' is required."
    throw badParams({ users: text, groups: text, tokens: text })
  }
  const roles = splitList(str(ctx, 'roles'))
  const propagate = (optNum(ctx, 'propagate') ?? 1) === 1
  return withCfsLock(ctx, USER_LOCK, 'ACL update failed: ', () => {
    for (const roleid of roles) {
      if (!ctx.config.access.roles.has(roleid)) throw fail(`role '${roleid}' does not exist`)
      for (const type of ['group', 'user', 'token'] as const) {
        for (const ugid of who[type]) changeEntry(ctx, { path, type, ugid, roleid, propagate }, remove)
      }
    }
  })
}

function changeEntry(ctx: Context, entry: AclEntry, remove: boolean) {
  const { access } = ctx.config
  if (!remove) checkSubject(ctx, entry)
  const same = (other: AclEntry) =>
    (['path', 'type', 'ugid', 'roleid'] as const).every((field) => other[field] === entry[field])
  access.acl = access.acl.filter((other) => !same(other))
  if (!remove) access.acl.push(entry)
}

function checkSubject(ctx: Context, { type, ugid }: AclEntry) {
  const { users, groups } = ctx.config.access
  if (type === 'group' && !groups.has(ugid)) throw fail(`group '${ugid}' does not exist`)
  if (type === 'user' && !users.has(ugid)) throw fail(`user '${ugid}' does not exist`)
  if (type !== 'token') return
  const [userid = '', tokenid = ''] = ugid.split('!')
  if (!users.has(userid)) throw fail(`no such user ('${userid}')`)
  if (!users.get(userid)?.tokens.has(tokenid)) throw fail(`no such token '${tokenid}' for user '${userid}'`)
}

const TOP_PATHS = ['/', '/access', '/access/groups', '/nodes', '/pool', '/sdn', '/storage', '/vms']

function permissions(ctx: Context) {
  const asked = optStr(ctx, 'userid')
  const auth = asked === undefined ? ctx.auth : authFrom(asked)
  if (asked !== undefined && asked !== authId(ctx.auth)) {
    ctx.check('/access', ['Sys.Audit'])
    checkSubject(ctx, { path: '', roleid: '', propagate: false, type: auth.tokenid ? 'token' : 'user', ugid: asked })
  }
  const path = optStr(ctx, 'path')
  const paths = path === undefined ? allPaths(ctx) : [path]
  const found: Record<string, Record<string, number>> = {}
  for (const one of paths) {
    const held = privilegesOn(ctx.config, auth, ctx.now, one)
    if (held.size === 0) continue
    found[one] = Object.fromEntries([...held].map(([priv, propagate]) => [priv, bit(propagate)]))
  }
  return found
}

const authFrom = (text: string): Auth => {
  const [userid = '', tokenid] = text.split('!')
  return { userid, tokenid }
}

function allPaths(ctx: Context) {
  const { acl, pools } = ctx.config.access
  const members = [...pools.values()].flatMap(({ vmids, storages }) => [
    ...[...vmids].map((vmid) => `/vms/${vmid}`),
    ...[...storages].map((storage) => `/storage/${storage}`),
  ])
  return [...new Set([...TOP_PATHS, ...acl.map((entry) => entry.path), ...members])]
}

const isBuiltIn = (roleid: string) => roleid in BUILT_IN_ROLES

function listRoles(ctx: Context) {
  return [...ctx.config.access.roles].map(([roleid, privs]) =>
    compact({ roleid, privs: [...privs].sort().join(','), special: isBuiltIn(roleid) ? 1 : undefined }),
  )
}

const noRole = (roleid: string) => fail(`role '${roleid}' does not exist`)

function readRole(ctx: Context) {
  const roleid = str(ctx, 'roleid')
  const privs = ctx.config.access.roles.get(roleid)
  if (!privs) throw noRole(roleid)
  return Object.fromEntries([...privs].map((priv) => [priv, 1]))
}

function createRole(ctx: Context) {
  const roleid = str(ctx, 'roleid')
  if (/^PVE/i.test(roleid)) {
    throw badParams({ roleid: "cannot use role ID starting with the (case-insensitive) 'PVE' namespace" })
  }
  return withCfsLock(ctx, USER_LOCK, 'create role failed: ', () => {
    if (ctx.config.access.roles.has(roleid)) throw fail(`role '${roleid}' already exists`)
    ctx.config.access.roles.set(roleid, new Set(splitList(optStr(ctx, 'privs') ?? '')))
  })
}

function updateRole(ctx: Context) {
  const roleid = str(ctx, 'roleid')
  if (isBuiltIn(roleid)) throw fail(`auto-generated role '${roleid}' cannot be modified`)
  return withCfsLock(ctx, USER_LOCK, 'update role failed: ', () => {
    const privs = ctx.config.access.roles.get(roleid)
    if (!privs) throw noRole(roleid)
    const kept = flag(ctx, 'append') ? privs : []
    ctx.config.access.roles.set(roleid, new Set([...kept, ...splitList(optStr(ctx, 'privs') ?? '')]))
  })
}

function deleteRole(ctx: Context) {
  const roleid = str(ctx, 'roleid')
  if (isBuiltIn(roleid)) throw fail(`auto-generated role '${roleid}' cannot be deleted`)
  return withCfsLock(ctx, USER_LOCK, 'delete role failed: ', () => {
    if (!ctx.config.access.roles.delete(roleid)) throw noRole(roleid)
  })
}

const membersOf = (ctx: Context, groupid: string) =>
  [...ctx.config.access.users.values()].filter((user) => user.groups.includes(groupid)).map((user) => user.userid)

const noGroup = (groupid: string) => fail(`group '${groupid}' does not exist`)

function listGroups(ctx: Context) {
  const privs = ['User.Modify', 'Sys.Audit', 'Group.Allocate']
  const holds = (path: string) => privs.some((priv) => hasPrivileges(ctx.config, ctx.auth, ctx.now, path, [priv]))
  return [...ctx.config.access.groups.values()]
    .filter(({ groupid }) => holds('/access/groups') || holds(`/access/groups/${groupid}`))
    .map(({ groupid, comment }) => compact({ groupid, comment, users: membersOf(ctx, groupid).join(',') }))
}

function readGroup(ctx: Context) {
  const groupid = str(ctx, 'groupid')
  const group = ctx.config.access.groups.get(groupid)
  if (!group) throw noGroup(groupid)
  return compact({ comment: group.comment, members: membersOf(ctx, groupid) })
}

function createGroup(ctx: Context) {
  const groupid = str(ctx, 'groupid')
  return withCfsLock(ctx, USER_LOCK, 'create group failed: ', () => {
    const { groups } = ctx.config.access
    if (groups.has(groupid)) throw fail(`group '${groupid}' already exists`)
    const comment = optStr(ctx, 'comment')
    groups.set(groupid, { groupid, ...(comment === undefined ? {} : { comment }) })
  })
}

function updateGroup(ctx: Context) {
  const groupid = str(ctx, 'groupid')
  return withCfsLock(ctx, USER_LOCK, 'update group failed: ', () => {
    const group = ctx.config.access.groups.get(groupid)
    if (!group) throw noGroup(groupid)
    const comment = optStr(ctx, 'comment')
    if (comment !== undefined) group.comment = comment
  })
}

function deleteGroup(ctx: Context) {
  const groupid = str(ctx, 'groupid')
  return withCfsLock(ctx, USER_LOCK, 'delete group failed: ', () => {
    const { access } = ctx.config
    if (!access.groups.delete(groupid)) throw noGroup(groupid)
    access.acl = access.acl.filter((entry) => entry.type !== 'group' || entry.ugid !== groupid)
    for (const user of access.users.values()) user.groups = user.groups.filter((group) => group !== groupid)
  })
}
