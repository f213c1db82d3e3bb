/** Realms of the simulated cluster: texts of Proxmox's API, its task's lines, and who may. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { everyPrivilege } from '../src/core/needs.ts'
import { startSim } from '../src/lab/sim.ts'
import { catalogue } from './commands/stage.ts'
import { Caller } from './lab-calls.ts'

let lab: Caller
const params = { realm: 'school', type: 'ad', server1: 'dc1.lab.test', domain: 'lab.test' }
const bind = { bind_dn: 'cn=reader,dc=lab,dc=test', password: 'read-only-1' }
const access = () => lab.sim.cluster.nodes[0]!.config.access

beforeAll(async () => {
  lab = new Caller(await startSim({ port: 0, seed: 5, speed: 500 }))
})
afterAll(() => lab.close())

test('the account for access has in the lab what its script gives it', () => {
  expect([...access().roles.get('QuorumAccess')!].sort()).toEqual(everyPrivilege(catalogue, 'access', 9))
})

test('adding, changing and removing, refused as Proxmox words it; no answer has the password', async () => {
  const add = async (changed: object) => (await lab.call('POST', '/access/domains', { ...params, ...changed })).reason
  expect(await add({ realm: 'pve' })).toBe("add auth server failed: domain 'pve' already exists")
  expect(await add({ type: 'pam' })).toBe("add auth server failed: unable to create builtin type 'pam'")
  expect((await lab.call('POST', '/access/domains', { realm: 'x1', type: 'ldap', server1: 'dc1' })).reason).toBe(
    "add auth server failed: missing value for required option 'base_dn'",
  )
  expect(await add({ 'issuer-url': 'https://id.lab.test' })).toBe(
    "add auth server failed: unexpected property 'issuer-url'",
  )
  expect(await add({ ...bind, password: 'wrong', 'check-connection': 1 })).toBe(
    'add auth server failed: Invalid credentials',
  )
  expect(access().realms.has('school')).toBe(false)
  expect(await add({ ...bind, 'check-connection': 1, comment: 'The school' })).toBe('OK')
  expect(await add({})).toBe("add auth server failed: domain 'school' already exists")
  const read = await lab.call('GET', '/access/domains/school')
  expect(read.data).toMatchObject({ type: 'ad', server1: 'dc1.lab.test', comment: 'The school' })
  expect(JSON.stringify(read.data)).not.toContain('read-only-1')
  const { digest } = read.data as { digest: string }
  expect((await lab.call('PUT', '/access/domains/school', { default: 1, digest })).status).toBe(200)
  expect((await lab.call('PUT', '/access/domains/school', { port: 636, digest })).reason).toContain('Try again.')
  expect((await lab.call('PUT', '/access/domains/school')).reason).toBe(
    'update auth server failed: no options specified',
  )
  expect((await lab.call('DELETE', '/access/domains/nope')).reason).toBe(
    "delete auth server failed: authentication domain 'nope' does not exist",
  )
})

test('a sync says line by line who comes and goes; dry it writes nothing', async () => {
  const sync = (more: object) => lab.run('POST', '/access/domains/school/sync', { scope: 'both', ...more })
  const before = JSON.stringify([[...access().users.keys()], [...access().groups.keys()]])
  const dry = await sync({ 'dry-run': 1 })
  expect(dry).toMatchObject({ type: 'auth-realm-sync-test', id: 'school', exitstatus: 'OK' })
  expect(dry.lines).toEqual(expect.arrayContaining(["adding user 'maria@school'", "adding group 'students-school'"]))
  expect(JSON.stringify([[...access().users.keys()], [...access().groups.keys()]])).toBe(before)
  await sync({})
  expect(access().users.get('maria@school')).toMatchObject({ enable: true, groups: ['teachers-school'] })
  const directory = lab.sim.cluster.directories.get('dc1.lab.test')!
  directory.users = directory.users.filter(({ name }) => name !== 'pablo')
  access().acl.push({ path: '/vms', type: 'user', ugid: 'pablo@school', roleid: 'PVEVMUser', propagate: true })
  expect((await sync({})).lines).not.toContain("remove user 'pablo@school'")
  const gone = await sync({ 'remove-vanished': 'entry;acl' })
  expect(gone.lines).toEqual(
    expect.arrayContaining([
      'syncing users (remove-vanished opts: entry;acl)',
      "remove user 'pablo@school'",
      "purge users 'pablo@school' ACL entries",
      "updating user 'maria@school'",
    ]),
  )
  expect(access().acl.some(({ ugid }) => ugid === 'pablo@school')).toBe(false)
  directory.unreachable = true
  expect((await sync({})).exitstatus).toContain('unable to connect')
  directory.unreachable = false
  const refused = (realm: string, more = {}) => lab.call('POST', `/access/domains/${realm}/sync`, more)
  expect((await refused('nope')).errors).toEqual({ realm: 'Realm does not exist.' })
  expect((await refused('pve')).reason).toBe("Cannot sync realm type 'pve'! Only LDAP/AD realms can be synced.")
  expect((await refused('school')).errors?.scope).toContain('Not passed as parameter')
})
