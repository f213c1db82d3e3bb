import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { chooseVmid, markOf, mayBeOurs, ownedGuest } from '../src/core/vmid.ts'
import { defineWorker, type RunContext } from '../src/core/worker.ts'

/**
 * Creates one virtual machine and waits until the cluster shows it. After a crash the machine that carries the job's
 * id in its description is adopted, never made twice.
 */
export default defineWorker({
  payload: z.object({
    name: z.string(),
    node: z.string(),
    storage: z.string(),
    diskGiB: z.int().min(1),
    cores: z.int().min(1),
    memoryMiB: z.int().min(16),
    iso: z.string().optional(),
    /** What it is made ready for; Linux unless said. */
    os: z.enum(['l26', 'win10', 'win11']).optional(),
    vmid: z.int().min(100).optional(),
    pool: z.string().optional(),
  }),
  needs: [
    { path: '/vms/{vmid}', privileges: ['VM.Allocate'] },
    // One for each kind of key that `parameters` sets.
    { path: '/vms/{vmid}', privileges: ['VM.Config.CPU', 'VM.Config.Memory', 'VM.Config.HWType', 'VM.Config.Options'] },
    { path: '/vms/{vmid}', privileges: ['VM.Config.Disk', 'VM.Config.CDROM', 'VM.Config.Network'] },
    { path: '/storage/{storage}', privileges: ['Datastore.AllocateSpace'] },
    { path: '/sdn/zones/{zone}', privileges: ['SDN.Use'], since: 8 },
  ],
  locks: ({ vmid }) => (vmid === undefined ? [] : [`guest:${vmid}`]),
  text: {
    en: {
      title: 'Create machine {name} on {node}',
      steps: { choose: 'Choose the number', create: 'Create the machine', check: 'Read it back' },
      done: 'Machine {name} ({vmid}) is on {node}',
      words: { start: 'Next', after: 'Once it is installed', left: 'machine {vmid} ({name}) on {node}' },
    },
    es: {
      title: 'Crear la máquina {name} en {node}',
      steps: { choose: 'Elegir el número', create: 'Crear la máquina', check: 'Leerla de vuelta' },
      done: 'La máquina {name} ({vmid}) está en {node}',
      words: { start: 'Sigue', after: 'Cuando esté instalada', left: 'máquina {vmid} ({name}) en {node}' },
    },
  },
  async run(context) {
    const { payload, proxmox, step, effect, follow, shows, say, job } = context
    const { node, name } = payload
    for (let round = 1; ; round++) {
      const vmid = await step(
        'choose',
        () => chooseVmid(context, { node, type: 'qmcreate', wanted: payload.vmid, round }),
        round,
      )
      await shows([{ name: 'VMID', value: String(vmid) }])
      try {
        const upid = await effect(
          'create',
          {
            node,
            types: ['qmcreate'],
            id: String(vmid),
            mine: ({ running }) => mayBeOurs(proxmox, { node, vmid, running, mark: markOf(job.id) }),
            act: () => proxmox.createGuest(node, 'qemu', { vmid, ...parameters(payload), description: markOf(job.id) }),
          },
          round,
        )
        await follow('create', upid)
        return await step('check', () => check(context, vmid))
      } catch (error) {
        // Somebody outside took the number between our choice and our call: Proxmox reserves nothing.
        const taken = error instanceof Refused && error.code === 'vmid-taken' && payload.vmid === undefined
        if (!taken || round >= 20) throw error
      }
    }

    async function check({ proxmox }: Pick<RunContext<typeof payload, never>, 'proxmox'>, vmid: number) {
      const config = await proxmox.guestConfig({ node, kind: 'qemu', vmid })
      if (!config.description?.includes(markOf(job.id))) throw new Refused('vmid-taken', { vmid })
      if (config.lock !== undefined) throw new Refused('guest-locked', { vmid, lock: config.lock })
      // A disc that stays in its drive keeps the machine from starting wherever its storage is not.
      const eject = { name: say('after'), value: `\`/pve vm cdrom ${vmid} eject\`` }
      return {
        values: { name, vmid, node },
        fields: [
          { name: say('start'), value: `\`/pve vm start ${vmid}\`` },
          ...(payload.iso === undefined ? [] : [eject]),
        ],
      }
    }
  },
  async leftovers({ payload, job, proxmox, results, say }) {
    const chosen = Object.entries(results).filter(([step]) => step.startsWith('choose'))
    const guests = await Promise.all(chosen.map(([, vmid]) => ownedGuest(proxmox, payload.node, Number(vmid), job.id)))
    return guests
      .filter((vmid) => vmid !== undefined)
      .map((vmid) => say('left', { vmid, name: payload.name, node: payload.node }))
  },
})

function parameters(payload: {
  name: string
  storage: string
  diskGiB: number
  cores: number
  memoryMiB: number
  iso?: string | undefined
  os?: 'l26' | 'win10' | 'win11' | undefined
  pool?: string | undefined
}) {
  return {
    name: payload.name,
    cores: payload.cores,
    memory: payload.memoryMiB,
    ostype: payload.os ?? 'l26',
    ...(payload.os === 'win11' ? firmwareFor11(payload.storage) : {}),
    scsihw: 'virtio-scsi-single',
    scsi0: `${payload.storage}:${payload.diskGiB}`,
    net0: 'virtio,bridge=vmbr0',
    ide2: payload.iso === undefined ? undefined : `${payload.iso},media=cdrom`,
    pool: payload.pool,
  }
}

/** Windows 11 is not installed without UEFI, Secure Boot and a TPM 2.0. */
const firmwareFor11 = (storage: string) => ({
  bios: 'ovmf',
  machine: 'q35',
  efidisk0: `${storage}:1,efitype=4m,pre-enrolled-keys=1`,
  tpmstate0: `${storage}:1,version=v2.0`,
})
