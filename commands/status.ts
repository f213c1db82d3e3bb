import { z } from 'zod'
import { formatSize } from '../src/core/args.ts'
import { answer, defineCommand } from '../src/core/command.ts'
import type { Jobs } from '../src/core/house.ts'
import { readerOf } from '../src/core/incident.ts'
import { type Reader, titleOf } from '../src/core/incident-card.ts'
import type { Incident } from '../src/core/incidents.ts'
import type { Values } from '../src/core/language.ts'
import type { Field, State } from '../src/core/message.ts'
import { reads } from '../src/core/needs.ts'
import { formatDuration } from '../src/core/time.ts'
import { quorumOf } from '../src/ha/quorum.ts'
import type { ClusterStatus, HaEntry, StorageOnNode, Task, Votes } from '../src/proxmox/port.ts'

/** Storages fuller than this are named. */
const nearlyFull = 0.85
const mostTasks = 5

/** The whole cluster on one card, in five requests. What cannot be read is "not known", never left out. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({}),
  text: {
    en: {
      summary: 'The cluster on one card: quorum, nodes, high availability, storage, tasks, jobs',
      args: {},
      words: {
        title: 'Cluster {cluster}',
        quorum: 'Quorum',
        lone: 'a single host, in no cluster',
        ok: '{present} of {expected} votes; nodes that may still go: {margin}',
        edge: '{present} of {expected} votes; one more loss = read-only',
        lost: 'LOST: {present} of {expected} votes, {needed} are needed; the cluster is read-only',
        unclear: 'there, with {present} of {expected} votes seen; the margin is not known',
        cores: '{percent} % of {cores}',
        master: 'master {node}',
        noMaster: 'no master yet',
        services: 'services: {count}',
        errors: 'in error: {sids}',
        noHa: 'not in use',
        storage: 'Storage',
        storageFine: 'none nearly full',
        full: '{storage} {percent} % of {total}',
        unreadable: '{storage} not known',
        tasks: 'Running tasks',
        noTasks: 'none',
        task: '{type} {id} on {node}',
        jobs: 'Jobs',
        incidents: 'Incidents',
        guests: '{running} of {count} running',
      },
    },
    es: {
      summary: 'El clúster en una tarjeta: quórum, nodos, alta disponibilidad, almacenamiento, tareas, trabajos',
      args: {},
      words: {
        title: 'Clúster {cluster}',
        quorum: 'Quórum',
        lone: 'un solo equipo, fuera de todo clúster',
        ok: '{present} de {expected} votos; nodos que todavía se pueden perder: {margin}',
        edge: '{present} de {expected} votos; una pérdida más = solo lectura',
        lost: 'PERDIDO: {present} de {expected} votos, hacen falta {needed}; el clúster está en solo lectura',
        unclear: 'hay, con {present} de {expected} votos a la vista; el margen no se sabe',
        cores: '{percent} % de {cores}',
        master: 'maestro {node}',
        noMaster: 'todavía sin maestro',
        services: 'servicios: {count}',
        errors: 'en error: {sids}',
        noHa: 'no se usa',
        storage: 'Almacenamiento',
        storageFine: 'ninguno casi lleno',
        full: '{storage} {percent} % de {total}',
        unreadable: '{storage} no se sabe',
        tasks: 'Tareas en marcha',
        noTasks: 'ninguna',
        task: '{type} {id} en {node}',
        jobs: 'Trabajos',
        incidents: 'Incidentes',
        guests: '{running} de {count} encendidas',
      },
    },
  },
  examples: [{ say: 'status', answers: true }],
  async plan({ proxmox, cluster, say, house, asker, signal }) {
    const { labels, nodeStates, say: shared } = house.words[asker.language]
    const unknown = () => undefined
    const [{ nodes, guests, storages }, status, votes, ha, tasks, jobs, incidents] = await Promise.all([
      proxmox.resources({ signal }),
      proxmox.clusterStatus({ signal }).catch(unknown),
      proxmox.votes({ signal }).catch(() => []),
      proxmox.haStatus({ signal }).catch(unknown),
      proxmox.clusterTasks({ signal }).catch(unknown),
      house.jobs.list({ cluster, live: true, most: mostTasks }).catch(unknown),
      house.incidents.list({ cluster, live: true, most: mostTasks }).catch(unknown),
    ])
    const line = { say: say as Say, unknown: shared.unknown, none: shared.none }
    const lines = [
      quorumLine(status, votes, line),
      haLine(ha, line),
      // Those of a node that is off are not known with it; its line says so.
      storageLine(
        storages.filter(({ node }) => nodes.some((one) => one.name === node && isOnline(one))),
        line,
      ),
      tasksLine(tasks, line),
      jobsLine(jobs, line),
      incidentsLine(incidents, readerOf(house.words, house.access, asker), line),
    ]
    const real = guests.filter(({ template }) => !template)
    const running = real.filter((guest) => guest.status === 'running')
    const states: State[] = [...lines.map(({ state }) => state), nodes.every(isOnline) ? 'ok' : 'warning']
    return answer({
      title: say('title', { cluster }),
      state: worst.find((state) => states.includes(state)) ?? 'ok',
      fields: [
        ...lines.map(({ field }) => field),
        { name: labels.guests, value: say('guests', { running: running.length, count: real.length }) },
      ],
      table: {
        columns: [labels.node, labels.status, labels.cpu, labels.memory, labels.uptime],
        rows: nodes.map((node) =>
          isOnline(node)
            ? [
                node.name,
                nodeStates.online,
                say('cores', { percent: Math.round(node.cpu * 100), cores: node.cpus }),
                `${formatSize(node.memory)} / ${formatSize(node.maxMemory)}`,
                formatDuration(node.uptime),
              ]
            : [node.name, nodeStates[node.status], shared.unknown, shared.unknown, ''],
        ),
      },
    })
  },
})

type Say = (key: string, values?: Values) => string
interface Words {
  say: Say
  unknown: string
  none: string
}
interface Line {
  field: Field
  state: State
}

const worst = ['failed', 'warning'] as const
const isOnline = ({ status }: { status: string }) => status === 'online'

function quorumLine(status: ClusterStatus | undefined, votes: Votes[], { say, unknown }: Words): Line {
  const name = say('quorum')
  if (!status) return { field: { name, value: unknown }, state: 'warning' }
  if (!status.cluster) return { field: { name, value: say('lone') }, state: 'ok' }
  const { margin, quorate, ...sums } = quorumOf(status.cluster.quorate, status.members, votes)
  const values = { present: sums.present, expected: sums.expected, needed: sums.needed, margin }
  if (!quorate) return { field: { name, value: say('lost', values) }, state: 'failed' }
  if (margin === undefined) return { field: { name, value: say('unclear', values) }, state: 'warning' }
  if (margin === 0) return { field: { name, value: say('edge', values) }, state: 'warning' }
  return { field: { name, value: say('ok', values) }, state: 'ok' }
}

function haLine(ha: HaEntry[] | undefined, { say, unknown }: Words): Line {
  if (!ha) return { field: { name: 'HA', value: unknown }, state: 'warning' }
  const services = ha.filter(({ type }) => type === 'service')
  const master = ha.find(({ type }) => type === 'master')
  const fencing = ha.find(({ type }) => type === 'fencing')?.armedState
  if (services.length === 0 && !master) return { field: { name: 'HA', value: say('noHa') }, state: 'ok' }
  const inError = services.filter(({ state, crmState }) => (crmState ?? state) === 'error')
  const isStale = master !== undefined && /old timestamp|dead/.test(master.status)
  const parts = [
    master ? (isStale ? master.status : say('master', { node: master.node })) : say('noMaster'),
    say('services', { count: services.length }),
    ...(inError.length > 0 ? [say('errors', { sids: inError.map(({ sid }) => sid ?? '').join(', ') })] : []),
    ...(fencing === undefined ? [] : [fencing]),
  ]
  const isDisarmed = fencing?.startsWith('disarm') ?? false
  const state = inError.length > 0 || isStale || isDisarmed ? 'warning' : 'ok'
  return { field: { name: 'HA', value: parts.join(' · ') }, state }
}

function storageLine(storages: StorageOnNode[], { say }: Words): Line {
  const label = ({ storage, node, shared }: StorageOnNode) => (shared ? storage : `${storage} (${node})`)
  const filled = storages.flatMap((storage) => {
    const { used, total } = storage
    if (used === undefined || !total || used / total < nearlyFull) return []
    return [
      say('full', { storage: label(storage), percent: Math.round((used / total) * 100), total: formatSize(total) }),
    ]
  })
  const unread = storages
    .filter(({ status }) => status !== 'available')
    .map(({ storage, node }) => say('unreadable', { storage: `${storage} (${node})` }))
  const worries = [...new Set([...filled, ...unread])]
  const name = say('storage')
  if (worries.length === 0) return { field: { name, value: say('storageFine') }, state: 'ok' }
  return { field: { name, value: worries.join('\n') }, state: 'warning' }
}

function tasksLine(tasks: Task[] | undefined, { say, unknown }: Words): Line {
  const name = say('tasks')
  if (!tasks) return { field: { name, value: unknown }, state: 'ok' }
  const running = tasks.filter(({ endtime }) => endtime === undefined)
  const shown = running.slice(0, mostTasks).map(({ type, id, node }) => say('task', { type, id, node }))
  if (running.length > shown.length) shown.push(`+${running.length - shown.length}`)
  return { field: { name, value: shown.join('\n') || say('noTasks') }, state: 'ok' }
}

function jobsLine(jobs: Awaited<ReturnType<Jobs['list']>> | undefined, { say, unknown, none }: Words): Line {
  const name = say('jobs')
  if (!jobs) return { field: { name, value: unknown }, state: 'ok' }
  return { field: { name, value: jobs.map(({ id, title }) => `${title} (${id})`).join('\n') || none }, state: 'ok' }
}

function incidentsLine(incidents: Incident[] | undefined, reader: Reader, { say, unknown, none }: Words): Line {
  const name = say('incidents')
  if (!incidents) return { field: { name, value: unknown }, state: 'warning' }
  const value = incidents.map((incident) => `${titleOf(incident, reader)} (${incident.id})`).join('\n')
  return { field: { name, value: value || none }, state: value === '' ? 'ok' : 'warning' }
}
