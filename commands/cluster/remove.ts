import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { lookAtLeaving } from '../../src/core/leaving.ts'
import { reads } from '../../src/core/needs.ts'
import clusterRemove from '../../workers/cluster-remove.ts'

/** Takes a dead node out of the cluster: only one that two members see offline and that nothing depends on. */
export default defineCommand({
  role: 'admin',
  risk: 'destroys',
  needs: [reads.cluster, reads.nodes, reads.guests, reads.storages],
  workers: [clusterRemove],
  args: z.object({ node: arg.node(), unplugged: arg.boolean() }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Take a node that is off for good out of the cluster',
      args: {
        node: 'Seen offline by two members, with nothing left on it',
        unplugged: 'yes: somebody has pulled its power and its network cable',
      },
      words: {
        title: 'Remove {node} from cluster {cluster}',
        seen: 'Seen offline by',
        votes: 'Votes that remain',
        forGood:
          'This cannot be undone: to come back, {node} must be installed anew. Started on this network before that, it would meddle with the cluster.',
        two: 'Two votes remain: losing either node loses quorum.',
        storages: 'These storages are for {node} alone and stay in the configuration: {storages}',
        noClicks: 'The web interface has no button for it.',
      },
      refusals: {
        'not-unplugged': {
          says: '{node} must not come back by itself, so somebody has to pull its power and its network cable first.',
          hint: 'cluster remove {node} unplugged:yes   # when that is done',
        },
      },
    },
    es: {
      summary: 'Sacar del clúster un nodo que está apagado para siempre',
      args: {
        node: 'Dos miembros lo ven fuera de línea, y no queda nada en él',
        unplugged: 'yes: alguien le quitó la corriente y el cable de red',
      },
      words: {
        title: 'Sacar {node} del clúster {cluster}',
        seen: 'Lo ven fuera de línea',
        votes: 'Votos que quedan',
        forGood:
          'Esto no se puede deshacer: para volver, {node} se tiene que instalar de nuevo. Encendido antes en esta red, se metería en el clúster.',
        two: 'Quedan dos votos: si se pierde un nodo cualquiera, se pierde el quórum.',
        storages: 'Estos almacenamientos son solo para {node} y quedan en la configuración: {storages}',
        noClicks: 'La interfaz web no tiene ningún botón para esto.',
      },
      refusals: {
        'not-unplugged': {
          says: '{node} no debe volver por sí solo, así que alguien tiene que quitarle antes la corriente y el cable de red.',
          hint: 'cluster remove {node} unplugged:yes   # cuando esté hecho',
        },
      },
    },
  },
  examples: [
    { say: 'cluster remove pve3 unplugged:yes', refuses: 'leave-online' },
    { say: 'cluster remove pve3 unplugged:no', refuses: 'not-unplugged' },
    { say: 'cluster remove pve3', asks: true },
  ],
  async plan({ args, proxmox, say, signal }) {
    const { node, unplugged } = args
    if (!unplugged) throw new Refused('not-unplugged', { node })
    const { cluster, witnesses, votes, storages } = await lookAtLeaving(proxmox, node, { signal })
    return run(clusterRemove.job({ node }), {
      title: say('title', { node, cluster }),
      node: witnesses[0],
      shows: [
        { name: say('seen'), value: witnesses.join(', ') },
        { name: say('votes'), value: String(votes) },
      ],
      warnings: [
        say('forGood', { node }),
        ...(votes === 2 ? [say('two')] : []),
        ...(storages.length > 0 ? [say('storages', { node, storages: storages.join(', ') })] : []),
      ],
      explain: { shell: [`pvecm delnode ${node}   # ${witnesses[0]}`], clicks: [say('noClicks')] },
      state: { cluster, votes },
    })
  },
})
