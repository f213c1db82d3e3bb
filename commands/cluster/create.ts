import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { refuseForeignLinks } from '../../src/core/joining.ts'
import { reads } from '../../src/core/needs.ts'
import clusterCreate from '../../workers/cluster-create.ts'

/** Proxmox takes no longer name for a cluster. */
const longestName = 15

/** Makes a cluster of the host that this cluster's endpoints lead to. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.cluster, reads.nodes],
  workers: [clusterCreate],
  args: z.object({
    name: arg.name(),
    first: arg.node().optional(),
    link0: arg.text().optional(),
    link1: arg.text().optional(),
  }),
  positionals: ['name', 'first'],
  text: {
    en: {
      summary: 'Make a cluster of a host that is in none',
      args: {
        name: 'At most 15 letters, digits and hyphens; it can never be changed',
        first: 'The host that begins it; the one that the endpoints lead to',
        link0: "Its address for corosync's first link; its own address unless given",
        link1: 'Its address for a second link, on another network if there is one',
      },
      words: {
        title: 'Create cluster {name} on {first}',
        links: 'Links',
        own: 'its own address',
        restarts:
          "Proxmox's services on {first} start anew: it answers nothing for some seconds. Machines go on running.",
        one: 'One link: if its network fails, the nodes lose each other. A second one: link1:ADDRESS',
        forever: 'The name of a cluster can never be changed.',
        clickMenu: 'Datacenter → Cluster → "Create Cluster"',
        clickFill: 'Cluster Name: {name}, choose the address of each link, then "Create"',
      },
      refusals: {
        'long-name': {
          says: 'The name of a cluster has at most {most} characters; "{name}" has {length}.',
          hint: 'cluster create {shorter} first:{first}',
        },
        'other-first': {
          says: 'The endpoints of {cluster} in the configuration lead to {here}, not to {first}; Quorum would not see the new cluster.',
          hint: 'cluster create {name} first:{here}',
        },
      },
    },
    es: {
      summary: 'Crear un clúster con un equipo que no está en ninguno',
      args: {
        name: 'Hasta 15 letras, cifras y guiones; nunca se puede cambiar',
        first: 'El equipo que lo empieza; aquel al que llevan los endpoints',
        link0: 'Su dirección para el primer enlace de corosync; la propia si no se da',
        link1: 'Su dirección para un segundo enlace, en otra red si la hay',
      },
      words: {
        title: 'Crear el clúster {name} en {first}',
        links: 'Enlaces',
        own: 'su propia dirección',
        restarts:
          'Los servicios de Proxmox en {first} se reinician: no responde nada por unos segundos. Las máquinas siguen encendidas.',
        one: 'Un solo enlace: si su red falla, los nodos se pierden de vista. Un segundo: link1:ADDRESS',
        forever: 'El nombre de un clúster nunca se puede cambiar.',
        clickMenu: 'Datacenter → Cluster → «Create Cluster»',
        clickFill: 'Cluster Name: {name}, elige la dirección de cada enlace y luego «Create»',
      },
      refusals: {
        'long-name': {
          says: 'El nombre de un clúster tiene hasta {most} caracteres; «{name}» tiene {length}.',
          hint: 'cluster create {shorter} first:{first}',
        },
        'other-first': {
          says: 'Los endpoints de {cluster} en la configuración llevan a {here} y no a {first}; Quorum no vería el clúster nuevo.',
          hint: 'cluster create {name} first:{here}',
        },
      },
    },
  },
  examples: [
    { say: 'cluster create pvecluster first:pve1', refuses: 'own-cluster' },
    { say: 'cluster create name-that-is-too-long first:pve1', refuses: 'long-name' },
  ],
  async plan({ args, proxmox, cluster, say, signal }) {
    const { name, link0, link1 } = args
    const status = await proxmox.clusterStatus({ signal })
    const here = status.members.find(({ local }) => local)?.name ?? ''
    const first = args.first ?? here
    if (name.length > longestName) {
      const shorter = name.slice(0, longestName).replace(/-+$/, '')
      throw new Refused('long-name', { name, first, shorter, most: longestName, length: name.length })
    }
    if (status.cluster) throw new Refused('own-cluster', { node: here, cluster: status.cluster.name })
    if (first !== here) throw new Refused('other-first', { cluster, here, first, name })
    const addresses = await proxmox.addresses(first, { signal })
    refuseForeignLinks({ name: first, addresses }, { link0, link1 })
    const links = [link0, link1].flatMap((link, i) => (link === undefined ? [] : [`link${i}: ${link}`]))
    const flags = [link0, link1].flatMap((link, i) => (link === undefined ? [] : [` --link${i} ${link}`]))
    return run(clusterCreate.job({ name, first, link0, link1 }), {
      title: say('title', { name, first }),
      node: first,
      shows: [{ name: say('links'), value: links.join(', ') || `link0: ${say('own')}` }],
      warnings: [say('restarts', { first }), say('forever'), ...(link1 === undefined ? [say('one')] : [])],
      explain: {
        shell: [`pvecm create ${name}${flags.join('')}   # ${first}`],
        clicks: [say('clickMenu'), say('clickFill', { name })],
      },
      state: { here, addresses },
    })
  },
})
