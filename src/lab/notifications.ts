/** Proxmox's own notifications: who is told of what, and the webhook targets that are called (PVE 8.3 and later). */
import { isIP } from 'node:net'
import { isRunning, type SimCluster, type SimEvent, viewOf } from './model.ts'

export interface WebhookTarget {
  name: string
  url: string
  method: 'post' | 'put' | 'get'
  comment?: string
  disable: boolean
  /** Decoded; `secrets` may stand in their values. */
  headers: Record<string, string>
  body: string
  secrets: Record<string, string>
}

export interface Matcher {
  name: string
  comment?: string
  disable: boolean
  mode: 'all' | 'any'
  invert: boolean
  severities: string[]
  /** `exact:type=fencing,replication`, `regex:hostname=^pve`. */
  fields: string[]
  targets: string[]
}

export interface Notifications {
  webhooks: Map<string, WebhookTarget>
  matchers: Map<string, Matcher>
}

export interface Notification {
  title: string
  message: string
  severity: 'info' | 'notice' | 'warning' | 'error' | 'unknown'
  fields: Record<string, string>
  /** Seconds. */
  timestamp: number
}

/** Of every installation, and not to be removed: root's mail, which goes nowhere here. */
export const builtinTarget = 'mail-to-root'

/** Sends what the HA manager has to say of fencing to whoever is to hear it. */
export function notifyOfFencing(sim: SimCluster): void {
  sim.listeners.add((event) => {
    if (event.kind === 'fencing' && isRunning(event.node)) void notify(sim, event)
  })
}

async function notify(sim: SimCluster, event: SimEvent & { kind: 'fencing' }): Promise<void> {
  const { notifications } = viewOf(event.node)
  const told = fencingNotice(event, Math.floor(sim.clock.now()))
  const names = new Set([...notifications.matchers.values()].filter((one) => matches(one, told)).flatMap(targetsOf))
  for (const name of names) {
    const target = notifications.webhooks.get(name)
    if (!target || target.disable) continue
    const fault = await send(target, told)
    if (fault !== undefined) event.node.syslog.push(`could not notify via target '${name}': ${fault}`)
  }
}

const targetsOf = ({ targets }: Matcher) => targets

const fencingNotice = ({ fenced, acknowledged }: { fenced: string; acknowledged: boolean }, timestamp: number) => ({
  title: acknowledged
    ? `SUCCEED: fencing: acknowledged - got agent lock for node '${fenced}'`
    : `FENCE: Try to fence node '${fenced}'`,
  message: `Node ${fenced}`,
  severity: 'error' as const,
  fields: { type: 'fencing', hostname: fenced },
  timestamp,
})

export function matches({ disable, mode, invert, severities, fields }: Matcher, told: Notification): boolean {
  if (disable) return false
  const rules = [
    ...(severities.length > 0 ? [severities.includes(told.severity)] : []),
    ...fields.map((rule) => fits(rule, told)),
  ]
  const isMatch = rules.length === 0 || (mode === 'all' ? rules.every(Boolean) : rules.some(Boolean))
  return isMatch !== invert
}

function fits(rule: string, { fields }: Notification): boolean {
  const [, how, field = '', wanted = ''] = /^(exact|regex):([^=]+)=(.*)$/s.exec(rule) ?? []
  const value = fields[field]
  if (value === undefined) return false
  return how === 'exact' ? wanted.split(',').includes(value) : new RegExp(wanted).test(value)
}

const withinMs = 10_000

/**
 * Calls a target; what went wrong, or nothing. The simulated network leads to Quorum's own hook on this machine and
 * nowhere else, so that nobody in a lab can make this machine call another.
 */
export async function send(target: WebhookTarget, told: Notification): Promise<string | undefined> {
  const url = URL.canParse(target.url) ? new URL(target.url) : undefined
  if (!url || !isLoopback(url.hostname) || !/^\/hooks\/proxmox(\/|$)/.test(url.pathname)) return 'no route to host'
  const fill = (text: string) => filled(text, { ...told, secrets: target.secrets })
  const headers = Object.entries(target.headers).map(([name, value]): [string, string] => [name, fill(value)])
  try {
    const answer = await fetch(url, {
      method: target.method.toUpperCase(),
      headers,
      ...(target.method === 'get' ? {} : { body: fill(target.body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(withinMs),
    })
    return answer.ok ? undefined : `HTTP status ${answer.status}`
  } catch (error) {
    return (error as Error).message
  }
}

const isLoopback = (host: string) =>
  host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))

/** `{{ secrets.token }}`, `{{ escape message }}`: what the places of a template stand for. */
function filled(template: string, values: object): string {
  return template.replaceAll(
    /\{\{\s*(?:(escape|url-encode|json)\s+)?([\w.-]+)\s*\}\}/g,
    (_, how: string, path: string) => {
      const value = path
        .split('.')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], values)
      if (how === 'json') return JSON.stringify(value ?? null)
      const text = value === undefined ? '' : String(value)
      if (how === 'escape') return JSON.stringify(text).slice(1, -1)
      return how === 'url-encode' ? encodeURIComponent(text) : text
    },
  )
}
