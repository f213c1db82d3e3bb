import { afterAll, beforeAll, expect, test } from 'vitest'
import { done } from './ha-stage.ts'
import { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
})
afterAll(() => stage.close())

const sum = '0123456789abcdef'.repeat(4)
const nas = () => [...stage.sim.cluster.shared].find(([key]) => key.startsWith('nfs:'))![1]
const files = () => nas().volumes.map(({ name }) => name)

test('an ISO image with its checksum goes to the first shared storage that takes it', async () => {
  const { outcome } = await done(stage, `storage download https://example.com/a.iso checksum:${sum}`)
  expect(outcome).toMatchObject({ values: { volid: 'NASAccess:iso/a.iso' }, warnings: [] })
  expect(files()).toContain('iso/a.iso')
  expect((await stage.say('storage download https://example.com/a.iso')).error?.code).toBe('file-there')
})

test('without a checksum that is said before and after', async () => {
  const card = await done(stage, 'storage download http://example.com/b.iso')
  expect(card.fields?.filter(({ name }) => name === 'Warning')).toHaveLength(2)
  expect(card.outcome?.warnings).toHaveLength(1)
})

test.each([
  ['a page that calls itself an image', 'https://example.com/page/c.iso', 'is-html'],
  ['a checksum that does not fit', `https://example.com/c.iso checksum:${'0'.repeat(64)}`, 'checksum-mismatch'],
])('%s is refused, and nothing is kept', async (_, rest, code) => {
  await expect(done(stage, `storage download ${rest}`)).rejects.toMatchObject({ code })
  expect(files()).not.toContain('iso/c.iso')
})

test('a storage that has no room is told before the download', async () => {
  const before = nas().baseUsed
  nas().baseUsed = nas().total
  await expect(done(stage, 'storage download https://example.com/d.iso')).rejects.toMatchObject({ code: 'too-big' })
  nas().baseUsed = before
})

test.each([
  ['https://user:word@example.com/e.iso', 'url-secret'],
  ['http://127.0.0.1/e.iso', 'url-local'],
  ['http://[fe80::1]/e.iso', 'url-local'],
])('%s: %s', async (url, code) => {
  expect((await stage.say(`storage download ${url}`)).error?.code).toBe(code)
})

test('a container template by its name, listed with where it is', async () => {
  const name = 'debian-13-standard_13.6-1_amd64.tar.zst'
  await done(stage, `storage download ${name}`)
  const { table } = await stage.say('storage templates debian-13', 'viewer')
  expect(table?.rows).toEqual([[name, expect.any(String), 'NASAccess']])
})
