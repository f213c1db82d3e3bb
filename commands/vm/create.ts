import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode } from '../../src/core/find.ts'
import { findDrivers, findIso, isosOn } from '../../src/core/iso.ts'
import { reads } from '../../src/core/needs.ts'
import { driversUrl, machineLine, machineOf, presets, sizesOf, wantsDrivers } from '../../src/core/presets.ts'
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
    preset: arg.choice(presets).prefault('linux'),
    cores: arg.integer({ min: 1, max: 512 }).optional(),
    memory: arg.size({ bare: 'M' }).optional(),
    disk: arg.disk().optional(),
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
        preset: 'What it is made ready for; Windows brings drivers, windows-11 UEFI and TPM too',
        cores: 'CPU cores; 1, for Windows 2, unless said',
        memory: 'Memory; 2G, for Windows 4G, unless said',
        disk: 'Disk size, such as 32G or Storage:32G; 32G, for Windows 64G, unless said',
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
        drivers: 'Drivers',
        firmware: 'Firmware',
        noDrivers:
          'No image virtio-win*.iso is within reach of {node}, and without it Windows sees no disk. First `storage download {url}{place}`, then this line again; or afterwards `vm cdrom {name} virtio-win.iso drive:ide0`',
        driversLocal: 'The drivers are on {storage}, which only {node} reaches; eject them too after the installation.',
        tooSmall: 'Windows 11 does not install with less than {cores} cores, {memory} of memory and a disk of {disk}.',
        notShared: 'Storage {storage} is not shared: high availability cannot start this machine on another node.',
        isoLocal: 'The ISO image is on {storage}, which only {node} reaches; eject it after the installation.',
        clickCreate: 'Click "Create VM" at the top right',
        clickGeneral: 'General: node {node}, name {name}',
        clickOs: 'OS: ISO image {iso}',
        clickOsNone: 'OS: do not use any media',
        clickType: 'OS: type {type}',
        clickDrivers: 'OS: tick "Add additional drive for VirtIO drivers", {drivers}',
        clickFirmware:
          'System: machine q35, BIOS OVMF (UEFI), EFI storage {storage}, "Pre-Enroll keys"; "Add TPM", storage {storage}, v2.0',
        clickAgent: 'System: tick "Qemu Agent"',
        clickDisk: 'Disks: {bus}, storage {storage}, {size} GiB',
        clickCpu: 'CPU: {cores} cores; Memory: {memory} MiB; Network: bridge vmbr0, {nic}',
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
        preset: 'Para qué se prepara; Windows trae controladores, windows-11 además UEFI y TPM',
        cores: 'Núcleos de CPU; si no se dice, 1, para Windows 2',
        memory: 'Memoria; si no se dice, 2G, para Windows 4G',
        disk: 'Tamaño del disco, como 32G o Storage:32G; si no se dice, 32G, para Windows 64G',
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
        drivers: 'Controladores',
        firmware: 'Firmware',
        noDrivers:
          '{node} no alcanza ninguna imagen virtio-win*.iso, y sin ella Windows no ve ningún disco. Primero `storage download {url}{place}`, después esta línea otra vez; o más tarde `vm cdrom {name} virtio-win.iso drive:ide0`',
        driversLocal:
          'Los controladores están en {storage}, que solo alcanza {node}; expúlsalos también después de instalar.',
        tooSmall: 'Windows 11 no se instala con menos de {cores} núcleos, {memory} de memoria y un disco de {disk}.',
        notShared:
          'El almacenamiento {storage} no es compartido: la alta disponibilidad no puede arrancar esta máquina en otro nodo.',
        isoLocal: 'La imagen ISO está en {storage}, que solo alcanza {node}; expúlsala después de instalar.',
        clickCreate: 'Clic en «Create VM», arriba a la derecha',
        clickGeneral: 'General: nodo {node}, nombre {name}',
        clickOs: 'OS: imagen ISO {iso}',
        clickOsNone: 'OS: no usar ningún medio',
        clickType: 'OS: tipo {type}',
        clickDrivers: 'OS: marca «Add additional drive for VirtIO drivers», {drivers}',
        clickFirmware:
          'System: máquina q35, BIOS OVMF (UEFI), almacenamiento de EFI {storage}, «Pre-Enroll keys»; «Add TPM», almacenamiento {storage}, v2.0',
        clickAgent: 'System: marca «Qemu Agent»',
        clickDisk: 'Disks: {bus}, almacenamiento {storage}, {size} GiB',
        clickCpu: 'CPU: {cores} núcleos; Memory: {memory} MiB; Network: puente vmbr0, {nic}',
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
    { say: 'vm create win1 preset:windows-11 iso:Win11.iso storage:Storage', plans: 'vm-create' },
    { say: 'vm create web4 iso:debain-12.iso', refuses: 'no-such-iso-near' },
    { say: 'vm create', asks: true },
  ],
  async plan({ args, proxmox, cluster, say }) {
    const { preset } = args
    const usual = sizesOf[preset]
    const { nodes, storages } = await proxmox.resources()
    const node = args.node === undefined ? roomiest(nodes, cluster) : findNode(nodes, args.node, cluster)
    const disk = args.disk ?? { bytes: usual.diskGiB * GiB }
    const storage = chooseStorage(storages, node.name, { storage: args.storage, disk })
    const [iso, drivers] = await Promise.all([
      args.iso === undefined
        ? undefined
        : isosOn(proxmox, storages, node.name).then((images) => findIso(images, args.iso!, node.name)),
      wantsDrivers(preset) ? findDrivers(proxmox, storages, node.name) : undefined,
    ])
    const memoryMiB = args.memory === undefined ? usual.memoryMiB : Math.floor(args.memory / MiB)
    if (memoryMiB < 16) throw new Refused('too-little-memory')
    if (args.vmid !== undefined && !(await proxmox.nextId(args.vmid)).free)
      throw new Refused('vmid-taken', { vmid: args.vmid })
    const diskGiB = Math.max(1, Math.ceil(disk.bytes / GiB))
    const cores = args.cores ?? usual.cores
    const wish = {
      name: args.name,
      storage: storage.storage,
      diskGiB,
      cores,
      memoryMiB,
      ...(preset === 'linux' ? {} : { preset }),
      ...(iso === undefined ? {} : { iso: iso.volid }),
      ...(drivers === undefined ? {} : { drivers: drivers.volid }),
      ...(args.pool === undefined ? {} : { pool: args.pool }),
    }
    const keys = machineOf(wish)
    const nic = String(keys.net0).split(',')[0]!
    const is11 = preset === 'windows-11'
    const isSmall = is11 && (cores < usual.cores || memoryMiB < usual.memoryMiB || diskGiB < usual.diskGiB)
    const job = { ...wish, node: node.name, ...(args.vmid === undefined ? {} : { vmid: args.vmid }) }
    return run(vmCreate.job(job), {
      title: say('title', { name: args.name, node: node.name }),
      node: node.name,
      shows: [
        { name: 'VMID', value: args.vmid === undefined ? '…' : String(args.vmid) },
        { name: say('node'), value: node.name },
        ...(preset === 'linux' ? [] : [{ name: 'Preset', value: preset }]),
        { name: say('cores'), value: String(cores) },
        { name: say('memory'), value: formatSize(memoryMiB * MiB) },
        { name: say('disk'), value: `${storage.storage}, ${formatSize(diskGiB * GiB)}` },
        { name: say('iso'), value: iso?.volid ?? say('noIso') },
        ...(drivers ? [{ name: say('drivers'), value: drivers.volid }] : []),
        ...(is11 ? [{ name: say('firmware'), value: 'UEFI (Secure Boot), TPM 2.0, q35' }] : []),
        { name: say('network'), value: `${nic}, vmbr0` },
        ...(args.pool === undefined ? [] : [{ name: 'Pool', value: args.pool }]),
      ],
      warnings: [
        ...(storage.shared ? [] : [say('notShared', { storage: storage.storage })]),
        ...(iso && !iso.shared ? [say('isoLocal', { storage: iso.storage, node: node.name })] : []),
        ...(drivers && !drivers.shared ? [say('driversLocal', { storage: drivers.storage, node: node.name })] : []),
        ...(wantsDrivers(preset) && !drivers ? [noDrivers()] : []),
        ...(isSmall
          ? [
              say('tooSmall', {
                cores: usual.cores,
                memory: formatSize(usual.memoryMiB * MiB),
                disk: formatSize(usual.diskGiB * GiB),
              }),
            ]
          : []),
      ],
      explain: {
        shell: [machineLine(args.vmid, wish)],
        clicks: [
          say('clickCreate'),
          say('clickGeneral', { node: node.name, name: args.name }),
          iso === undefined ? say('clickOsNone') : say('clickOs', { iso: iso.volid }),
          ...(preset === 'linux' ? [] : [say('clickType', { type: is11 ? '11/2022/2025' : '10/2016/2019' })]),
          ...(drivers ? [say('clickDrivers', { drivers: drivers.volid })] : []),
          ...(is11 ? [say('clickFirmware', { storage: storage.storage })] : []),
          ...(keys.agent === undefined ? [] : [say('clickAgent')]),
          say('clickDisk', {
            bus: keys.sata0 === undefined ? 'SCSI' : 'SATA',
            storage: storage.storage,
            size: diskGiB,
          }),
          say('clickCpu', { cores, memory: memoryMiB, nic: nic === 'virtio' ? 'VirtIO' : 'Intel E1000' }),
        ],
      },
    })

    function noDrivers(): string {
      const takes = storages.filter((one) => one.node === node.name && one.content.includes('iso'))
      const first = takes.find(({ shared }) => shared) ?? takes[0]
      const place = first ? ` storage:${first.storage}` : ''
      return say('noDrivers', { node: node.name, name: args.name, url: driversUrl, place })
    }
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
