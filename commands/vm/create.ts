import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode } from '../../src/core/find.ts'
import { findIso, isosOn } from '../../src/core/iso.ts'
import { reads } from '../../src/core/needs.ts'
import type { StorageOnNode } from '../../src/proxmox/port.ts'
import vmCreate from '../../workers/vm-create.ts'

const MiB = 1024 ** 2
const GiB = 1024 ** 3

/** A new virtual machine, from an ISO image or empty. Only the name is required; the rest is suggested and shown. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  pools: ['pool'],
  needs: [reads.nodes, reads.storages],
  args: z.object({
    name: arg.name(),
    node: arg.node().optional(),
    storage: arg.storage().optional(),
    cores: arg.integer({ min: 1, max: 512 }).prefault('1'),
    memory: arg.size({ bare: 'M' }).prefault('2G'),
    disk: arg.disk().prefault('32G'),
    iso: arg.iso().optional(),
    vmid: arg.vmid().optional(),
    pool: arg.pool().optional(),
  }),
  positionals: ['name'],
  text: {
    en: {
      summary: 'Create a virtual machine',
      args: {
        name: 'Name',
        node: 'Node it runs on; suggested: the one with the most free memory',
        storage: 'Storage of its disk; suggested: the first shared one',
        cores: 'CPU cores',
        memory: 'Memory, such as 4G',
        disk: 'Disk size, such as 32G or Storage:32G',
        iso: 'ISO image to install from',
        vmid: 'Number; suggested: the next free one',
        pool: 'Pool it is put into',
      },
      words: {
        title: 'Create machine {name} on {node}',
        node: 'Node',
        cores: 'Cores',
        memory: 'Memory',
        disk: 'Disk',
        iso: 'ISO image',
        network: 'Network',
        noIso: 'none: it has nothing to start from yet',
        notShared: 'Storage {storage} is not shared: high availability cannot start this machine on another node.',
        isoLocal: 'The ISO image is on {storage}, which only {node} reaches; eject it after the installation.',
        clickCreate: 'Click "Create VM" at the top right',
        clickGeneral: 'General: node {node}, name {name}',
        clickOs: 'OS: ISO image {iso}',
        clickOsNone: 'OS: do not use any media',
        clickDisk: 'Disks: SCSI, storage {storage}, {size} GiB',
        clickCpu: 'CPU: {cores} cores; Memory: {memory} MiB; Network: bridge vmbr0, VirtIO',
      },
      refusals: {
        'no-images-storage': { says: 'Node {node} has no storage that takes disk images.', hint: 'storage list' },
        'not-for-images': { says: 'Storage {storage} on {node} does not take disk images.', hint: 'storage list' },
        'too-little-space': {
          says: 'Storage {storage} has {free} free; the disk needs {need}.',
          hint: 'Choose a smaller disk:, or another storage: storage list',
        },
        'too-little-memory': { says: 'A machine needs at least 16M of memory.', hint: 'memory:2G' },
        'no-node': { says: 'No node of {cluster} is online.', hint: 'status' },
        'two-storages': {
          says: 'The disk names storage {inDisk}, and storage: names {given}.',
          hint: 'Give it once.',
        },
      },
    },
    es: {
      summary: 'Crear una máquina virtual',
      args: {
        name: 'Nombre',
        node: 'Nodo donde corre; se sugiere el que tiene más memoria libre',
        storage: 'Almacenamiento de su disco; se sugiere el primero compartido',
        cores: 'Núcleos de CPU',
        memory: 'Memoria, como 4G',
        disk: 'Tamaño del disco, como 32G o Storage:32G',
        iso: 'Imagen ISO desde la que se instala',
        vmid: 'Número; se sugiere el siguiente libre',
        pool: 'Pool donde queda',
      },
      words: {
        title: 'Crear la máquina {name} en {node}',
        node: 'Nodo',
        cores: 'Núcleos',
        memory: 'Memoria',
        disk: 'Disco',
        iso: 'Imagen ISO',
        network: 'Red',
        noIso: 'ninguna: todavía no tiene desde qué arrancar',
        notShared:
          'El almacenamiento {storage} no es compartido: la alta disponibilidad no puede arrancar esta máquina en otro nodo.',
        isoLocal: 'La imagen ISO está en {storage}, que solo alcanza {node}; expúlsala después de instalar.',
        clickCreate: 'Clic en «Create VM», arriba a la derecha',
        clickGeneral: 'General: nodo {node}, nombre {name}',
        clickOs: 'OS: imagen ISO {iso}',
        clickOsNone: 'OS: no usar ningún medio',
        clickDisk: 'Disks: SCSI, almacenamiento {storage}, {size} GiB',
        clickCpu: 'CPU: {cores} núcleos; Memory: {memory} MiB; Network: puente vmbr0, VirtIO',
      },
      refusals: {
        'no-images-storage': {
          says: 'El nodo {node} no tiene ningún almacenamiento que acepte imágenes de disco.',
          hint: 'storage list',
        },
        'not-for-images': {
          says: 'El almacenamiento {storage} en {node} no acepta imágenes de disco.',
          hint: 'storage list',
        },
        'too-little-space': {
          says: 'El almacenamiento {storage} tiene {free} libres; el disco necesita {need}.',
          hint: 'Elige un disk: más pequeño u otro almacenamiento: storage list',
        },
        'too-little-memory': { says: 'Una máquina necesita al menos 16M de memoria.', hint: 'memory:2G' },
        'no-node': { says: 'Ningún nodo de {cluster} está en línea.', hint: 'status' },
        'two-storages': {
          says: 'El disco nombra el almacenamiento {inDisk}, y storage: nombra {given}.',
          hint: 'Escríbelo una sola vez.',
        },
      },
    },
  },
  examples: [
    { say: 'vm create name:web1 iso:debian-12.iso cores:2 memory:4G disk:32G', plans: 'vm-create' },
    { say: 'vm create web2', plans: 'vm-create' },
    { say: 'vm create web3 node:pve2 disk:local-lvm:8G', plans: 'vm-create' },
    { say: 'vm create web4 iso:debain-12.iso', refuses: 'no-such-iso-near' },
    { say: 'vm create', asks: true },
  ],
  async plan({ args, proxmox, cluster, say }) {
    const { nodes, storages } = await proxmox.resources()
    const node = args.node === undefined ? roomiest(nodes, cluster) : findNode(nodes, args.node, cluster)
    const storage = chooseStorage(storages, node.name, args)
    const iso =
      args.iso === undefined ? undefined : findIso(await isosOn(proxmox, storages, node.name), args.iso, node.name)
    const memoryMiB = Math.floor(args.memory / MiB)
    if (memoryMiB < 16) throw new Refused('too-little-memory')
    if (args.vmid !== undefined && !(await proxmox.nextId(args.vmid)).free)
      throw new Refused('vmid-taken', { vmid: args.vmid })
    const diskGiB = Math.max(1, Math.ceil(args.disk.bytes / GiB))
    const payload = {
      name: args.name,
      node: node.name,
      storage: storage.storage,
      diskGiB,
      cores: args.cores,
      memoryMiB,
      ...(iso === undefined ? {} : { iso: iso.volid }),
      ...(args.vmid === undefined ? {} : { vmid: args.vmid }),
      ...(args.pool === undefined ? {} : { pool: args.pool }),
    }
    const title = say('title', { name: args.name, node: node.name })
    return run(vmCreate.job(payload), {
      title,
      node: node.name,
      shows: [
        { name: 'VMID', value: args.vmid === undefined ? '…' : String(args.vmid) },
        { name: say('node'), value: node.name },
        { name: say('cores'), value: String(args.cores) },
        { name: say('memory'), value: formatSize(memoryMiB * MiB) },
        { name: say('disk'), value: `${storage.storage}, ${formatSize(diskGiB * GiB)}` },
        { name: say('iso'), value: iso?.volid ?? say('noIso') },
        { name: say('network'), value: 'virtio, vmbr0' },
        ...(args.pool === undefined ? [] : [{ name: 'Pool', value: args.pool }]),
      ],
      warnings: [
        ...(storage.shared ? [] : [say('notShared', { storage: storage.storage })]),
        ...(iso && !iso.shared ? [say('isoLocal', { storage: iso.storage, node: node.name })] : []),
      ],
      explain: {
        shell: [
          [
            `qm create ${args.vmid ?? '$(pvesh get /cluster/nextid)'} --name ${args.name} --cores ${args.cores}`,
            `--memory ${memoryMiB} --ostype l26 --scsihw virtio-scsi-single --scsi0 ${storage.storage}:${diskGiB}`,
            `--net0 virtio,bridge=vmbr0${iso === undefined ? '' : ` --ide2 ${iso.volid},media=cdrom`}${args.pool === undefined ? '' : ` --pool ${args.pool}`}`,
          ].join(' '),
        ],
        clicks: [
          say('clickCreate'),
          say('clickGeneral', { node: node.name, name: args.name }),
          iso === undefined ? say('clickOsNone') : say('clickOs', { iso: iso.volid }),
          say('clickDisk', { storage: storage.storage, size: diskGiB }),
          say('clickCpu', { cores: args.cores, memory: memoryMiB }),
        ],
      },
    })
  },
})

/** The online node with the most free memory. */
function roomiest<N extends { name: string; status: string; memory: number; maxMemory: number }>(
  nodes: N[],
  cluster: string,
): N {
  const online = nodes.filter(({ status }) => status === 'online')
  const [best] = online.sort(
    (a, b) => b.maxMemory - b.memory - (a.maxMemory - a.memory) || a.name.localeCompare(b.name),
  )
  if (!best) throw new Refused('no-node', { cluster })
  return best
}

