import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { standingOf } from '../src/core/host-standing.ts'
import { reads } from '../src/core/needs.ts'
import { fileOf, isAs, lineOf, paramsOf, type Wished } from '../src/core/network.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import { defineWorker } from '../src/core/worker.ts'

const backWithinMs = 180_000

const wish = z.object({
  iface: z.string(),
  type: z.enum(['bridge', 'bond', 'vlan']),
  ports: z.array(z.string()).optional(),
  mode: z.string().optional(),
  vlan: z.int().optional(),
  on: z.string().optional(),
  address: z.string().optional(),
  gateway: z.string().optional(),
  mtu: z.int().optional(),
  vlanAware: z.boolean().optional(),
  comment: z.string().optional(),
})

/**
 * Changes one interface on several hosts, one host after another: the next one only when the last one answers and votes
 * again. Proxmox has no way back once it is applied, so the old file is shown before; what was noted and not applied is
 * taken back when Proxmox refuses.
 */
export default defineWorker({
  payload: z.object({
    /** `was`: the interface's line when it was decided. */
    hosts: z.array(z.object({ node: z.string(), was: z.string() })).min(1),
    remove: z.boolean(),
    wish,
  }),
  needs: [reads.cluster, { path: '/nodes/{node}', privileges: ['Sys.Modify'] }],
  locks: ({ hosts }) => ['ha', ...hosts.map(({ node }) => `node:${node}`)],
  text: {
    en: {
      title: '{iface} on {nodes}',
      steps: {
        before: 'Keep the old file',
        note: 'Note the change',
        revert: 'Take the note back',
        show: 'Show the difference',
        apply: 'Apply it',
        back: 'Wait until it votes again',
      },
      done: '{iface} on {nodes}',
      words: {
        old: '{node}: /etc/network/interfaces before',
        diff: '{node}: difference',
        pending: 'Noted on {node} and not applied. To forget it: pvesh delete /nodes/{node}/network',
      },
      refusals: {
        'network-changed': {
          says: '{iface} on {node} is no longer as it was when this was decided ({was}), so nothing was changed there.',
          hint: 'host network {node}',
        },
        'network-not-back': {
          says: '{node} does not answer, or does not vote, since {iface} was applied; no further node was touched. At its console, from the old file above: ifreload -a',
          hint: 'host list',
        },
        'network-not-so': {
          says: 'It was applied on {node}, and {iface} is not as wanted there ({now}).',
          hint: 'host network {node}',
        },
      },
    },
    es: {
      title: '{iface} en {nodes}',
      steps: {
        before: 'Guardar el archivo viejo',
        note: 'Anotar el cambio',
        revert: 'Retirar lo anotado',
        show: 'Mostrar la diferencia',
        apply: 'Aplicarlo',
        back: 'Esperar a que vote otra vez',
      },
      done: '{iface} en {nodes}',
      words: {
        old: '{node}: /etc/network/interfaces antes',
        diff: '{node}: diferencia',
        pending: 'Anotado en {node} y sin aplicar. Para olvidarlo: pvesh delete /nodes/{node}/network',
      },
      refusals: {
        'network-changed': {
          says: '{iface} en {node} ya no está como cuando se decidió ({was}), así que ahí no se cambió nada.',
          hint: 'host network {node}',
        },
        'network-not-back': {
          says: '{node} no responde, o no vota, desde que se aplicó {iface}; no se tocó ningún otro nodo. En su consola, con el archivo viejo de arriba: ifreload -a',
          hint: 'host list',
        },
        'network-not-so': {
          says: 'Se aplicó en {node}, y {iface} no está ahí como se quería ({now}).',
          hint: 'host network {node}',
        },
      },
    },
  },
  titled: ({ wish: { iface }, hosts }) => ({ iface, nodes: hosts.map(({ node }) => node).join(', ') }),
  async run({ payload: { hosts, wish: given, remove }, proxmox, step, change, effect, until, shows, say }) {
    const wanted = given as Wished
    const { iface } = wanted
    const found = async (node: string) =>
      (await proxmox.hostNetwork(node)).interfaces.find((one) => one.iface === iface)
    for (const [i, { node, was }] of hosts.entries()) {
      const round = i + 1
      const isSo = async () => (remove ? (await found(node)) === undefined : isAs(await found(node), wanted))
      const before = await step(
        'before',
        async () => {
          const [{ interfaces }, { votes }] = await Promise.all([
            proxmox.hostNetwork(node),
            standingOf(proxmox, node, true),
          ])
          return { file: fileOf(interfaces), votes }
        },
        round,
      )
      await shows([{ name: say('old', { node }), value: before.file }])
      try {
        await change(
          'note',
          {
            call: `${remove ? 'DELETE' : was === '–' ? 'POST' : 'PUT'} /nodes/${node}/network`,
            id: iface,
            isSo,
            async act() {
              if (lineOf(await found(node)) !== was) throw new Refused('network-changed', { iface, node, was })
              if (remove) return proxmox.deleteInterface(node, iface)
              const { iface: _, ...params } = paramsOf(wanted)
              return was === '–'
                ? proxmox.createInterface(node, { iface, ...params })
                : proxmox.updateInterface(node, iface, params)
            },
          },
          round,
        )
      } catch (error) {
        if (error instanceof Refused && error.code !== 'network-changed') await revert(node, round)
        throw error
      }
      const changes = await step('show', async () => (await proxmox.hostNetwork(node)).changes ?? '', round)
      if (changes === '') continue
      await shows([{ name: say('diff', { node }), value: changes }])
      const apply = { node, types: ['srvreload'], act: () => proxmox.applyNetwork(node) }
      const upid = await effect('apply', apply, round)
      await step(
        'back',
        async () => {
          // The task's end is told by the node itself, which may have cut itself off: it is waited for no longer than the node.
          const look = async () => {
            const exit = await proxmox.task(upid).then(
              (task) => task.exit,
              () => undefined,
            )
            if (exit === undefined) return undefined
            if (!/^(?:OK|WARNINGS)/.test(exit)) throw new Refused('task-failed', { type: 'srvreload' }, { raw: exit })
            const standing = await standingOf(proxmox, node, true).catch(() => undefined)
            return standing?.online && standing.quorate && standing.votes >= before.votes ? true : undefined
          }
          if (!(await until(look, { everyMs: 2000, withinMs: backWithinMs }))) {
            throw new Refused('network-not-back', { node, iface })
          }
          if (!(await isSo())) throw new Refused('network-not-so', { node, iface, now: lineOf(await found(node)) })
          return true
        },
        round,
      )
    }
    return { values: { iface, nodes: hosts.map(({ node }) => node).join(', ') } }

    async function revert(node: string, round: number) {
      await change(
        'revert',
        {
          call: `DELETE /nodes/${node}/network`,
          id: iface,
          isSo: async () => !(await pendingOn(proxmox, node)),
          act: () => proxmox.revertNetwork(node),
        },
        round,
      )
    }
  },
  async leftovers({ payload: { hosts }, proxmox, say }) {
    const lines = hosts.map(async ({ node }) => ((await pendingOn(proxmox, node)) ? [say('pending', { node })] : []))
    return (await Promise.all(lines)).flat()
  },
})

const pendingOn = async (proxmox: ProxmoxWriterPort, node: string) =>
  (await proxmox.hostNetwork(node)).changes !== undefined
