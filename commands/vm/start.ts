import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import guestPower from '../../workers/guest-power.ts'

/** Switches a guest on; under HA the wish is handed to HA. */
export default defineCommand({
  also: ['ct'],
  role: 'operator',
  risk: 'changes',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Start a machine or container',
      args: { guest: 'Name or number' },
      words: {
        title: 'Start {what} {name} ({vmid})',
        byHa: 'It is under high availability: HA starts it, which may take 10–20 s, and chooses the node.',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left',
        click: 'Click "Start" at the top right',
      },
      refusals: {
        'is-template': {
          says: '{name} is a template, and templates do not start.',
          hint: 'vm clone {called} name:NEW',
        },
        'is-paused': { says: '{name} is paused, not stopped.', hint: 'vm resume {vmid}' },
        'ha-error': {
          says: 'HA has given up on {name} (state error); it must be disabled first, and what went wrong put right.',
          hint: 'ha-manager set {sid} --state disabled',
        },
      },
    },
    es: {
      summary: 'Encender una máquina o un contenedor',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Encender {what} {name} ({vmid})',
        byHa: 'Está bajo alta disponibilidad: la enciende HA, lo que puede tardar 10–20 s, y HA elige el nodo.',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda',
        click: 'Clic en «Start», arriba a la derecha',
      },
      refusals: {
        'is-template': {
          says: '{name} es una plantilla, y las plantillas no se encienden.',
          hint: 'vm clone {called} name:NEW',
        },
        'is-paused': { says: '{name} está en pausa, no apagada.', hint: 'vm resume {vmid}' },
        'ha-error': {
          says: 'HA se rindió con {name} (estado error); primero hay que desactivarla y arreglar lo que falló.',
          hint: 'ha-manager set {sid} --state disabled',
        },
      },
    },
  },
  examples: [
    { say: 'vm start db1', plans: 'guest-power' },
    { say: 'vm start web1', refuses: 'already-running' },
    { say: 'vm start debian-12-template', refuses: 'is-template' },
    { say: 'vm start web9', refuses: 'unknown-guest-near' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, guestStates, theGuest } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, state, tool, sid, called } = facts
    const { name, vmid, node, kind } = guest
    if (guest.template) throw new Refused('is-template', { name, called })
    if (state.status === 'paused') throw new Refused('is-paused', { name, vmid })
    if (state.status !== 'stopped' && state.status !== 'unknown') throw new Refused('already-running', { vmid })
    // The lock of a machine that sleeps on disk: a start wakes it.
    if (facts.config.lock !== 'suspended') refuseLocked(facts)
    if (guest.haState === 'error') throw new Refused('ha-error', { name, sid })
    return run(guestPower.job({ vmid, kind, name, action: 'start' }), {
      title: say('title', { what: theGuest[kind], name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        { name: labels.status, value: `${guestStates[state.status]} → ${guestStates.running}` },
      ],
      warnings: state.haManaged ? [say('byHa')] : [],
      explain: {
        shell: [state.haManaged ? `ha-manager set ${sid} --state started` : `${tool} start ${vmid}   # ${node}`],
        clicks: [say('clickSelect', { vmid, name, node }), say('click')],
      },
    })
  },
})
