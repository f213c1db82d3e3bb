import { serve } from '@hono/node-server'
import { Hono } from 'hono'

interface Pings {
  ping(): Promise<string>
}

/** `/healthz`: the process turns. `/readyz`: it can do its work, part by part. */
export function health(redis: Pings, parts: () => Record<string, boolean | undefined>): Hono {
  const app = new Hono()
  app.get('/healthz', (c) => c.json({ ok: true }))
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

export function listenHealth(
  app: Hono,
  at: { host: string; port: number },
): Promise<{ port: number; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: at.host, port: at.port }, ({ port }) =>
      resolve({ port, close: () => new Promise((done) => server.close(() => done())) }),
    )
    server.once('error', reject)
  })
}
