import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { findGuest } from '../src/core/find.ts'
import { defineWorker } from '../src/core/worker.ts'

/** How long the other nodes may take to notice that a guest is gone. */
const goneWithinMs = 20_000

/**
 * Deletes a guest with its disks, also those that its configuration no longer names, and takes it out of backup,
 * replication and HA settings. Only the guest that was decided on: another place is followed, another configuration
 * or a guest that runs is refused.
 */
export default defineWorker({
  payload: z.object({
    vmid: z.int().min(100),
    kind: z.enum(['qemu', 'lxc']),
    name: z.string(),
    /** Of the configuration that people saw when they decided. */
    digest: z.string().optional(),
  }),
  needs: [{ path: '/vms/{vmid}', privileges: ['VM.Allocate'] }],
  locks: ({ vmid }) => [`guest:${vmid}`],
  text: {
    en: {
      title: 'Delete {name} ({vmid})',
      steps: { find: 'Look at it once more', delete: 'Delete it', check: 'See that it is gone' },
      done: '{name} ({vmid}) is deleted',
      words: { left: '{name} ({vmid}) still is on {node}', wasOn: 'Was on' },
      refusals: {
        'changed-since': {
          says: '{name} ({vmid}) is not as it was when this was decided, so it was not deleted.',
          hint: 'vm delete {vmid}',
        },
        'still-running': { says: '{name} ({vmid}) is running, so it was not deleted.', hint: 'vm stop {vmid}' },
        'still-there': {
          says: 'The task ended well, but the cluster still shows {name} ({vmid}).',
          hint: 'vm show {vmid}',
        },
      },
    },
    es: {
      title: 'Eliminar {name} ({vmid})',
      steps: { find: 'Mirarla una vez más', delete: 'Eliminarla', check: 'Comprobar que ya no está' },
      done: '{name} ({vmid}) quedó eliminada',
      words: { left: '{name} ({vmid}) sigue en {node}', wasOn: 'Estaba en' },
      refusals: {
        'changed-since': {
          says: '{name} ({vmid}) ya no es como cuando esto se decidió, así que no se eliminó.',
          hint: 'vm delete {vmid}',
        },
        'still-running': { says: '{name} ({vmid}) está encendida, así que no se eliminó.', hint: 'vm stop {vmid}' },
        'still-there': {
          says: 'La tarea terminó bien, pero el clúster todavía muestra {name} ({vmid}).',
          hint: 'vm show {vmid}',
        },
      },
    },
  },
  titled: ({ name, vmid }) => ({ name, vmid }),
  async run({ payload, proxmox, job, step, effect, follow, until, say }) {
    const { vmid, kind, name, digest } = payload
    const { node } = await step('find', async () => {
      const { guests } = await proxmox.resources()
      const guest = findGuest(guests, String(vmid), job.cluster)
      const [config, state] = await Promise.all([proxmox.guestConfig(guest), proxmox.guestState(guest)])
      const isSame = guest.name === name && guest.kind === kind && config.digest === digest
      if (!isSame || state.haManaged) throw new Refused('changed-since', { name, vmid })
      if (state.status !== 'stopped') throw new Refused('still-running', { name, vmid })
      return { node: guest.node }
    })
    const upid = await effect('delete', {
      node,
      types: [kind === 'qemu' ? 'qmdestroy' : 'vzdestroy'],
      id: String(vmid),
      act: () => proxmox.deleteGuest({ node, kind, vmid }, { purge: true, 'destroy-unreferenced-disks': true }),
    })
    const end = await follow('delete', upid)
    return step('check', async () => {
      const isGone = async () => {
        const { guests } = await proxmox.resources()
        return guests.some((guest) => guest.vmid === vmid && guest.node === node) ? undefined : true
      }
      if (!(await until(isGone, { everyMs: 1000, withinMs: goneWithinMs }))) {
        throw new Refused('still-there', { name, vmid })
      }
      return {
        values: { name, vmid },
        fields: [{ name: say('wasOn'), value: node }],
        warnings: end.exit === 'OK' ? [] : [end.exit],
      }
    })
  },
  async leftovers({ payload, proxmox, say }) {
    const { vmid, name } = payload
    const guest = (await proxmox.resources()).guests.find((candidate) => candidate.vmid === vmid)
    return guest ? [say('left', { name, vmid, node: guest.node })] : []
  },
})
