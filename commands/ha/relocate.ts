import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { readMove } from '../../src/core/ha-move.ts'
import { reads } from '../../src/core/needs.ts'
import { affinitiesOf, favourites, motionOf } from '../../src/ha/affinity.ts'
import haMove from '../../workers/ha-move.ts'

/** Moves a guest under HA by stopping it here and starting it there, where a live move is not possible. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest(), node: arg.node() }),
  positionals: ['guest', 'node'],
  text: {
    en: {
      summary: 'Stop a machine under HA and start it on another node',
      args: { guest: 'Name or number', node: 'The node to move to' },
      words: {
        title: 'Move {name} ({vmid}) to {node}',
        how: 'It is stopped here and started there: it is down in between.',
        along: 'Come along',
        back: 'Rule {rule} prefers {home}: HA moves it back there in its next round. To keep it here: ha set {vmid} failback:false',
      },
    },
    es: {
      summary: 'Apagar una máquina bajo HA y encenderla en otro nodo',
      args: { guest: 'Nombre o número', node: 'El nodo al que se muda' },
      words: {
        title: 'Mudar {name} ({vmid}) a {node}',
        how: 'Se apaga aquí y se enciende allá: mientras tanto está caída.',
        along: 'Vienen también',
        back: 'La regla {rule} prefiere {home}: HA la devuelve en su próxima ronda. Para dejarla aquí: ha set {vmid} failback:false',
      },
    },
  },
  examples: [
    { say: 'ha relocate ha1 pve2', plans: 'ha-move' },
    { say: 'ha relocate ha1 pve1', refuses: 'ha-already-there' },
    { say: 'ha relocate web1 pve2', refuses: 'ha-not-under' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, labels } = house.words[asker.language]
    const { site, sid, name, vmid, resource, from, node, places, decided } = await readMove(
      proxmox,
      args,
      cluster,
      signal,
    )
    const affinities = affinitiesOf({ ...site, resources: site.managed })
    const motion = motionOf(affinities, sid, node, places)
    decided(motion)
    const online = site.nodes.filter(({ status }) => status === 'online').map((one) => one.name)
    const home = favourites(affinities, sid, online)
    const rule = affinities.preferences.find(({ sids }) => sids.includes(sid))?.name
    const returns = rule !== undefined && resource.failback && !home.includes(node)
    return run(haMove.job({ sid, name, how: 'relocate', from, target: node }), {
      title: say('title', { name, vmid, node }),
      node: from,
      shows: [
        { name: labels.node, value: `${from} → ${node}` },
        ...(motion.along.length > 0 ? [{ name: say('along'), value: motion.along.join(', ') }] : []),
      ],
      warnings: [say('how'), ...(returns ? [say('back', { rule, home: home.join(', '), vmid })] : [])],
      explain: {
        shell: [`ha-manager relocate ${sid} ${node}`],
        clicks: [ha.clicks.noClicks],
      },
      state: { from, along: motion.along },
    })
  },
})
