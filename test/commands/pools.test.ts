import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { stillAllowed } from '../../src/core/still-allowed.ts'
import { catalogue, Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
  await stage.machine(100, 'web1')
  await stage.machine(200, 'db1')
  await stage.machine(300, 'lone')
  stage.grants.push(
    { role: 'operator', who: ['web:pat', 'web:pia'], pools: ['web'] },
    { role: 'operator', who: ['web:dan'], pools: ['db'], channels: ['web:general'] },
    { role: 'viewer', who: ['web:vic'], pools: ['web', 'db'] },
    { role: 'operator', who: ['web:far'], pools: ['web'], clusters: ['other'] },
  )
})

beforeEach(() => {
  pools().set('web', { poolid: 'web', vmids: new Set([100]), storages: new Set() })
  pools().set('db', { poolid: 'db', vmids: new Set([200]), storages: new Set() })
  stage.enqueued.splice(0)
})

afterAll(() => stage.close())

const pools = () => stage.sim.cluster.nodes[0]!.config.access.pools
const code = async (line: string, who: string) => (await stage.say(line, who)).error?.code

test('a role limited to pools acts on what lies in them, and other guests do not exist for it', async () => {
  expect((await stage.say('vm start web1', 'pat')).state).toBe('queued')
  expect(stage.enqueued[0]).toMatchObject({ within: { guests: [{ vmid: 100, pool: 'web' }], pools: [] } })
  for (const guest of ['db1', '200', 'vm:200', 'lone', '300', 'db']) {
    const { error } = await stage.say(`vm start ${guest}`, 'pat')
    expect(error?.code).toBe('unknown-guest')
    expect(JSON.stringify(error).replaceAll(guest, '')).not.toMatch(/db1|lone|pve/)
  }
  expect(await code('vm start web1', 'dan')).toBe('unknown-guest')
  expect(await code('vm start web1', 'vic')).toBe('not-allowed')
  expect(await code('vm start web1', 'far')).toBe('not-allowed')
  expect((await stage.say('vm show web1', 'vic')).error).toBeUndefined()
  // Whose role is not limited is not held back.
  expect((await stage.say('vm start lone', 'operator')).state).toBe('queued')
})

test('the pool asked for counts when something new is made, and must be named', async () => {
  expect(await stage.say('vm create web2', 'pat')).toMatchObject({
    error: { code: 'which-pool', hint: 'vm create web2 pool:web' },
  })
  expect(await code('vm create web2 pool:db', 'pat')).toBe('outside-pools')
  expect((await stage.say('vm create web2 pool:web', 'pat')).state).toBe('queued')
  expect(stage.enqueued.at(-1)).toMatchObject({ payload: { pool: 'web' }, within: { guests: [], pools: ['web'] } })
  expect(await code('vm clone web1 name:web3 pool:db', 'pat')).toBe('outside-pools')
  expect(await code('vm clone db1 name:web3 pool:web', 'pat')).toBe('unknown-guest')
  expect((await stage.say('vm clone web1 name:web3 pool:web', 'pat')).state).toBe('queued')
  expect(stage.enqueued.at(-1)).toMatchObject({ payload: { source: 100, pool: 'web' } })
})

test('lists show only what the pools hold; what concerns no guest is out of reach, and help says which', async () => {
  const listed = async (who: string) => (await stage.say('vm list', who)).table?.rows.map(([vmid]) => vmid)
  expect(await listed('pat')).toEqual(['100'])
  expect(await listed('vic')).toEqual(['100', '200'])
  expect((await listed('viewer'))?.length).toBeGreaterThan(3)
  for (const line of ['status', 'storage list', 'host list', 'audit list', 'doctor']) {
    expect(await code(line, 'pat')).toBe('not-allowed')
  }
  const help = await stage.say('help', 'pat')
  expect(help.fields?.[0]?.value).toContain('web')
  expect(help.table?.rows.find(([group]) => group === 'vm')?.[2]).toContain('create')
  expect(help.table?.rows.map(([group]) => group)).not.toContain('storage')
  const about = async (command: string) =>
    (await stage.say(`help ${command}`, 'pat')).fields?.find(({ name }) => name.includes('pools'))?.value
  expect(await about('vm stop')).toContain('guest:')
  expect(await about('vm list')).toContain('shows only')
  expect(await about('status')).toContain('do not reach')
  expect((await stage.say('whoami', 'pat')).fields?.map(({ value }) => value)).toContain('operator: web')
})

