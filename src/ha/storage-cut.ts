import { type Fate, type Impact, impactOf, type Site, type SiteGuest } from './impact.ts'

/** Seconds for which a storage is kept from its node: longer than HA takes to give up a node, so that what it does not do shows. */
export const holdSeconds = 90

interface Cut {
  storage: string
  /** What goes with it, itself among them. */
  gone: readonly string[]
  /** Absent: it goes for every node. */
  node?: string
}

/**
 * What becomes of guests when a storage goes. HA watches nodes and the processes of guests, not their disks: what has one
 * there stands still and stays `started`, and nothing is moved.
 */
export const storageFates = ({ guests }: Pick<Site, 'guests'>, cut: Cut): Fate[] =>
  guests
    .filter(({ node }) => cut.node === undefined || node === cut.node)
    .toSorted((a, b) => (a.sid < b.sid ? -1 : 1))
    .map((guest) => fateOf(guest, cut))

function fateOf({ sid, name, node, running, drives }: SiteGuest, { storage, gone }: Cut): Fate {
  const on = (drives ?? []).filter((drive) => gone.includes(drive.storage))
  const disks = on.filter(({ cdrom }) => !cdrom)
  const keys = (disks.length > 0 ? disks : on).map(({ key }) => key).join(', ')
  const fate = (outcome: Fate['outcome'], code: Fate['code']): Fate => ({
    ...{ sid, name, from: node, outcome, code },
    values: { node, guest: sid.slice(sid.indexOf(':') + 1), keys, storage },
  })
  if (!running) return on.length > 0 ? fate('off', 'off-disk') : fate('off', 'is-off')
  if (drives === undefined) return fate('unknown', 'unread')
  if (disks.length > 0) return fate('stalls', 'disk-gone')
  return fate('stays', on.length > 0 ? 'iso-gone' : 'elsewhere')
}

/** The same for one node that loses it. No vote goes, and no memory is needed elsewhere. */
export function storageImpact(site: Site, cut: Cut & { node: string }): Impact {
  const { before, isMaster } = impactOf(site, { node: cut.node, kind: 'network' })
  return {
    ...{ node: cut.node, kind: 'storage', storage: cut.storage, before, after: before, isMaster },
    fates: storageFates(site, cut),
    memory: [],
    down: { from: holdSeconds, to: holdSeconds },
  }
}
