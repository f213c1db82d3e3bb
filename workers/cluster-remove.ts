import { z } from 'zod'
import { enterAsRoot } from '../src/core/as-root.ts'
import { Refused } from '../src/core/errors.ts'
import { lookAtLeaving } from '../src/core/leaving.ts'
import { defineWorker } from '../src/core/worker.ts'

const goneWithinMs = 30_000

/** Takes a node out of the cluster for good. Done when another member no longer lists it. */
export default defineWorker({
  payload: z.object({ node: z.string() }),
  needs: [{ rootOnly: 'DELETE /cluster/config/nodes/{node}' }, { path: '/', privileges: ['Sys.Audit'] }],
  locks: () => ['cluster'],
  text: {
    en: {
      title: 'Remove {node}',
      steps: {
        look: 'Look again',
        password: "Ask for root's password",
        remove: 'Ask Proxmox',
        check: 'Read it back',
      },
      done: '{node} is no longer part of {cluster}: do not start it on this network until it is reinstalled',
      words: {
        passwordOf: "root's password of {host}",
        alive:
          'It still holds the keys of the cluster and would meddle with it. Wipe its disks, or install it anew, before its network cable goes back in.',
        folder: 'Its old files stay until they are deleted by hand: rm -r /etc/pve/nodes/{node}',
        left: '{node} is still listed',
      },
      refusals: {
        'still-listed': {
          says: 'Proxmox took the request, but {by} still lists {node} after {seconds} s.',
          hint: 'pvecm nodes   # on {by}',
        },
      },
    },
    es: {
      title: 'Sacar {node}',
      steps: {
        look: 'Mirar otra vez',
        password: 'Pedir la contraseña de root',
        remove: 'Pedirlo a Proxmox',
        check: 'Leerlo de vuelta',
      },
      done: '{node} ya no es parte de {cluster}: no lo enciendas en esta red hasta que esté reinstalado',
      words: {
        passwordOf: 'la contraseña de root de {host}',
        alive:
          'Todavía tiene las claves del clúster y se metería en él. Borra sus discos, o instálalo de nuevo, antes de volver a conectar su cable de red.',
        folder: 'Sus archivos viejos quedan hasta que se borren a mano: rm -r /etc/pve/nodes/{node}',
        left: '{node} todavía figura',
      },
      refusals: {
        'still-listed': {
          says: 'Proxmox recibió el pedido, pero {by} todavía lista a {node} después de {seconds} s.',
          hint: 'pvecm nodes   # en {by}',
        },
      },
    },
  },
  titled: ({ node }) => ({ node }),
  async run({ payload: { node }, proxmox, root, job, step, change, secret, until, say }) {
    const { cluster, witnesses } = await step('look', () => lookAtLeaving(proxmox, node))
    const [by, other] = witnesses
    const place = { host: by, cluster: job.cluster }
    const asked = { purpose: 'root-password', label: say('passwordOf', { host: by }) }
    const password = root.knows(place) ? undefined : await secret('password', asked)
    const about = { place: by, host: node, member: by }
    const member = await enterAsRoot(root, place, { password, about })
    const isGone = async (avoid: string[]) => !(await proxmox.votes({ avoid })).some(({ name }) => name === node)
    try {
      await change('remove', {
        call: 'DELETE /cluster/config/nodes/{node}',
        id: node,
        isSo: () => isGone([node]),
        act: () => member.removeNode(node),
      })
    } finally {
      await member.close()
    }
    return step('check', async () => {
      const gone = await until(async () => ((await isGone([node, by])) ? true : undefined), {
        everyMs: 1000,
        withinMs: goneWithinMs,
      })
      if (!gone) throw new Refused('still-listed', { node, by: other, seconds: goneWithinMs / 1000 })
      return { values: { node, cluster }, warnings: [say('alive'), say('folder', { node })] }
    })
  },
  async leftovers({ payload: { node }, proxmox, say }) {
    const listed = (await proxmox.votes({ avoid: [node] })).some(({ name }) => name === node)
    return listed ? [say('left', { node })] : []
  },
})