test('a form offers only the guests of the pools, and its answer is held to them', async () => {
  const asks = await stage.say('vm start', 'pat')
  const options = asks.form?.fields.find(({ name }) => name === 'guest')?.options?.map(({ value }) => value)
  expect(options ?? ['web1']).toEqual(['web1'])
  expect((await stage.click(asks.key, 'form.submit', 'pat', { guest: '200' })).reply?.error?.code).toBe('unknown-guest')
  await stage.click(asks.key, 'form.submit', 'pat', { guest: '100' })
  expect(stage.enqueued).toHaveLength(1)
})

test('it is decided anew at the click: by whom, and where the guest lies then', async () => {
  const ask = async () => {
    const { key } = await stage.say('vm delete web1', 'pat')
    await stage.click(key, 'confirm', 'pat')
    return key
  }
  const card = await ask()
  expect((await stage.click(card, 'approve', 'dan')).reply?.error?.code).toBe('not-allowed')
  expect((await stage.click(card, 'approve', 'vic')).reply?.error?.code).toBe('not-allowed')
  expect((await stage.click(card, 'approve', 'pat')).reply?.error).toMatchObject({
    code: 'own-approval',
    hint: expect.stringContaining('web:pia'),
  })
  pools().get('web')!.vmids.clear()
  pools().get('db')!.vmids.add(100)
  expect((await stage.click(card, 'approve', 'pia')).reply?.error?.code).toBe('not-allowed')
  expect((await stage.click(card, 'approve', 'operator')).reply?.error?.code).toBe('unknown-guest')
  pools().get('db')!.vmids.delete(100)
  pools().get('web')!.vmids.add(100)
  await stage.click(card, 'approve', 'pia')
  expect(stage.enqueued).toHaveLength(1)
  expect(stage.enqueued[0]).toMatchObject({ requester: 'web:pat', approvedBy: ['web:pia'] })
})

test('and once more when the job runs', async () => {
  await stage.say('vm start web1', 'pat')
  const [job] = stage.enqueued
  const parts = { catalogue, access: stage.access, proxmox: { get: () => stage.proxmox } }
  expect(await stillAllowed(parts, job!)).toBeUndefined()
  pools().get('web')!.vmids.clear()
  expect((await stillAllowed(parts, job!))?.code).toBe('not-allowed')
  // A guest that is gone, as after its deletion: where it lay counts.
  expect(
    await stillAllowed(parts, { ...job!, within: { guests: [{ vmid: 999, pool: 'web' }], pools: [] } }),
  ).toBeUndefined()
  expect((await stillAllowed(parts, { ...job!, within: { guests: [], pools: [] } }))?.code).toBe('not-allowed')
  expect((await stillAllowed(parts, { ...job!, approvedBy: ['web:dan'] }))?.code).toBe('not-allowed')
})

test('jobs are seen and changed by the pools in which they work', async () => {
  const job = {
    worker: 'guest-power',
    title: 'Start',
    cluster: 'main',
    requester: 'web:operator',
    state: 'running' as const,
  }
  const rest = { locks: [], createdAt: 0, upids: [] }
  const at = (vmid: number, pool?: string) => ({ guests: [{ vmid, ...(pool ? { pool } : {}) }], pools: [] })
  stage.jobs.views = [
    { ...job, ...rest, id: 'j-web', within: at(100, 'web') },
    { ...job, ...rest, id: 'j-db', within: at(200, 'db') },
    { ...job, ...rest, id: 'j-lone', within: at(300) },
    { ...job, ...rest, id: 'j-none' },
  ]
  const seen = JSON.stringify((await stage.say('job list', 'pat')).table?.rows)
  expect(seen).toContain('j-web')
  expect(seen).not.toMatch(/j-db|j-lone|j-none/)
  expect(await code('job cancel j-db', 'pat')).toBe('unknown-job')
  await stage.say('job cancel j-web', 'pat')
  expect(stage.jobs.asked).toEqual(['cancel j-web by web:pat'])
  expect(await code('job cancel j-web', 'vic')).toBe('not-allowed')
})
