import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { discDrives, freePlace, noDisc } from '../../src/core/cdrom.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { type Drive, decidedOn, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { unreachable } from '../../src/core/ha.ts'
import { findIso, isosOn } from '../../src/core/iso.ts'
import { reads } from '../../src/core/needs.ts'
import vmCdrom from '../../workers/vm-cdrom.ts'

/** The disc in a machine's CD-ROM drive: taken out, or another put in, while it runs or not. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  pools: ['guest'],
  needs: [reads.guests, reads.nodes, reads.storages],
  args: z.object({ guest: arg.guest(), disc: arg.iso(), drive: arg.text().optional() }),
  positionals: ['guest', 'disc'],
  text: {
    en: {
      summary: "Eject the disc in a machine's CD-ROM drive, or put an ISO image in",
      args: {
        guest: 'Name or number',
        disc: 'eject, or the file name of an ISO image',
        drive: 'Which drive, such as ide2, where there are several',
      },
      words: {
        ejectTitle: 'Eject the disc of machine {name} ({vmid})',
        insertTitle: 'Put {disc} into the drive of machine {name} ({vmid})',
        drive: 'CD-ROM {drive}',
        empty: 'empty',
        noDrive: 'not there',
        emptyAlready: 'The drive of {name} ({vmid}) is empty already',
        thereAlready: '{disc} is in the drive of {name} ({vmid}) already',
        nothingDone: 'Nothing was done.',
        underIt: 'The machine is running: the disc is gone at once, also if its system is reading from it.',
        afterStart: 'It has no CD-ROM drive yet. The running machine sees the new one only after its next start.',
        onlyHere:
          'Only {node} has storage {storage}: with this disc in it the machine starts on no other node. When it is done: vm cdrom {vmid} eject',
        notAll:
          '{nodes} do not reach storage {storage}: with this disc in it the machine does not start there. When it is done: vm cdrom {vmid} eject',
        clickSelect: 'Select {vmid} ({name}) under node {node} in the tree on the left, then "Hardware"',
        clickEject: 'Double-click "CD/DVD Drive ({drive})", choose "Do not use any media", click "OK"',
        clickInsert: 'Double-click "CD/DVD Drive ({drive})", choose "Use CD/DVD disc image file (iso)": {disc}; "OK"',
        clickAdd: 'Click "Add", then "CD/DVD Drive": {drive}, ISO image {disc}; "Add"',
      },
      refusals: {
        'is-container': { says: '{name} is a container, and containers have no CD-ROM drive.', hint: 'ct show {vmid}' },
        'no-drive': { says: '{name} has no CD-ROM drive, so nothing is in it.', hint: 'vm show {vmid}' },
        'unknown-drive': {
          says: '{name} has no CD-ROM drive {given}. It has: {drives}.',
          hint: 'vm cdrom {vmid} {disc} drive:{first}',
        },
        'which-drive': {
          says: '{name} has several CD-ROM drives that could be meant: {drives}.',
          hint: 'vm cdrom {vmid} {disc} drive:{first}',
        },
        'no-place': { says: '{name} has no CD-ROM drive, and no place is free for one.', hint: 'vm show {vmid}' },
      },
    },
    es: {
      summary: 'Sacar el disco del CD-ROM de una máquina, o poner una imagen ISO',
      args: {
        guest: 'Nombre o número',
        disc: 'eject, o el nombre de archivo de una imagen ISO',
        drive: 'Qué unidad, como ide2, cuando hay varias',
      },
      words: {
        ejectTitle: 'Sacar el disco de la máquina {name} ({vmid})',
        insertTitle: 'Poner {disc} en la unidad de la máquina {name} ({vmid})',
        drive: 'CD-ROM {drive}',
        empty: 'vacía',
        noDrive: 'no está',
        emptyAlready: 'La unidad de {name} ({vmid}) ya está vacía',
        thereAlready: '{disc} ya está en la unidad de {name} ({vmid})',
        nothingDone: 'No se hizo nada.',
        underIt: 'La máquina está encendida: el disco desaparece en el acto, aunque su sistema lo esté leyendo.',
        afterStart:
          'Todavía no tiene unidad de CD-ROM. La máquina encendida ve la nueva recién en su próximo arranque.',
        onlyHere:
          'Solo {node} tiene el almacenamiento {storage}: con este disco puesto la máquina no arranca en ningún otro nodo. Cuando termine: vm cdrom {vmid} eject',
        notAll:
          '{nodes} no alcanzan el almacenamiento {storage}: con este disco puesto la máquina no arranca ahí. Cuando termine: vm cdrom {vmid} eject',
        clickSelect: 'Selecciona {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda, luego «Hardware»',
        clickEject: 'Doble clic en «CD/DVD Drive ({drive})», elige «Do not use any media», clic en «OK»',
        clickInsert: 'Doble clic en «CD/DVD Drive ({drive})», elige «Use CD/DVD disc image file (iso)»: {disc}; «OK»',
        clickAdd: 'Clic en «Add», luego «CD/DVD Drive»: {drive}, imagen ISO {disc}; «Add»',
      },
      refusals: {
        'is-container': {
          says: '{name} es un contenedor, y los contenedores no tienen unidad de CD-ROM.',
          hint: 'ct show {vmid}',
        },
        'no-drive': { says: '{name} no tiene unidad de CD-ROM, así que no hay nada en ella.', hint: 'vm show {vmid}' },
        'unknown-drive': {
          says: '{name} no tiene una unidad de CD-ROM {given}. Tiene: {drives}.',
          hint: 'vm cdrom {vmid} {disc} drive:{first}',
        },
        'which-drive': {
          says: '{name} tiene varias unidades de CD-ROM que podrían ser: {drives}.',
          hint: 'vm cdrom {vmid} {disc} drive:{first}',
        },
        'no-place': { says: '{name} no tiene unidad de CD-ROM, ni un lugar libre para una.', hint: 'vm show {vmid}' },
      },
    },
  },
  examples: [
    { say: 'vm cdrom web1 debian-12.iso', plans: 'vm-cdrom' },
    { say: 'vm cdrom db1 eject', answers: true },
    { say: 'vm cdrom db1 eject drive:ide3', refuses: 'unknown-drive' },
    { say: 'vm cdrom db1 debain-12.iso', refuses: 'no-such-iso-near' },
    { say: 'vm cdrom db1', asks: true },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels, guestStates } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.guest, cluster, signal)
    const { guest, config, state } = facts
    const { name, vmid, node } = guest
    if (guest.kind === 'lxc') throw new Refused('is-container', { name, vmid })
    const ejects = args.disc.toLowerCase() === 'eject'
    const iso = ejects ? undefined : findIso(await isosOn(proxmox, facts.storages, node, signal), args.disc, node)
    const to = iso?.volid ?? noDisc
    const chosen = choose(discDrives(config), config, {
      name,
      vmid,
      disc: ejects ? 'eject' : args.disc,
      drive: args.drive,
    })
    const shown = (disc: string) => (disc === noDisc ? say('empty') : disc)
    if (chosen === 'empty' || (chosen && (chosen.volid ?? noDisc) === to)) {
      const title = ejects ? say('emptyAlready', { name, vmid }) : say('thereAlready', { disc: to, name, vmid })
      return answer({ title, state: 'ok', text: say('nothingDone') })
    }
    refuseLocked(facts)
    const drive = chosen?.key ?? args.drive?.trim().toLowerCase() ?? freePlace(config)
    if (drive === undefined) throw new Refused('no-place', { name, vmid })
    const was = chosen && (chosen.volid ?? noDisc)
    const isUp = state.status !== 'stopped'
    const job = vmCdrom.job({ vmid, name, drive, to, ...(was === undefined ? {} : { was }) })
    return run(job, {
      title: ejects ? say('ejectTitle', { name, vmid }) : say('insertTitle', { disc: to, name, vmid }),
      node,
      shows: [
        { name: 'VMID', value: String(vmid) },
        { name: labels.node, value: node },
        { name: labels.status, value: guestStates[state.status] },
        {
          name: say('drive', { drive }),
          value: `${was === undefined ? say('noDrive') : shown(was)} → ${shown(to)}`,
        },
      ],
      warnings: [
        ...(isUp && ejects ? [say('underIt')] : []),
        ...(isUp && !chosen ? [say('afterStart')] : []),
        ...(iso ? await elsewhere(iso.storage) : []),
      ],
      explain: {
        shell: [`qm set ${vmid} --${drive} ${to},media=cdrom   # ${node}`],
        clicks: [
          say('clickSelect', { vmid, name, node }),
          ejects
            ? say('clickEject', { drive })
            : chosen
              ? say('clickInsert', { drive, disc: to })
              : say('clickAdd', { drive, disc: to }),
        ],
      },
      state: decidedOn(facts),
    })

    /** Where the machine would not start with this disc in it. */
    async function elsewhere(storage: string): Promise<string[]> {
      const sections = await proxmox.storageConfig({ signal })
      const names = facts.nodes.map((one) => one.name)
      return unreachable([{ key: '', storage, cdrom: true }], sections, names).map(({ local, lacking }) =>
        local ? say('onlyHere', { node, storage, vmid }) : say('notAll', { nodes: lacking.join(', '), storage, vmid }),
      )
    }
  },
})

