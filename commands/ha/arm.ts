import { z } from 'zod'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { refuseWithoutQuorum } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import haArm from '../../workers/ha-arm.ts'

/** Arms HA again after it was disarmed. */
export default defineCommand({
  role: 'admin',
  risk: 'changes',
  needs: [reads.cluster, reads.nodes],
  args: z.object({}),
  text: {
    en: {
      summary: 'Arm high availability again: lost nodes are fenced, machines recovered',
      args: {},
      words: {
        title: 'Arm high availability',
        means:
          'HA looks after all its machines again. What died meanwhile is recovered; what was frozen goes on a round later.',
      },
      refusals: {
        'cannot-disarm': {
          says: 'This cluster cannot disarm HA, so it is always armed; that came with pve-ha-manager 5.1.3.',
          hint: 'ha status',
        },
        'is-armed': { says: 'HA is not disarmed.', hint: 'ha status' },
      },
    },
    es: {
      summary: 'Volver a armar la alta disponibilidad: nodos perdidos se aíslan, máquinas se recuperan',
      args: {},
      words: {
        title: 'Armar la alta disponibilidad',
        means:
          'HA vuelve a cuidar todas sus máquinas. Lo que murió entretanto se recupera; lo congelado sigue una ronda después.',
      },
      refusals: {
        'cannot-disarm': {
          says: 'Este clúster no puede desarmar HA, así que siempre está armada; eso llegó con pve-ha-manager 5.1.3.',
          hint: 'ha status',
        },
        'is-armed': { says: 'HA no está desarmada.', hint: 'ha status' },
      },
    },
  },
  examples: [{ say: 'ha arm', refuses: 'is-armed' }],
  async plan({ proxmox, cluster, say, house, asker, signal }) {
    const { ha } = house.words[asker.language]
    const [entries, { nodes }] = await Promise.all([proxmox.haStatus({ signal }), proxmox.resources({ signal })])
    refuseWithoutQuorum({ entries }, cluster)
    const fencing = entries.find(({ type }) => type === 'fencing')
    if (!fencing) throw new Refused('cannot-disarm')
    const state = fencing.armedState ?? ''
    if (state !== 'disarmed' && state !== 'disarming') throw new Refused('is-armed')
    return run(haArm.job({ to: 'armed' }), {
      title: say('title'),
      node: nodes.find(({ status }) => status === 'online')?.name ?? fencing.node,
      shows: [{ name: ha.labels.ha, value: `${state} → armed` }],
      warnings: [say('means')],
      explain: { shell: ['ha-manager crm-command arm-ha'], clicks: [ha.clicks.noClicks] },
      state: { state },
    })
  },
})
