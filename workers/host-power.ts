import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { type Standing, standingOf } from '../src/core/host-standing.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker } from '../src/core/worker.ts'

/** Guests are given their time, and under the policy `migrate` the node waits until all have moved. */
const goneWithinMs = 3600_000
/** Servers count their memory and start their controllers for minutes. */
const backWithinMs = 1800_000

/**
 * Tells a node to go down or to restart. Proxmox makes no task of it, so what came of it is read from another member: the
 * node is gone, or back with a younger boot and in the cluster.
 */
export default defineWorker({
  payload: z.object({
    node: z.string(),
    action: z.enum(['shutdown', 'reboot']),
    /** No other node is there to be asked. */
    lone: z.boolean(),
  }),
  needs: [reads.cluster, { path: '/nodes/{node}', privileges: ['Sys.PowerMgmt'] }],
  locks: ({ node }) => ['ha', `node:${node}`],
  text: {
    en: {
      title: '{action} {node}',
      steps: {
        see: 'See when it was started',
        act: 'Tell it',
        gone: 'Wait until it is gone',
        back: 'Wait until it is back',
      },
      done: '{node}: {now}',
      words: {
        off: 'off, as {seen} sees it',
        offAlone: 'no longer answers',
        back: 'restarted and back, {votes} of {expected} votes',
        left: '{node} is {state}',
        on: 'online',
        offline: 'offline',
        wake: 'To start it: host wake {node}',
      },
      refusals: {
        'still-up': { says: '{node} was told to go down and is still there after an hour.', hint: 'host list' },
        'not-back': { says: '{node} went down and has not come back.', hint: 'host wake {node}' },
      },
    },
    es: {
      title: '{action} {node}',
      steps: {
        see: 'Ver cuándo arrancó',
        act: 'Pedírselo',
        gone: 'Esperar a que se vaya',
        back: 'Esperar a que vuelva',
      },
      done: '{node}: {now}',
      words: {
        off: 'apagado, según {seen}',
        offAlone: 'ya no responde',
        back: 'reiniciado y de vuelta, {votes} de {expected} votos',
        left: '{node} está {state}',
        on: 'en línea',
        offline: 'fuera de línea',
        wake: 'Para encenderlo: host wake {node}',
      },
      refusals: {
        'still-up': { says: 'A {node} se le pidió apagarse y después de una hora sigue ahí.', hint: 'host list' },
        'not-back': { says: '{node} se apagó y no ha vuelto.', hint: 'host wake {node}' },
      },
    },
  },
  titled: ({ action, node }) => ({ action, node }),
  async run({ payload, proxmox, step, change, until, say }) {
    const { node, action, lone } = payload
    const look = () => standingOf(proxmox, node, lone)
    const { bootedAt } = await step('see', async () => {
      const [{ uptime }, now] = await Promise.all([proxmox.hostStatus(node), proxmox.nodeTime(node)])
      return { bootedAt: now - uptime }
    })
    const isYounger = ({ bootedAt: at }: Standing) => at !== undefined && at > bootedAt + 5
    const went = (one: Standing) => !one.online || isYounger(one)
    await change('act', {
      call: `POST /nodes/${node}/status`,
      id: `${action} ${node}`,
      isSo: async () => went(await look()),
      act: () => proxmox.hostPower(node, action),
      // After a crash: guests that take their time are no reason to say it again.
      showsWithinMs: 300_000,
    })
    const gone = await step('gone', async () => {
      const seen = await until(async () => passing(await look(), went), { everyMs: 2000, withinMs: goneWithinMs })
      if (!seen) throw new Refused('still-up', { node })
      return { seen: seen.seenBy }
    })
    if (action === 'shutdown') {
      const now = gone.seen === undefined ? say('offAlone') : say('off', { seen: gone.seen })
      return { values: { node, now }, fields: [{ name: node, value: say('wake', { node }) }] }
    }
    return step('back', async () => {
      const isBack = (one: Standing) => one.online && one.quorate && isYounger(one)
      const back = await until(async () => passing(await look(), isBack), { everyMs: 2000, withinMs: backWithinMs })
      if (!back) throw new Refused('not-back', { node })
      return { values: { node, now: say('back', { votes: back.votes, expected: back.expected }) } }
    })
  },
  async leftovers({ payload, proxmox, say }) {
    const { online } = await standingOf(proxmox, payload.node, payload.lone)
    return [say('left', { node: payload.node, state: say(online ? 'on' : 'offline') })]
  },
})

const passing = (one: Standing, fits: (one: Standing) => boolean) => (fits(one) ? one : undefined)
