import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { readMove } from '../../src/core/ha-move.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { affinitiesOf, favourites, motionOf } from '../../src/ha/affinity.ts'
import haMove from '../../workers/ha-move.ts'

/** Moves a guest under HA live. Who must go with it and who stands in the way is told before. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest(), node: arg.node() }),
  positionals: ['guest', 'node'],
  text: {
    en: {
      summary: 'Move a machine under HA to another node, live where it runs',
      args: { guest: 'Name or number', node: 'The node to move to' },
      words: {
        title: 'Move {name} ({vmid}) to {node}',
        how: 'A machine that runs moves live and is not restarted; a container is stopped and started there.',
        along: 'Come along',
        back: 'Rule {rule} prefers {home}: HA moves it back there in its next round. To keep it here: ha set {vmid} failback:false',
      },
    },
    es: {
      summary: 'Mudar una máquina bajo HA a otro nodo, en caliente si está encendida',
      args: { guest: 'Nombre o número', node: 'El nodo al que se muda' },
      words: {
        title: 'Mudar {name} ({vmid}) a {node}',
        how: 'Una máquina encendida se muda en caliente y no se reinicia; un contenedor se apaga y se enciende allá.',
        along: 'Vienen también',
        back: 'La regla {rule} prefiere {home}: HA la devuelve en su próxima ronda. Para dejarla aquí: ha set {vmid} failback:false',
      },
    },
  },
  examples: [
    { say: 'ha migrate ha1 pve2', plans: 'ha-move' },
    { say: 'ha migrate ha1 pve1', refuses: 'ha-already-there' },
    { say: 'ha migrate web1 pve2', refuses: 'ha-not-under' },
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
    return run(haMove.job({ sid, name, how: 'migrate', from, target: node }), {
      title: say('title', { name, vmid, node }),
      node: from,
      shows: [
        { name: labels.node, value: `${from} → ${node}` },
        ...(motion.along.length > 0 ? [{ name: say('along'), value: motion.along.join(', ') }] : []),
      ],
      warnings: [say('how'), ...(returns ? [say('back', { rule, home: home.join(', '), vmid })] : [])],
      explain: {
        shell: [`ha-manager migrate ${sid} ${node}`],
        clicks: [fill(ha.clicks.move, { guest: vmid, node })],
      },
      state: { from, along: motion.along },
    })
  },
})
