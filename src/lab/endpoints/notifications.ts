/** `/cluster/notifications`: webhook targets and matchers. Targets by mail or Gotify are not simulated. */
import { fail } from '../fault.ts'
import { builtinTarget, type Matcher, send, type WebhookTarget } from '../notifications.ts'
import {
  type Context,
  compact,
  flag,
  index,
  type Json,
  optStr,
  type Route,
  splitList,
  str,
  withCfsLock,
} from '../router.ts'

const BASE = '/cluster/notifications'
const HOOKS = `${BASE}/endpoints/webhook`
const MATCHERS = `${BASE}/matchers`

export const routes: Route[] = [
  { method: 'GET', path: BASE, handler: index('name', 'endpoints', 'matchers', 'targets') },
  { method: 'GET', path: `${BASE}/endpoints`, handler: index('name', 'webhook') },
  { method: 'GET', path: HOOKS, handler: (ctx) => [...hooksOf(ctx).values()].map(shownHook) },
  { method: 'POST', path: HOOKS, handler: createHook },
  { method: 'GET', path: `${HOOKS}/{name}`, handler: (ctx) => shownHook(found(hooksOf(ctx), ctx)) },
  { method: 'PUT', path: `${HOOKS}/{name}`, handler: updateHook },
  { method: 'DELETE', path: `${HOOKS}/{name}`, handler: removeHook },
  { method: 'GET', path: MATCHERS, handler: (ctx) => [...matchersOf(ctx).values()].map(shownMatcher) },
  { method: 'POST', path: MATCHERS, handler: createMatcher },
  { method: 'GET', path: `${MATCHERS}/{name}`, handler: (ctx) => shownMatcher(found(matchersOf(ctx), ctx)) },
  { method: 'DELETE', path: `${MATCHERS}/{name}`, handler: removeMatcher },
  { method: 'GET', path: `${BASE}/targets`, handler: targets },
  { method: 'POST', path: `${BASE}/targets/{name}/test`, handler: tryTarget },
]

const hooksOf = ({ config }: Context) => config.notifications.webhooks
const matchersOf = ({ config }: Context) => config.notifications.matchers

function found<T>(all: Map<string, T>, ctx: Context): T {
  const name = str(ctx, 'name')
  const one = all.get(name)
  if (!one) throw fail(`'${name}' does not exist`)
  return one
}

const change = (ctx: Context, work: () => void) => withCfsLock(ctx, 'domain-notifications', '', work)

const listOf = (ctx: Context, name: string): string[] => {
  const value = ctx.params[name]
  return value === undefined ? [] : Array.isArray(value) ? value : [String(value)]
}

const decoded = (text: string) => Buffer.from(text, 'base64').toString('utf8')
const encoded = (text: string) => Buffer.from(text, 'utf8').toString('base64')

/** `name=Authorization,value=BASE64`, each. */
function pairs(ctx: Context, name: string): Record<string, string> {
  const all = listOf(ctx, name).map((text) => {
    const { name: key, value } = Object.fromEntries(text.split(',').map((part) => splitOnce(part)))
    if (key === undefined) throw fail(`${name}: 'name' is missing`)
    return [key, decoded(value ?? '')] as const
  })
  return Object.fromEntries(all)
}

const splitOnce = (part: string): [string, string] => [
  part.slice(0, part.indexOf('=')),
  part.slice(part.indexOf('=') + 1),
]

const hookOf = (ctx: Context, old?: WebhookTarget): WebhookTarget => ({
  name: str(ctx, 'name'),
  url: optStr(ctx, 'url') ?? old!.url,
  method: (optStr(ctx, 'method') ?? old!.method) as WebhookTarget['method'],
  ...commentOf(ctx, old),
  disable: ctx.params.disable === undefined ? (old?.disable ?? false) : flag(ctx, 'disable'),
  headers: ctx.params.header === undefined ? (old?.headers ?? {}) : pairs(ctx, 'header'),
  body: ctx.params.body === undefined ? (old?.body ?? '') : decoded(str(ctx, 'body')),
  secrets: ctx.params.secret === undefined ? (old?.secrets ?? {}) : pairs(ctx, 'secret'),
})

