import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { drillFacts } from '../../src/core/drill-facts.ts'
import { tellGate } from '../../src/core/drill-gate.ts'
import { accepting, drillWants, orderOf, victimOf, whatOf } from '../../src/core/drill-order.ts'
import { tellInDrill } from '../../src/core/fate.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'
import { drillPlanOf } from '../../src/ha/drill-plan.ts'
import { drillKinds } from '../../src/ha/impact.ts'

const marks = { pass: '✅', warn: '⚠️', fail: '❌' }

/** What a drill would do, what it would prove, and what must be so first. Changes nothing. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({
    node: arg.node(),
    kind: arg.choice(drillKinds).prefault('shutdown'),
    storage: arg.storage().optional(),
    accept: arg.text().optional(),
    expect: arg.choice(['moves', 'nothing']).prefault('moves'),
  }),
  positionals: ['node'],
  wants: drillWants,
  text: {
    en: {
      summary: 'What a drill on a node would do and prove, and what must be so before it',
      args: {
        node: 'The node that goes',
        kind: 'How it goes',
        storage: 'Which storage it loses (kind:storage)',
        accept: 'Machines not under HA that may go down too',
        expect: 'Whether something is to move',
      },
      words: {
        title: 'Drill on {node} ({kind})',
        open: 'All gates are open. To run it: drill run {node} kind:{id}',
        nameless: 'It waits only for you to accept by name what goes down too. To run it: drill run {node} kind:{id}',
        closed: 'Gates that are closed: {count}. Nothing can be run before they are mended.',
        within: 'Runs again within',
        none: 'no time: it stays up',
      },
    },
    es: {
      summary: 'Qué haría y probaría un simulacro en un nodo, y qué tiene que cumplirse antes',
      args: {
        node: 'El nodo que se va',
        kind: 'Cómo se va',
        storage: 'Qué almacenamiento pierde (kind:storage)',
        accept: 'Máquinas fuera de HA que también pueden apagarse',
        expect: 'Si algo ha de moverse',
      },
      words: {
        title: 'Simulacro en {node} ({kind})',
        open: 'Todo está en orden. Para correrlo: drill run {node} kind:{id}',
        nameless:
          'Solo falta que aceptes por su nombre lo que también se apaga. Para correrlo: drill run {node} kind:{id}',
        closed: 'Condiciones que no se cumplen: {count}. Nada se puede correr antes de arreglarlas.',
        within: 'Corre otra vez en',
        none: 'ningún tiempo: sigue encendida',
      },
    },
  },
  examples: [
    { say: 'drill plan pve1', answers: true },
    { say: 'drill plan pve1 kind:power accept:web1', answers: true },
    { say: 'drill plan pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const { drill, impact: said } = words.ha
    const { nodes } = await proxmox.resources({ signal })
    const order = await orderOf(proxmox, args, { nodes, cluster, signal })
    const { node, kind } = order
    const plan = drillPlanOf(await drillFacts(proxmox, { ...order, house, cluster, signal }), order)
    const closed = plan.gates.filter(({ verdict }) => verdict === 'fail')
    const values = { node, id: whatOf(accepting(order, closed)) }
    const isNameless = closed.length > 0 && closed.every(({ accept }) => accept !== undefined)
    const gateRows = [...plan.gates]
      .sort((a, b) => rank[a.verdict] - rank[b.verdict])
      .map((gate) => `${marks[gate.verdict]} ${tellGate(gate, node, drill)}`)
    return answer({
      title: say('title', { node: victimOf(order), kind: said.kinds[kind] }),
      state: closed.length > 0 ? 'failed' : plan.gates.some(({ verdict }) => verdict === 'warn') ? 'warning' : 'ok',
      text: [
        drill.proves[kind],
        closed.length === 0 || isNameless
          ? say(isNameless ? 'nameless' : 'open', values)
          : say('closed', { count: closed.length }),
        '',
        ...gateRows,
      ].join('\n'),
      fields: [
        kind === 'storage'
          ? { name: drill.labels.held, value: formatDuration(plan.impact.down.to) }
          : { name: say('within'), value: kind === 'migrate' ? say('none') : formatDuration(plan.within) },
      ],
      ...(plan.impact.fates.length === 0
        ? {}
        : {
            table: {
              columns: [drill.labels.machine, drill.labels.foretold],
              rows: plan.impact.fates.map((fate) => [
                `${fate.name} (${fate.sid})`,
                tellInDrill(fate, words).join('. '),
              ]),
            },
          }),
    })
  },
})

const rank = { fail: 0, warn: 1, pass: 2 }
