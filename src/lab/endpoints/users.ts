/** Users and their API tokens. */
import { badParams, fail } from '../fault.ts'
import type { ClusterConfig, Token, User } from '../model.ts'
import { authId, hasPrivileges } from '../permissions.ts'
import { bit, type Context, compact, flag, optNum, optStr, type Route, splitList, str, withCfsLock } from '../router.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/access/users', handler: listUsers },
  { method: 'POST', path: '/access/users', handler: createUser },
  { method: 'GET', path: '/access/users/{userid}', handler: (ctx) => describe(findUser(ctx)) },
  { method: 'PUT', path: '/access/users/{userid}', handler: updateUser },
  { method: 'DELETE', path: '/access/users/{userid}', handler: deleteUser },
  { method: 'GET', path: '/access/users/{userid}/token', handler: (ctx) => tokenList(findUser(ctx)) },
  { method: 'GET', path: '/access/users/{userid}/token/{tokenid}', handler: (ctx) => tokenInfo(findToken(ctx)) },
  { method: 'GET', path: '/access/tfa/{userid}', handler: (ctx) => factors(findUser(ctx)) },
  { method: 'POST', path: '/access/users/{userid}/token/{tokenid}', handler: createToken },
  { method: 'PUT', path: '/access/users/{userid}/token/{tokenid}', handler: updateToken },
  { method: 'DELETE', path: '/access/users/{userid}/token/{tokenid}', handler: deleteToken },
]

/** pmxcfs's lock around user.cfg. */
export const USER_LOCK = 'file-user_cfg'

function findUser(ctx: Context): User {
  const userid = str(ctx, 'userid')
  const user = ctx.config.access.users.get(userid)
  if (!user) throw fail(`no such user ('${userid}')`)
  return user
}

function findToken(ctx: Context): Token {
  const user = findUser(ctx)
  const tokenid = str(ctx, 'tokenid')
  const token = user.tokens.get(tokenid)
  if (!token) throw fail(`no such token '${tokenid}' for user '${user.userid}'`)
  return token
}

const PERSONAL = ['comment', 'email', 'firstname', 'lastname', 'keys'] as const

const personal = (user: User) => Object.fromEntries(PERSONAL.map((key) => [key, user[key]]))

function listUsers(ctx: Context) {
  const full = flag(ctx, 'full')
  const enabled = optNum(ctx, 'enabled')
  return [...ctx.config.access.users.values()]
    .filter((user) => user.userid === authId(ctx.auth) || maySee(ctx, user))
    .filter((user) => enabled === undefined || bit(user.enable) === enabled)
    .map((user) =>
      compact({
        userid: user.userid,
        enable: bit(user.enable),
        expire: user.expire,
        'realm-type': realmType(ctx.config, user),
        ...personal(user),
        groups: full ? user.groups.join(',') : undefined,
        tokens: full ? tokenList(user) : undefined,
      }),
    )
}

const factors = ({ tfa }: User) =>
  tfa ? [{ id: 'totp:1', type: 'totp', description: '', created: 1_700_000_000, enable: 1 }] : []

function maySee(ctx: Context, user: User) {
  const paths = ['/access/groups', ...user.groups.map((group) => `/access/groups/${group}`)]
  const holds = (path: string, priv: string) => hasPrivileges(ctx.config, ctx.auth, ctx.now, path, [priv])
  return paths.some((path) => holds(path, 'User.Modify') || holds(path, 'Sys.Audit'))
}

const realmType = (config: ClusterConfig, user: User) =>
  config.access.realms.get(user.userid.split('@').at(-1) ?? '')?.type

function describe(user: User) {
  const tokens = Object.fromEntries([...user.tokens.values()].map((token) => [token.tokenid, tokenInfo(token)]))
  return compact({
    enable: bit(user.enable),
    expire: user.expire,
    ...personal(user),
    groups: user.groups,
    tokens: user.tokens.size === 0 ? undefined : tokens,
  })
}

const tokenInfo = (token: Token) =>
  compact({ privsep: bit(token.privsep), expire: token.expire, comment: token.comment })

const tokenList = (user: User) =>
  [...user.tokens.values()].map((token) => ({ tokenid: token.tokenid, ...tokenInfo(token) }))

