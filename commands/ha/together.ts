import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { haDecidedOn, readHa, refuseFirst, refuseWithoutQuorum, someNode } from '../../src/core/ha.ts'
import { bondWish } from '../../src/core/ha-bond.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { affinitiesOf } from '../../src/ha/affinity.ts'
import { after, type HaChange, needed, ruleSettings, shellOf, shown } from '../../src/ha/changes.ts'
import { conflictsOf, conflictsWith } from '../../src/ha/conflicts.ts'
import haConfig from '../../workers/ha-config.ts'

/** Keeps guests on one node: where one goes, all go. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({ guests: arg.text(), name: arg.text().optional() }),
  positionals: ['guests'],
  text: {
    en: {
      summary: 'Keep machines on one node, always',
      args: {
        guests: 'Machines under HA, two at least: 100 101',
        name: 'Name of the rule; made of their numbers unless given',
      },
      words: {
        title: 'Keep {sids} together',
        moves: 'HA moves those that are elsewhere, live where it can. From now on moving one moves all.',
      },
    },
    es: {
      summary: 'Mantener máquinas en un mismo nodo, siempre',
      args: {
        guests: 'Máquinas bajo HA, dos por lo menos: 100 101',
        name: 'Nombre de la regla; si no se da, sale de sus números',
      },
      words: {
        title: 'Mantener juntas {sids}',
        moves: 'HA muda las que están en otro lado, en caliente si puede. Desde ahora, mudar una las muda todas.',
      },
    },
  },
  examples: [
    { say: 'ha together ha1 ha2', plans: 'ha-config' },
    { say: 'ha together ha1', refuses: 'ha-needs-two' },
    { say: 'ha together ha1 web1', refuses: 'ha-not-managed' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, say: shared } = house.words[asker.language]
    const [site, { version }] = await Promise.all([readHa(proxmox, signal), proxmox.capabilities({ signal })])
    refuseWithoutQuorum(site, cluster)
    const { rule, sids } = bondWish(site, 'together', args, { cluster, version: version.version })
    const found = site.rules?.find((one) => one.rule === rule)
    const to = { kind: 'together' as const, sids, nodes: [], strict: false }
    const changes: HaChange[] = needed([{ what: 'rule', id: rule, was: found ? ruleSettings(found) : null, to }])
    if (changes.length === 0) throw new Refused('ha-nothing-to-change', { what: rule })
    const managed = site.managed.map(({ sid }) => sid)
    const future = after(affinitiesOf({ ...site, resources: site.managed }), changes, managed)
    const where = { nodes: site.nodes.map(({ name }) => name), managed, mayBeEmpty: false }
    refuseFirst(conflictsWith(conflictsOf(future.affinities, where), rule))
    return run(haConfig.job({ changes }), {
      title: say('title', { sids: sids.join(', ') }),
      node: someNode(site),
      shows: shown(changes, { ...ha, yes: shared.yes, no: shared.no, none: shared.none }),
      warnings: [say('moves')],
      explain: { shell: changes.map(shellOf), clicks: [ha.clicks.open, fill(ha.clicks.rules, { rule })] },
      state: haDecidedOn(site),
    })
  },
})
