import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { isPublicHost } from '../core/origin.ts'

interface Pings {
  ping(): Promise<string>
}

/**
 * `/healthz`: the process turns. `/readyz`: it can do its work, part by part; like `/metrics` it is for operators, so there
 * is none under the public address.
 */
export function health(
  redis: Pings,
  parts: () => Record<string, boolean | string[] | undefined>,
  publicUrl?: string | undefined,
  /** Further lines for `/metrics`, in Prometheus' text form: the queues know their own. */
  queues?: () => Promise<string>,
): Hono {
  const app = new Hono()
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const path of ['/readyz', '/metrics']) {
    app.use(path, async (c, next) => {
      if (isPublicHost(c.req.header('host') ?? '', publicUrl)) return c.notFound()
      return next()
    })
  }
  app.get('/healthz', (c) => c.json({ ok: true }))
  app.get('/metrics', async (c) => {
    const own = await registry.metrics()
    const of = (await queues?.().catch(() => '')) ?? ''
    return c.text(`${own}${of}`, 200, { 'content-type': registry.contentType })
  })
  app.get('/readyz', async (c) => {
    const answered = await Promise.race([
      redis.ping().then(
        () => true,
        () => false,
      ),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 1000).unref()),
    ])
    const all = { redis: answered, ...parts() }
    const ok = Object.values(all).every((part) => part !== false)
    return c.json({ ok, parts: all }, ok ? 200 : 503)
  })
  return app
}

/** @param tls paths of PEM files; without them it is plain HTTP, for a proxy in front */
export function listenHealth(
  app: Hono,
  at: { host: string; port: number },
  tls?: { cert: string; key: string } | undefined,
): Promise<{ port: number; close(): Promise<void> }> {
  const over = tls && {
    createServer,
    serverOptions: { cert: readFileSync(tls.cert), key: readFileSync(tls.key) },
  }
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: at.host, port: at.port, ...over }, ({ port }) =>
      resolve({ port, close: () => new Promise((done) => server.close(() => done())) }),
    )
    server.once('error', reject)
  })
}
