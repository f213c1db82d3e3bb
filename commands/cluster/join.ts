import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { lookAtCluster, standingOf } from '../../src/core/join-looks.ts'
import { reads } from '../../src/core/needs.ts'
import clusterJoin from '../../workers/cluster-join.ts'

/** Brings a host that is in no cluster into this one. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.cluster, reads.nodes],
  workers: [clusterJoin],
  args: z.object({
    host: arg.name(),
    link0: arg.text().optional(),
    link1: arg.text().optional(),
    lose: arg.boolean().prefault('no'),
  }),
  positionals: ['host'],
  text: {
    en: {
      summary: 'Bring a host into the cluster',
      args: {
        host: 'Its name under `hosts:` in quorum.yaml',
        link0: "Its address for the first link; unless given, the one in the cluster's range",
        link1: 'Its address for the second link, if the cluster has one',
        lose: 'yes: what only this host has of users, tokens and storages may be lost',
      },
      words: {
        title: 'Join {host} to cluster {cluster}',
        there: '{host} is a member of {cluster} already',
        member: 'Joins at',
        fingerprint: 'Fingerprint of {member}',
        endpoint: 'Address of the host',
        nodes: 'Nodes',
        loses:
          'A join replaces the users, tokens and storages of {host} by those of the cluster. If it has any of its own, the job stops before changing anything and names them, unless lose:yes was given.',
        looks:
          "The bot holds no password of {host}, so the job looks at it first: machines on it, version, clock, addresses, names. It stops there if something speaks against it, before root's password of {member} is used.",
        readOnly: 'The cluster is read-only for some seconds while {host} comes in.',
        clickInfo: 'On {member}: Datacenter → Cluster → "Join Information" → "Copy Information"',
        clickJoin: 'On {host}: Datacenter → Cluster → "Join Cluster", paste it, type the password, then "Join"',
      },
    },
    es: {
      summary: 'Traer un equipo al clúster',
      args: {
        host: 'Su nombre bajo `hosts:` en quorum.yaml',
        link0: 'Su dirección para el primer enlace; si no se da, la que está en el rango del clúster',
        link1: 'Su dirección para el segundo enlace, si el clúster lo tiene',
        lose: 'yes: se puede perder lo que solo este equipo tiene: usuarios, tokens, almacenamientos',
      },
      words: {
        title: 'Unir {host} al clúster {cluster}',
        there: '{host} ya es miembro de {cluster}',
        member: 'Se une en',
        fingerprint: 'Huella digital de {member}',
        endpoint: 'Dirección del equipo',
        nodes: 'Nodos',
        loses:
          'Al unirse, los usuarios, tokens y almacenamientos de {host} se reemplazan por los del clúster. Si tiene alguno propio, el trabajo se detiene antes de cambiar nada y los nombra, a menos que se haya dado lose:yes.',
        looks:
          'El bot no tiene ninguna contraseña de {host}, así que el trabajo lo mira primero: máquinas, versión, reloj, direcciones, nombres. Si algo habla en contra, se detiene ahí, antes de usar la contraseña de root de {member}.',
        readOnly: 'El clúster queda en solo lectura unos segundos mientras {host} entra.',
        clickInfo: 'En {member}: Datacenter → Cluster → «Join Information» → «Copy Information»',
        clickJoin: 'En {host}: Datacenter → Cluster → «Join Cluster», pégala, escribe la contraseña y luego «Join»',
      },
    },
  },
  examples: [
    { say: 'cluster join pve2', answers: true },
    { say: 'cluster join pve9', refuses: 'unknown-host' },
  ],
  async plan({ args, proxmox, say, house, signal }) {
    const { host, link0, link1, lose } = args
    const known = house.hosts.find(({ name }) => name === host)
    if (!known) {
      throw new Refused('unknown-host', { given: host, hosts: house.hosts.map(({ name }) => name).join(', ') })
    }
    const o = { signal, avoid: [host] }
    const [look, info, standing] = await Promise.all([
      lookAtCluster(proxmox, o),
      proxmox.joinInfo(undefined, o),
      standingOf(proxmox, host, o),
    ])
    const { name: cluster, member } = look
    if (standing?.online && standing.votes > 0) return answer({ title: say('there', { host, cluster }), state: 'ok' })
    if (!look.quorate) throw new Refused('no-quorum', { cluster })
    const entry = info?.members.find(({ name }) => name === member)
    const flags = [link0, link1].flatMap((link, i) => (link === undefined ? [] : [` --link${i} ${link}`])).join('')
    return run(clusterJoin.job({ host, link0, link1, lose }), {
      title: say('title', { host, cluster }),
      node: member,
      shows: [
        { name: say('endpoint'), value: known.endpoint },
        { name: say('member'), value: `${member} (${entry?.address ?? entry?.links[0] ?? ''})` },
        { name: say('fingerprint', { member }), value: entry?.fingerprint ?? '' },
        { name: say('nodes'), value: `${look.members.length} → ${look.members.length + 1}` },
      ],
      warnings: [
        say('looks', { host, member }),
        ...(lose ? [] : [say('loses', { host })]),
        ...(look.members.length === 1 ? [say('readOnly', { host })] : []),
      ],
      explain: {
        shell: [`pvecm add ${entry?.address ?? member}${flags} --fingerprint ${entry?.fingerprint ?? ''}   # ${host}`],
        clicks: [say('clickInfo', { member }), say('clickJoin', { host })],
      },
      state: { cluster, members: look.members, fingerprint: entry?.fingerprint },
    })
  },
})
