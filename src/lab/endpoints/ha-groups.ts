/** `/cluster/ha/groups`: what there was instead of rules; since 9.0 every call says that they have become rules. */
import { fail } from '../fault.ts'
import { groupsDigest } from '../ha/config.ts'
import { type Context, checkQuorum, type Route, str } from '../router.ts'
import { hasOnlyRules } from './ha-resources.ts'
import { checkDigest, given, type Options, updated, withHaLock } from './ha-sections.ts'

const GROUPS = '/cluster/ha/groups'

export const routes: Route[] = [
  { method: 'GET', path: GROUPS, handler: list },
  { method: 'POST', path: GROUPS, handler: create },
  { method: 'GET', path: `${GROUPS}/{group}`, handler: read },
  { method: 'PUT', path: `${GROUPS}/{group}`, handler: update },
  { method: 'DELETE', path: `${GROUPS}/{group}`, handler: remove },
]

const OPTIONS: Options = { nodes: 'required', restricted: 'optional', nofailback: 'optional', comment: 'optional' }

function refuseMigrated(ctx: Context, doing: string) {
  if (hasOnlyRules(ctx)) throw fail(`cannot ${doing}: ha groups have been migrated to rules`)
}

const groupsOf = (ctx: Context) => ctx.config.ha.groups

const show = (ctx: Context, group: string) => ({
  ...groupsOf(ctx).get(group),
  group,
  type: 'group',
  digest: groupsDigest(ctx.config),
})

function list(ctx: Context) {
  refuseMigrated(ctx, 'index groups')
  return [...groupsOf(ctx).keys()].map((group) => show(ctx, group))
}

function read(ctx: Context) {
  refuseMigrated(ctx, 'read group')
  const group = str(ctx, 'group')
  if (!groupsOf(ctx).has(group)) throw fail(`no such ha group '${group}'`)
  return show(ctx, group)
}

function create(ctx: Context) {
  refuseMigrated(ctx, 'create group')
  checkQuorum(ctx)
  const group = str(ctx, 'group')
  return withHaLock(ctx, 'create ha group failed: ', () => {
    if (groupsOf(ctx).has(group)) throw fail(`ha group ID '${group}' already defined`)
    groupsOf(ctx).set(group, given(ctx, OPTIONS))
  })
}

function update(ctx: Context) {
  refuseMigrated(ctx, 'update group')
  const group = str(ctx, 'group')
  return withHaLock(ctx, 'update ha group failed: ', () => {
    checkDigest(ctx, groupsDigest(ctx.config))
    const old = groupsOf(ctx).get(group)
    if (!old) throw fail(`no such ha group '${group}'`)
    groupsOf(ctx).set(group, updated(ctx, old, OPTIONS))
  })
}

function remove(ctx: Context) {
  refuseMigrated(ctx, 'delete group')
  const group = str(ctx, 'group')
  return withHaLock(ctx, 'delete ha group failed: ', () => {
    const user = [...ctx.config.ha.resources.values()].find(({ keys }) => keys.group === group)
    if (user) throw fail(`ha group is used by service '${user.sid}'`)
    groupsOf(ctx).delete(group)
  })
}
