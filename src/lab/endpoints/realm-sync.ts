/**
 * `/access/domains/{realm}/sync`: the accounts of a directory become users and groups of user.cfg, in a task. Its lines are
 * Proxmox's; what a directory itself answers is in no recording, and stands here as LDAP's own names of errors.
 */
import { badParams, fail } from '../fault.ts'
import type { AccessConfig, Directory, Realm, SimCluster, User } from '../model.ts'
import { type Context, flag, optNum, optStr, type Route, str, withCfsLock } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { USER_LOCK } from './users.ts'

export const routes: Route[] = [{ method: 'POST', path: '/access/domains/{realm}/sync', handler: sync }]

/** A directory of some size takes as long as this to be read, simulated seconds. */
const READ_SECONDS = 2

/** Throws what LDAP says when the server is silent or does not know the account that looks. */
export function lookInto(sim: SimCluster, { options, password }: Realm): Directory {
  const servers = [options.server1, options.server2].flatMap((server) => sim.directories.get(String(server)) ?? [])
  const directory = servers.find(({ unreachable }) => !unreachable)
  if (!directory) throw fail(`unable to connect to LDAP server '${options.server1}'`)
  const known = directory.binds.get(String(options.bind_dn ?? ''))
  if (directory.binds.size > 0 && (known === undefined || known !== password)) throw fail('Invalid credentials')
  return directory
}

type Vanished = 'entry' | 'acl' | 'properties'

interface Wanted {
  scope: string
  remove: ReadonlySet<Vanished>
  /** As it was given, for the task's lines. */
  vanished: string | undefined
  enable: boolean
}

function sync(ctx: Context) {
  const name = str(ctx, 'realm')
  const realm = ctx.config.access.realms.get(name)
  if (!realm) throw badParams({ realm: 'Realm does not exist.' })
  if (realm.type !== 'ldap' && realm.type !== 'ad') {
    throw fail(`Cannot sync realm type '${realm.type}'! Only LDAP/AD realms can be synced.`)
  }
  const dry = flag(ctx, 'dry-run')
  const wanted = wantedOf(ctx, realm)
  const what = wanted.scope === 'both' ? 'users and groups' : wanted.scope
  return ctx.task({ type: dry ? 'auth-realm-sync-test' : 'auth-realm-sync', id: name }, async (task) => {
    task.log(`${dry ? '(dry test run) ' : ''}starting sync for realm ${name}`)
    await task.sleep(READ_SECONDS)
    const directory = lookInto(ctx.sim, realm)
    await withCfsLock(ctx, USER_LOCK, `syncing ${what} failed: `, () => {
      task.log(`got data from server, updating ${what}`)
      const access = dry ? copyOf(ctx.config.access) : ctx.config.access
      if (wanted.scope !== 'groups') syncUsers(task, access, name, directory, wanted)
      if (wanted.scope !== 'users') syncGroups(task, access, name, directory, wanted)
      if (dry) task.log('\nNOTE: Dry test run, changes were NOT written to the configuration.')
      else task.log(`successfully updated ${what} configuration`)
    })
  })
}

/** What the call leaves open, the realm's own defaults say. */
function wantedOf(ctx: Context, { options }: Realm): Wanted {
  const defaults = Object.fromEntries(
    String(options['sync-defaults-options'] ?? '')
      .split(',')
      .map((pair) => pair.split('=') as [string, string]),
  ) as Record<string, string | undefined>
  const text = (key: string) => optStr(ctx, key) ?? defaults[key]
  const scope = text('scope')
  if (scope === undefined) {
    throw badParams({ scope: 'Not passed as parameter and not defined in realm default sync options.' })
  }
  const older = [...(text('full') === '1' ? ['entry', 'properties'] : []), ...(text('purge') === '1' ? ['acl'] : [])]
  const vanished = text('remove-vanished') ?? (older.length > 0 ? older.join(';') : undefined)
  const enable = (optNum(ctx, 'enable-new') ?? Number(defaults['enable-new'] ?? 1)) === 1
  return { scope, vanished, remove: new Set((vanished ?? '').split(';') as Vanished[]), enable }
}

const copyOf = ({ users, groups, acl, ...same }: AccessConfig): AccessConfig => ({
  ...same,
  users: new Map([...users].map(([id, user]) => [id, { ...user }])),
  groups: new Map(groups),
  acl: [...acl],
})

const titled = (what: string, { vanished }: Wanted) =>
  vanished === undefined ? `syncing ${what}` : `syncing ${what} (remove-vanished opts: ${vanished})`

function syncUsers(task: TaskHandle, access: AccessConfig, realm: string, directory: Directory, wanted: Wanted) {
  const { remove } = wanted
  const there = new Map(directory.users.map((user) => [`${user.name}@${realm}`, user]))
  task.log(titled('users', wanted))
  if (remove.has('entry')) task.log('deleting outdated existing users first')
  for (const userid of [...access.users.keys()].sort()) {
    if (!userid.endsWith(`@${realm}`) || there.has(userid)) continue
    if (remove.has('entry')) {
      task.log(`remove user '${userid}'`)
      access.users.delete(userid)
    }
    if (!remove.has('acl')) continue
    task.log(`purge users '${userid}' ACL entries`)
    access.acl = access.acl.filter(({ type, ugid }) => type === 'group' || ugid.split('!')[0] !== userid)
  }
  for (const [userid, { name: _, groups: __, ...personal }] of [...there].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const old = access.users.get(userid)
    task.log(`${!old ? 'adding' : remove.has('properties') ? 'overwriting' : 'updating'} user '${userid}'`)
    const fresh: User = { userid, enable: wanted.enable, expire: 0, groups: [], tokens: new Map() }
    const { enable, groups, tokens } = old ?? fresh
    const kept = old && !remove.has('properties') ? old : fresh
    access.users.set(userid, { ...kept, ...personal, enable, groups, tokens })
  }
}

/** A group of the directory is `name-realm` in Proxmox. */
function syncGroups(task: TaskHandle, access: AccessConfig, realm: string, directory: Directory, wanted: Wanted) {
  const { remove } = wanted
  const there = new Set(directory.groups.map((group) => `${group}-${realm}`))
  task.log(titled('groups', wanted))
  if (remove.has('entry')) task.log('deleting outdated existing groups first')
  for (const groupid of [...access.groups.keys()].sort()) {
    if (!groupid.endsWith(`-${realm}`) || there.has(groupid)) continue
    if (remove.has('entry')) {
      task.log(`remove group '${groupid}'`)
      access.groups.delete(groupid)
      for (const user of access.users.values()) user.groups = user.groups.filter((group) => group !== groupid)
    }
    if (!remove.has('acl')) continue
    task.log(`purge groups '${groupid}' ACL entries`)
    access.acl = access.acl.filter(({ type, ugid }) => type !== 'group' || ugid !== groupid)
  }
  for (const groupid of [...there].sort()) {
    const old = access.groups.get(groupid)
    task.log(`${!old ? 'adding' : remove.has('properties') ? 'overwriting' : 'updating'} group '${groupid}'`)
    access.groups.set(groupid, old ?? { groupid })
  }
  for (const user of directory.users) {
    const known = access.users.get(`${user.name}@${realm}`)
    if (!known) continue
    const own = known.groups.filter((group) => !group.endsWith(`-${realm}`))
    known.groups = [...own, ...user.groups.map((group) => `${group}-${realm}`)]
  }
}
