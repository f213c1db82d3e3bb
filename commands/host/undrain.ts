import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode } from '../../src/core/find.ts'
import { haDecidedOn, readHa, refuseWithoutQuorum } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import { unmarked } from '../../src/ha/drain.ts'
import hostUndrain from '../../workers/host-undrain.ts'

/** Takes back what `host drain` set aside: the marks that it left in the cluster say what that is. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.nodes, reads.guests],
  args: z.object({ node: arg.node() }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Use a drained node again: failback is restored, and HA moves home what prefers it',
      args: { node: 'The node' },
      words: {
        title: 'Use node {node} again',
        aside: 'Failback restored of',
        others: 'Machines outside of HA stay where they are.',
        click: 'Under Datacenter → HA edit {id}: tick "Failback", and take the mark out of the comment',
      },
      refusals: {
        'not-drained': {
          says: 'Nothing was set aside for {node}, so there is nothing to restore.',
          hint: 'host drain {node}',
        },
      },
    },
    es: {
      summary: 'Volver a usar un nodo vaciado: se restaura el failback, y HA trae lo que lo prefiere',
      args: { node: 'El nodo' },
      words: {
        title: 'Volver a usar el nodo {node}',
        aside: 'Failback que se restaura',
        others: 'Las máquinas fuera de HA se quedan donde están.',
        click: 'En Datacenter → HA edita {id}: marca «Failback», y quita la marca del comentario',
      },
      refusals: {
        'not-drained': {
          says: 'No se apartó nada por {node}, así que no hay nada que restaurar.',
          hint: 'host drain {node}',
        },
      },
    },
  },
  examples: [{ say: 'host undrain pve3', refuses: 'not-drained' }],
  async plan({ args, proxmox, cluster, say, signal }) {
    const site = await readHa(proxmox, signal)
    refuseWithoutQuorum(site, cluster)
    const node = findNode(site.nodes, args.node, cluster).name
    const is = ({ comment }: { comment?: string }) => unmarked(comment, node) !== undefined
    const aside = [
      ...site.managed.filter(is).map(({ sid }) => ({ what: 'resource' as const, id: sid })),
      ...(site.groups ?? []).filter(is).map(({ group }) => ({ what: 'group' as const, id: group })),
    ]
    if (aside.length === 0) throw new Refused('not-drained', { node })
    return run(hostUndrain.job({ node, aside }), {
      title: say('title', { node }),
      node,
      shows: [{ name: say('aside'), value: aside.map(({ id }) => id).join(', ') }],
      warnings: [say('others')],
      explain: {
        shell: aside.map(({ what, id }) =>
          what === 'group' ? `ha-manager groupset ${id} --nofailback 0` : `ha-manager set ${id} --failback 1`,
        ),
        clicks: aside.map(({ id }) => say('click', { id })),
      },
      state: haDecidedOn(site),
    })
  },
})
