import { Refused } from './errors.ts'
import {
  type AccessLook,
  changed,
  type EntryChange,
  givesRights,
  isOurs,
  privilegesOf,
  type Standing,
  standing,
} from './granting.ts'

/** What a change of the list makes of somebody's rights on its path. */
export interface Difference {
  before: Standing[]
  after: Standing[]
  /** Privileges, sorted. */
  gains: string[]
  loses: string[]
  /** Roles passed on from above that stop holding there, since a new entry takes the place of all of them. */
  shadowed: Standing[]
}

export function difference(look: AccessLook, change: EntryChange): Difference {
  const before = standing(look, change, change.path)
  const after = standing({ ...look, acl: changed(look.acl, change) }, change, change.path)
  const [had, has] = [privilegesOf(before, look.roles), privilegesOf(after, look.roles)]
  const stays = (one: Standing) => after.some((other) => other.role === one.role)
  return {
    before,
    after,
    gains: [...has].filter((one) => !had.has(one)).sort(),
    loses: [...had].filter((one) => !has.has(one)).sort(),
    shadowed: change.remove ? [] : before.filter((one) => one.from !== change.path && !stays(one)),
  }
}

/**
 * Nobody changes what Quorum itself may do, or makes somebody master of everything, without having said that word.
 * @throws Refused `access-ours`, `access-everything`
 */
export function refuseUnsaid(
  look: AccessLook,
  change: EntryChange,
  said: { own: readonly string[]; ours: boolean; everything: boolean; line: string },
): void {
  const { who, path, roles, remove } = change
  if (isOurs(change, said.own, look.groups) && !said.ours) {
    throw new Refused('access-ours', { who, own: said.own.join(', '), line: said.line })
  }
  const master = look.roles.find((role) => roles.includes(role.name) && givesRights(role))
  if (!remove && path === '/' && master && !said.everything) {
    throw new Refused('access-everything', { who, path, role: master.name, line: said.line })
  }
}

/**
 * What a path names must be there: Proxmox takes any number and any name.
 * @throws Refused `access-absent`
 */
export function refuseAbsent(
  path: string,
  there: { guests: readonly { vmid: number }[]; nodes: readonly { name: string }[]; storages: readonly string[] },
): void {
  const [, kind, name] = path.split('/')
  if (name === undefined) return
  const known = {
    vms: there.guests.map(({ vmid }) => String(vmid)),
    nodes: there.nodes.map((node) => node.name),
    storage: there.storages,
  }[kind ?? '']
  if (known && !known.includes(name)) throw new Refused('access-absent', { what: path })
}
