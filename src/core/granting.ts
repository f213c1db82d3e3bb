import { Refused } from './errors.ts'
import { near } from './near.ts'
import type { ProxmoxPort } from './ports.ts'

export interface Subject {
  type: 'user' | 'group' | 'token'
  /** `user@realm`, `user@realm!token`, or a group. */
  who: string
}

type Entry = Awaited<ReturnType<ProxmoxPort['accessList']>>[number]
type AccessRole = Awaited<ReturnType<ProxmoxPort['accessRoles']>>[number]
type Group = Awaited<ReturnType<ProxmoxPort['accessGroups']>>[number]

/** Everything about access that a plan looks at. */
export interface AccessLook {
  acl: readonly Entry[]
  roles: readonly AccessRole[]
  groups: readonly Group[]
  users: Awaited<ReturnType<ProxmoxPort['users']>>
}

export async function lookAtAccess(proxmox: ProxmoxPort, signal?: AbortSignal): Promise<AccessLook> {
  const o = signal === undefined ? {} : { signal }
  const [acl, roles, groups, users] = await Promise.all([
    proxmox.accessList(o),
    proxmox.accessRoles(o),
    proxmox.accessGroups(o),
    proxmox.users(o),
  ])
  return { acl, roles, groups, users }
}

/**
 * Whom a text means: a token has an exclamation mark, a user an at sign, a group neither.
 * @throws Refused `access-who`
 */
export function findSubject(given: string, { users, groups }: Pick<AccessLook, 'users' | 'groups'>): Subject {
  const who = given.trim()
  const type = who.includes('!') ? 'token' : who.includes('@') ? 'user' : 'group'
  const known = {
    user: users.map(({ id }) => id),
    token: users.flatMap(({ id, tokens }) => tokens.map((token) => `${id}!${token}`)),
    group: groups.map(({ group }) => group),
  }
  if (known[type].includes(who)) return { type, who }
  const all = [...known.user, ...known.group, ...known.token]
  const close = near(who, all)
  throw new Refused('access-who', { given: who, near: (close.length > 0 ? close : all).slice(0, 8).join(', ') })
}

const places = [
  /^\/$/,
  /^\/(?:access|mapping|nodes|pool|sdn|storage|vms)$/,
  /^\/access\/(?:groups|realm)(?:\/[\w.-]+)?$/,
  /^\/mapping\/(?:dir|notifications|pci|usb)(?:\/[\w.-]+)?$/,
  /^\/(?:nodes|storage)\/[\w.-]+$/,
  /^\/pool\/[\w.-]+(?:\/[\w.-]+){0,2}$/,
  /^\/sdn\/[\w./-]+$/,
  /^\/vms\/[1-9]\d{2,8}$/,
]

/**
 * A path of Proxmox's access control as it writes it; `vm:100` and `pool/web` are understood.
 * @throws Refused `access-path`
 */
export function accessPath(given: string): string {
  const guest = /^(?:vm|ct):(\d+)$/i.exec(given.trim())?.[1]
  const path = guest === undefined ? `/${given.trim()}`.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '') : `/vms/${guest}`
  if (places.some((place) => place.test(path))) return path
  throw new Refused('access-path', { given })
}

/** @throws Refused `access-role` */
export function findRole(given: string, roles: readonly AccessRole[]): AccessRole {
  const role = roles.find(({ name }) => name.toLowerCase() === given.trim().toLowerCase())
  if (role) return role
  throw new Refused('access-role', { given, roles: roles.map(({ name }) => name).join(', ') })
}

/** A role that somebody has on a path, and the entry that it comes from. */
export interface Standing {
  role: string
  from: string
  /** The group that has it; absent: an entry of one's own. */
  group?: string
}

/**
 * The roles that hold on a path, as Proxmox works them out: what stands further down takes the place of ALL that is passed
 * on from above, and one's own entries take the place of one's groups'.
 */
export function standing({ acl, groups }: Pick<AccessLook, 'acl' | 'groups'>, subject: Subject, path: string) {
  const mine = subject.type === 'user' ? groups.filter(({ members }) => members.includes(subject.who)) : []
  let found: Standing[] = []
  for (const prefix of prefixes(path)) {
    const here = acl.filter((entry) => entry.path === prefix && (prefix === path || entry.propagate))
    const own = here.filter(({ type, who }) => type === subject.type && who === subject.who)
    const byGroup = here.filter(({ type, who }) => type === 'group' && mine.some(({ group }) => group === who))
    const ofGroups = byGroup.map(({ role, who }) => ({ role, from: prefix, group: who }))
    const next = own.length > 0 ? own.map(({ role }) => ({ role, from: prefix })) : ofGroups
    if (next.length > 0) found = next
  }
  return found
}

function prefixes(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return ['/', ...parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`)]
}

export interface EntryChange extends Subject {
  path: string
  roles: readonly string[]
  propagate: boolean
  remove: boolean
}

/** The list as it will be. */
export function changed(acl: readonly Entry[], change: EntryChange): Entry[] {
  const touched = (entry: Entry) =>
    entry.path === change.path &&
    entry.type === change.type &&
    entry.who === change.who &&
    change.roles.includes(entry.role)
  const { path, type, who, propagate } = change
  const added = change.remove ? [] : change.roles.map((role) => ({ path, type, who, role, propagate }))
  return [...acl.filter((entry) => !touched(entry)), ...added]
}

/** Whether the list says so already. */
export function isSo(acl: readonly Entry[], change: EntryChange): boolean {
  const has = (role: string) =>
    acl.some(
      (entry) =>
        entry.path === change.path &&
        entry.type === change.type &&
        entry.who === change.who &&
        entry.role === role &&
        (change.remove || entry.propagate === change.propagate),
    )
  return change.roles.every((role) => has(role) !== change.remove)
}

export const privilegesOf = (standings: readonly Standing[], roles: readonly AccessRole[]): Set<string> => {
  const held = standings.map(({ role }) => role)
  // Where it stands, it takes away what the others give.
  if (held.includes('NoAccess')) return new Set()
  return new Set(roles.filter(({ name }) => held.includes(name)).flatMap(({ privileges }) => privileges))
}

/** A token of ours, the user whose it is, or a group in which that user is: a change there changes what Quorum itself may do. */
export function isOurs({ type, who }: Subject, own: readonly string[], groups: readonly Group[]): boolean {
  const users = own.map((token) => token.split('!')[0]!)
  if (type === 'token') return own.includes(who)
  if (type === 'user') return users.includes(who)
  return groups.some(({ group, members }) => group === who && members.some((member) => users.includes(member)))
}

/** Whoever has it can give rights to anybody, also to themselves. */
export const givesRights = ({ privileges }: AccessRole): boolean => privileges.includes('Permissions.Modify')
