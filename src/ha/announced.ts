import type { Incident } from '../core/incidents.ts'
import type { Window } from '../core/oncall.ts'
import { isActive, isLive } from './home.ts'

/** What announced work on a node is expected to do; anything else pages. */
const expected = new Set([
  'node.lost',
  'node.fencing',
  'node.fenced',
  'guest.frozen',
  'guest.recovered',
  'lrm.dead',
  'storage.lost',
  'quorum.margin',
])

/** The announced work that an incident comes from; it must be all of it. */
export function windowOf(incident: Incident, windows: readonly Window[], at: number): Window | undefined {
  return windows.find((window) => {
    if (window.cluster !== incident.cluster || at < window.from || at >= window.until) return false
    if (window.node === undefined) return true
    const isExpected = ({ kind, node, key }: { kind: string; node?: string; key?: string }) =>
      window.storages
        ? kind === 'storage.lost' && node === window.node && isAmong(window.storages, node, key)
        : expected.has(kind) && (kind === 'quorum.margin' || node === window.node)
    const open = incident.troubles.filter(isActive)
    return open.length > 0 ? open.every(isExpected) : isExpected(incident)
  })
}

/** An incident that is over has no key left, and its kind is enough. */
const isAmong = (storages: readonly string[], node: string | undefined, key: string | undefined) =>
  key === undefined || storages.some((storage) => key === `storage ${storage} ${node}`)

/** What is live says which announced work it comes from, while it lasts and explains all of it; the same object where that holds already. */
export function labelled(incident: Incident, windows: readonly Window[], at: number): Incident {
  if (!isLive(incident)) return incident
  const window = windowOf(incident, windows, at)
  const { announced, ...rest } = incident
  if (!window) return announced ? rest : incident
  const until = new Date(window.until).toISOString()
  if (announced?.id === window.id && announced.until === until) return incident
  const { id, why } = window
  return { ...rest, announced: { id, until, ...(why === undefined ? {} : { why }) } }
}
