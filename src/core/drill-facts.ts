import type { DrillMeans } from './drills.ts'
import type { House } from './house.ts'
import type { ProxmoxPort } from './ports.ts'
import { readSite, type SiteLook } from './site.ts'
import { readCut, type StorageCut } from './storage-cut.ts'

/** What a drill's plan is made of, beside how the node is to go. */
export interface DrillFacts {
  look: SiteLook
  /** Proxmox tasks that run and must not be cut: backups, replication, moves. */
  tasks: string[]
  jobs: string[]
  incidents: string[]
  lives: string[]
  means: DrillMeans
  /** Where a storage is what goes. */
  cut?: StorageCut
}

const delicate = /^(?:vzdump|qmigrate|vzmigrate|qmclone|vzclone|qmrestore|vzrestore|imgcopy|move|hamigrate|srv)/

/** What is typed into hangs on no disk. */
const console = /^(?:vnc|spice|term)/

/** What is to go. */
interface Order {
  node: string
  storage?: string | undefined
}

/** Reads the cluster for a drill on `node`; from here on everything is worked out. */
export async function readDrill(proxmox: ProxmoxPort, { node, storage }: Order, signal: AbortSignal) {
  const [look, tasks] = await Promise.all([
    readSite(proxmox, (guest) => guest.node === node, signal),
    proxmox.clusterTasks({ signal }).catch(() => []),
  ])
  const { nodes } = look.ha
  const cut = storage === undefined ? {} : { cut: await readCut(proxmox, storage, { sections: look.storages, nodes }) }
  // A node that loses a storage may hold up anything that it does.
  const isTouched = (type: string, at: string) => storage !== undefined && at === node && !console.test(type)
  const running = tasks.filter(
    ({ endtime, type, node: at }) => endtime === undefined && (delicate.test(type) || isTouched(type, at)),
  )
  return { look, ...cut, tasks: running.map(({ type, id, node: at }) => `${type} ${id} (${at})`) }
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
  { house, cluster, node, storage, signal }: Order & { house: Asked; cluster: string; signal: AbortSignal },
): Promise<DrillFacts> {
  const [read, jobs, incidents] = await Promise.all([
    readDrill(proxmox, { node, storage }, signal),
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
