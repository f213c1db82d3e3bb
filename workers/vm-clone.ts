import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { findGuest } from '../src/core/find.ts'
import { chooseVmid, markOf, ownedGuest } from '../src/core/vmid.ts'
import { defineWorker, type RunContext } from '../src/core/worker.ts'
import type { Proxmox, Task } from '../src/proxmox/port.ts'

const Payload = z.object({
  /** VMID of the machine or template that is cloned. */
  source: z.int().min(100),
  name: z.string(),
  /** Where the clone goes. */
  node: z.string(),
  full: z.boolean(),
  /** Of a full clone's disks; absent: where the source's are. */
  storage: z.string().optional(),
  vmid: z.int().min(100).optional(),
  pool: z.string().optional(),
})
type Payload = z.output<typeof Payload>

/**
 * Clones a machine. Proxmox's task carries the source's number, so after a crash ours is told from others of the same
 * source by the new number in its log; the finished clone carries the job's id in its description.
 */
export default defineWorker({
  payload: Payload,
  needs: [
    { path: '/vms/{vmid}', privileges: ['VM.Clone', 'VM.Allocate'] },
    { path: '/storage/{storage}', privileges: ['Datastore.AllocateSpace'] },
    { path: '/sdn/zones/{zone}', privileges: ['SDN.Use'], since: 8 },
  ],
  locks: ({ vmid }) => (vmid === undefined ? [] : [`guest:${vmid}`]),
  text: {
    en: {
      title: 'Clone machine {source} as {name}',
      steps: {
        find: 'Find the source',
        choose: 'Choose the number',
        clone: 'Clone the machine',
        check: 'Read it back',
      },
      done: 'Machine {name} ({vmid}) is on {node}',
      words: { start: 'Next', left: 'machine {vmid} ({name}) on {node}' },
    },
    es: {
      title: 'Clonar la máquina {source} como {name}',
      steps: {
        find: 'Encontrar el origen',
        choose: 'Elegir el número',
        clone: 'Clonar la máquina',
        check: 'Leerla de vuelta',
      },
      done: 'La máquina {name} ({vmid}) está en {node}',
      words: { start: 'Sigue', left: 'máquina {vmid} ({name}) en {node}' },
    },
  },
  titled: ({ source, name }) => ({ source, name }),
  async run(context) {
    const { payload, proxmox, step, effect, follow, shows, say, job } = context
    const { name, node } = payload
    const from = await step('find', async () => {
      const { guests } = await proxmox.resources()
      return { node: findGuest(guests, String(payload.source), job.cluster).node }
    })
    for (let round = 1; ; round++) {
      const vmid = await step(
        'choose',
        async () =>
          (await alreadyCloned(context, from.node)) ??
          chooseVmid(context, { node, type: 'qmclone', wanted: payload.vmid, round }),
        round,
      )
      await shows([{ name: 'VMID', value: String(vmid) }])
      try {
        const upid = await effect(
          'clone',
          {
            node: from.node,
            types: ['qmclone'],
            id: String(payload.source),
            mine: ({ upid, running }) => isMine(context, from.node, vmid, { upid, running }),
            act: () => proxmox.cloneGuest(sourceOf(payload, from.node), parameters(payload, from.node, vmid, job.id)),
          },
          round,
        )
        await follow('clone', upid)
        return await step('check', () => check(vmid), round)
      } catch (error) {
        // Somebody outside took the number between our choice and Proxmox's own look at it, which is in the task.
        const taken = error instanceof Refused && error.code === 'vmid-taken' && payload.vmid === undefined
        if (!taken || round >= 20) throw error
      }
    }

    async function check(vmid: number) {
      const config = await proxmox.guestConfig({ node, kind: 'qemu', vmid })
      if (!config.description?.includes(markOf(job.id))) throw new Refused('vmid-taken', { vmid })
      if (config.lock !== undefined) throw new Refused('guest-locked', { vmid, lock: config.lock })
      return { values: { name, vmid, node }, fields: [{ name: say('start'), value: `\`/pve vm start ${vmid}\`` }] }
    }
  },
  async leftovers({ payload, job, proxmox, results, say }) {
    const chosen = new Set(
      Object.entries(results)
        .filter(([step]) => step.startsWith('choose'))
        .map(([, vmid]) => Number(vmid)),
    )
    const { guests } = await proxmox.resources()
    const found = await Promise.all(
      guests
        .filter(({ vmid }) => chosen.has(vmid))
        .map(async (guest) => {
          const config = await proxmox.guestConfig(guest)
          // A clone that was cut off has the lock, and not yet the description.
          const isOurs = config.description?.includes(markOf(job.id)) || config.lock === 'clone'
          return isOurs ? [say('left', { vmid: guest.vmid, name: payload.name, node: guest.node })] : []
        }),
    )
    return found.flat()
  },
})

