import { afterAll, beforeAll, expect, test } from 'vitest'
import { health, listenHealth } from '../src/http/health.ts'

let site: { port: number; close(): Promise<void> }
let redis = async () => 'PONG'
let slack: boolean | undefined = true

beforeAll(async () => {
  const app = health(
    { ping: () => redis() },
    () => ({ slack }),
    'https://quorum.example.org',
    async () => 'bullmq_up 1\n',
  )
  site = await listenHealth(app, { host: '127.0.0.1', port: 0 })
})

afterAll(() => site.close())

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${site.port}${path}`, { headers })

test('/readyz says part by part what cannot do its work', async () => {
  expect(await (await get('/readyz')).json()).toEqual({ ok: true, parts: { redis: true, slack: true } })
  slack = false
  const deaf = await get('/readyz')
  expect(deaf.status).toBe(503)
  expect(await deaf.json()).toMatchObject({ ok: false, parts: { slack: false } })
  slack = true
  redis = () => new Promise(() => {})
  expect(await (await get('/readyz')).json()).toMatchObject({ ok: false, parts: { redis: false } })
  expect((await get('/healthz')).status).toBe(200)
})

test('/metrics gives the process’s own figures and the queues’', async () => {
  const text = await (await get('/metrics')).text()
  expect(text).toContain('process_resident_memory_bytes')
  expect(text).toContain('bullmq_up 1')
})
