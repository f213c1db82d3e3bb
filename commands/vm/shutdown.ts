import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { decidedOn, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration } from '../../src/core/time.ts'
import guestPower from '../../workers/guest-power.ts'

/** Asks a guest to go down by itself. */
export default defineCommand({
  also: ['ct'],
  role: 'operator',
  risk: 'endangers',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes],
  args: z.object({
    guest: arg.guest(),
    timeout: arg.integer({ min: 5, max: 3600 }).prefault('60'),
    force: arg.boolean().prefault('false'),
  }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Ask a machine or container to shut itself down',
      args: {
        guest: 'Name or number',
        timeout: 'Seconds that it may take',
        force: 'Switch it off hard when the time is up',
      },
      words: {
        title: 'Shut down {what} {name} ({vmid})',
        patience: 'Patience',
        thenGivesUp: '{seconds} s, then it is left running',
        thenHard: '{seconds} s, then it is switched off hard',
        asks: 'Without a guest agent, and with nothing inside that listens to ACPI, it does not go down.',
        byHa: 'It is under high availability: HA shuts it down, begins within 10–20 s, and leaves it off until `vm start {vmid}`.',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left',
        click: 'Click "Shutdown" at the top right and confirm',
      },
      refusals: {
        'is-paused': {
          says: '{name} is paused, and nothing in it can hear the request.',
          hint: 'vm stop {vmid}',
        },
      },
    },
    es: {
      summary: 'Pedirle a una máquina o un contenedor que se apague',
      args: {
        guest: 'Nombre o número',
        timeout: 'Segundos que puede tardar',
        force: 'Apagarla en seco cuando se acabe el tiempo',
      },
      words: {
        title: 'Apagar {what} {name} ({vmid})',
        patience: 'Espera',
        thenGivesUp: '{seconds} s; después queda encendida',
        thenHard: '{seconds} s; después se apaga en seco',
        asks: 'Sin agente (guest agent), y sin nada adentro que atienda a ACPI, no se apaga.',
        byHa: 'Está bajo alta disponibilidad: la apaga HA, que empieza en 10–20 s y la deja apagada hasta `vm start {vmid}`.',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda',
        click: 'Clic en «Shutdown», arriba a la derecha, y confirma',
      },
      refusals: {
        'is-paused': {
          says: '{name} está en pausa, y nada adentro puede oír el pedido.',
          hint: 'vm stop {vmid}',
        },
      },
    },
  },
  examples: [
    { say: 'vm shutdown web1', plans: 'guest-power' },
    { say: 'vm shutdown web1 timeout:180 force:true', plans: 'guest-power' },
    { say: 'vm shutdown db1', refuses: 'not-running' },
    { say: 'vm shutdown web1 timeout:1', refuses: 'bad-argument' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, guestStates, theGuest } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, state, config, tool, sid } = facts
    const { name, vmid, node, kind } = guest
    const { timeout: seconds } = args
    if (state.status === 'stopped') throw new Refused('not-running', { vmid })
    if (state.status === 'paused') throw new Refused('is-paused', { name, vmid })
    refuseLocked(facts)
    // HA always switches it off hard when its time is up.
    const force = args.force || state.haManaged
    const hasAgent = kind === 'lxc' || /^(?:1|enabled=1)/.test(config.agent ?? '')
    return run(guestPower.job({ vmid, kind, name, action: 'shutdown', timeoutSeconds: seconds, force }), {
      title: say('title', { what: theGuest[kind], name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        { name: labels.status, value: `${guestStates[state.status]} → ${guestStates.stopped}` },
        { name: labels.uptime, value: formatDuration(state.uptime) },
        { name: say('patience'), value: say(force ? 'thenHard' : 'thenGivesUp', { seconds }) },
      ],
      warnings: [...(hasAgent ? [] : [say('asks')]), ...(state.haManaged ? [say('byHa', { vmid })] : [])],
      explain: {
        shell: [
          state.haManaged
            ? `ha-manager crm-command stop ${sid} ${seconds}`
            : `${tool} shutdown ${vmid} --timeout ${seconds}${force ? ' --forceStop 1' : ''}   # ${node}`,
        ],
        clicks: [say('clickSelect', { vmid, name, node }), say('click')],
      },
      state: decidedOn(facts),
    })
  },
})
