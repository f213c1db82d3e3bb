import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { standingOf } from '../src/core/host-standing.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker } from '../src/core/worker.ts'

/** A server that counts its memory and starts its controllers takes minutes. */
const backWithinMs = 900_000

/**
 * Has a host's power device, or another node by a packet, switch it on, and waits until it votes. To say it once too often
 * does no harm.
 */
export default defineWorker({
  payload: z.object({ node: z.string() }),
  needs: [reads.cluster, { path: '/nodes/{node}', privileges: ['Sys.PowerMgmt'] }],
  locks: ({ node }) => [`node:${node}`],
  text: {
    en: {
      title: 'Wake {node}',
      steps: { send: 'Switch it on', back: 'Wait until it votes' },
      done: '{node} is online: {votes} of {expected} votes',
      words: { left: '{node} is still offline' },
      refusals: {
        'no-wake-address': {
          says: 'Proxmox knows no Wake-on-LAN address for {node}. Switch it on by hand, or on another node write it down:',
          hint: "echo 'wakeonlan: AA:BB:CC:DD:EE:FF' >> /etc/pve/nodes/{node}/config",
        },
        'power-device': {
          says: 'The power device of {node} did not take the order: {why}',
          hint: 'Look at webhook: under power: in quorum.yaml, then: host wake {node}',
        },
        'not-woken': {
          says: 'It was asked for, and {node} has not come online. Wake-on-LAN may be off in its BIOS, or its cable out.',
          hint: 'host wake {node}',
        },
      },
    },
    es: {
      title: 'Despertar {node}',
      steps: { send: 'Encenderlo', back: 'Esperar a que vote' },
      done: '{node} está en línea: {votes} de {expected} votos',
      words: { left: '{node} sigue fuera de línea' },
      refusals: {
        'no-wake-address': {
          says: 'Proxmox no conoce la dirección de Wake-on-LAN de {node}. Enciéndelo a mano, o anótala en otro nodo:',
          hint: "echo 'wakeonlan: AA:BB:CC:DD:EE:FF' >> /etc/pve/nodes/{node}/config",
        },
        'power-device': {
          says: 'El dispositivo de encendido de {node} no aceptó la orden: {why}',
          hint: 'Revisa webhook: bajo power: en quorum.yaml, después: host wake {node}',
        },
        'not-woken': {
          says: 'Se pidió, y {node} no aparece en línea. Quizá Wake-on-LAN está apagado en su BIOS, o el cable suelto.',
          hint: 'host wake {node}',
        },
      },
    },
  },
  titled: ({ node }) => ({ node }),
  async run({ payload: { node }, proxmox, drills, change, step, until }) {
    const device = drills.means(node).restore === 'webhook'
    await change('send', {
      call: device ? `power ${node} on` : `POST /nodes/${node}/wakeonlan`,
      id: node,
      isSo: async () => (await standingOf(proxmox, node)).online,
      async act() {
        if (device) {
          return drills.power(node, 'on').catch((error: unknown) => {
            // Its address is a secret: only what the device itself said is told.
            const why = error instanceof Error && /answered \d+/.exec(error.message)?.[0]
            throw new Refused('power-device', { node, why: why || '–' })
          })
        }
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
