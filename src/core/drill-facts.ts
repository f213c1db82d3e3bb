import type { House } from './house.ts'
import type { ProxmoxPort } from './ports.ts'
import { readSite, type SiteLook } from './site.ts'

/** What a drill's plan is made of, beside how the node is to go. */
export interface DrillFacts {
  look: SiteLook
  /** Proxmox tasks that run and must not be cut: backups, replication, moves. */
  tasks: string[]
  jobs: string[]
  incidents: string[]
  lives: string[]
  means: { power: boolean; network: boolean; restore: string }
}

const delicate = /^(?:vzdump|qmigrate|vzmigrate|qmclone|vzclone|qmrestore|vzrestore|imgcopy|move|hamigrate|srv)/

/** Reads the cluster for a drill on `node`; from here on everything is worked out. */
export async function readDrill(proxmox: ProxmoxPort, node: string, signal: AbortSignal) {
  const [look, tasks] = await Promise.all([
    readSite(proxmox, (guest) => guest.node === node, signal),
    proxmox.clusterTasks({ signal }).catch(() => []),
  ])
  const running = tasks.filter(({ endtime, type }) => endtime === undefined && delicate.test(type))
  return { look, tasks: running.map(({ type, id, node: at }) => `${type} ${id} (${at})`) }
}

/** Of the house, what a drill is held against. */
interface Asked {
  jobs: Pick<House['jobs'], 'list'>
  incidents: Pick<House['incidents'], 'list'>
  doctor: Pick<House['doctor'], 'livesAt'>
  drills: Pick<House['drills'], 'means'>
}

/** The same, with what only the house knows. */
export async function drillFacts(
  proxmox: ProxmoxPort,
  { house, cluster, node, signal }: { house: Asked; cluster: string; node: string; signal: AbortSignal },
): Promise<DrillFacts> {
  const [read, jobs, incidents] = await Promise.all([
    readDrill(proxmox, node, signal),
    house.jobs.list({ cluster, live: true, most: 50 }),
    house.incidents.list({ cluster, live: true, most: 50 }),
  ])
  const ip = read.look.status.members.find(({ name }) => name === node)?.ip
  return {
    ...read,
    jobs: jobs.filter(({ endedAt }) => endedAt === undefined).map(({ id }) => id),
    incidents: incidents.map(({ id }) => id),
    lives: ip === undefined ? [] : await house.doctor.livesAt([ip]),
    means: house.drills.means(node),
  }
}
