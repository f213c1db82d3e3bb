import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { standingOf } from '../src/core/host-standing.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker } from '../src/core/worker.ts'

/** A server that counts its memory and starts its controllers takes minutes. */
const backWithinMs = 900_000

/** Has another node send the packet that wakes a host up, and waits until it votes. A packet too many does no harm. */
export default defineWorker({
  payload: z.object({ node: z.string() }),
  needs: [reads.cluster, { path: '/nodes/{node}', privileges: ['Sys.PowerMgmt'] }],
  locks: ({ node }) => [`node:${node}`],
  text: {
    en: {
      title: 'Wake {node}',
      steps: { send: 'Send the packet', back: 'Wait until it votes' },
      done: '{node} is online: {votes} of {expected} votes',
      words: { left: '{node} is still offline' },
      refusals: {
        'no-wake-address': {
          says: 'Proxmox knows no Wake-on-LAN address for {node}. Switch it on by hand, or on another node write it down:',
          hint: "echo 'wakeonlan: AA:BB:CC:DD:EE:FF' >> /etc/pve/nodes/{node}/config",
        },
        'not-woken': {
          says: 'The packet was sent, and {node} has not come online. Wake-on-LAN may be off in its BIOS, or its cable out.',
          hint: 'host wake {node}',
        },
      },
    },
    es: {
      title: 'Despertar {node}',
      steps: { send: 'Enviar el paquete', back: 'Esperar a que vote' },
      done: '{node} está en línea: {votes} de {expected} votos',
      words: { left: '{node} sigue fuera de línea' },
      refusals: {
        'no-wake-address': {
          says: 'Proxmox no conoce la dirección de Wake-on-LAN de {node}. Enciéndelo a mano, o anótala en otro nodo:',
          hint: "echo 'wakeonlan: AA:BB:CC:DD:EE:FF' >> /etc/pve/nodes/{node}/config",
        },
        'not-woken': {
          says: 'El paquete salió, y {node} no aparece en línea. Quizá Wake-on-LAN está apagado en su BIOS, o el cable suelto.',
          hint: 'host wake {node}',
        },
      },
    },
  },
  titled: ({ node }) => ({ node }),
  async run({ payload: { node }, proxmox, change, step, until }) {
    await change('send', {
      call: `POST /nodes/${node}/wakeonlan`,
      id: node,
      isSo: async () => (await standingOf(proxmox, node)).online,
      async act() {
        await proxmox.wakeHost(node, { avoid: [node] }).catch((error: unknown) => {
          if (/no wake on lan mac/i.test(String(error))) throw new Refused('no-wake-address', { node })
          throw error
        })
      },
      showsWithinMs: 1000,
    })
    return step('back', async () => {
      const back = await until(
        async () => {
          const standing = await standingOf(proxmox, node)
          return standing.online && standing.quorate ? standing : undefined
        },
        { everyMs: 2000, withinMs: backWithinMs },
      )
      if (!back) throw new Refused('not-woken', { node })
      return { values: { node, votes: back.votes, expected: back.expected } }
    })
  },
  async leftovers({ payload: { node }, proxmox, say }) {
    return (await standingOf(proxmox, node)).online ? [] : [say('left', { node })]
  },
})
