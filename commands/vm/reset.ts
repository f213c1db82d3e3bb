import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { decidedOn, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import guestPower from '../../workers/guest-power.ts'

/** Restarts a machine as its reset button would: its system is not asked. */
export default defineCommand({
  role: 'operator',
  risk: 'endangers',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Reset a machine hard, like its reset button',
      args: { guest: 'Name or number' },
      words: {
        title: 'Reset machine {name} ({vmid}) hard',
        hard: 'What it has not written to its disk yet is lost. `vm reboot {vmid}` asks it to restart by itself.',
        pending: 'Changes that wait for its next start go on waiting: only `vm reboot {vmid}` applies them.',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left',
        click: 'Click the arrow beside "Shutdown" at the top right, then "Reset", and confirm',
      },
      refusals: {
        'is-container': { says: '{name} is a container: there is no reset for it.', hint: 'ct reboot {vmid}' },
      },
    },
    es: {
      summary: 'Reiniciar en seco una máquina, como con su botón de reset',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Reiniciar en seco la máquina {name} ({vmid})',
        hard: 'Se pierde lo que todavía no escribió en su disco. `vm reboot {vmid}` le pide que se reinicie sola.',
        pending: 'Los cambios que esperan su próximo arranque siguen esperando: solo `vm reboot {vmid}` los aplica.',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda',
        click: 'Clic en la flecha junto a «Shutdown», arriba a la derecha, luego en «Reset», y confirma',
      },
      refusals: {
        'is-container': { says: '{name} es un contenedor: no tiene reset.', hint: 'ct reboot {vmid}' },
      },
    },
  },
  examples: [
    { say: 'vm reset web1', plans: 'guest-power' },
    { say: 'vm reset db1', refuses: 'not-running' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, guestStates } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, state } = facts
    const { name, vmid, node, kind } = guest
    if (kind === 'lxc') throw new Refused('is-container', { name, vmid })
    if (state.status !== 'running' && state.status !== 'paused') throw new Refused('not-running', { vmid })
    refuseLocked(facts)
    return run(guestPower.job({ vmid, kind, name, action: 'reset' }), {
      title: say('title', { name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        { name: labels.status, value: guestStates[state.status] },
      ],
      warnings: [say('hard', { vmid }), say('pending', { vmid })],
      explain: {
        shell: [`qm reset ${vmid}   # ${node}`],
        clicks: [say('clickSelect', { vmid, name, node }), say('click')],
      },
      state: decidedOn(facts),
    })
  },
})