/**
 * The drive that is meant; undefined where the machine has none and one is added, `empty` where there is nothing to eject.
 * @throws Refused `no-drive`, `unknown-drive`, `which-drive`
 */
function choose(
  drives: readonly Drive[],
  config: Readonly<Record<string, string>>,
  { name, vmid, disc, drive }: { name: string; vmid: number; disc: string; drive: string | undefined },
): Drive | 'empty' | undefined {
  const ejects = disc === 'eject'
  const told = (some: readonly Drive[]) => some.map(({ key, volid }) => `${key} (${volid ?? '-'})`).join(', ')
  if (drives.length === 0 && ejects) throw new Refused('no-drive', { name, vmid })
  const values = { name, vmid, disc, first: drives[0]?.key ?? freePlace(config) ?? '' }
  if (drive !== undefined) {
    const key = drive.trim().toLowerCase()
    const found = drives.find((one) => one.key === key)
    const isFree = /^(?:ide[0-3]|sata[0-5])$/.test(key) && config[key] === undefined
    if (!found && isFree && !ejects) return undefined
    if (!found) throw new Refused('unknown-drive', { ...values, given: drive, drives: told(drives) || '-' })
    return found
  }
  if (drives.length === 0) return undefined
  const fitting = drives.filter(({ volid }) => ejects === (volid !== undefined))
  if (fitting.length === 1) return fitting[0]!
  if (ejects && fitting.length === 0) return 'empty'
  if (drives.length === 1) return drives[0]!
  const several = fitting.length > 0 ? fitting : drives
  throw new Refused('which-drive', { ...values, drives: told(several), first: several[0]!.key })
}
