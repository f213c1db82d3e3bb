import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Secret } from '../core/secret.ts'

/** The pager says that one of its people did this. `key`: the dedup key that we gave. */
export interface PagerSaid {
  kind: 'ack' | 'resolve'
  key: string
  by: string
  /** When, by the pager's clock; milliseconds. */
  at: number
}

const kinds = new Map<unknown, PagerSaid['kind']>([
  ['incident.acknowledged', 'ack'],
  ['incident.resolved', 'resolve'],
])
const mostBytes = 64 * 1024

/** Takes PagerDuty's V3 webhooks; what is not signed with the secret is nobody's word. */
export function pagerHook(app: Hono, secret: Secret, said: (what: PagerSaid) => Promise<void>): void {
  app.post('/hooks/pager', bodyLimit({ maxSize: mostBytes }), async (c) => {
    const body = await c.req.text()
    if (!isSigned(body, c.req.header('x-pagerduty-signature'), secret)) return c.body(null, 401)
    const what = read(body)
    if (what) await said(what)
    return c.body(null, 202)
  })
}

/** The header may carry several signatures, one for each secret that is valid while it is changed. */
function isSigned(body: string, header: string | undefined, secret: Secret): boolean {
  const own = Buffer.from(`v1=${createHmac('sha256', secret.reveal()).update(body).digest('hex')}`)
  return (header ?? '').split(',').some((one) => {
    const given = Buffer.from(one.trim())
    return given.length === own.length && timingSafeEqual(given, own)
  })
}

function read(body: string): PagerSaid | undefined {
  try {
    const { event } = JSON.parse(body) as { event?: Record<string, never> }
    const { event_type, occurred_at, agent, data } = event as unknown as {
      event_type: unknown
      occurred_at: unknown
      agent?: { id?: unknown; type?: unknown }
      data?: { incident_key?: unknown }
    }
    const kind = kinds.get(event_type)
    const key = data?.incident_key
    const at = Date.parse(String(occurred_at))
    // What the pager did by itself, or on our own word, is no news.
    if (!kind || typeof key !== 'string' || Number.isNaN(at) || agent?.type !== 'user_reference') return undefined
    return {
      kind,
      key,
      at,
      by: `pager:${String(agent.id)
        .replaceAll(/[^\w.-]/g, '')
        .slice(0, 64)}`,
    }
  } catch {
    return undefined
  }
}
