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

/** Keeps guests on different nodes, so that one node that fails never takes all of them. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({ guests: arg.text(), name: arg.text().optional() }),
  positionals: ['guests'],
  text: {
    en: {
      summary: 'Keep machines on different nodes, always',
      args: {
        guests: 'Machines under HA, two at least: 100 101',
        name: 'Name of the rule; made of their numbers unless given',
      },
      words: {
        title: 'Keep {sids} apart',
        moves:
          'HA moves those that share a node, live where it can. When too few nodes are left, one of them stays down.',
      },
      refusals: {
        'too-early': {
          says: 'The HA manager has met {met} nodes so far, and Proxmox takes no rule for {count} machines apart before it knows as many.',
          hint: 'ha status   # once the manager works: type it again',
        },
      },
    },
    es: {
      summary: 'Mantener máquinas en nodos distintos, siempre',
      args: {
        guests: 'Máquinas bajo HA, dos por lo menos: 100 101',
        name: 'Nombre de la regla; si no se da, sale de sus números',
      },
      words: {
        title: 'Mantener separadas {sids}',
        moves: 'HA muda las que comparten nodo, en caliente si puede. Si quedan muy pocos nodos, alguna queda apagada.',
      },
      refusals: {
        'too-early': {
          says: 'El gestor de HA conoce {met} nodos hasta ahora, y Proxmox no acepta una regla para {count} máquinas separadas antes de conocer otros tantos.',
          hint: 'ha status   # cuando el gestor trabaje: escríbelo otra vez',
        },
      },
    },
  },
  examples: [
    { say: 'ha apart ha1 ha2', plans: 'ha-config' },
    { say: 'ha apart ha1', refuses: 'ha-needs-two' },
    { say: 'ha apart ha1 web1', refuses: 'ha-not-managed' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, say: shared } = house.words[asker.language]
    const [site, { version }] = await Promise.all([readHa(proxmox, signal), proxmox.capabilities({ signal })])
    refuseWithoutQuorum(site, cluster)
    const { rule, sids } = bondWish(site, 'apart', args, { cluster, version: version.version })
    const found = site.rules?.find((one) => one.rule === rule)
    const to = { kind: 'apart' as const, sids, nodes: [], strict: false }
    const changes: HaChange[] = needed([{ what: 'rule', id: rule, was: found ? ruleSettings(found) : null, to }])
    if (changes.length === 0) throw new Refused('ha-nothing-to-change', { what: rule })
    const met = Object.keys(site.manager?.nodes ?? {}).length
    if (site.manager && met < Math.min(sids.length, site.nodes.length)) {
      throw new Refused('too-early', { rule, count: sids.length, met })
    }
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
