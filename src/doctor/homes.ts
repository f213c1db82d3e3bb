import type { Found, Say } from './speaking.ts'

/** Addresses of one machine, as numbers; IPv6 in lower case. */
export type Addresses = readonly string[]

/** A watched cluster, and the addresses of its nodes that are known: its endpoints', and what it says itself. */
export interface Site {
  cluster: string
  nodes: Addresses
}

/**
 * Whether something that must outlive a cluster lives on one of its nodes. Addresses alone tell nothing of a guest of
 * the cluster, which dies with it as well.
 */
export function homeCheck(what: string, own: Addresses, sites: readonly Site[], say: Say): Found {
  const known = sites.filter(({ nodes }) => nodes.length > 0)
  for (const { cluster, nodes } of known) {
    const address = own.find((one) => nodes.includes(one))
    if (address === undefined) continue
    return { what, verdict: 'warn', found: say('homeWarn', { address, cluster }), next: [say('homeMove', { cluster })] }
  }
  if (known.length < sites.length || own.length === 0) return { what, verdict: 'unknown', found: say('homeUnknown') }
  return { what, verdict: 'pass', found: say('homePass') }
}
