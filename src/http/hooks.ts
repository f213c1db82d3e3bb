import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Secret } from '../core/secret.ts'

interface HookPorts {
  secret: Secret
  clusters: readonly string[]
  /** Lets the cluster's watcher look early; nothing of what was sent is believed. */
  wake(cluster: string): Promise<void>
}

/**
 * Where Proxmox's own notifications arrive (PVE 8.3 and later). Whoever knows the secret can make us look a moment
 * early, and no more: the body is never read. The secret stands in a header, since addresses end up in logs.
 */
export function proxmoxHook({ secret, clusters, wake }: HookPorts): Hono {
  const app = new Hono()
  app.use('/hooks/*', bodyLimit({ maxSize: 256 * 1024, onError: (c) => c.body(null, 413) }))
  app.post('/hooks/proxmox/:cluster?', async (c) => {
    const given = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? c.req.header('x-quorum-secret')
    if (given === undefined || !isSame(given, secret.reveal())) return c.body(null, 401)
    const named = c.req.param('cluster')
    if (named !== undefined && !clusters.includes(named)) return c.body(null, 404)
    try {
      await Promise.all((named === undefined ? clusters : [named]).map(wake))
    } catch {
      return c.body(null, 503)
    }
    return c.body(null, 204)
  })
  return app
}

/** By digests, which are of one length: how long it takes tells nothing of how much was right. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
