import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { drillFacts } from '../../src/core/drill-facts.ts'
import { tellGate } from '../../src/core/drill-gate.ts'
import { accepting, drillWants, orderOf, shellOf, victimOf, whatOf } from '../../src/core/drill-order.ts'
import { Refused } from '../../src/core/errors.ts'
import { tellInDrill } from '../../src/core/fate.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'
import { decidedOnDrill, drillPlanOf } from '../../src/ha/drill-plan.ts'
import { drillKinds } from '../../src/ha/impact.ts'
import drillWorker from '../../workers/drill.ts'

/** Breaks a node on purpose, measures what becomes of its machines, and puts everything back. */
export default defineCommand({
  role: 'operator',
  risk: 'endangers',
  approval: 'drill',
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
      summary: 'Break a node on purpose, measure how its machines come back, and put everything back',
      args: {
        node: 'The node that goes',
        kind: 'How it goes',
        storage: 'Which storage it loses (kind:storage)',
        accept: 'Machines not under HA that may go down too',
        expect: 'Whether something is to move',
      },
      words: {
        title: 'Drill: {node} goes ({kind})',
        within: 'Must run again within',
        'click-shutdown': 'Select node {node}, then Shutdown; watch Datacenter → HA; start the node again by hand',
        'click-reboot': 'Select node {node}, then Reboot; watch Datacenter → HA',
        'click-power':
          'Nothing in the web interface does it: pull the plug of {node}, watch Datacenter → HA on another node, and plug it in again',
        'click-network':
          'Nothing in the web interface does it: pull the network cables of {node}, watch Datacenter → HA on another node, and plug them in again',
        'click-storage':
          "Nothing in the web interface does it: pull {node}'s cable to the storage network, watch Datacenter → HA and the machine's console, and plug it in again",
      },
      refusals: {
        'gate-closed': {
          says: 'The drill on {node} cannot be run yet:\n{gates}',
          hint: 'drill plan {node} kind:{what}',
        },
      },
    },
    es: {
      summary: 'Romper un nodo a propósito, medir cómo vuelven sus máquinas y dejar todo como estaba',
      args: {
        node: 'El nodo que se va',
        kind: 'Cómo se va',
        storage: 'Qué almacenamiento pierde (kind:storage)',
        accept: 'Máquinas fuera de HA que también pueden apagarse',
        expect: 'Si algo ha de moverse',
      },
      words: {
        title: 'Simulacro: se va {node} ({kind})',
        within: 'Tiene que correr otra vez en',
        'click-shutdown':
          'Selecciona el nodo {node}, luego Shutdown; mira Datacenter → HA; enciende el nodo otra vez a mano',
        'click-reboot': 'Selecciona el nodo {node}, luego Reboot; mira Datacenter → HA',
        'click-power':
          'Nada en la interfaz web lo hace: desenchufa {node}, mira Datacenter → HA en otro nodo y enchúfalo otra vez',
        'click-network':
          'Nada en la interfaz web lo hace: saca los cables de red de {node}, mira Datacenter → HA en otro nodo y conéctalos otra vez',
        'click-storage':
          'Nada en la interfaz web lo hace: saca el cable de {node} a la red de almacenamiento, mira Datacenter → HA y la consola de la máquina, y conéctalo otra vez',
      },
      refusals: {
        'gate-closed': {
          says: 'El simulacro en {node} todavía no se puede correr:\n{gates}',
          hint: 'drill plan {node} kind:{what}',
        },
      },
    },
  },
  examples: [
    { say: 'drill run pve1 kind:shutdown accept:web1', plans: 'drill' },
    { say: 'drill run pve1 kind:shutdown', refuses: 'gate-closed' },
    { say: 'drill run pve1 kind:reboot accept:web1', refuses: 'gate-closed' },
    { say: 'drill run pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const { drill, impact: said } = words.ha
    const { nodes } = await proxmox.resources({ signal })
    const order = await orderOf(proxmox, args, { nodes, cluster, signal })
    const { node, kind } = order
    const facts = await drillFacts(proxmox, { ...order, house, cluster, signal })
    const plan = drillPlanOf(facts, order)
    const told = (verdict: 'fail' | 'warn') =>
      plan.gates.filter((gate) => gate.verdict === verdict).map((gate) => tellGate(gate, node, drill))
    if (told('fail').length > 0) {
      const what = whatOf(accepting(order, plan.gates))
      throw new Refused('gate-closed', { node, what, gates: told('fail').join('\n') })
    }
    const observer = nodes.find(({ name, status }) => name !== node && status === 'online')?.name ?? node
    return run(drillWorker.job(order), {
      title: say('title', { node: victimOf(order), kind: said.kinds[kind] }),
      node: observer,
      shows: [
        { name: drill.labels.kind, value: `${said.kinds[kind]}. ${drill.proves[kind]}` },
        ...plan.impact.fates
          .filter(({ outcome }) => outcome !== 'off')
          .map((fate) => ({ name: `${fate.name} (${fate.sid})`, value: tellInDrill(fate, words)[0] })),
        kind === 'storage'
          ? { name: drill.labels.held, value: formatDuration(plan.impact.down.to) }
          : { name: say('within'), value: formatDuration(plan.within) },
      ],
      warnings: told('warn'),
      explain: {
        shell: shellOf(order, facts.look.storages),
        clicks: [say(`click-${kind === 'migrate' ? 'shutdown' : kind}`, { node })],
      },
      state: decidedOnDrill(plan),
    })
  },
})
