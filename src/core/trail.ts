import type { AuditRecord, AuditVerdict, ReadEntry } from './audit.ts'
import type { Asker } from './command.ts'
import type { House } from './house.ts'
import { fill } from './language.ts'
import type { Target } from './message.ts'
import type { Words } from './ports.ts'
import { holds } from './roles.ts'

export interface TrailFilter {
  /** An identity, or the name of one of `people`. */
  who?: string | undefined
  /** '' for all that the reader may see. */
  cluster: string
  job?: string | undefined
  most: number
}

/**
 * The newest entries that fit, oldest first: of the clusters whose admin the reader is. What concerns no cluster, or
 * one that is no longer configured, is for those who are admins of all.
 */
export async function readTrail(
  { house, asker, channel }: { house: House; asker: Asker; channel: Target },
  filter: TrailFilter,
): Promise<ReadEntry[]> {
  const roles = await Promise.all(
    house.clusters.map(async (cluster) => {
      const role = await house.access.roleOf(asker.identity, { cluster, channel })
      return holds(role, 'admin') ? [cluster] : []
    }),
  )
  const mine = new Set(roles.flat())
  const isOverAll = mine.size === house.clusters.length
  const job = filter.job?.trim().replace(/^(?!j-)/i, 'j-')
  return house.trail.list((record) => {
    const { cluster } = record
    if (!isOverAll && !(cluster !== undefined && mine.has(cluster))) return false
    if (filter.cluster !== '' && cluster !== undefined && cluster !== filter.cluster) return false
    if (job !== undefined && record.job !== job) return false
    return filter.who === undefined || isBy(record, filter.who.trim().toLowerCase())
  }, filter.most)
}

const isBy = ({ who, approvals = [] }: AuditRecord, name: string): boolean =>
  [...(who ? [who] : []), ...approvals].some(
    ({ identity, person }) => identity.toLowerCase() === name || person?.toLowerCase() === name,
  )

const mostTold = 20

/** What a look at the whole chain has shown, in sentences. */
export function tellVerdict(
  { entries, heads, faults }: AuditVerdict,
  words: Words,
): { title: string; lines: string[] } {
  const { audit } = words
  const compared = heads > 0 ? fill(audit.held, { heads }) : audit.unheld
  const told = faults.slice(0, mostTold).map(({ code, from, to }) => fill(audit.faults[code], { from, to }))
  if (faults.length > mostTold) told.push(`… +${faults.length - mostTold}`)
  if (faults.length > 0) return { title: audit.broken, lines: [...told, compared] }
  if (entries === 0) return { title: audit.empty, lines: [compared] }
  return { title: fill(audit.whole, { entries }), lines: [compared] }
}