const sourceOf = ({ source }: Payload, node: string) => ({ node, kind: 'qemu' as const, vmid: source })

const parameters = (payload: Payload, from: string, vmid: number, job: string) => ({
  newid: vmid,
  name: payload.name,
  description: markOf(job),
  full: payload.full,
  storage: payload.storage,
  target: payload.node === from ? undefined : payload.node,
  pool: payload.pool,
})

type Context = RunContext<Payload, never>
type Making = Pick<Context, 'payload' | 'proxmox' | 'job' | 'until' | 'claim'>

/** The number that a clone's log names: its first line in newer versions, its new volumes in all. */
async function newNumberIn(proxmox: Proxmox, upid: string, source: number): Promise<number | undefined> {
  const { lines } = await proxmox.taskLog(upid, { start: 0, limit: 50 })
  for (const line of lines) {
    const named = /\bwith ID (\d+)/.exec(line)?.[1]
    if (named !== undefined) return Number(named)
    const volumes = [...line.matchAll(/\b(?:vm|subvol)-(\d+)-/g)].map((match) => Number(match[1]))
    const other = volumes.find((vmid) => vmid !== source)
    if (other !== undefined) return other
  }
  return undefined
}

const tasksOfSource = async ({ payload, proxmox, job }: Making, node: string): Promise<Task[]> => {
  const { user, tokenid } = proxmox.identity
  const tasks = await proxmox.tasks(node, {
    source: 'all',
    typefilter: 'qmclone',
    vmid: payload.source,
    limit: 500,
    // The order is dated by another node's clock, when that one is the target.
    ...(job.ordered.node === node ? { since: Math.floor(job.ordered.at) } : {}),
  })
  return tasks.filter((task) => task.user === user && (tokenid === undefined || task.tokenid === tokenid))
}

/** A clone that this job has made, or is making, although Redis has forgotten its number. */
async function alreadyCloned(context: Making, from: string): Promise<number | undefined> {
  const { payload, proxmox, job, claim } = context
  if (job.ordered.node !== from) return undefined
  for (const task of await tasksOfSource(context, from)) {
    const vmid = await numberOf(context, { upid: task.upid, running: task.endtime === undefined })
    if (vmid === undefined) continue
    if ((await ownedGuest(proxmox, payload.node, vmid, job.id)) !== undefined) return vmid
    // One under way has no description yet; a number that another job has claimed is that job's clone.
    if (task.endtime === undefined && (await claim(`vmid:${vmid}`))) return vmid
  }
  return undefined
}

/** The number that a clone task makes; one that has written nothing yet is waited for a little. */
async function numberOf({ payload, proxmox, until }: Making, task: { upid: string; running: boolean }) {
  const look = () => newNumberIn(proxmox, task.upid, payload.source)
  return task.running ? until(look, { everyMs: 500, withinMs: 5000 }) : look()
}

/** Whether a clone task of this source makes our number. */
async function isMine(
  context: Making,
  from: string,
  vmid: number,
  { upid, running }: { upid: string; running: boolean },
): Promise<boolean> {
  const { payload, proxmox } = context
  const named = await numberOf(context, { upid, running })
  if (named !== undefined) return named === vmid
  const silent: string[] = []
  for (const task of await tasksOfSource(context, from)) {
    if ((await newNumberIn(proxmox, task.upid, payload.source)) === undefined) silent.push(task.upid)
  }
  // Silent, and no other could be meant: better to follow it to its end than to clone twice.
  return silent.length === 1 && silent[0] === upid
}
