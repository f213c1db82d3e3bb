import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { decidedOn, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'
import guestPower from '../../workers/guest-power.ts'

/** Shuts a guest down and starts it again on the same node, which also applies changes that wait for that. */
export default defineCommand({
  also: ['ct'],
  role: 'operator',
  risk: 'endangers',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest(), timeout: arg.integer({ min: 5, max: 3600 }).prefault('60') }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Shut a machine or container down and start it again; applies pending changes',
      args: { guest: 'Name or number', timeout: 'Seconds that the shutdown may take' },
      words: {
        title: 'Reboot {what} {name} ({vmid})',
        patience: 'Patience',
        thenGivesUp: '{seconds} s for the shutdown, then it is left running',
        asks: 'Without a guest agent, and with nothing inside that listens to ACPI, it does not go down.',
        haKeepsOut: 'It is under high availability, which does not take part in a reboot: it stays on {node}.',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left',
        click: 'Click the arrow beside "Shutdown" at the top right, then "Reboot", and confirm',
      },
      refusals: {
        'is-paused': {
          says: '{name} is paused, and nothing in it can hear the request.',
          hint: 'vm resume {vmid}',
        },
      },
    },
    es: {
      summary: 'Apagar y volver a encender una máquina o un contenedor; aplica los cambios pendientes',
      args: { guest: 'Nombre o número', timeout: 'Segundos que puede tardar en apagarse' },
      words: {
        title: 'Reiniciar {what} {name} ({vmid})',
        patience: 'Espera',
        thenGivesUp: '{seconds} s para que se apague; después queda encendida',
        asks: 'Sin agente (guest agent), y sin nada adentro que atienda a ACPI, no se apaga.',
        haKeepsOut: 'Está bajo alta disponibilidad, que no interviene en un reinicio: se queda en {node}.',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda',
        click: 'Clic en la flecha junto a «Shutdown», arriba a la derecha, luego en «Reboot», y confirma',
      },
      refusals: {
        'is-paused': {
          says: '{name} está en pausa, y nada adentro puede oír el pedido.',
          hint: 'vm resume {vmid}',
        },
      },
    },
  },
  examples: [
    { say: 'vm reboot web1', plans: 'guest-power' },
    { say: 'vm reboot db1', refuses: 'not-running' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, theGuest } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, state, config, tool } = facts
    const { name, vmid, node, kind } = guest
    const { timeout: seconds } = args
    if (state.status === 'stopped') throw new Refused('not-running', { vmid })
    if (state.status === 'paused') throw new Refused('is-paused', { name, vmid })
    refuseLocked(facts)
    const hasAgent = kind === 'lxc' || /^(?:1|enabled=1)/.test(config.agent ?? '')
    return run(guestPower.job({ vmid, kind, name, action: 'reboot', timeoutSeconds: seconds }), {
      title: say('title', { what: theGuest[kind], name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        { name: labels.uptime, value: formatDuration(state.uptime) },
        { name: say('patience'), value: say('thenGivesUp', { seconds }) },
      ],
      warnings: [...(hasAgent ? [] : [say('asks')]), ...(state.haManaged ? [say('haKeepsOut', { node })] : [])],
      explain: {
        shell: [`${tool} reboot ${vmid} --timeout ${seconds}   # ${node}`],
        clicks: [say('clickSelect', { vmid, name, node }), say('click')],
      },
      state: decidedOn(facts),
    })
  },
})