function chooseStorage(
  storages: StorageOnNode[],
  node: string,
  args: { storage?: string | undefined; disk: { storage?: string; bytes: number } },
): StorageOnNode {
  const here = storages.filter((storage) => storage.node === node)
  const given = args.disk.storage ?? args.storage
  if (args.disk.storage !== undefined && args.storage !== undefined && args.disk.storage !== args.storage) {
    throw new Refused('two-storages', { inDisk: args.disk.storage, given: args.storage })
  }
  const forImages = here
    .filter(({ content, status }) => content.includes('images') && status === 'available')
    .sort((a, b) => Number(b.shared) - Number(a.shared) || a.storage.localeCompare(b.storage))
  const chosen =
    given === undefined ? forImages[0] : here.find(({ storage }) => storage.toLowerCase() === given.toLowerCase())
  if (!chosen) {
    if (given === undefined) throw new Refused('no-images-storage', { node })
    throw new Refused('unknown-storage', { given, node, storages: here.map(({ storage }) => storage).join(', ') })
  }
  if (!chosen.content.includes('images')) throw new Refused('not-for-images', { storage: chosen.storage, node })
  const free = chosen.total === undefined || chosen.used === undefined ? undefined : chosen.total - chosen.used
  if (free !== undefined && free < args.disk.bytes) {
    throw new Refused('too-little-space', { storage: chosen.storage, freeBytes: free, needBytes: args.disk.bytes })
  }
  return chosen
}
