import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, answer, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { reads } from '../../src/core/needs.ts'
import { formatTime } from '../../src/core/time.ts'

const hours = { '30m': 0.5, '1h': 1, '2h': 2, '4h': 4, '8h': 8, '24h': 24 }

/** Announces work on a node, lists what is announced, or ends it early; what the work is expected to break pages nobody. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.nodes, reads.guests],
  args: z.object({
    node: arg.node().optional(),
    for: arg.choice(['30m', '1h', '2h', '4h', '8h', '24h']).prefault('2h'),
    why: arg.text().optional(),
    end: arg.text().optional(),
  }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Announce work on a node, so that it pages nobody; without a node, list what is announced',
      args: {
        node: 'The node that is worked on',
        for: 'For how long; it ends by itself',
        why: 'What the work is; incidents that it causes say so',
        end: 'End this one now',
      },
      words: {
        title: 'Work on {node}',
        until: 'Until',
        opened: 'Work on {node} is announced: {id}',
        pages: 'Its loss, its fencing and its return page nobody. A guest in error, a lost quorum or another node do.',
        list: 'Announced work: {count}',
        none: 'None. To announce some: oncall maintenance NODE for:2h',
        id: 'Window',
        node: 'Node',
        why: 'Work',
        ending: 'End {id}',
        ended: '{id} has ended',
      },
      refusals: {
        'unknown-window': { says: 'No announced work is named {given}.', hint: 'oncall maintenance' },
        'no-such-node': { says: '{cluster} has no node {given}: {nodes}.', hint: 'oncall maintenance {first}' },
      },
    },
    es: {
      summary: 'Anunciar trabajos en un nodo para que no llamen a nadie; sin nodo, listar lo anunciado',
      args: {
        node: 'El nodo en que se trabaja',
        for: 'Por cuánto tiempo; termina solo',
        why: 'Cuál es el trabajo; los incidentes que cause lo dirán',
        end: 'Terminar este ahora',
      },
      words: {
        title: 'Trabajos en {node}',
        until: 'Hasta',
        opened: 'Trabajos en {node} anunciados: {id}',
        pages:
          'Que se pierda, se aísle o vuelva no llama a nadie. Una máquina en error, el cuórum perdido u otro nodo sí.',
        list: 'Trabajos anunciados: {count}',
        none: 'Ninguno. Para anunciar: oncall maintenance NODE for:2h',
        id: 'Ventana',
        node: 'Nodo',
        why: 'Trabajo',
        ending: 'Terminar {id}',
        ended: '{id} terminó',
      },
      refusals: {
        'unknown-window': { says: 'Ningún trabajo anunciado se llama {given}.', hint: 'oncall maintenance' },
        'no-such-node': { says: '{cluster} no tiene el nodo {given}: {nodes}.', hint: 'oncall maintenance {first}' },
      },
    },
  },
  examples: [
    { say: 'oncall maintenance pve1 for:2h', answers: true },
    { say: 'oncall maintenance pve1 why:"new memory"', answers: true },
    { say: 'oncall maintenance', answers: true },
    { say: 'oncall maintenance pve9', refuses: 'no-such-node' },
    { say: 'oncall maintenance end:w-0', refuses: 'unknown-window' },
  ],
  async plan({ args, asker, say, house, cluster, proxmox, signal }) {
    const { oncall } = house
    const from = Date.now()
    const when = (at: number) => formatTime(at, asker)
    const open = (await oncall.windows()).filter((one) => one.until > from && one.cluster === cluster)
    const explain = { shell: [], clicks: [] }
    const { end, node, why } = args
    if (end !== undefined) {
      const window = open.find(({ id }) => id === end)
      if (!window) throw new Refused('unknown-window', { given: end })
      const shows = [{ name: say('node'), value: window.node ?? cluster }]
      const ended = async () => {
        if (!(await oncall.endWindow(end, asker.identity))) throw new Refused('unknown-window', { given: end })
        return { title: say('ended', { id: end }) }
      }
      return act({ title: say('ending', { id: end }), shows, explain, act: ended })
    }
    if (node === undefined) {
      const title = say('list', { count: open.length })
      if (open.length === 0) return answer({ title, text: say('none') })
      const rows = open.map((one) => [one.id, one.node ?? cluster, when(one.until), one.why ?? ''])
      return answer({ title, table: { columns: [say('id'), say('node'), say('until'), say('why')], rows } })
    }
    const nodes = (await proxmox.resources({ signal })).nodes.map(({ name }) => name)
    if (!nodes.includes(node)) {
      throw new Refused('no-such-node', { cluster, given: node, nodes: nodes.join(', '), first: nodes[0] ?? '' })
    }
    const until = from + hours[args.for] * 3_600_000
    const reason = why === undefined ? {} : { why }
    const shows = [
      { name: say('until'), value: when(until) },
      ...(why === undefined ? [] : [{ name: say('why'), value: why }]),
    ]
    return act({
      title: say('title', { node }),
      shows,
      explain,
      async act() {
        const { id } = await oncall.openWindow({ cluster, node, ...reason, from, until, by: asker.identity })
        return { title: say('opened', { node, id }), text: say('pages'), fields: shows }
      },
    })
  },
})
