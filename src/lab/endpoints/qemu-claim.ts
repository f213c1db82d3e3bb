/** The first moment of a guest: its config file exists, locked, and with it the number is taken. */
import { fail } from '../fault.ts'
import type { ConfigKeys, GuestConfig } from '../model.ts'
import type { Context } from '../router.ts'

/** Creates the config file, which settles who gets the number. */
export function claimId(ctx: Context, vmid: number, keys: ConfigKeys, lock: string): GuestConfig {
  const other = ctx.config.guests.get(vmid)
  if (other) throw fail(`unable to create VM ${vmid} - VM ${vmid} already exists on node '${other.node}'`)
  const { description } = keys
  const guest = emptyGuest(ctx, vmid, description === undefined ? {} : { description }, lock)
  ctx.config.guests.set(vmid, guest)
  return guest
}

export const emptyGuest = (ctx: Pick<Context, 'node'>, vmid: number, keys: ConfigKeys, lock: string): GuestConfig => ({
  vmid,
  type: 'qemu',
  node: ctx.node.name,
  keys,
  lock,
  template: false,
  pending: {},
  snapshots: [],
})
