import type { z } from 'zod'
import { describeArg } from './args.ts'
import { Refused } from './errors.ts'
import { findGuest } from './find.ts'
import type { ProxmoxPort } from './ports.ts'
import { type Access, holds, type Identity, type Needed, type Place, type Role } from './roles.ts'

/** Where an order acts, for roles that are limited to pools: its guests, with their pools when it was given, and the pools named. */
export interface Within {
  guests: readonly { vmid: number; pool?: string }[]
  pools: readonly string[]
}

/** The pools that a role must reach, all of them; a guest that is in none is reached by no limited role. */
export const poolsIn = ({ guests, pools }: Within): (string | undefined)[] => [
  ...guests.map(({ pool }) => pool),
  ...pools,
]

/** As it is now: guests change pools. One that is gone can no longer be acted on; where it lay counts. */
export async function poolsNow(within: Within, proxmox: ProxmoxPort): Promise<(string | undefined)[]> {
  if (within.guests.length === 0) return poolsIn(within)
  const { guests: there } = await proxmox.resources()
  const guests = within.guests.map((guest) => there.find(({ vmid }) => vmid === guest.vmid) ?? guest)
  return poolsIn({ ...within, guests })
}

export const seen = (proxmox: ProxmoxPort, pools: readonly string[] | undefined): ProxmoxPort =>
  pools === undefined ? proxmox : confined(proxmox, pools)

/** A cluster in which only the guests of these pools are seen: for lists, and for finding what somebody names. */
function confined(proxmox: ProxmoxPort, pools: readonly string[]): ProxmoxPort {
  const resources: ProxmoxPort['resources'] = async (...asked) => {
    const all = await proxmox.resources(...asked)
    return { ...all, guests: all.guests.filter(({ pool }) => pool !== undefined && pools.includes(pool)) }
  }
  return new Proxy(proxmox, {
    get: (target, name) => (name === 'resources' ? resources : bound(target, name as keyof ProxmoxPort)),
  })
}

function bound(target: ProxmoxPort, name: keyof ProxmoxPort): unknown {
  const value: unknown = target[name]
  return typeof value === 'function' ? value.bind(target) : value
}

/**
 * The role that somebody holds for a command at `place`; where it does not suffice and the command is one that a role
 * limited to pools reaches, the pools in which it does.
 */
export async function reachOf(
  access: Pick<Access, 'roleOf' | 'poolsOf'>,
  command: { role: Needed; pools?: unknown },
  identity: Identity,
  place: Place,
): Promise<{ role: Role | undefined; pools?: string[] }> {
  const role = await access.roleOf(identity, place)
  if (holds(role, command.role) || command.pools === undefined) return { role }
  const pools = await access.poolsOf(identity, place, command.role)
  if (pools.length === 0) return { role }
  return { role: await access.roleOf(identity, { ...place, pools: pools.slice(0, 1) }), pools }
}

interface Asked {
  /** The arguments that say where it acts. */
  names: readonly string[]
  shape: Record<string, z.ZodType>
  values: Readonly<Record<string, string>>
  cluster: string
  signal: AbortSignal
  /** The pools that the asker is limited to; absent: none. */
  limit: readonly string[] | undefined
}

/**
 * Where a line acts, and its arguments with each guest's number in the place of its name, so that no other guest can be
 * meant later. Undefined where one of the arguments is left out. For somebody who is limited to pools other guests do not exist.
 * @throws Refused `unknown-guest`, `outside-pools`, `which-pool`
 */
export async function locate(proxmox: ProxmoxPort, asked: Asked) {
  const { names, values, limit, signal } = asked
  const { guests } = await seen(proxmox, limit).resources({ signal })
  const within = { guests: [] as { vmid: number; pool?: string }[], pools: [] as string[] }
  const numbered = { ...values }
  for (const name of names) {
    const given = values[name]?.trim()
    const isPool = describeArg(asked.shape[name]!).kind === 'pool'
    if (given === undefined) {
      if (limit === undefined) return undefined
      throw new Refused('which-pool', { arg: name, pools: limit.join(', '), first: limit[0] ?? '' })
    }
    if (isPool) {
      if (limit !== undefined && !limit.includes(given)) {
        throw new Refused('outside-pools', { given, pools: limit.join(', '), first: limit[0] ?? '' })
      }
      within.pools.push(given)
      continue
    }
    const { vmid, pool } = findGuest(guests, given, asked.cluster)
    within.guests.push({ vmid, ...(pool === undefined ? {} : { pool }) })
    numbered[name] = String(vmid)
  }
  return { within, values: numbered }
}
