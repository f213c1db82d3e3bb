import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode } from '../../src/core/find.ts'
import { type Drive, drivesOf, type GuestFacts, readGuest, refuseLocked } from '../../src/core/guest.ts'
import { reads } from '../../src/core/needs.ts'
import { refusesLinks } from '../../src/ha/storage-features.ts'
import type { StorageOnNode } from '../../src/proxmox/port.ts'
import vmClone from '../../workers/vm-clone.ts'

/** A copy of a machine: linked from a template where its storage can, else full. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  pools: ['source', 'pool'],
  needs: [reads.guests, reads.nodes, reads.storages],
  args: z.object({
    source: arg.guest(),
    name: arg.name(),
    node: arg.node().optional(),
    storage: arg.storage().optional(),
    full: arg.boolean().optional(),
    vmid: arg.vmid().optional(),
    pool: arg.pool().optional(),
  }),
  positionals: ['source', 'name'],
  text: {
    en: {
      summary: 'Make a new machine from a template or from another machine',
      args: {
        source: 'Template or machine to copy, by name or number',
        name: 'Name of the new machine',
        node: 'Node of the new machine; suggested: where the source is',
        storage: 'Storage of its disks (full clones only); suggested: where the source has them',
        full: 'true: a copy of its own; false: linked to the template. Suggested: linked where that is possible',
        vmid: 'Number; suggested: the next free one',
        pool: 'Pool the new machine is put into',
      },
      words: {
        linkedTitle: 'Clone {source} as {name} on {node} (linked)',
        fullTitle: 'Clone {source} as {name} on {node} (full)',
        source: 'Source',
        kind: 'Clone',
        linked: 'linked: made in seconds, needs the template for as long as it lives',
        full: 'full: copies every byte, needs nothing afterwards',
        copies: 'To copy',
        live: '{name} is running: its disks are copied as a power cut would leave them.',
        notShared: 'Storage {storage} is not shared: high availability cannot start this machine on another node.',
        clickSelect: 'Right-click {vmid} ({name}) under node {node} in the tree on the left, then "Clone"',
        clickTarget: 'Target node {node}, name {name}',
        clickLinked: 'Mode: Linked Clone',
        clickFull: 'Mode: Full Clone; target storage: {storage}',
        sameStorage: 'same as source',
        clickClone: 'Click "Clone"',
      },
      refusals: {
        'only-machines': {
          says: '{name} is a container; this clones machines.',
          hint: 'pct clone {vmid} NEWID --hostname {new}',
        },
        'not-a-template': {
          says: '{source} is no template, and only a template has linked clones.',
          hint: 'vm clone {source} name:{new} full:true',
        },
        'no-links': {
          says: 'Storage {storage} ({type}) keeps whole disks only, so there are no linked clones on it.',
          hint: 'vm clone {source} name:{new} full:true',
        },
        'linked-stays': {
          says: 'A linked clone stays on the storage of its template; storage: is for full clones.',
          hint: 'vm clone {source} name:{new} storage:{storage} full:true',
        },
        'source-is-local': {
          says: '{source} has disks on {storage}, which only {from} reaches, so it can be cloned only on {from}.',
          hint: 'vm clone {source} name:{new}',
        },
        'not-on-target': {
          says: 'Node {node} does not reach storage {storage}.',
          hint: 'storage list node:{node}',
        },
        'not-for-images': { says: 'Storage {storage} on {node} does not take disk images.', hint: 'storage list' },
        'too-little-space': {
          says: 'Storage {storage} has {free} free; the disks need {need}.',
          hint: 'storage list',
        },
      },
    },
    es: {
      summary: 'Hacer una máquina nueva a partir de una plantilla o de otra máquina',
      args: {
        source: 'Plantilla o máquina que se copia, por nombre o número',
        name: 'Nombre de la máquina nueva',
        node: 'Nodo de la máquina nueva; se sugiere el del origen',
        storage: 'Almacenamiento de sus discos (solo clones completos); se sugiere el del origen',
        full: 'true: copia propia; false: enlazada a la plantilla. Se sugiere enlazada donde se pueda',
        vmid: 'Número; se sugiere el siguiente libre',
        pool: 'Pool donde queda la máquina nueva',
      },
      words: {
        linkedTitle: 'Clonar {source} como {name} en {node} (enlazado)',
        fullTitle: 'Clonar {source} como {name} en {node} (completo)',
        source: 'Origen',
        kind: 'Clon',
        linked: 'enlazado: se hace en segundos y necesita la plantilla mientras exista',
        full: 'completo: copia cada byte y después no necesita nada',
        copies: 'Por copiar',
        live: '{name} está encendida: sus discos se copian como los dejaría un corte de luz.',
        notShared:
          'El almacenamiento {storage} no es compartido: la alta disponibilidad no puede arrancar esta máquina en otro nodo.',
        clickSelect: 'Clic derecho en {vmid} ({name}) bajo el nodo {node} en el árbol de la izquierda, luego «Clone»',
        clickTarget: 'Target node {node}, nombre {name}',
        clickLinked: 'Mode: Linked Clone',
        clickFull: 'Mode: Full Clone; target storage: {storage}',
        sameStorage: 'el mismo del origen',
        clickClone: 'Clic en «Clone»',
      },
      refusals: {
        'only-machines': {
          says: '{name} es un contenedor; esto clona máquinas.',
          hint: 'pct clone {vmid} NEWID --hostname {new}',
        },
        'not-a-template': {
          says: '{source} no es una plantilla, y solo las plantillas tienen clones enlazados.',
          hint: 'vm clone {source} name:{new} full:true',
        },
        'no-links': {
          says: 'El almacenamiento {storage} ({type}) solo guarda discos enteros, así que ahí no hay clones enlazados.',
          hint: 'vm clone {source} name:{new} full:true',
        },
        'linked-stays': {
          says: 'Un clon enlazado se queda en el almacenamiento de su plantilla; storage: es para clones completos.',
          hint: 'vm clone {source} name:{new} storage:{storage} full:true',
        },
        'source-is-local': {
          says: '{source} tiene discos en {storage}, que solo alcanza {from}, así que solo se puede clonar en {from}.',
          hint: 'vm clone {source} name:{new}',
        },
        'not-on-target': {
          says: 'El nodo {node} no alcanza el almacenamiento {storage}.',
          hint: 'storage list node:{node}',
        },
        'not-for-images': {
          says: 'El almacenamiento {storage} en {node} no acepta imágenes de disco.',
          hint: 'storage list',
        },
        'too-little-space': {
          says: 'El almacenamiento {storage} tiene {free} libres; los discos necesitan {need}.',
          hint: 'storage list',
        },
      },
    },
  },
  examples: [
    { say: 'vm clone debian-12-template name:web5', plans: 'vm-clone' },
    { say: 'vm clone debian-12-template web6 full:true storage:Storage', plans: 'vm-clone' },
    { say: 'vm clone web1 name:web7', plans: 'vm-clone' },
    { say: 'vm clone web1 name:web7 full:false', refuses: 'not-a-template' },
    { say: 'vm clone debian-12-template name:web8 node:pve2', refuses: 'source-is-local' },
    { say: 'vm clone debian-12-template', asks: true },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels } = house.words[asker.language]
    const facts = await readGuest(proxmox, args.source, cluster, signal)
    const { guest, state, config, nodes, storages, called } = facts
    if (guest.kind !== 'qemu')
      throw new Refused('only-machines', { name: guest.name, vmid: guest.vmid, new: args.name })
    refuseLocked(facts)
    const disks = drivesOf(config).filter(({ cdrom, storage }) => !cdrom && storage !== undefined)
    const here = storages.filter(({ node }) => node === guest.node)
    const full = chooseKind(facts, disks, here, args)
    const target = args.node === undefined ? guest.node : findNode(nodes, args.node, cluster).name
    if (target !== guest.node) refuseLocalDisks(disks, here, { source: called, from: guest.node, new: args.name })
    const storage = full
      ? chooseStorage(storages, target, disks, args.storage)
      : storages.find((one) => one.storage === disks[0]?.storage && one.node === target)
    if (args.vmid !== undefined && !(await proxmox.nextId(args.vmid)).free) {
      throw new Refused('vmid-taken', { vmid: args.vmid })
    }
    const bytes = disks.reduce((sum, disk) => sum + (disk.bytes ?? 0), 0)
    const payload = {
      source: guest.vmid,
      name: args.name,
      node: target,
      full,
      ...(args.storage === undefined || storage === undefined ? {} : { storage: storage.storage }),
      ...(args.vmid === undefined ? {} : { vmid: args.vmid }),
      ...(args.pool === undefined ? {} : { pool: args.pool }),
    }
    const title = { source: guest.name, name: args.name, node: target }
    const isLocal = storage !== undefined && !storage.shared
    return run(vmClone.job(payload), {
      title: full ? say('fullTitle', title) : say('linkedTitle', title),
      node: guest.node,
      shows: [
        { name: 'VMID', value: args.vmid === undefined ? '…' : String(args.vmid) },
        { name: say('source'), value: `${guest.name} (${guest.vmid})` },
        { name: labels.node, value: target },
        { name: say('kind'), value: say(full ? 'full' : 'linked') },
        ...(storage === undefined ? [] : [{ name: labels.storage, value: storage.storage }]),
        ...(full ? [{ name: say('copies'), value: formatSize(bytes) }] : []),
        ...(args.pool === undefined ? [] : [{ name: 'Pool', value: args.pool }]),
      ],
      warnings: [
        ...(state.status === 'running' ? [say('live', { name: guest.name })] : []),
        ...(isLocal ? [say('notShared', { storage: storage.storage })] : []),
      ],
      explain: {
        shell: [
          [
            `qm clone ${guest.vmid} ${args.vmid ?? '$(pvesh get /cluster/nextid)'} --name ${args.name}`,
            `--full ${full ? 1 : 0}`,
            ...(payload.storage === undefined ? [] : [`--storage ${payload.storage}`]),
            ...(target === guest.node ? [] : [`--target ${target}`]),
            ...(args.pool === undefined ? [] : [`--pool ${args.pool}`]),
            `  # ${guest.node}`,
          ].join(' '),
        ],
        clicks: [
          say('clickSelect', { vmid: guest.vmid, name: guest.name, node: guest.node }),
          say('clickTarget', { node: target, name: args.name }),
          full ? say('clickFull', { storage: payload.storage ?? say('sameStorage') }) : say('clickLinked'),
          say('clickClone'),
        ],
      },
    })
  },
})

interface Wish {
  name: string
  full?: boolean | undefined
  storage?: string | undefined
}

/** Whether it becomes a full clone; a linked one that cannot be is refused with the reason, not made full in silence. */
function chooseKind({ guest, called }: GuestFacts, disks: Drive[], here: StorageOnNode[], wish: Wish): boolean {
  const values = { source: called, new: wish.name }
  if (wish.full === true) return true
  if (!guest.template) {
    if (wish.full === false) throw new Refused('not-a-template', values)
    return true
  }
  if (wish.storage !== undefined) throw new Refused('linked-stays', { ...values, storage: wish.storage })
  const whole = here.find(({ storage, type }) => refusesLinks(type) && disks.some((disk) => disk.storage === storage))
  if (whole) throw new Refused('no-links', { ...values, storage: whole.storage, type: whole.type })
  return false
}

