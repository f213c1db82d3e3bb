import { z } from 'zod'
import { answer, defineCommand } from '../../src/core/command.ts'
import { reads } from '../../src/core/needs.ts'

/** The cluster as corosync has it, and what a host needs to join it; never the secret. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster],
  args: z.object({}),
  text: {
    en: {
      summary: 'The nodes of the cluster, their links and votes, and what a host needs to join',
      args: {},
      words: {
        lone: '{node} is in no cluster',
        loneText: 'To make one of it: `cluster create NAME first:{node}`',
        title: 'Cluster {name}',
        title0: 'Cluster {name} has NO quorum',
        version: 'Version of its configuration',
        votes: 'Votes',
        links: 'Links',
        joinAt: 'A host joins at',
        fingerprint: 'Fingerprint of {node}',
        hosts: 'Hosts not in it yet',
        secret: "root's password is asked for when a host joins, never here.",
        unknown: 'No host is written down under `hosts:` in quorum.yaml.',
      },
    },
    es: {
      summary: 'Los nodos del clúster, sus enlaces y votos, y lo que un equipo necesita para unirse',
      args: {},
      words: {
        lone: '{node} no está en ningún clúster',
        loneText: 'Para hacer uno con él: `cluster create NAME first:{node}`',
        title: 'Clúster {name}',
        title0: 'El clúster {name} NO tiene quórum',
        version: 'Versión de su configuración',
        votes: 'Votos',
        links: 'Enlaces',
        joinAt: 'Un equipo se une en',
        fingerprint: 'Huella digital de {node}',
        hosts: 'Equipos que todavía no están en él',
        secret: 'La contraseña de root se pide cuando un equipo se une, nunca aquí.',
        unknown: 'No hay ningún equipo anotado bajo `hosts:` en quorum.yaml.',
      },
    },
  },
  examples: [{ say: 'cluster info', answers: true }],
  async plan({ proxmox, say, house, asker, signal }) {
    const { labels, nodeStates, say: shared } = house.words[asker.language]
    const [{ cluster, members }, join] = await Promise.all([
      proxmox.clusterStatus({ signal }),
      proxmox.joinInfo(undefined, { signal }),
    ])
    const others = house.hosts.filter(({ name }) => !join?.members.some((member) => member.name === name))
    const outside = { name: say('hosts'), value: others.map(({ name }) => name).join(', ') || shared.none }
    if (!cluster || !join) {
      const node = members[0]?.name ?? proxmox.cluster
      const known = house.hosts.length > 0 ? [outside] : [{ name: say('hosts'), value: say('unknown') }]
      return answer({ title: say('lone', { node }), text: say('loneText', { node }), fields: known })
    }
    const member = join.members.find(({ name }) => name === join.preferred)
    const rows = join.members.map(({ name, nodeid, votes, links }) => {
      const online = members.find((one) => one.name === name)?.online
      const state = online === undefined ? 'unknown' : online ? 'online' : 'offline'
      return [name, String(nodeid), nodeStates[state], String(votes), links.join(', ')]
    })
    return answer({
      title: say(cluster.quorate ? 'title' : 'title0', { name: cluster.name }),
      state: cluster.quorate ? 'info' : 'failed',
      text: say('secret'),
      fields: [
        { name: say('joinAt'), value: member?.address ?? shared.unknown },
        { name: say('fingerprint', { node: join.preferred }), value: member?.fingerprint ?? shared.unknown },
        { name: say('version'), value: String(join.version) },
        outside,
      ],
      table: { columns: [labels.node, 'ID', labels.status, say('votes'), say('links')], rows },
    })
  },
})
