import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { refuseWithoutQuorum } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import haArm from '../../workers/ha-arm.ts'

/** Disarms HA, for work on the network that would otherwise make nodes reset themselves. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.cluster, reads.nodes],
  args: z.object({ mode: arg.choice(['freeze', 'ignore']).prefault('freeze') }),
  positionals: ['mode'],
  text: {
    en: {
      summary: 'Disarm high availability: nothing is fenced, recovered or moved until ha arm',
      args: { mode: 'freeze: machines are left as they are; ignore: they may be moved by hand' },
      words: {
        title: 'Disarm high availability ({mode})',
        means:
          'A node that dies while HA is disarmed takes its machines down with it: nobody starts them elsewhere until `ha arm`.',
        freeze: 'freeze: HA keeps its hands off; starting or stopping a machine under HA has no effect meanwhile.',
        ignore: 'ignore: machines can be started, stopped and moved by hand meanwhile, as if they were not under HA.',
        what: 'No longer looked after',
      },
      refusals: {
        'cannot-disarm': {
          says: 'This cluster cannot disarm HA; that came with pve-ha-manager 5.1.3.',
          hint: 'ha set GUEST state:ignored   # for each machine',
        },
        'is-disarmed': { says: 'HA is disarmed already ({mode}).', hint: 'ha arm' },
      },
    },
    es: {
      summary: 'Desarmar la alta disponibilidad: nada se aísla, recupera ni muda hasta ha arm',
      args: { mode: 'freeze: las máquinas quedan como están; ignore: se pueden mudar a mano' },
      words: {
        title: 'Desarmar la alta disponibilidad ({mode})',
        means: 'Un nodo que muere con HA desarmada se lleva sus máquinas: nadie las enciende en otro hasta `ha arm`.',
        freeze: 'freeze: HA no toca nada; encender o apagar una máquina bajo HA no tiene efecto mientras tanto.',
        ignore:
          'ignore: mientras tanto las máquinas se encienden, apagan y mudan a mano, como si no estuvieran bajo HA.',
        what: 'Quedan sin cuidado',
      },
      refusals: {
        'cannot-disarm': {
          says: 'Este clúster no puede desarmar HA; eso llegó con pve-ha-manager 5.1.3.',
          hint: 'ha set GUEST state:ignored   # para cada máquina',
        },
        'is-disarmed': { says: 'HA ya está desarmada ({mode}).', hint: 'ha arm' },
      },
    },
  },
  examples: [
    { say: 'ha disarm', plans: 'ha-arm' },
    { say: 'ha disarm mode:ignore', plans: 'ha-arm' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, say: shared } = house.words[asker.language]
    const [entries, { nodes }] = await Promise.all([proxmox.haStatus({ signal }), proxmox.resources({ signal })])
    refuseWithoutQuorum({ entries }, cluster)
    const fencing = entries.find(({ type }) => type === 'fencing')
    if (!fencing) throw new Refused('cannot-disarm')
    const state = fencing.armedState ?? ''
    if (state.startsWith('disarm')) throw new Refused('is-disarmed', { mode: fencing.resourceMode ?? '' })
    const sids = entries.filter(({ type }) => type === 'service').map(({ sid = '' }) => sid)
    const { mode } = args
    return run(haArm.job({ to: 'disarmed', mode }), {
      title: say('title', { mode }),
      node: nodes.find(({ status }) => status === 'online')?.name ?? fencing.node,
      shows: [
        { name: ha.labels.ha, value: `${state} → disarmed (${mode})` },
        { name: say('what'), value: sids.join(', ') || shared.none },
      ],
      warnings: [say('means'), mode === 'freeze' ? say('freeze') : say('ignore')],
      explain: { shell: [`ha-manager crm-command disarm-ha ${mode}`], clicks: [ha.clicks.noClicks] },
      state: { state, sids },
    })
  },
})
