/** Logging in, and changing a password. */
import { badParams, fail, forbidden, PveFault } from '../fault.ts'
import { isPassword, makeCsrfToken, makeTicket, userOfTicket } from '../login.ts'
import { logToCluster } from '../model.ts'
import { isValid, privilegesOn } from '../permissions.ts'
import { type Context, compact, optStr, type Route, splitList, str, withCfsLock } from '../router.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/access/ticket', handler: () => null },
  { method: 'POST', path: '/access/ticket', handler: createTicket },
  { method: 'PUT', path: '/access/password', handler: changePassword },
]

async function createTicket(ctx: Context) {
  const userid = fullName(ctx)
  const user = ctx.config.access.users.get(userid)
  const password = str(ctx, 'password')
  const known =
    user !== undefined &&
    isValid(user, ctx.now) &&
    (isPassword(ctx.node, user, password) || userOfTicket(ctx.config, password, ctx.now) === userid)
  if (!known || !holds(ctx, userid)) {
    await ctx.sim.clock.pause(3)
    throw new PveFault(401, 'authentication failure')
  }
  // A ticket renewed by a ticket has had its second factor.
  if (user.tfa && isPassword(ctx.node, user, password)) return halfTicket(ctx, userid)
  const entry = { node: ctx.node.name, time: Math.floor(ctx.now), pri: 6, tag: 'pvedaemon', pid: 100 }
  if (!ctx.node.frozen) {
    logToCluster(ctx.config, { ...entry, user: 'root@pam', msg: `successful auth for user '${userid}'` })
  }
  const mayAudit = privilegesOn(ctx.config, { userid }, ctx.now, '/').has('Sys.Audit')
  return compact({
    username: userid,
    ticket: makeTicket(ctx.config, userid, ctx.now),
    CSRFPreventionToken: makeCsrfToken(ctx.config, userid, ctx.now),
    cap: capabilities(ctx, userid),
    clustername: mayAudit ? ctx.config.corosync?.name : undefined,
  })
}

/** Good for nothing but the second factor. */
const halfTicket = (ctx: Context, userid: string) => ({
  username: userid,
  NeedTFA: 1,
  ticket: makeTicket(ctx.config, userid, ctx.now).replace('PVE:', 'PVE:!tfa!%7B%22totp%22%3Atrue%7D:'),
})

function fullName(ctx: Context) {
  const username = str(ctx, 'username')
  const realm = optStr(ctx, 'realm')
  return realm === undefined ? username : `${username}@${realm}`
}

/** A caller may ask to be let in only with certain rights. */
function holds(ctx: Context, userid: string) {
  const path = optStr(ctx, 'path')
  const privs = optStr(ctx, 'privs')
  if (path === undefined || privs === undefined) return true
  const held = privilegesOn(ctx.config, { userid }, ctx.now, path)
  return splitList(privs).every((priv) => held.has(priv))
}

const CATEGORIES: Record<string, RegExp> = {
  access: /^(User|Group)\.|^Permissions\.Modify$/,
  dc: /^Sys\.(Audit|Modify)$|^SDN\./,
  mapping: /^Mapping\.|^Permissions\.Modify$/,
  nodes: /^Sys\.|^Permissions\.Modify$/,
  sdn: /^SDN\.|^Permissions\.Modify$/,
  storage: /^Datastore\.|^Permissions\.Modify$/,
  vms: /^VM\.|^Permissions\.Modify$/,
}

/** What the web interface may show: privileges by area, held on any path of it. */
function capabilities(ctx: Context, userid: string) {
  const paths = ['/', ...new Set(ctx.config.access.acl.map((entry) => entry.path))]
  const caps = Object.fromEntries(Object.keys(CATEGORIES).map((name) => [name, {} as Record<string, number>]))
  for (const path of paths) {
    const area = path.split('/')[1] ?? ''
    const held = [...privilegesOn(ctx.config, { userid }, ctx.now, path).keys()]
    for (const [name, pattern] of Object.entries(CATEGORIES)) {
      if (!reachesArea(area, name)) continue
      for (const priv of held) if (pattern.test(priv)) caps[name]![priv] = 1
    }
  }
  return caps
}

/** Rights on a pool are rights on its guests and storages. */
const reachesArea = (area: string, name: string) =>
  area === '' || area === name || (area === 'pool' && (name === 'vms' || name === 'storage'))

function changePassword(ctx: Context) {
  const userid = str(ctx, 'userid')
  const user = ctx.config.access.users.get(userid)
  if (!user) throw fail(`no such user ('${userid}')`)
  if (!ctx.isRoot) confirm(ctx, userid)
  const password = str(ctx, 'password')
  if (userid.endsWith('@pam')) {
    ctx.node.shadow.set(userid, password)
    return
  }
  return withCfsLock(ctx, 'file-priv_shadow_cfg', '', () => {
    user.password = password
  })
}

/** Nobody but root may touch root; everybody but root says their own password again. */
function confirm(ctx: Context, userid: string) {
  const self = userid === ctx.auth.userid
  if (userid === 'root@pam' || (!self && userid.endsWith('@pam'))) throw forbidden('')
  const confirmation = optStr(ctx, 'confirmation-password')
  if (confirmation === undefined) {
    throw badParams({ 'confirmation-password': 'password is required to modify user' })
  }
  const caller = ctx.config.access.users.get(ctx.auth.userid)
  if (!caller || !isPassword(ctx.node, caller, confirmation)) throw fail('authentication failure')
}
