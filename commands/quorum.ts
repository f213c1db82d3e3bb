import { z } from 'zod'
import { answer, defineCommand } from '../src/core/command.ts'
import { reads } from '../src/core/needs.ts'
import { quorumOf } from '../src/ha/quorum.ts'

/** The votes of a cluster and what they mean, for somebody who hears of it for the first time. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster],
  args: z.object({}),
  text: {
    en: {
      summary: 'Who votes in the cluster, and how many nodes it can still lose',
      args: {},
      words: {
        lone: '{node} is in no cluster',
        loneText: 'It decides alone: there is no quorum to lose, and nobody takes over its machines.',
        has: 'Cluster {name} has quorum',
        lost: 'Cluster {name} has NO quorum',
        votes: 'Votes',
        votesOf: '{present} of {expected} here; {needed} are a majority',
        margin: 'Margin',
        marginNone: 'none: one more loss = read-only',
        marginSome: 'nodes that may still go: {margin}; one more after that = read-only',
        marginUnknown:
          'not known: corosync does not go by the votes of the nodes alone (a QDevice, or an expected set by hand). See: pvecm status',
        marginGone: 'gone: read-only; votes that must come back: {missing}',
        offline: 'Offline',
        voter: 'Votes',
        explained:
          'Every change of the cluster needs a majority of all votes, so that two halves that no longer see each other never both act. Without it the nodes keep running what runs, and refuse changes, starts and failovers.',
        two: 'Two nodes have no margin: when one goes, the other is no majority. A third vote without a third node: pvecm qdevice setup ADDRESS',
        even: 'An even number of votes: a split in two equal halves leaves neither a majority. A QDevice breaks the tie: pvecm qdevice setup ADDRESS',
        votesUnread: 'The votes in corosync.conf cannot be read, so one vote a node is assumed.',
      },
    },
    es: {
      summary: 'Quién vota en el clúster y cuántos nodos puede perder todavía',
      args: {},
      words: {
        lone: '{node} no está en ningún clúster',
        loneText: 'Decide solo: no hay quórum que perder, y nadie toma sus máquinas si se cae.',
        has: 'El clúster {name} tiene quórum',
        lost: 'El clúster {name} NO tiene quórum',
        votes: 'Votos',
        votesOf: '{present} de {expected} presentes; {needed} son mayoría',
        margin: 'Margen',
        marginNone: 'ninguno: una pérdida más = solo lectura',
        marginSome: 'nodos que todavía se pueden perder: {margin}; con uno más después de eso = solo lectura',
        marginUnknown:
          'no se sabe: corosync no se guía solo por los votos de los nodos (hay un QDevice, o un expected puesto a mano). Míralo con: pvecm status',
        marginGone: 'se acabó: solo lectura; votos que tienen que volver: {missing}',
        offline: 'Fuera de línea',
        voter: 'Votos',
        explained:
          'Todo cambio del clúster necesita la mayoría de los votos, para que dos mitades que ya no se ven nunca actúen las dos. Sin ella los nodos siguen con lo que ya corre, y rechazan cambios, encendidos y conmutaciones.',
        two: 'Dos nodos no tienen margen: si uno se cae, el otro no es mayoría. Un tercer voto sin un tercer nodo: pvecm qdevice setup ADDRESS',
        even: 'Un número par de votos: si se parte en dos mitades iguales, ninguna es mayoría. Un QDevice desempata: pvecm qdevice setup ADDRESS',
        votesUnread: 'No se pueden leer los votos de corosync.conf, así que se supone un voto por nodo.',
      },
    },
  },
  examples: [{ say: 'quorum', answers: true }],
  async plan({ proxmox, say, house, asker, signal }) {
    const { labels, nodeStates, say: shared } = house.words[asker.language]
    const [status, votes] = await Promise.all([
      proxmox.clusterStatus({ signal }),
      proxmox.votes({ signal }).catch(() => []),
    ])
    const { cluster, members } = status
    if (!cluster) {
      return answer({ title: say('lone', { node: members[0]?.name ?? proxmox.cluster }), text: say('loneText') })
    }
    const quorum = quorumOf(cluster.quorate, members, votes)
    const { expected, present, needed, margin, offline, quorate } = quorum
    const advice = [
      ...(members.length === 2 ? [say('two')] : expected % 2 === 0 ? [say('even')] : []),
      ...(votes.length === 0 ? [say('votesUnread')] : []),
    ]
    const worries = !quorate || margin === 0 || margin === undefined || advice.length > 0
    const rows = members.map(({ name, online, ip }) => [
      name,
      online ? nodeStates.online : nodeStates.offline,
      String(votes.find((voter) => voter.name === name)?.votes ?? (votes.length > 0 ? 0 : 1)),
      ip ?? '',
    ])
    return answer({
      title: say(quorate ? 'has' : 'lost', { name: cluster.name }),
      state: quorate ? (worries ? 'warning' : 'ok') : 'failed',
      text: say('explained'),
      fields: [
        { name: say('votes'), value: say('votesOf', { present, expected, needed }) },
        {
          name: say('margin'),
          value:
            margin === undefined
              ? say('marginUnknown')
              : !quorate
                ? say('marginGone', { missing: needed - present })
                : margin === 0
                  ? say('marginNone')
                  : say('marginSome', { margin }),
        },
        { name: say('offline'), value: offline.join(', ') || shared.none },
        ...advice.map((value) => ({ name: shared.warning, value })),
      ],
      table: { columns: [labels.node, labels.status, say('voter'), 'IP'], rows: rows.sort() },
    })
  },
})
