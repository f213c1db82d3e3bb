/** Rights and realms, killed at every step: real Redis, the simulated cluster, the token that is for this alone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Stage } from './commands/stage.ts'
import { simCrew } from './fixtures/sim-crew.ts'

let stage: Stage
let crew: Awaited<ReturnType<typeof simCrew>>
const access = () => stage.sim.cluster.nodes[0]!.config.access
const password = 'read-only-1'

beforeAll(async () => {
  stage = await Stage.open()
  access().groups.set('helpdesk', { groupid: 'helpdesk' })
  const user = { enable: true, expire: 0, groups: ['helpdesk'], tokens: new Map() }
  access().users.set('ana@pve', { userid: 'ana@pve', ...user })
  access().acl.push({ path: '/', type: 'user', ugid: 'ana@pve', roleid: 'PVEAuditor', propagate: true })
  await stage.machine(100, 'web1')
  crew = await simCrew(stage, { secret: password })
})
afterAll(async () => {
  await crew?.close()
  await stage?.close()
})

const field = (card: { fields?: { name: string; value: string }[] }, name: string) =>
  card.fields?.find((one) => one.name === name)?.value
const entries = (ugid: string) => access().acl.filter((entry) => entry.ugid === ugid)

test('a wish becomes the smallest role; the card says before and after, and what no longer holds', async () => {
  const card = await stage.say('access grant ana@pve may:power path:/vms/100', 'admin')
  expect(field(card, 'Smallest role')).toBe('PVEVMUser is the smallest that holds VM.Audit, VM.PowerMgmt')
  expect(field(card, 'Roles there')).toBe('PVEAuditor (from /) → PVEVMUser (from /vms/100)')
  expect(field(card, 'Loses')).toContain('Sys.Audit')
  const warnings = card.fields?.filter(({ name }) => name === 'Warning').map(({ value }) => value)
  expect(warnings?.join()).toContain('PVEAuditor (from /) no longer hold on /vms/100')
  expect(warnings?.join()).toContain('pveum role add Power --privs "VM.Audit,VM.PowerMgmt"')
})

test('access grant: one entry, one call, one card', async () => {
  const end = await crew.carriedOut('access grant ana@pve may:power path:/vms/100')
  expect(end).toMatchObject({
    calls: ['updateAccess'],
    card: { state: 'ok', title: 'ana@pve has on /vms/100: PVEVMUser' },
  })
  expect(end.lives).toBeGreaterThan(4)
  expect(entries('ana@pve').map(({ path, roleid }) => `${roleid} ${path}`)).toEqual([
    'PVEAuditor /',
    'PVEVMUser /vms/100',
  ])
  expect((await stage.say('access grant ana@pve role:PVEVMUser path:/vms/100', 'admin')).title).toContain('already')
})

test('access revoke: one call, and what comes from above holds again', async () => {
  const end = await crew.carriedOut('access revoke ana@pve path:/vms/100')
  expect(end).toMatchObject({
    calls: ['updateAccess'],
    card: { state: 'ok', title: 'ana@pve has on /vms/100: PVEAuditor (from /)' },
  })
})

test('Quorum itself is changed by nobody unsaid, also where the bot knew nothing of a token', async () => {
  expect((await stage.say('access revoke quorum-access@pve path:/', 'admin')).error?.code).toBe('access-ours')
  const said = await stage.say('access grant quorum@pve!read role:PVEAdmin path:/pool/x ours:yes', 'admin')
  expect(said.fields?.some(({ value }) => value.includes('Quorum'))).toBe(true)
  stage.own = []
  const end = await crew.carriedOut('access grant quorum@pve!read role:PVEAdmin path:/pool/x')
  expect(end).toMatchObject({ calls: [], card: { state: 'failed', error: { code: 'access-ours' } } })
  expect(entries('quorum@pve!read')).toHaveLength(1)
})

test('realm add, test and sync: the password reaches Proxmox alone, and only what was seen is done', async () => {
  const line = 'access realm add school type:ad server:dc1.lab.test domain:lab.test bind:cn=reader,dc=lab,dc=test'
  const added = await crew.carriedOut(line)
  expect(added).toMatchObject({ calls: ['createRealm'], card: { state: 'ok' } })
  expect(access().realms.get('school')).toMatchObject({ password, options: { mode: 'ldaps', verify: 1 } })
  const tested = await crew.carriedOut('access realm test school')
  expect(tested.calls).toEqual(['syncRealm'])
  expect(field(tested.card, 'Come')).toContain('user maria@school')
  expect(access().users.has('maria@school')).toBe(false)
  const next = field(tested.card, 'To do this')!
  expect(next).toMatch(/^access realm sync school seen:\w+$/)

  const directory = stage.sim.cluster.directories.get('dc1.lab.test')!
  const pablo = directory.users.pop()!
  const stale = await crew.carriedOut(next)
  expect(stale).toMatchObject({ calls: ['syncRealm'], card: { state: 'failed', error: { code: 'realm-changed' } } })
  directory.users.push(pablo)
  const synced = await crew.carriedOut(next)
  expect(synced).toMatchObject({ calls: ['syncRealm', 'syncRealm'], card: { state: 'ok' } })
  expect(access().users.has('maria@school')).toBe(true)

  directory.unreachable = true
  const silent = await crew.carriedOut('access realm test school')
  expect(silent.card.error).toMatchObject({ code: 'realm-silent', says: expect.stringContaining('dc1.lab.test') })
  directory.unreachable = false
  await crew.redis.config('SET', 'rdbcompression', 'no')
  const keys = await crew.redis.keys('*')
  const dumps = await Promise.all(keys.map((key) => crew.redis.dumpBuffer(key)))
  const all = dumps.map((bytes) => bytes?.toString('latin1')).join()
  expect(all).toContain('dc1.lab.test')
  expect(all).not.toContain(password)
  expect(crew.faults).toEqual([])
})

test('without a token for access nothing is changed, and the card says where it goes', async () => {
  const bare = await simCrew(stage, { access: { get: () => undefined, own: () => [] } })
  const end = await bare.carriedOut('access grant ana@pve role:PVEVMUser path:/vms/100')
  await bare.close()
  expect(end).toMatchObject({ calls: [], card: { state: 'failed', error: { code: 'no-access-token' } } })
})
