import type { DrillReport } from '../core/drills.ts'
import { affinitiesOf } from './affinity.ts'

/** When a machine was last seen to come back as foretold, in which drill. `at`: seconds, Proxmox's clock. */
export interface Proof {
  at: number
  kind: string
  drill: string
}

export interface ProvenGuest {
  sid: string
  name: string
  node: string
  proof?: Proof
}

/** A group or rule of HA; without a name: what is under HA and in none. */
export interface ProvenGroup {
  name?: string
  guests: ProvenGuest[]
  /** Of its machines the one that was proven longest ago; absent: one of them never was. */
  proof?: Proof
  overdue: boolean
}

type Site = Parameters<typeof affinitiesOf>[0] & {
  managed: readonly { sid: string; state: string; group?: string }[]
  guests: readonly { vmid: number; name: string; node: string }[]
}

const moves = /^(?:moves|migrates|relocates)$/

/** When each group and rule was last proven by drills; a machine that merely stayed where it was proves nothing. */
export function provenGroups(
  site: Omit<Site, 'resources'>,
  reports: readonly DrillReport[],
  { nowSeconds, withinSeconds }: { nowSeconds: number; withinSeconds: number },
): ProvenGroup[] {
  const { preferences, bonds } = affinitiesOf({ ...site, resources: site.managed })
  const wanted = site.managed.filter(({ state }) => state === 'started').map(({ sid }) => sid)
  const ruled = [...preferences, ...bonds].filter(({ disabled }) => !disabled)
  const loose = wanted.filter((sid) => !ruled.some(({ sids }) => sids.includes(sid)))
  const proofs = proofsOf(reports)
  const guestOf = (sid: string): ProvenGuest => {
    const found = site.guests.find(({ vmid }) => sid.endsWith(`:${vmid}`))
    const proof = proofs.get(sid)
    return { sid, name: found?.name || sid, node: found?.node ?? '', ...(proof ? { proof } : {}) }
  }
  const all = [...ruled.map(({ name, sids }) => ({ name, sids })), { sids: loose }]
  return all.flatMap(({ sids, ...named }) => {
    const guests = sids.filter((sid) => wanted.includes(sid)).map(guestOf)
    if (guests.length === 0) return []
    const [proof] = guests.map((one) => one.proof).sort((a, b) => (a?.at ?? 0) - (b?.at ?? 0))
    const overdue = proof === undefined || nowSeconds - proof.at > withinSeconds
    return [{ ...named, guests, ...(proof ? { proof } : {}), overdue }]
  })
}

function proofsOf(reports: readonly DrillReport[]): ReadonlyMap<string, Proof> {
  const found = new Map<string, Proof>()
  for (const { id, kind, startedAt, guests } of reports) {
    for (const { sid, verdict, predicted } of guests) {
      const isProof = verdict === 'as-predicted' && moves.test(predicted.outcome)
      if (isProof && startedAt > (found.get(sid)?.at ?? 0)) found.set(sid, { at: startedAt, kind, drill: id })
    }
  }
  return found
}
