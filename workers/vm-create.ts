import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { findDrivers } from '../src/core/iso.ts'
import { reads } from '../src/core/needs.ts'
import { driversUrl, machineOf, presets, wantsDrivers } from '../src/core/presets.ts'
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
    preset: z.enum(presets).optional(),
    /** The image with Windows's drivers. */
    drivers: z.string().optional(),
    /** Drivers are looked for when it is made: their storage may not have been there when this was planned. */
    findDrivers: z.boolean().optional(),
    vmid: z.int().min(100).optional(),
    pool: z.string().optional(),
  }),
  needs: [
    reads.storages,
    { path: '/vms/{vmid}', privileges: ['VM.Allocate'] },
    // One for each kind of key that `machineOf` sets.
    { path: '/vms/{vmid}', privileges: ['VM.Config.CPU', 'VM.Config.Memory', 'VM.Config.HWType', 'VM.Config.Options'] },
    { path: '/vms/{vmid}', privileges: ['VM.Config.Disk', 'VM.Config.CDROM', 'VM.Config.Network'] },
    { path: '/storage/{storage}', privileges: ['Datastore.AllocateSpace'] },
    { path: '/sdn/zones/{zone}', privileges: ['SDN.Use'], since: 8 },
  ],
  locks: ({ vmid }) => (vmid === undefined ? [] : [`guest:${vmid}`]),
  text: {
    en: {
      title: 'Create machine {name} on {node}',
      steps: {
        drivers: 'Look for drivers',
        choose: 'Choose the number',
        create: 'Create the machine',
        check: 'Read it back',
      },
      done: 'Machine {name} ({vmid}) is on {node}',
      words: {
        start: 'Next',
        after: 'Once it is installed',
        noDrivers:
          'No image virtio-win*.iso is within reach of {node}, and without it Windows sees no disk. First `/pve storage download {url}`, then `/pve vm cdrom {vmid} virtio-win.iso drive:ide0`',
        left: 'machine {vmid} ({name}) on {node}',
      },
    },
    es: {
      title: 'Crear la máquina {name} en {node}',
      steps: {
        drivers: 'Buscar controladores',
        choose: 'Elegir el número',
        create: 'Crear la máquina',
        check: 'Leerla de vuelta',
      },
      done: 'La máquina {name} ({vmid}) está en {node}',
      words: {
        start: 'Sigue',
        after: 'Cuando esté instalada',
        noDrivers:
          '{node} no alcanza ninguna imagen virtio-win*.iso, y sin ella Windows no ve ningún disco. Primero `/pve storage download {url}`, después `/pve vm cdrom {vmid} virtio-win.iso drive:ide0`',
        left: 'máquina {vmid} ({name}) en {node}',
      },
    },
  },
  async run(context) {
    const { payload, proxmox, step, effect, follow, shows, say, job } = context
    const { node, name } = payload
    const drivers = payload.drivers ?? (payload.findDrivers ? await step('drivers', () => look()) : undefined)
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
            act: () =>
              proxmox.createGuest(node, 'qemu', {
                vmid,
                ...machineOf({ ...payload, drivers: drivers ?? undefined }),
                description: markOf(job.id),
              }),
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

    async function look() {
      const { storages } = await proxmox.resources()
      // Null: a step stores what JSON can.
      return (await findDrivers(proxmox, storages, node))?.volid ?? null
    }

    async function check({ proxmox }: Pick<RunContext<typeof payload, never>, 'proxmox'>, vmid: number) {
      const config = await proxmox.guestConfig({ node, kind: 'qemu', vmid })
      if (!config.description?.includes(markOf(job.id))) throw new Refused('vmid-taken', { vmid })
      if (config.lock !== undefined) throw new Refused('guest-locked', { vmid, lock: config.lock })
      // A disc that stays in its drive keeps the machine from starting wherever its storage is not.
      const discs = Object.entries({ ide2: payload.iso, ide0: drivers }).filter(([, disc]) => disc)
      const lines = discs.map(([key]) => `\`/pve vm cdrom ${vmid} eject${discs.length > 1 ? ` drive:${key}` : ''}\``)
      const lacks = wantsDrivers(payload.preset) && !drivers
      return {
        values: { name, vmid, node },
        fields: [
          { name: say('start'), value: `\`/pve vm start ${vmid}\`` },
          ...(lines.length > 0 ? [{ name: say('after'), value: lines.join(', ') }] : []),
        ],
        warnings: lacks ? [say('noDrivers', { node, vmid, url: driversUrl })] : [],
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
