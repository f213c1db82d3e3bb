/** What the writing calls under /cluster/ha have in common: lock, digest, the keys of a section, names of resources. */
import { fail } from '../fault.ts'
import type { ConfigKeys } from '../model.ts'
import { type Context, optStr, splitList, withCfsLock } from '../router.ts'

/** Without quorum it refuses after ten seconds, `prefix` before the text. */
export const withHaLock = (ctx: Context, prefix: string, change: () => void) =>
  withCfsLock(ctx, 'domain-ha', prefix, change)

export function checkDigest(ctx: Context, current: string) {
  const given = optStr(ctx, 'digest')
  if (given === undefined || given === current) return
  throw fail('detected modified configuration - file changed by other user? Try again.')
}

/** The keys that a kind of section may have, and whether it can do without. */
export type Options = Record<string, 'optional' | 'required'>

/** The call's own settings among these. */
export const given = ({ params }: Context, options: Options): ConfigKeys =>
  Object.fromEntries(
    Object.keys(options).flatMap((key) => {
      const value = params[key]
      return value === undefined || Array.isArray(value) ? [] : [[key, value]]
    }),
  )

/** A section after a PUT: what is given replaces, what `delete` names goes. Throws for what may not go. */
export function updated(ctx: Context, old: ConfigKeys, options: Options): ConfigKeys {
  const keys = { ...old, ...given(ctx, options) }
  for (const key of splitList(optStr(ctx, 'delete') ?? '')) {
    if (!Object.hasOwn(options, key)) throw fail(`no such option '${key}'`)
    if (options[key] === 'required') throw fail(`unable to delete required option '${key}'`)
    delete keys[key]
  }
  return keys
}

export interface Sid {
  sid: string
  type: string
  name: string
}

/** `101` stands for the guest of that number. Throws for a number without guest. */
export function parseSid({ config }: Context, text: string): Sid {
  const [, type, name = ''] = /^([^:]+):(.+)$/.exec(text) ?? []
  if (type !== undefined) return { sid: text, type, name }
  const guest = config.guests.get(Number(text))
  if (!guest) throw fail(`unable do detect SID from VMID - VM/CT ${text} does not exist`)
  const short = guest.type === 'lxc' ? 'ct' : 'vm'
  return { sid: `${short}:${text}`, type: short, name: text }
}
