import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { decidedOn, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import guestPower from '../../workers/guest-power.ts'

/** Holds a machine still: its memory stays, and its node's with it; nothing in it goes on until it is resumed. */
export default defineCommand({
  role: 'operator',
  risk: 'endangers',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Pause a machine: it stands still, with its memory kept, until vm resume',
      args: { guest: 'Name or number' },
      words: {
        title: 'Pause machine {name} ({vmid})',
        still:
          'Nothing in it answers until `vm resume {vmid}`: not its users, nor a shutdown. If its node goes down, what is in its memory is lost.',
        byHa: 'It is under high availability, which takes a paused machine for a running one and leaves it so.',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left',
        click: 'Click the arrow beside "Shutdown" at the top right, then "Pause", and confirm',
      },
      refusals: {
        'is-container': {
          says: '{name} is a container: Proxmox pauses those only as an experiment.',
          hint: 'ct shutdown {vmid}',
        },
        'paused-already': { says: '{name} is paused already.', hint: 'vm resume {vmid}' },
      },
    },
    es: {
      summary: 'Poner en pausa una máquina: queda quieta, con su memoria, hasta vm resume',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Poner en pausa la máquina {name} ({vmid})',
        still:
          'Nada en ella responde hasta `vm resume {vmid}`: ni a sus usuarios, ni a un apagado. Si su nodo se cae, se pierde lo que tiene en memoria.',
        byHa: 'Está bajo alta disponibilidad, que toma una máquina en pausa por encendida y la deja así.',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda',
        click: 'Clic en la flecha junto a «Shutdown», arriba a la derecha, luego en «Pause», y confirma',
      },
      refusals: {
        'is-container': {
          says: '{name} es un contenedor: Proxmox solo los pausa a modo de experimento.',
          hint: 'ct shutdown {vmid}',
        },
        'paused-already': { says: '{name} ya está en pausa.', hint: 'vm resume {vmid}' },
      },
    },
  },
  examples: [
    { say: 'vm suspend web1', plans: 'guest-power' },
    { say: 'vm suspend db1', refuses: 'not-running' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, guestStates } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, state } = facts
    const { name, vmid, node, kind } = guest
    if (kind === 'lxc') throw new Refused('is-container', { name, vmid })
    if (state.status === 'paused') throw new Refused('paused-already', { name, vmid })
    if (state.status !== 'running') throw new Refused('not-running', { vmid })
    refuseLocked(facts)
    return run(guestPower.job({ vmid, kind, name, action: 'suspend' }), {
      title: say('title', { name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        { name: labels.status, value: `${guestStates.running} → ${guestStates.paused}` },
      ],
      warnings: [say('still', { vmid }), ...(state.haManaged ? [say('byHa')] : [])],
      explain: {
        shell: [`qm suspend ${vmid}   # ${node}`],
        clicks: [say('clickSelect', { vmid, name, node }), say('click')],
      },
      state: decidedOn(facts),
    })
  },
})
