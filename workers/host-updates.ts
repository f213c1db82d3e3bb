import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { defineWorker } from '../src/core/worker.ts'

const shownAtMost = 6

/** Has each node ask its package repositories, and lists what is newer there. Nothing is installed. */
export default defineWorker({
  payload: z.object({ nodes: z.array(z.string()).min(1) }),
  needs: [{ path: '/nodes/{node}', privileges: ['Sys.Modify'] }],
  locks: ({ nodes }) => nodes.map((node) => `apt:${node}`),
  text: {
    en: {
      title: 'Updates of {nodes}',
      steps: { refresh: 'Ask the repositories', list: 'List what is newer' },
      done: 'Updates: {count}',
      words: {
        none: 'up to date',
        some: '{count}: {names}',
        more: 'and {count} more',
        kernel:
          '{node} gets a new kernel: it wants a reboot afterwards, one node at a time. host drain {node}, then host reboot {node}',
        failed: '{node} could not ask its repositories, so what it knows is old. See: host check {node}',
        unequal: 'The nodes would not be at the same version afterwards; update all of them.',
      },
    },
    es: {
      title: 'Actualizaciones de {nodes}',
      steps: { refresh: 'Preguntar a los repositorios', list: 'Listar lo más nuevo' },
      done: 'Actualizaciones: {count}',
      words: {
        none: 'al día',
        some: '{count}: {names}',
        more: 'y {count} más',
        kernel:
          '{node} recibe un kernel nuevo: después hay que reiniciarlo, un nodo a la vez. host drain {node}, luego host reboot {node}',
        failed: '{node} no pudo preguntar a sus repositorios, así que lo que sabe es viejo. Mira: host check {node}',
        unequal: 'Los nodos no quedarían en la misma versión; actualízalos todos.',
      },
    },
  },
  titled: ({ nodes }) => ({ nodes: nodes.join(', ') }),
  async run({ payload: { nodes }, proxmox, step, effect, follow, say }) {
    const warnings: string[] = []
    for (const [i, node] of nodes.entries()) {
      const look = { node, types: ['aptupdate'], act: () => proxmox.refreshUpdates(node) }
      const upid = await effect('refresh', look, i + 1)
      try {
        await follow('refresh', upid)
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== 'task-failed') throw error
        warnings.push(say('failed', { node }))
      }
    }
    return step('list', async () => {
      const lists = await Promise.all(nodes.map((node) => proxmox.updates(node)))
      const fields = nodes.map((name, i) => ({ name, value: told(lists[i] ?? [], say) }))
      for (const [i, node] of nodes.entries()) {
        const kernel = lists[i]?.some(({ name }) => /^(?:proxmox|pve)-kernel-\d/.test(name))
        if (kernel) warnings.push(say('kernel', { node }))
      }
      const managers = new Set(lists.map((list) => list.find(({ name }) => name === 'pve-manager')?.to ?? ''))
      if (managers.size > 1) warnings.push(say('unequal'))
      const count = lists.reduce((sum, { length }) => sum + length, 0)
      return { values: { count }, fields, warnings }
    })
  },
})

/** Proxmox's own first. */
function told(
  list: readonly { name: string; from?: string; to: string; origin?: string }[],
  say: (key: 'none' | 'some' | 'more', values?: Record<string, string | number>) => string,
): string {
  if (list.length === 0) return say('none')
  const sorted = [...list].sort((a, b) => Number(b.origin === 'Proxmox') - Number(a.origin === 'Proxmox'))
  const names = sorted.slice(0, shownAtMost).map(({ name, from, to }) => `${name} ${from ?? ''} → ${to}`)
  const rest = list.length - names.length
  return say('some', {
    count: list.length,
    names: [...names, ...(rest > 0 ? [say('more', { count: rest })] : [])].join(', '),
  })
}
