/** `/cluster/ha/rules`, since 9.0: where resources may be, and with whom; test/recordings/ha.jsonl.gz, err.jsonl.gz. */
import { fail, PveFault } from '../fault.ts'
import { rulesDigest } from '../ha/config.ts'
import { ruleFaults } from '../ha/feasibility.ts'
import { listOf, parseNodes } from '../ha/rule-values.ts'
import type { ConfigKeys, HaRule } from '../model.ts'
import { clusterNodes } from '../model.ts'
import { type Context, checkQuorum, type Json, optStr, type Route, str } from '../router.ts'
import { checkDigest, given, type Options, updated, withHaLock } from './ha-sections.ts'

const RULES = '/cluster/ha/rules'

export const routes: Route[] = [
  { method: 'GET', path: RULES, handler: list },
  { method: 'POST', path: RULES, handler: create },
  { method: 'GET', path: `${RULES}/{rule}`, handler: read },
  { method: 'PUT', path: `${RULES}/{rule}`, handler: update },
  { method: 'DELETE', path: `${RULES}/{rule}`, handler: remove },
]

const OPTIONS: Record<HaRule['type'], Options> = {
  'node-affinity': {
    resources: 'required',
    nodes: 'required',
    strict: 'optional',
    disable: 'optional',
    comment: 'optional',
  },
  'resource-affinity': { resources: 'required', affinity: 'required', disable: 'optional', comment: 'optional' },
}

const rulesOf = (ctx: Context) => ctx.config.ha.rules

/** Proxmox counts the nodes that the manager knows: none before there was a master. */
const faultsAmong = ({ config }: Context, rules: Iterable<HaRule>) =>
  ruleFaults(rules, Object.keys(config.ha.manager.node_status).length)

function list(ctx: Context) {
  const type = optStr(ctx, 'type')
  const resource = optStr(ctx, 'resource')
  return shown(ctx)
    .filter(({ rule }) => type === undefined || rule.type === type)
    .filter(({ rule }) => resource === undefined || listOf(rule.keys.resources).includes(resource))
    .map(({ json }) => json)
}

/** `errors` says why the manager passes a rule over. */
function shown(ctx: Context): { rule: HaRule; json: { [key: string]: Json } }[] {
  const faults = faultsAmong(ctx, rulesOf(ctx).values())
  const digest = rulesDigest(ctx.config)
  return [...rulesOf(ctx).values()].map((rule) => {
    const why = faults.get(rule.rule)
    const { type, order, keys } = rule
    return {
      rule,
      json: { ...keys, rule: rule.rule, type, order, digest, ...(why ? { errors: { resources: why } } : {}) },
    }
  })
}

function read(ctx: Context) {
  const name = str(ctx, 'rule')
  const found = shown(ctx).find(({ rule }) => rule.rule === name)
  if (!found) throw fail(`no such ha rule '${name}'`)
  return found.json
}

function create(ctx: Context) {
  checkQuorum(ctx)
  const name = str(ctx, 'rule')
  const type = str(ctx, 'type') as HaRule['type']
  checkMigrated(ctx, 'create')
  return withHaLock(ctx, 'create ha rule failed: ', () => {
    if (rulesOf(ctx).has(name)) throw fail(`HA rule '${name}' already defined`)
    keep(ctx, { rule: name, type, order: rulesOf(ctx).size + 1, keys: tidy(given(ctx, OPTIONS[type])) })
  })
}

function update(ctx: Context) {
  const name = str(ctx, 'rule')
  checkMigrated(ctx, 'update')
  return withHaLock(ctx, 'update HA rules failed: ', () => {
    checkDigest(ctx, rulesDigest(ctx.config))
    const old = rulesOf(ctx).get(name)
    if (!old) throw fail(`HA rule '${name}' does not exist`)
    if (old.type !== str(ctx, 'type')) throw fail(`unexpected property 'type'`)
    keep(ctx, { ...old, keys: tidy(updated(ctx, old.keys, OPTIONS[old.type])) })
  })
}

function checkMigrated({ config }: Context, doing: 'create' | 'update') {
  if (config.ha.groups.size > 0) throw fail(`cannot ${doing} ha rule: ha groups have not been migrated yet`)
}

const tidy = (keys: ConfigKeys): ConfigKeys => ({
  ...keys,
  ...(keys.resources === undefined ? {} : { resources: [...new Set(listOf(keys.resources))].sort().join(',') }),
  ...(keys.nodes === undefined ? {} : { nodes: listOf(keys.nodes).join(',') }),
})

/** Throws unless resources and nodes exist and the rule can be kept beside the others. */
function keep(ctx: Context, rule: HaRule) {
  const { resources } = ctx.config.ha
  const unmanaged = listOf(ctx.params.resources).filter((sid) => !resources.has(sid))
  if (unmanaged.length > 0) throw fail(`cannot use unmanaged resource(s) ${unmanaged.sort().join(', ')}.`)
  const members = clusterNodes(ctx.sim, ctx.node).map(({ name }) => name)
  const strangers = [...parseNodes(ctx.params.nodes).keys()].filter((node) => !members.includes(node))
  if (strangers.length > 0) throw fail(`cannot use non-existent node(s) ${strangers.sort().join(', ')}.`)
  const others = [...rulesOf(ctx).values()].filter((other) => other.rule !== rule.rule)
  const why = faultsAmong(ctx, [...others, rule]).get(rule.rule)
  if (why) throw new PveFault(400, `Rule '${rule.rule}' is invalid.`, { errors: { resources: why.join(', ') } })
  rulesOf(ctx).set(rule.rule, rule)
}

/** A rule that is not there is deleted just as well. */
function remove(ctx: Context) {
  return withHaLock(ctx, 'delete ha rule failed: ', () => {
    rulesOf(ctx).delete(str(ctx, 'rule'))
    for (const [index, rule] of [...rulesOf(ctx).values()].entries()) rule.order = index + 1
  })
}
