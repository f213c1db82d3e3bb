/** HA groups: gone since Proxmox VE 9, where every call says so; what older releases had instead of rules. */
import { fail } from '../fault.ts'
import type { ConfigKeys } from '../model.ts'
import { sha1Hex } from '../random.ts'
import { type Context, optNum, optStr, type Route, splitList, str, withCfsLock } from '../router.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/cluster/ha/groups', handler: listGroups },
  { method: 'POST', path: '/cluster/ha/groups', handler: createGroup },
  { method: 'GET', path: '/cluster/ha/groups/{group}', handler: readGroup },
  { method: 'PUT', path: '/cluster/ha/groups/{group}', handler: updateGroup },
  { method: 'DELETE', path: '/cluster/ha/groups/{group}', handler: deleteGroup },
]

const HA_LOCK = 'domain-ha'

function refuseOnNine(ctx: Context, doing: string) {
  if (ctx.sim.pve.version === '9.2') throw fail(`${doing}: ha groups have been migrated to rules`)
}

const digest = (ctx: Context) => sha1Hex(JSON.stringify([...ctx.config.ha.groups]))

const show = (ctx: Context, group: string) => ({
  ...ctx.config.ha.groups.get(group),
  group,
  type: 'group',
  digest: digest(ctx),
})

function listGroups(ctx: Context) {
  refuseOnNine(ctx, 'cannot index groups')
  return [...ctx.config.ha.groups.keys()].map((group) => show(ctx, group))
}

function readGroup(ctx: Context) {
  refuseOnNine(ctx, 'cannot read group')
  const group = str(ctx, 'group')
  if (!ctx.config.ha.groups.has(group)) throw fail(`no such ha group '${group}'`)
  return show(ctx, group)
}

function settings(ctx: Context): ConfigKeys {
  const texts = ['nodes', 'comment'].flatMap((key) => (optStr(ctx, key) === undefined ? [] : [[key, str(ctx, key)]]))
  const flags = ['restricted', 'nofailback'].flatMap((key) =>
    optNum(ctx, key) === undefined ? [] : [[key, optNum(ctx, key) ?? 0]],
  )
  return Object.fromEntries([...texts, ...flags])
}

function createGroup(ctx: Context) {
  refuseOnNine(ctx, 'cannot create group')
  const group = str(ctx, 'group')
  return withCfsLock(ctx, HA_LOCK, 'create ha group failed: ', () => {
    if (ctx.config.ha.groups.has(group)) throw fail(`ha group ID '${group}' already defined`)
    ctx.config.ha.groups.set(group, settings(ctx))
  })
}

function updateGroup(ctx: Context) {
  refuseOnNine(ctx, 'cannot update group')
  const group = str(ctx, 'group')
  return withCfsLock(ctx, HA_LOCK, 'update ha group failed: ', () => {
    const old = ctx.config.ha.groups.get(group)
    if (!old) throw fail(`no such ha group '${group}'`)
    const dropped = splitList(optStr(ctx, 'delete') ?? '')
    const kept = Object.entries({ ...old, ...settings(ctx) }).filter(([key]) => !dropped.includes(key))
    ctx.config.ha.groups.set(group, Object.fromEntries(kept))
  })
}

function deleteGroup(ctx: Context) {
  refuseOnNine(ctx, 'cannot delete group')
  const group = str(ctx, 'group')
  return withCfsLock(ctx, HA_LOCK, 'delete group failed: ', () => {
    const user = [...ctx.config.ha.resources.values()].find(({ keys }) => keys.group === group)
    if (user) throw fail(`ha group is used by resource '${user.sid}'`)
    ctx.config.ha.groups.delete(group)
  })
}
