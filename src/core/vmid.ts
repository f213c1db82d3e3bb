import { Refused } from './errors.ts'
import type { ProxmoxPort, ProxmoxWriterPort } from './ports.ts'

/** What a job writes into the description of a guest it makes: the proof, after a crash, that it is its own. */
export const markOf = (job: string): string => `Quorum job ${job}`

interface Choosing {
  proxmox: ProxmoxWriterPort
  job: { id: string; ordered: { node: string; at: number } }
  claim(name: string): Promise<boolean>
}

/**
 * A VMID for this job alone. Looks first for a guest that this job has made already (Redis may have lost its choice);
 * then takes the wanted number, or the lowest free one that no other job has claimed (in later rounds one further on).
 * Proxmox reserves nothing.
 * @throws Refused `vmid-taken` when the wanted number is another guest's
 */
export async function chooseVmid(
  { proxmox, job, claim }: Choosing,
  options: { node: string; type: string; wanted: number | undefined; round: number },
): Promise<number> {
  const [made, lowest] = await Promise.all([alreadyMade(proxmox, job, options), proxmox.nextId(options.wanted)])
  if (made !== undefined) return made
  if (options.wanted !== undefined) {
    if (!lowest.free || !(await claim(`vmid:${options.wanted}`)))
      throw new Refused('vmid-taken', { vmid: options.wanted })
    return options.wanted
  }
  for (let candidate = lowest.vmid + ahead(job.id, options.round); ; candidate++) {
    if (!(await claim(`vmid:${candidate}`))) continue
    if (candidate === lowest.vmid || (await proxmox.nextId(candidate)).free) return candidate
  }
}

/** After a lost race for the lowest number: somewhere ahead of it, elsewhere for each job, so that racers part. */
const ahead = (job: string, round: number): number =>
  round === 1 ? 0 : [...job].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, round) % (round * 8)

async function alreadyMade(
  proxmox: ProxmoxWriterPort,
  job: Choosing['job'],
  { node, type }: { node: string; type: string },
): Promise<number | undefined> {
  if (type !== 'qmcreate' || job.ordered.node !== node) return undefined
  const tasks = await proxmox.tasks(node, {
    source: 'all',
    typefilter: type,
    since: Math.floor(job.ordered.at),
    limit: 500,
  })
  const ids = [...new Set(tasks.map(({ id }) => Number(id)))].filter((id) => id >= 100)
  for (const vmid of ids) {
    if ((await ownedGuest(proxmox, node, vmid, job.id)) !== undefined) return vmid
  }
  return undefined
}

/** The VMID, if a guest with that number is on the node and carries the job's mark. */
export async function ownedGuest(
  proxmox: ProxmoxPort,
  node: string,
  vmid: number,
  job: string,
): Promise<number | undefined> {
  const { guests } = await proxmox.resources()
  const guest = guests.find((candidate) => candidate.vmid === vmid && candidate.node === node)
  if (!guest) return undefined
  const config = await proxmox.guestConfig({ node, kind: guest.kind, vmid })
  return config.description?.includes(markOf(job)) ? vmid : undefined
}

/**
 * Whether a task that makes this guest may be the job's own. While it runs, Proxmox shows no description yet, so that
 * only the end can tell; a guest that carries something else is somebody else's.
 */
export async function mayBeOurs(
  proxmox: ProxmoxPort,
  task: { node: string; vmid: number; running: boolean; mark: string },
): Promise<boolean> {
  const { guests } = await proxmox.resources()
  const guest = guests.find(({ vmid, node }) => vmid === task.vmid && node === task.node)
  if (!guest) return task.running
  const config = await proxmox.guestConfig({ node: task.node, kind: guest.kind, vmid: task.vmid })
  return config.description === undefined ? task.running : config.description.includes(task.mark)
}