/** Proxmox clones to another node only what that node reaches by itself. */
function refuseLocalDisks(
  disks: Drive[],
  here: StorageOnNode[],
  values: { source: string; from: string; new: string },
) {
  const local = here.find(({ storage, shared }) => !shared && disks.some((disk) => disk.storage === storage))
  if (local) throw new Refused('source-is-local', { ...values, storage: local.storage })
}

/** Where a full clone's disks go: the storage that was named, else each where its original is. */
function chooseStorage(
  storages: StorageOnNode[],
  node: string,
  disks: Drive[],
  given: string | undefined,
): StorageOnNode | undefined {
  const wanted = given ?? disks[0]?.storage
  if (wanted === undefined) return undefined
  const chosen = storages.find((one) => one.node === node && one.storage.toLowerCase() === wanted.toLowerCase())
  if (!chosen) throw new Refused('not-on-target', { storage: wanted, node })
  if (!chosen.content.includes('images')) throw new Refused('not-for-images', { storage: chosen.storage, node })
  const needBytes = disks
    .filter(({ storage }) => given !== undefined || storage === wanted)
    .reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)
  const freeBytes = chosen.total === undefined || chosen.used === undefined ? undefined : chosen.total - chosen.used
  if (freeBytes !== undefined && freeBytes < needBytes) {
    throw new Refused('too-little-space', { storage: chosen.storage, freeBytes, needBytes })
  }
  return chosen
}
