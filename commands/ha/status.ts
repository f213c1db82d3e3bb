import { z } from 'zod'
import { answer, defineCommand } from '../../src/core/command.ts'
import { readHa } from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import type { State } from '../../src/core/message.ts'
import { reads } from '../../src/core/needs.ts'
import { affinitiesOf, preferenceOf } from '../../src/ha/affinity.ts'

/** After this long without a sign Proxmox itself calls its manager dead, seconds. */
const silentAfter = 30
const troubled = ['error', 'fence', 'recovery', 'freeze', 'not found', 'clearing error flag']

/** High availability on one card. A node that is cut off answers with what it last knew, and that is said. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({}),
  text: {
    en: {
      summary: 'High availability on one card: quorum, manager, fencing, nodes, machines',
      args: {},
      words: {
        title: 'High availability of {cluster}',
        empty:
          'No machine is under high availability. To begin: ha prefer grupoHA pve1:3 pve2:2 pve3:1, then: ha add GUEST prefer:grupoHA',
        quorum: 'Quorum',
        has: 'there; {node} answered',
        lost: 'NONE on {node}, which answered: everything below is frozen as it was when it lost the others',
        manager: 'HA manager',
        noManager: 'none yet; it begins within a minute of the first machine under HA',
        works: 'works on {node}',
        idle: 'on {node}, asleep: nothing is under HA',
        silent: 'on {node}, SILENT for {seconds} s; another node takes over after two minutes',
        fencing: 'Fencing',
        node: '{node}: {state}',
        mode: '{node}: {state} ({mode})',
        machine: 'Machine',
      },
    },
    es: {
      summary: 'La alta disponibilidad en una tarjeta: quórum, gestor, fencing, nodos, máquinas',
      args: {},
      words: {
        title: 'Alta disponibilidad de {cluster}',
        empty:
          'Ninguna máquina está bajo alta disponibilidad. Para empezar: ha prefer grupoHA pve1:3 pve2:2 pve3:1, luego: ha add GUEST prefer:grupoHA',
        quorum: 'Quórum',
        has: 'hay; respondió {node}',
        lost: 'NO HAY en {node}, que respondió: todo lo de abajo está congelado como cuando perdió a los demás',
        manager: 'Gestor de HA',
        noManager: 'todavía ninguno; empieza al minuto de la primera máquina bajo HA',
        works: 'trabaja en {node}',
        idle: 'en {node}, dormido: no hay nada bajo HA',
        silent: 'en {node}, CALLADO hace {seconds} s; a los dos minutos otro nodo toma su lugar',
        fencing: 'Fencing',
        node: '{node}: {state}',
        mode: '{node}: {state} ({mode})',
        machine: 'Máquina',
      },
    },
  },
  examples: [{ say: 'ha status', answers: true }],
  async plan({ proxmox, cluster, say, house, asker, signal }) {
    const { ha, labels, nodeStates, say: shared } = house.words[asker.language]
    const site = await readHa(proxmox, signal)
    const { entries, manager, managed, guests } = site
    const options = await proxmox.clusterOptions({ signal }).catch(() => undefined)
    const quorum = entries.find(({ type }) => type === 'quorum')
    const services = entries.filter(({ type }) => type === 'service')
    const lrms = entries.filter(({ type }) => type === 'lrm')
    const affinities = affinitiesOf({ ...site, resources: managed })
    const master = entries.find(({ type }) => type === 'master')
    const newest = Math.max(0, ...lrms.map(({ timestamp }) => timestamp ?? 0))
    const silence = master ? newest - (master.timestamp ?? newest) : 0
    const isSilent = silence > silentAfter && managed.length > 0
    const managerLine = !master
      ? say('noManager')
      : isSilent
        ? say('silent', { node: master.node, seconds: silence })
        : say(managed.length === 0 && silence > silentAfter ? 'idle' : 'works', { node: master.node })
    const fencing = entries.find(({ type }) => type === 'fencing')
    const armed = armedLine(fencing, services.length > 0 && master !== undefined, ha.armed)
    const states = services.map(({ state = '' }) => state)
    const away = Object.entries(manager?.nodes ?? {}).filter(([, state]) => state !== 'online')
    const isBad = !quorum?.quorate || isSilent || states.includes('error')
    const isOdd =
      away.length > 0 || states.some((state) => troubled.includes(state)) || fencing?.armedState?.startsWith('disarm')
    const state: State = isBad ? 'failed' : isOdd ? 'warning' : managed.length === 0 ? 'info' : 'ok'
    const nodeLine = (name: string) => {
      const raw = manager?.nodes[name]
      const known = raw === undefined ? undefined : ((ha.nodes as Record<string, string>)[raw] ?? raw)
      const online = site.nodes.find((node) => node.name === name)?.status ?? 'unknown'
      const lrm = manager?.lrms[name]
      const mode = lrm?.mode !== undefined && lrm.mode !== 'active' ? `${lrm.mode} mode` : lrm?.state
      const values = { node: name, state: known ?? nodeStates[online], mode: mode ?? '' }
      return mode === undefined ? say('node', values) : say('mode', values)
    }
    const policy = options?.shutdownPolicy ?? 'conditional'
    return answer({
      title: say('title', { cluster }),
      state,
      ...(managed.length === 0 && services.length === 0 ? { text: say('empty') } : {}),
      fields: [
        {
          name: say('quorum'),
          value: say(quorum?.quorate ? 'has' : 'lost', { node: quorum?.node ?? shared.unknown }),
        },
        { name: say('manager'), value: managerLine },
        { name: say('fencing'), value: armed },
        { name: ha.labels.nodes, value: site.nodes.map(({ name }) => nodeLine(name)).join('\n') },
        { name: ha.labels.policy, value: options ? policy : shared.unknown },
      ],
      ...(services.length === 0
        ? {}
        : {
            table: {
              columns: [say('machine'), labels.node, labels.status, ha.labels.wanted, ha.labels.prefers],
              rows: services.map(({ sid = '', node, state: verbose = '', requestState }) => {
                const guest = sid.slice(sid.indexOf(':') + 1)
                const name = guests.find(({ vmid }) => String(vmid) === guest)?.name
                const said = (ha.states as Record<string, string>)[verbose] ?? verbose
                return [
                  name ? `${name} (${sid})` : sid,
                  node,
                  fill(said, { guest }),
                  requestState === undefined
                    ? ''
                    : ((ha.wanted as Record<string, string>)[requestState] ?? requestState),
                  preferenceOf(affinities, sid)?.name ?? '',
                ]
              }),
            },
          }),
    })
  },
})

/** `standby` is normal while nothing is under HA, and a dead manager otherwise. */
function armedLine(
  fencing: { armedState?: string; resourceMode?: string } | undefined,
  hasServices: boolean,
  words: Record<'armed' | 'standby' | 'standbyDead' | 'disarming' | 'disarmed' | 'unsaid', string>,
): string {
  if (!fencing) return words.unsaid
  const mode = fencing.resourceMode ?? ''
  if (fencing.armedState === 'disarmed') return fill(words.disarmed, { mode })
  if (fencing.armedState === 'disarming') return fill(words.disarming, { mode })
  if (fencing.armedState === 'standby') return hasServices ? words.standbyDead : words.standby
  return words.armed
}