const commentOf = (ctx: Context, old?: { comment?: string }) => {
  const comment = optStr(ctx, 'comment') ?? old?.comment
  return comment === undefined ? {} : { comment }
}

/** The values of secrets are never shown. */
const shownHook = ({ name, url, method, comment, disable, headers, body, secrets }: WebhookTarget): Json =>
  compact({
    ...{ name, url, method, comment, disable: disable ? 1 : undefined, origin: 'user-created' },
    header: Object.entries(headers).map(([key, value]) => `name=${key},value=${encoded(value)}`),
    body: body === '' ? undefined : encoded(body),
    secret: Object.keys(secrets).map((key) => `name=${key}`),
  })

function createHook(ctx: Context) {
  const hook = hookOf(ctx)
  return change(ctx, () => {
    if (hooksOf(ctx).has(hook.name) || hook.name === builtinTarget) throw fail(`'${hook.name}' already exists`)
    hooksOf(ctx).set(hook.name, hook)
  })
}

function updateHook(ctx: Context) {
  return change(ctx, () => void hooksOf(ctx).set(str(ctx, 'name'), hookOf(ctx, found(hooksOf(ctx), ctx))))
}

function removeHook(ctx: Context) {
  return change(ctx, () => {
    const { name } = found(hooksOf(ctx), ctx)
    const users = [...matchersOf(ctx).values()].filter(({ targets }) => targets.includes(name))
    if (users.length > 0) {
      throw fail(`cannot delete '${name}', referenced by: ${users.map((one) => one.name).join(', ')}`)
    }
    hooksOf(ctx).delete(name)
  })
}

const matcherOf = (ctx: Context): Matcher => ({
  name: str(ctx, 'name'),
  ...commentOf(ctx),
  disable: flag(ctx, 'disable'),
  mode: (optStr(ctx, 'mode') ?? 'all') as Matcher['mode'],
  invert: flag(ctx, 'invert-match'),
  severities: listOf(ctx, 'match-severity').flatMap(splitList),
  fields: listOf(ctx, 'match-field'),
  targets: listOf(ctx, 'target'),
})

const shownMatcher = ({ name, comment, disable, mode, invert, severities, fields, targets: target }: Matcher): Json =>
  compact({
    ...{ name, comment, mode, disable: disable ? 1 : undefined, 'invert-match': invert ? 1 : undefined },
    'match-severity': severities.length > 0 ? severities : undefined,
    'match-field': fields.length > 0 ? fields : undefined,
    target: target.length > 0 ? target : undefined,
    origin: name === 'default-matcher' ? 'builtin' : 'user-created',
  })

function createMatcher(ctx: Context) {
  const matcher = matcherOf(ctx)
  return change(ctx, () => {
    if (matchersOf(ctx).has(matcher.name)) throw fail(`'${matcher.name}' already exists`)
    const unknown = matcher.targets.find((name) => name !== builtinTarget && !hooksOf(ctx).has(name))
    if (unknown !== undefined) throw fail(`target '${unknown}' does not exist`)
    matchersOf(ctx).set(matcher.name, matcher)
  })
}

function removeMatcher(ctx: Context) {
  return change(ctx, () => void matchersOf(ctx).delete(found(matchersOf(ctx), ctx).name))
}

function targets(ctx: Context): Json {
  const own = [...hooksOf(ctx).values()].map(({ name, comment, disable }) =>
    compact({ name, type: 'webhook', comment, disable: disable ? 1 : undefined, origin: 'user-created' }),
  )
  const comment = "Send mails to root@pam's email address"
  return [{ name: builtinTarget, type: 'sendmail', comment, origin: 'builtin' }, ...own]
}

/** Says it whatever the matchers are, and answers what came of it. */
async function tryTarget(ctx: Context) {
  const name = str(ctx, 'name')
  if (name === builtinTarget) return
  const message = `This is a test of the notification target '${name}'. The target works.`
  const told = {
    title: 'Test notification',
    message,
    severity: 'info',
    fields: { type: 'test' },
    timestamp: ctx.now,
  } as const
  const fault = await send(found(hooksOf(ctx), ctx), { ...told, timestamp: Math.floor(ctx.now) })
  if (fault !== undefined) throw fail(`could not notify via target '${name}': ${fault}`)
}
