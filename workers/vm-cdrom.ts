import { z } from 'zod'
import { discIn, noDisc } from '../src/core/cdrom.ts'
import { Refused } from '../src/core/errors.ts'
import { findGuest } from '../src/core/find.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker } from '../src/core/worker.ts'

/**
 * Takes the disc out of a machine's drive or puts another in, only if what people saw is still in it. Where the machine
 * is by then, it is followed to: HA may have moved it.
 */
export default defineWorker({
  payload: z.object({
    vmid: z.int().min(100),
    name: z.string(),
    /** `ide2`. */
    drive: z.string(),
    /** A volume id or `none`; absent: there is no such drive yet. */
    was: z.string().optional(),
    to: z.string(),
  }),
  needs: [reads.storages, { path: '/vms/{vmid}', privileges: ['VM.Config.CDROM'] }],
  locks: ({ vmid }) => [`guest:${vmid}`],
  text: {
    en: {
      title: 'Change the disc of {name} ({vmid})',
      steps: { change: 'Tell Proxmox', check: 'Read the drive back' },
      done: '{name} ({vmid}), drive {drive}: {now}',
      words: {
        drive: 'CD-ROM {drive}',
        empty: 'empty',
        noDrive: 'not there',
        waits: 'The running machine sees this only after its next start: vm reboot {vmid}',
        left: '{name} ({vmid}), drive {drive}: {now}',
      },
      refusals: {
        'another-guest': {
          says: 'VMID {vmid} now belongs to "{now}" and no longer to "{name}", so nothing was done.',
          hint: 'vm show {vmid}',
        },
        'disc-changed': {
          says: 'In drive {drive} of {name} there is now {now}, not what this was decided on. Nothing was done.',
          hint: 'vm show {vmid}',
        },
      },
    },
    es: {
      title: 'Cambiar el disco de {name} ({vmid})',
      steps: { change: 'Decírselo a Proxmox', check: 'Leer la unidad de vuelta' },
      done: '{name} ({vmid}), unidad {drive}: {now}',
      words: {
        drive: 'CD-ROM {drive}',
        empty: 'vacía',
        noDrive: 'no está',
        waits: 'La máquina encendida lo ve recién en su próximo arranque: vm reboot {vmid}',
        left: '{name} ({vmid}), unidad {drive}: {now}',
      },
      refusals: {
        'another-guest': {
          says: 'El VMID {vmid} ahora es de «{now}» y ya no de «{name}», así que no se hizo nada.',
          hint: 'vm show {vmid}',
        },
        'disc-changed': {
          says: 'En la unidad {drive} de {name} ahora está {now}, y no lo que había cuando esto se decidió. No se hizo nada.',
          hint: 'vm show {vmid}',
        },
      },
    },
  },
  titled: ({ name, vmid }) => ({ name, vmid }),
  async run({ payload, proxmox, job, step, change, say }) {
    const { vmid, name, drive, was, to } = payload
    const shown = (disc: string | undefined) =>
      disc === undefined ? say('noDrive') : disc === noDisc ? say('empty') : disc
    const find = async () => {
      const guest = findGuest((await proxmox.resources()).guests, String(vmid), job.cluster)
      if (guest.name !== name || guest.kind !== 'qemu') {
        throw new Refused('another-guest', { vmid, name, now: guest.name })
      }
      return { guest, config: await proxmox.guestConfig(guest) }
    }
    await change('change', {
      call: 'PUT /nodes/{node}/qemu/{vmid}/config',
      id: String(vmid),
      isSo: async () => discIn((await find()).config, drive) === to,
      act: async () => {
        const { guest, config } = await find()
        const now = discIn(config, drive)
        const isTaken = now === undefined && config[drive] !== undefined
        if (now !== was || isTaken) {
          throw new Refused('disc-changed', { vmid, name, drive, now: isTaken ? config[drive]! : shown(now) })
        }
        await proxmox.updateGuest(guest, { [drive]: `${to},media=cdrom`, digest: config.digest })
      },
    })
    return step('check', async () => {
      const { guest, config } = await find()
      const now = discIn(config, drive)
      if (now !== to) throw new Refused('not-there-after', { what: `${name} (${vmid}) ${drive}: ${shown(to)}` })
      const waits = (await proxmox.pendingChanges(guest)).some(({ key }) => key === drive)
      return {
        values: { name, vmid, drive, now: shown(now) },
        fields: [{ name: say('drive', { drive }), value: `${shown(was)} → ${shown(now)}` }],
        warnings: waits ? [say('waits', { vmid })] : [],
      }
    })
  },
  async leftovers({ payload: { vmid, name, drive }, proxmox, say }) {
    const guest = (await proxmox.resources()).guests.find((one) => one.vmid === vmid)
    if (!guest) return []
    const now = discIn(await proxmox.guestConfig(guest), drive) ?? say('noDrive')
    return [say('left', { name, vmid, drive, now: now === noDisc ? say('empty') : now })]
  },
})
