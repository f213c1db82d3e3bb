import type { StorageCut } from '../core/storage-cut.ts'
import { byName, type Gate, type GateFacts, gate, named } from './gates.ts'
import { type Impact, impactOf, type Site } from './impact.ts'

type CutFacts = Pick<GateFacts, 'lrm' | 'hasServices' | 'tasks' | 'jobs' | 'accepted' | 'lives' | 'incidents'> & {
  site: Site
  impact: Impact
  cut: StorageCut
  means: { storage: boolean }
}

/**
 * What must be so before a node loses a storage. Quorum is held against the loss of the node itself: who takes a disk from
 * a system cannot be sure that it stays up.
 */
export function cutGates({ site, impact, cut, ...facts }: CutFacts): Gate[] {
  const { node, fates } = impact
  const { after } = impactOf(site, { node, kind: 'network' })
  const errors = site.managed.filter(({ state }) => state === 'error').map(({ sid }) => sid)
  const still = fates.filter(({ outcome }) => outcome === 'stalls')
  const alone = still.filter(({ sid }) => !site.managed.some((one) => one.sid === sid))
  const storage = (isBad: boolean) => (isBad ? [cut.storage] : [])
  return [
    gate('quorum', 'fail', !site.quorate || !after.quorate),
    gate('margin', 'warn', after.quorate && after.margin === 0),
    gate('armed', 'fail', site.disarmed),
    gate('lrm', 'fail', facts.hasServices && facts.lrm !== 'active' ? [facts.lrm ?? '?'] : []),
    gate('in-error', 'fail', errors),
    gate('busy', 'fail', facts.tasks),
    gate('jobs', 'fail', facts.jobs),
    gate('incidents', 'warn', facts.incidents),
    gate('shared', 'fail', storage(!cut.shared)),
    gate('reached', 'fail', storage(cut.shared && !cut.reachedBy.includes(node))),
    gate('used', 'fail', storage(cut.shared && still.length === 0)),
    gate('read', 'fail', named(fates.filter(({ outcome }) => outcome === 'unknown'))),
    byName('stalls', alone, facts.accepted),
    gate('goes-with', 'warn', cut.gone.slice(1)),
    gate('seen', 'warn', storage(cut.reachedBy.every((one) => one === node))),
    gate('lives', 'fail', facts.lives),
    gate('lab', 'fail', !facts.means.storage),
  ]
}
