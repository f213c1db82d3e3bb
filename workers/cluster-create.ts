import { z } from 'zod'
import { enterAsRoot } from '../src/core/as-root.ts'
import { Refused } from '../src/core/errors.ts'
import { misled, refuseForeignLinks } from '../src/core/joining.ts'
import { defineWorker } from '../src/core/worker.ts'
import type { Proxmox } from '../src/proxmox/port.ts'

/** Corosync and the cluster's file system come up again; tokens are refused meanwhile. */
const quorumPatienceMs = 120_000

/** Makes a cluster of one host. Done when that host says that it has quorum in it. */
export default defineWorker({
  payload: z.object({
    name: z.string(),
    first: z.string(),
    link0: z.string().optional(),
    link1: z.string().optional(),
    /** Others join right after it: that it is alone passes. */
    more: z.boolean().optional(),
  }),
  needs: [{ rootOnly: 'POST /cluster/config' }, { path: '/', privileges: ['Sys.Audit'] }],
  locks: () => ['cluster'],
  unstoppable: true,
  text: {
    en: {
      title: 'Create cluster {name} on {first}',
      steps: {
        look: 'Look at the host',
        password: "Ask for root's password",
        create: 'Ask Proxmox',
        quorum: 'Wait for quorum',
      },
      done: 'Cluster {name} is there: {first} votes and has quorum',
      words: {
        passwordOf: "root's password of {host}",
        alone: 'One node: losing it loses everything. Join more: cluster join HOST',
        stands: '{first} is in the cluster {name}',
      },
      refusals: {
        'create-failed': {
          says: 'Proxmox ended the creation of {name} with an error.',
          hint: 'pvecm status; journalctl -u corosync -u pve-cluster   # on {first}',
        },
        'create-no-quorum': {
          says: '{name} was created on {first}, but it does not say that it has quorum after {seconds} s.',
          hint: 'pvecm status; journalctl -u corosync -u pve-cluster   # on {first}',
        },
      },
    },
    es: {
      title: 'Crear el clúster {name} en {first}',
      steps: {
        look: 'Mirar el equipo',
        password: 'Pedir la contraseña de root',
        create: 'Pedirlo a Proxmox',
        quorum: 'Esperar el quórum',
      },
      done: 'El clúster {name} ya existe: {first} vota y tiene quórum',
      words: {
        passwordOf: 'la contraseña de root de {host}',
        alone: 'Un solo nodo: si se pierde, se pierde todo. Une más: cluster join HOST',
        stands: '{first} está en el clúster {name}',
      },
      refusals: {
        'create-failed': {
          says: 'Proxmox terminó la creación de {name} con un error.',
          hint: 'pvecm status; journalctl -u corosync -u pve-cluster   # en {first}',
        },
        'create-no-quorum': {
          says: '{name} se creó en {first}, pero después de {seconds} s no dice tener quórum.',
          hint: 'pvecm status; journalctl -u corosync -u pve-cluster   # en {first}',
        },
      },
    },
  },
  titled: ({ name, first }) => ({ name, first }),
  async run({ payload, proxmox, root, job, step, effect, secret, until, say }) {
    const { name, first, link0, link1 } = payload
    await step('look', async () => {
      const { cluster, members } = await proxmox.clusterStatus()
      const here = members.find(({ local }) => local)?.name ?? ''
      if (here !== first) throw new Refused('join-other-host', { host: first, now: here })
      if (cluster && cluster.name !== name) throw new Refused('own-cluster', { node: first, cluster: cluster.name })
      const [addresses, hosts] = await Promise.all([proxmox.addresses(first), proxmox.hostsFile(first)])
      refuseForeignLinks({ name: first, addresses }, { link0, link1 })
      const elsewhere = misled({ name: first, hosts, addresses })
      if (elsewhere !== undefined) throw new Refused('join-hosts-file', { host: first, address: elsewhere })
      return true
    })
    const place = { host: first, cluster: job.cluster }
    const asked = { purpose: 'root-password', label: say('passwordOf', { host: first }) }
    const password = root.knows(place) ? undefined : await secret('password', asked)
    const about = { place: first, host: first, member: first }
    const host = await enterAsRoot(root, place, { password, about })
    try {
      const upid = await effect('create', {
        node: first,
        types: ['clustercreate'],
        by: host,
        mine: async ({ id }) => id === name,
        act: () => host.createCluster({ clustername: name, link0, link1 }),
      })
      return await step('quorum', async () => {
        const looked = await until(async () => (await hasQuorum(proxmox, name)) || (await failed(host, upid)), {
          everyMs: 1000,
          withinMs: quorumPatienceMs,
        })
        if (looked === undefined) {
          throw new Refused('create-no-quorum', { name, first, seconds: quorumPatienceMs / 1000 })
        }
        if (looked !== true) throw new Refused('create-failed', { name, first }, { raw: looked })
        return { values: { name, first }, warnings: payload.more ? [] : [say('alone')] }
      })
    } finally {
      await host.close()
    }
  },
  async leftovers({ payload: { first }, proxmox, say }) {
    const { cluster } = await proxmox.clusterStatus()
    return cluster ? [say('stands', { first, name: cluster.name })] : []
  },
})

/** Undefined also while the host, whose services start anew, answers nothing or takes no token. */
async function hasQuorum(proxmox: Pick<Proxmox, 'clusterStatus'>, name: string): Promise<true | undefined> {
  const status = await proxmox.clusterStatus().catch(() => undefined)
  return status?.cluster?.quorate && status.cluster.name === name ? true : undefined
}

/** How the task ended, if it did not end well; undefined while that cannot be known. */
async function failed(host: Pick<Proxmox, 'task'>, upid: string): Promise<string | undefined> {
  const exit = (await host.task(upid).catch(() => undefined))?.exit
  return exit === undefined || exit === 'OK' || exit.startsWith('WARNINGS') ? undefined : exit
}
