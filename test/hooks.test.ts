import { expect, test } from 'vitest'
import { Secret } from '../src/core/secret.ts'
import { proxmoxHook } from '../src/http/hooks.ts'

const right = { authorization: 'Bearer s3cret-hook' }

function hook(wake: (cluster: string) => Promise<void> = async () => {}) {
  const woken: string[] = []
  const app = proxmoxHook({
    secret: new Secret('s3cret-hook'),
    clusters: ['main', 'other'],
    wake: async (cluster) => {
      woken.push(cluster)
      await wake(cluster)
    },
  })
  const call = async (path: string, headers: Record<string, string>, body = '') =>
    (await app.request(path, { method: 'POST', headers, body })).status
  return { woken, call }
}

test('wakes the cluster that is named, or all of them', async () => {
  const { woken, call } = hook()
  expect(await call('/hooks/proxmox/main', right)).toBe(204)
  expect(await call('/hooks/proxmox', { 'x-quorum-secret': 's3cret-hook' })).toBe(204)
  expect(woken).toEqual(['main', 'main', 'other'])
})

test('wakes nobody for a wrong secret, an unknown cluster or a flood', async () => {
  const { woken, call } = hook()
  for (const headers of [
    {},
    { authorization: 'Bearer s3cret' },
    { authorization: 's3cret-hook' },
    { 'x-quorum-secret': '' },
  ]) {
    expect(await call('/hooks/proxmox/main', headers as Record<string, string>)).toBe(401)
  }
  expect(await call('/hooks/proxmox/nowhere', right)).toBe(404)
  expect(await call('/hooks/proxmox/main', { ...right, 'content-length': '300000' }, 'x'.repeat(300_000))).toBe(413)
  expect(woken).toEqual([])
})

test('says that nobody was woken when Redis is away', async () => {
  const { call } = hook(async () => Promise.reject(new Error('Connection is closed')))
  expect(await call('/hooks/proxmox/main', right)).toBe(503)
})
