import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AuditRecord } from '../../src/core/audit.ts'
import { Unavailable } from '../../src/core/errors.ts'
import { Access } from '../../src/core/roles.ts'
import { readTrail } from '../../src/core/trail.ts'
import { catalogue, Stage, words } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
  await stage.machine(100, 'web1', { running: true })
  await stage.machine(101, 'db1')
})

beforeEach(() => {
  stage.audit.kept.length = 0
})

afterAll(() => stage.close())

const written = (): AuditRecord[] => stage.audit.kept.map((one) => stage.chain.open(one)!)
const kinds = () =>
  written().map(({ kind, who, action, result }) => [kind, who?.person ?? who?.identity, action ?? result])

test('a plan that somebody drops or rejects leaves who asked, and who decided', async () => {
  const first = await stage.say('vm delete db1')
  await stage.click(first.key, 'cancel')
  const second = await stage.say('vm delete db1')
  await stage.click(second.key, 'confirm')
  await stage.click(second.key, 'reject', 'ana')
  await stage.click(second.key, 'approve', 'admin')
  expect(kinds()).toEqual([
    ['asked', 'web:operator', undefined],
    ['dropped', 'web:operator', 'cancel'],
    ['asked', 'web:operator', undefined],
    ['confirmed', 'web:operator', 'confirm'],
    ['rejected', 'ana', 'reject'],
    ['refused', 'web:admin', 'approve'],
  ])
  expect(written()[5]).toMatchObject({ result: 'nothing-waits', card: second.key })
  expect(written()[4]).toMatchObject({ card: second.key, line: 'vm delete db1', path: 'vm delete' })
  expect(stage.enqueued).toEqual([])
})

test('a job is ordered after it was written down with its plan, its hash and who approved', async () => {
  const card = await stage.say('vm delete db1')
  await stage.click(card.key, 'confirm')
  await stage.click(card.key, 'approve', 'ana')
  const job = stage.enqueued.at(-1)!
  expect(written().at(-1)).toMatchObject({
    kind: 'ordered',
    job: job.id,
    cluster: 'main',
    approvals: [{ identity: 'web:ana', person: 'ana' }],
    plan: { title: job.title, fields: job.shows.slice(0, 3) },
  })
})

test('nothing is ordered when it cannot be written down, and the person is told', async () => {
  const before = stage.enqueued.length
  stage.audit.refuses = new Unavailable('audit-gone', { service: 'Redis' })
  const card = await stage.say('vm start db1')
  stage.audit.refuses = undefined
  expect(card).toMatchObject({ state: 'failed', error: { code: 'audit-gone' } })
  expect(stage.enqueued.length).toBe(before)
  expect(written()).toEqual([])
})

test('what only reads leaves nothing; what is refused leaves the line and the code', async () => {
  await stage.say('vm list', 'viewer')
  await stage.say('vm stop web1 --explain')
  expect(written()).toEqual([])
  await stage.say('vm stop web1', 'viewer')
  await stage.say('vm strat web1', 'ana')
  expect(written().map(({ kind, line, result }) => [kind, line, result])).toEqual([
    ['refused', 'vm stop web1', 'not-allowed'],
    ['refused', 'vm strat web1', 'unknown-command-near'],
  ])
})

test('a form leaves what was asked when it is sent', async () => {
  const card = await stage.say('vm create')
  expect(written()).toEqual([])
  await stage.click(card.key, 'form.submit', 'operator', { name: 'web7' })
  expect(kinds()).toEqual([
    ['asked', 'web:operator', 'form.submit'],
    ['ordered', 'web:operator', undefined],
  ])
  expect(written()[0]?.plan?.title).toContain('web7')
})

test('the list shows what somebody has changed, in the place where it stands', async () => {
  await stage.say('vm start db1')
  await stage.say('vm start db1')
  const second = stage.audit.kept[1]!
  second.entry = Buffer.from(Buffer.from(second.entry).toString().replace('db1', 'db2'))
  const card = await stage.say('audit list', 'admin')
  expect(card.state).toBe('failed')
  expect(card.table?.rows.map(([seq, , , kind]) => [seq, kind])[1]).toEqual([expect.any(String), 'CHANGED AFTERWARDS'])
  const json = await stage.say('audit export json', 'admin')
  expect(JSON.parse(json.log![1]!)).toMatchObject({ changed: true })
  const markdown = await stage.say('audit export', 'admin')
  expect(markdown.log?.every((line) => line.split(/(?<!\\)\|/).length === 13)).toBe(true)
  const verified = await stage.say('audit verify', 'admin')
  expect(verified).toMatchObject({ state: 'failed', title: 'The audit trail has been tampered with.' })
})

test('an admin of one cluster reads the trail of that cluster alone', async () => {
  for (const cluster of ['main', 'other', 'gone', undefined]) {
    await stage.audit.append({ kind: 'asked', who: 'web:x', cluster, line: String(cluster), job: 'j-1' })
  }
  const grants = [
    { role: 'admin' as const, who: ['web:all'] },
    { role: 'admin' as const, who: ['web:some'], clusters: ['main'] },
    { role: 'viewer' as const, who: ['web:some'] },
  ]
  const access = new Access(grants, [], { groupsOf: async () => [] })
  const read = async (who: string, filter: Partial<Parameters<typeof readTrail>[1]> = {}) => {
    const asker = { identity: `web:${who}`, role: 'admin' as const, language: 'en' as const, tz: 'UTC' }
    const house = { catalogue, access, words, trail: stage.trail, clusters: ['main', 'other'] } as never
    const found = await readTrail({ house, asker, channel: 'web:general' }, { cluster: '', most: 10, ...filter })
    return found.map(({ record }) => record?.line)
  }
  expect(await read('all')).toEqual(['main', 'other', 'gone', 'undefined'])
  expect(await read('some')).toEqual(['main'])
  expect(await read('nobody')).toEqual([])
  expect(await read('all', { cluster: 'other' })).toEqual(['other', 'undefined'])
  expect(await read('all', { most: 1 })).toEqual(['undefined'])
  expect(await read('all', { who: 'WEB:X', job: '1' })).toHaveLength(4)
  expect(await read('all', { who: 'web:y' })).toEqual([])
})
