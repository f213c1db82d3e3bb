import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { decidedOn, drivesOf, type GuestFacts, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import type { Proxmox } from '../../src/proxmox/port.ts'
import guestDelete from '../../workers/guest-delete.ts'

/** Deletes a guest and all its disks. What would lose more than the guest, or what is alive, is refused. */
export default defineCommand({
  also: ['ct'],
  role: 'operator',
  risk: 'destroys',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes, reads.storages],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Delete a machine or container, and its disks',
      args: { guest: 'Name or number' },
      words: {
        title: 'Delete {what} {name} ({vmid}) and its disks',
        disks: 'Disks that are lost',
        noDisks: 'none',
        forGood: 'This cannot be undone. Backups stay.',
        settings: 'It also leaves backup jobs, replication and firewall settings.',
        clonesUnknown: 'Whether linked clones still need this template is not known: {storage} cannot be read now.',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left',
        clickMore: 'Click "More" at the top right, then "Remove"',
        clickConfirm: 'Type {vmid}, tick "Purge from job configurations" and "Destroy unreferenced disks", and confirm',
      },
      refusals: {
        'is-running': { says: '{name} is running.', hint: 'vm stop {called}' },
        'is-protected': {
          says: '{name} is protected from deletion.',
          hint: '{tool} set {vmid} --protection 0',
        },
        'under-ha': {
          says: '{name} is under high availability (state {state}); HA must let go of it first.',
          hint: 'ha remove {vmid}',
        },
        'has-clones': {
          says: 'Linked clones still need this template: {clones}. They would lose their disks.',
          hint: 'vm delete {first}',
        },
      },
    },
    es: {
      summary: 'Eliminar una máquina o un contenedor, y sus discos',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Eliminar {what} {name} ({vmid}) y sus discos',
        disks: 'Discos que se pierden',
        noDisks: 'ninguno',
        forGood: 'No se puede deshacer. Los respaldos quedan.',
        settings: 'También sale de los trabajos de respaldo, de la replicación y del firewall.',
        clonesUnknown:
          'No se sabe si hay clones enlazados que necesiten esta plantilla: {storage} no se puede leer ahora.',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda',
        clickMore: 'Clic en «More», arriba a la derecha, luego en «Remove»',
        clickConfirm:
          'Escribe {vmid}, marca «Purge from job configurations» y «Destroy unreferenced disks», y confirma',
      },
      refusals: {
        'is-running': { says: '{name} está encendida.', hint: 'vm stop {called}' },
        'is-protected': {
          says: '{name} está protegida contra borrado.',
          hint: '{tool} set {vmid} --protection 0',
        },
        'under-ha': {
          says: '{name} está bajo alta disponibilidad (estado {state}); primero HA tiene que soltarla.',
          hint: 'ha remove {vmid}',
        },
        'has-clones': {
          says: 'Hay clones enlazados que necesitan esta plantilla: {clones}. Perderían sus discos.',
          hint: 'vm delete {first}',
        },
      },
    },
  },
  examples: [
    { say: 'vm delete db1', plans: 'guest-delete' },
    { say: 'vm delete web1', refuses: 'is-running' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, theGuest } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, state, config, tool, called } = facts
    const { name, vmid, node, kind } = guest
    if (state.haManaged) throw new Refused('under-ha', { name, vmid, state: guest.haState ?? state.status })
    if (state.status !== 'stopped') throw new Refused('is-running', { name, called })
    if (config.protection === '1') throw new Refused('is-protected', { name, vmid, tool })
    refuseLocked(facts)
    const unread = guest.template ? await refuseWithClones(proxmox, facts, signal) : []
    const disks = drivesOf(config).filter(({ cdrom, volid }) => !cdrom && volid !== undefined)
    return run(guestDelete.job({ vmid, kind, name, digest: config.digest }), {
      title: say('title', { what: theGuest[kind], name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        {
          name: say('disks'),
          value:
            disks.map(({ volid, bytes }) => `${volid}${bytes ? `, ${formatSize(bytes)}` : ''}`).join('\n') ||
            say('noDisks'),
        },
      ],
      warnings: [say('forGood'), say('settings'), ...unread.map((storage) => say('clonesUnknown', { storage }))],
      explain: {
        shell: [`${tool} destroy ${vmid} --purge 1 --destroy-unreferenced-disks 1   # ${node}`],
        clicks: [say('clickSelect', { vmid, name, node }), say('clickMore'), say('clickConfirm', { vmid })],
      },
      state: decidedOn(facts),
    })
  },
})

/**
 * Refuses when a volume says in its name that it stands on one of this template's. Thin LVM does not say it, and does
 * not need to: there a clone keeps its data. Returns the storages that cannot be read.
 */
async function refuseWithClones(
  proxmox: Proxmox,
  { guest, config }: GuestFacts,
  signal: AbortSignal,
): Promise<string[]> {
  const disks = drivesOf(config).filter(({ cdrom }) => !cdrom)
  const storages = [...new Set(disks.flatMap(({ storage }) => storage ?? []))]
  const content = guest.kind === 'qemu' ? 'images' : 'rootdir'
  const unread: string[] = []
  const clones = new Set<number>()
  await Promise.all(
    storages.map(async (storage) => {
      try {
        for (const { volid } of await proxmox.storageContents(guest.node, storage, content, { signal })) {
          const clone = new RegExp(`base(?:vol)?-${guest.vmid}-[^/]+/.*?(?:vm|subvol)-(\\d+)-`).exec(volid)?.[1]
          if (clone !== undefined) clones.add(Number(clone))
        }
      } catch {
        unread.push(storage)
      }
    }),
  )
  if (clones.size === 0) return unread
  const found = [...clones].sort((a, b) => a - b)
  throw new Refused('has-clones', { clones: found.join(', '), first: found[0] })
}
