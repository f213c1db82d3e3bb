import type { TokenKind } from '../core/needs.ts'
import type { AclEntry } from '../proxmox/port.ts'
import { collectionOf, type TokenRights } from './rights.ts'

/** The role that each token is given, with what it needs. */
export const roleFor: Readonly<Record<TokenKind, string>> = {
  read: 'PVEAuditor',
  act: 'Quorum',
  access: 'QuorumAccess',
}

/** Privileges that a token lacks on one path (`/vms/{vmid}`). */
export interface Missing {
  path: string
  privileges: readonly string[]
}

/**
 * The `pveum` lines that give a token what it lacks, to be run as root on any node; each may be run again.
 *
 * A role of their own that the token (and its user, whose rights bound it) has where the path's rights come from is
 * extended; else a role is put beside the ones that are there: several on one path add up, while a new entry further
 * down would take the place of what is inherited. `all`: everything that a new role must hold.
 */
export function grantLines(
  rights: Pick<TokenRights, 'token' | 'permissions' | 'acl' | 'roles'>,
  missing: Missing,
  kind: TokenKind,
  all: readonly string[],
): string[] {
  const path = collectionOf(missing.path)
  const roleOf = (name: string) => rights.roles?.find((role) => role.name === name)
  const lines = new Set<string>()
  const put = (subject: { kind: string; id: string }, at: string, role: string) =>
    lines.add(`pveum acl modify ${at} --${subject.kind}s '${subject.id}' --roles ${role}`)
  for (const subject of subjectsOf(rights)) {
    const entries = nearest(rights.acl ?? [], subject.id, path)
    const has = new Set(entries.flatMap(({ role }) => roleOf(role)?.privileges ?? []))
    const lacks = missing.privileges.filter((privilege) => !has.has(privilege))
    if (lacks.length === 0) continue
    const privileges = lacks.join(',')
    const own = entries.find(({ role }) => roleOf(role)?.builtIn === false)
    if (own && kind !== 'read') {
      lines.add(`pveum role modify ${own.role} --append 1 --privs "${privileges}"`)
      continue
    }
    const role = roleFor[kind]
    if (kind !== 'read' && roleOf(role)) lines.add(`pveum role modify ${role} --append 1 --privs "${privileges}"`)
    else if (kind !== 'read') lines.add(`pveum role add ${role} --privs "${all.join(',')}"`)
    put(subject, entries[0]?.path ?? '/', role)
  }
  // By the list it has them: another entry (of a group, or NoAccess) stands in the way, which one on the path itself beats.
  if (lines.size === 0) for (const subject of subjectsOf(rights)) put(subject, path, roleFor[kind])
  return [...lines]
}

/**
 * Whose entries count: the user's, and the token's own when its privileges are separated. Proxmox does not tell a token
 * whether they are; one that may do something without an entry of its own has its user's.
 */
function subjectsOf({ token, permissions, acl }: Pick<TokenRights, 'token' | 'permissions' | 'acl'>) {
  const user = token.split('!')[0]!
  const ofUser = { kind: 'user' as const, id: user }
  const ofToken = { kind: 'token' as const, id: token }
  const hasOwn = acl?.some(({ type, who }) => type === 'token' && who === token)
  const inherits = hasOwn === false && Object.keys(permissions).length > 0
  return inherits ? [ofUser] : [ofUser, ofToken]
}

/** The subject's entries from which a path's rights come: those on it, or on the nearest path above. */
function nearest(acl: readonly AclEntry[], who: string, path: string): AclEntry[] {
  const own = acl.filter((entry) => entry.who === who && entry.type !== 'group')
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/')) || '/') {
    const here = own.filter((entry) => entry.path === at && (at === path || entry.propagate))
    if (here.length > 0 || at === '/') return here
  }
}