function createUser(ctx: Context) {
  const userid = str(ctx, 'userid')
  return withCfsLock(ctx, USER_LOCK, 'create user failed: ', () => {
    const { users, realms } = ctx.config.access
    if (users.has(userid)) throw fail(`user '${userid}' already exists`)
    const realm = userid.split('@').at(-1) ?? ''
    const password = optStr(ctx, 'password')
    if (password !== undefined && !realms.has(realm)) throw fail(`authentication domain '${realm}' does not exist`)
    const user: User = { userid, enable: true, expire: 0, email: '', groups: [], tokens: new Map() }
    applyPersonal(ctx, user)
    setGroups(ctx, user, false)
    if (password !== undefined && realm === 'pam') ctx.node.shadow.set(userid, password)
    else if (password !== undefined) user.password = password
    users.set(userid, user)
  })
}

function updateUser(ctx: Context) {
  return withCfsLock(ctx, USER_LOCK, 'update user failed: ', () => {
    const user = findUser(ctx)
    applyPersonal(ctx, user)
    setGroups(ctx, user, flag(ctx, 'append'))
  })
}

function applyPersonal(ctx: Context, user: User) {
  for (const key of PERSONAL) {
    const value = optStr(ctx, key)
    if (value !== undefined) user[key] = value
  }
  user.enable = (optNum(ctx, 'enable') ?? bit(user.enable)) === 1
  user.expire = optNum(ctx, 'expire') ?? user.expire
}

function setGroups(ctx: Context, user: User, append: boolean) {
  const text = optStr(ctx, 'groups')
  if (text === undefined) return
  const groups = splitList(text)
  const missing = groups.find((group) => !ctx.config.access.groups.has(group))
  if (missing !== undefined) throw fail(`no such group '${missing}'`)
  user.groups = [...new Set([...(append ? user.groups : []), ...groups])]
}

function deleteUser(ctx: Context) {
  const userid = str(ctx, 'userid')
  return withCfsLock(ctx, USER_LOCK, 'delete user failed: ', () => {
    const { access } = ctx.config
    access.users.delete(userid)
    access.acl = access.acl.filter(({ type, ugid }) => type === 'group' || ugid.split('!')[0] !== userid)
  })
}

async function createToken(ctx: Context) {
  const user = findUser(ctx)
  const tokenid = str(ctx, 'tokenid')
  if (user.tokens.has(tokenid)) throw badParams({ tokenid: 'Token already exists.' })
  const privsep = optNum(ctx, 'privsep') ?? 1
  const expire = optNum(ctx, 'expire')
  const comment = optStr(ctx, 'comment')
  const secret = ctx.sim.random.uuid()
  await withCfsLock(ctx, USER_LOCK, 'generating token failed: ', () => {
    const fields = { secret, privsep: privsep === 1, expire: expire ?? 0 }
    user.tokens.set(tokenid, { tokenid, ...fields, ...(comment === undefined ? {} : { comment }) })
  })
  return {
    'full-tokenid': `${user.userid}!${tokenid}`,
    value: secret,
    info: compact({ privsep: String(privsep), expire: expire === undefined ? undefined : String(expire), comment }),
  }
}

async function updateToken(ctx: Context) {
  const dropped = splitList(optStr(ctx, 'delete') ?? '')
  await withCfsLock(ctx, USER_LOCK, 'updating token info failed: ', () => {
    const token = findToken(ctx)
    const comment = optStr(ctx, 'comment')
    if (comment !== undefined) token.comment = comment
    if (dropped.includes('comment')) delete token.comment
    token.expire = dropped.includes('expire') ? 0 : (optNum(ctx, 'expire') ?? token.expire)
    token.privsep = dropped.includes('privsep') || (optNum(ctx, 'privsep') ?? bit(token.privsep)) === 1
  })
  return tokenInfo(findToken(ctx))
}

function deleteToken(ctx: Context) {
  return withCfsLock(ctx, USER_LOCK, 'deleting token failed: ', () => {
    const { tokenid } = findToken(ctx)
    const user = findUser(ctx)
    user.tokens.delete(tokenid)
    const ugid = `${user.userid}!${tokenid}`
    const { access } = ctx.config
    access.acl = access.acl.filter((entry) => entry.type !== 'token' || entry.ugid !== ugid)
  })
}
