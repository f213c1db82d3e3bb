import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { decidedOn, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import guestPower from '../../workers/guest-power.ts'

/** Lets a paused machine go on. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Let a paused machine go on',
      args: { guest: 'Name or number' },
      words: {
        title: 'Resume machine {name} ({vmid})',
        clock: 'Its clock stood still too: it may be late until its system sets it.',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left',
        click: 'Click "Resume" at the top right',
      },
      refusals: {
        'is-container': {
          says: '{name} is a container: Proxmox pauses those only as an experiment.',
          hint: 'ct start {vmid}',
        },
        'not-paused': { says: '{name} is off, not paused.', hint: 'vm start {vmid}' },
      },
    },
    es: {
      summary: 'Hacer seguir una máquina en pausa',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Reanudar la máquina {name} ({vmid})',
        clock: 'Su reloj también estuvo quieto: puede ir atrasado hasta que su sistema lo ponga en hora.',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda',
        click: 'Clic en «Resume», arriba a la derecha',
      },
      refusals: {
        'is-container': {
          says: '{name} es un contenedor: Proxmox solo los pausa a modo de experimento.',
          hint: 'ct start {vmid}',
        },
        'not-paused': { says: '{name} está apagada, no en pausa.', hint: 'vm start {vmid}' },
      },
    },
  },
  workers: [guestPower],
  examples: [
    { say: 'vm resume web1', refuses: 'already-running' },
    { say: 'vm resume db1', refuses: 'not-paused' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, guestStates } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, state } = facts
    const { name, vmid, node, kind } = guest
    if (kind === 'lxc') throw new Refused('is-container', { name, vmid })
    if (state.status === 'running') throw new Refused('already-running', { vmid })
    if (state.status !== 'paused') throw new Refused('not-paused', { name, vmid })
    refuseLocked(facts)
    return run(guestPower.job({ vmid, kind, name, action: 'resume' }), {
      title: say('title', { name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        { name: labels.status, value: `${guestStates.paused} → ${guestStates.running}` },
      ],
      warnings: [say('clock')],
      explain: {
        shell: [`qm resume ${vmid}   # ${node}`],
        clicks: [say('clickSelect', { vmid, name, node }), say('click')],
      },
      state: decidedOn(facts),
    })
  },
})
