import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { decidedOn, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'
import guestPower from '../../workers/guest-power.ts'

/** Switches a guest off hard, as if its plug were pulled. */
export default defineCommand({
  also: ['ct'],
  role: 'operator',
  risk: 'endangers',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Switch a machine or container off hard, like pulling its plug',
      args: { guest: 'Name or number' },
      words: {
        title: 'Switch off {what} {name} ({vmid}) hard',
        hard: 'What it has not written to its disk yet is lost. `vm shutdown {vmid}` asks it to go down by itself.',
        byHa: 'It is under high availability: HA stops it, which may take 10–20 s, and leaves it off until `vm start {vmid}`.',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left',
        click: 'Click the arrow beside "Shutdown" at the top right, then "Stop", and confirm',
      },
    },
    es: {
      summary: 'Apagar en seco una máquina o un contenedor, como quien lo desenchufa',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Apagar en seco {what} {name} ({vmid})',
        hard: 'Se pierde lo que todavía no escribió en su disco. `vm shutdown {vmid}` le pide que se apague sola.',
        byHa: 'Está bajo alta disponibilidad: la apaga HA, lo que puede tardar 10–20 s, y la deja apagada hasta `vm start {vmid}`.',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda',
        click: 'Clic en la flecha junto a «Shutdown», arriba a la derecha, luego en «Stop», y confirma',
      },
    },
  },
  examples: [
    { say: 'vm stop web1', plans: 'guest-power' },
    { say: 'vm stop db1', refuses: 'not-running' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, guestStates, theGuest } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, state, tool, sid } = facts
    const { name, vmid, node, kind } = guest
    if (state.status === 'stopped') throw new Refused('not-running', { vmid })
    refuseLocked(facts)
    return run(guestPower.job({ vmid, kind, name, action: 'stop' }), {
      title: say('title', { what: theGuest[kind], name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        { name: labels.status, value: `${guestStates[state.status]} → ${guestStates.stopped}` },
        { name: labels.uptime, value: formatDuration(state.uptime) },
      ],
      warnings: [say('hard', { vmid }), ...(state.haManaged ? [say('byHa', { vmid })] : [])],
      explain: {
        shell: [state.haManaged ? `ha-manager crm-command stop ${sid} 0` : `${tool} stop ${vmid}   # ${node}`],
        clicks: [say('clickSelect', { vmid, name, node }), say('click')],
      },
      state: decidedOn(facts),
    })
  },
})
