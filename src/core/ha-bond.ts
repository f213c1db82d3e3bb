import { Refused } from './errors.ts'
import { guestsNamed, type HaSite, ruleName, sidOf } from './ha.ts'

/**
 * A wish to keep machines together or apart: which, and under what name; one that is not named is named after its
 * machines.
 * @throws Refused `ha-since-nine`, `ha-name-taken`, as `findGuest`
 */
export function bondWish(
  site: HaSite,
  kind: 'together' | 'apart',
  args: { guests: string; name?: string | undefined },
  where: { cluster: string; version: string },
): { rule: string; sids: string[] } {
  if (!site.rules) throw new Refused('ha-since-nine', { version: where.version })
  const sids = guestsNamed(site, args.guests, where.cluster).map(sidOf).sort()
  const rule = ruleName(args.name ?? `${kind}-${sids.map((sid) => sid.replace(/^\w+:/, '')).join('-')}`.slice(0, 60))
  const found = site.rules.find((one) => one.rule === rule)
  const isOther = found && (found.type === 'node-affinity' || (found.affinity === 'negative') !== (kind === 'apart'))
  if (isOther) throw new Refused('ha-name-taken', { rule })
  return { rule, sids }
}
