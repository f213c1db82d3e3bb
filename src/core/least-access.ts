import type { Catalogue } from './catalogue.ts'
import { Refused } from './errors.ts'
import { type Need, needsOf, privilegesByPath } from './needs.ts'
import type { ProxmoxPort } from './ports.ts'

type AccessRole = Awaited<ReturnType<ProxmoxPort['accessRoles']>>[number]

const config = ['CDROM', 'CPU', 'Cloudinit', 'Disk', 'HWType', 'Memory', 'Network', 'Options']

/** What people may want somebody to do, in the privileges that Proxmox asks for it. */
const wishes: Readonly<Record<string, readonly string[]>> = {
  see: ['VM.Audit'],
  power: ['VM.Audit', 'VM.PowerMgmt'],
  console: ['VM.Audit', 'VM.Console'],
  snapshot: ['VM.Audit', 'VM.Snapshot', 'VM.Snapshot.Rollback'],
  backup: ['VM.Audit', 'VM.Backup'],
  migrate: ['VM.Audit', 'VM.Migrate'],
  configure: ['VM.Audit', ...config.map((part) => `VM.Config.${part}`)],
  audit: ['Datastore.Audit', 'Pool.Audit', 'Sys.Audit', 'VM.Audit'],
}

export interface Wish {
  /** Asked for on the path that is wanted, sorted. */
  privileges: string[]
  /** Asked for elsewhere, which a right on that path does not give. */
  beside: { path: string; privileges: string[] }[]
}

/**
 * What a wish asks for on a path: one of the words above, or a command of ours or all of a group (`vm start`, `vm`).
 * @throws Refused `access-wish`, `access-wish-elsewhere`
 */
export function wishOf(given: string, path: string, catalogue: Catalogue, major: number): Wish {
  const word = given.trim().toLowerCase()
  const known = wishes[word]
  if (known) return { privileges: [...known].sort(), beside: [] }
  const entries = catalogue.entries.filter((entry) => entry.path === word || entry.group === word)
  if (entries.length === 0) throw new Refused('access-wish', { given, wishes: Object.keys(wishes).join(', ') })
  const needs = entries.flatMap((entry): readonly Need[] => {
    const { read, act } = needsOf(entry, catalogue)
    return [...read, ...act]
  })
  const all = privilegesByPath(needs, major)
  const here = all.filter((need) => reaches(path, need.path))
  if (here.length === 0) {
    const wanted = all.map((need) => `${need.privileges.join(', ')} (${need.path})`).join('; ')
    throw new Refused('access-wish-elsewhere', { given, path, wanted: wanted || '-' })
  }
  return {
    privileges: [...new Set(here.flatMap(({ privileges }) => privileges))].sort(),
    beside: all.filter((need) => !reaches(path, need.path)),
  }
}

/** Whether a right on `path` counts for calls that are checked on `need`: `/pool/web` does for the machines in it. */
function reaches(path: string, need: string): boolean {
  if (path === '/') return true
  const kind = path.split('/')[1]!
  const wanted = need.split('/')[1]!
  return kind === wanted || (kind === 'pool' && ['vms', 'storage'].includes(wanted))
}

export interface Choice {
  role: AccessRole
  /** What it gives beyond the wish. */
  surplus: string[]
}

/** The role that holds all of them and as little else as there is; undefined where none holds them all. */
export function smallestRole(roles: readonly AccessRole[], privileges: readonly string[]): Choice | undefined {
  const [role] = roles
    .filter((one) => privileges.every((privilege) => one.privileges.includes(privilege)))
    .sort((a, b) => a.privileges.length - b.privileges.length || a.name.localeCompare(b.name))
  return role && { role, surplus: role.privileges.filter((one) => !privileges.includes(one)).sort() }
}
