/** Property strings of a guest's config: drives, network cards, sizes, the boot order. Pure. */
import { fail } from '../fault.ts'
import type { ConfigKeys } from '../model.ts'

export interface Drive {
  /** A volume id, `none`, `cdrom`, a path, or `STORAGE:GIB` for one that is yet to be made. */
  file: string
  options: Record<string, string>
}

/** `file` is the key of a value without one. */
export function parseDrive(value: string): Drive {
  const drive: Drive = { file: '', options: {} }
  for (const part of value.split(',')) {
    const [key = '', ...rest] = part.split('=')
    if (rest.length === 0) drive.file = part
    else if (key === 'file' || key === 'volume') drive.file = rest.join('=')
    else drive.options[key] = rest.join('=')
  }
  return drive
}

/** As Proxmox writes it to the config: the file, then the options by name. */
export const printDrive = ({ file, options }: Drive) =>
  [
    file,
    ...Object.keys(options)
      .sort()
      .map((key) => `${key}=${options[key]}`),
  ].join(',')

export const isCdrom = (drive: Drive) => drive.options.media === 'cdrom'

/** Drives in the order in which Proxmox goes through them. */
const BUSES: [bus: string, count: number][] = [
  ['ide', 4],
  ['scsi', 31],
  ['virtio', 16],
  ['sata', 6],
  ['efidisk', 1],
  ['tpmstate', 1],
]

export const DRIVE_KEYS = BUSES.flatMap(([bus, count]) => Array.from({ length: count }, (_, i) => `${bus}${i}`))

const DRIVES = new Set(DRIVE_KEYS)
export const isDriveKey = (key: string) => DRIVES.has(key)
export const isUnusedKey = (key: string) => /^unused\d+$/.test(key)

export interface DriveEntry {
  key: string
  drive: Drive
}

/** The drives of a config, without unused ones. */
export const drivesOf = (keys: ConfigKeys): DriveEntry[] =>
  DRIVE_KEYS.flatMap((key) => (keys[key] === undefined ? [] : [{ key, drive: parseDrive(String(keys[key])) }]))

/** Disks that were detached and kept. */
export const unusedOf = (keys: ConfigKeys): DriveEntry[] =>
  Object.keys(keys)
    .filter(isUnusedKey)
    .map((key) => ({ key, drive: parseDrive(String(keys[key])) }))

/** Drives that hold a volume of their own: no CD-ROM (but for cloud-init), nothing that is a path or empty. */
export const disksOf = (keys: ConfigKeys): DriveEntry[] =>
  drivesOf(keys).filter(({ drive }) => drive.file.includes(':') && (!isCdrom(drive) || isCloudinit(drive)))

export const isCloudinit = ({ file }: Drive) => /[:/]vm-\d+-cloudinit(\.qcow2|\.raw)?$/.test(file)

/** The first disk, the first CD-ROM, the first network card. One blank where there is none of them. */
export function defaultBoot(keys: ConfigKeys): string {
  const drives = drivesOf(keys).filter(({ key }) => !/^(efidisk|tpmstate)/.test(key))
  const disk = drives.find(({ drive }) => !isCdrom(drive))
  const cdrom = drives.find(({ drive }) => isCdrom(drive))
  const net = Object.keys(keys)
    .filter((key) => /^net\d+$/.test(key))
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)))[0]
  const devices = [disk?.key, cdrom?.key, net].filter((key) => key !== undefined)
  return devices.length === 0 ? ' ' : `order=${devices.join(';')}`
}

const STEPS = ['', 'K', 'M', 'G', 'T']

/** `34359738368` → `32G`: the largest unit that divides it. */
export function formatSize(bytes: number): string {
  let value = Math.floor(bytes)
  let step = 0
  while (step < STEPS.length - 1 && value > 0 && value % 1024 === 0) {
    value /= 1024
    step++
  }
  return `${value}${STEPS[step]}`
}

/** `32G` → bytes; undefined for what is no size. */
export function parseSize(text: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text ?? '') ?? []
  return digits === undefined ? undefined : Math.floor(Number(digits) * 1024 ** STEPS.indexOf(unit))
}

export const sizeOfDrive = (drive: Drive) => parseSize(drive.options.size) ?? 0

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.2 GiB`, as task logs write amounts. */
export function renderBytes(bytes: number, digits = 1): string {
  const step = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** step).toFixed(digits)} ${UNITS[step]}`
}

export interface Net {
  model: string
  mac?: string
  options: Record<string, string>
}

const MODELS =
  /^(virtio|e1000(-8254\dem|-82544gc)?|e1000e|i82551|i82557b|i82559er|ne2k_isa|ne2k_pci|pcnet|rtl8139|vmxnet3)$/

export function parseNet(value: string): Net {
  const net: Net = { model: '', options: {} }
  for (const part of value.split(',')) {
    const [key = '', text] = part.split('=')
    if (MODELS.test(key)) {
      net.model = key
      if (text !== undefined) net.mac = text
    } else if (key === 'model') net.model = text ?? ''
    else if (key === 'macaddr') net.mac = text ?? ''
    else net.options[key] = text ?? ''
  }
  if (net.model === '') throw fail(`unable to parse network options '${value}'`)
  return net
}

export function printNet({ model, mac, options }: Net): string {
  const rest = Object.keys(options)
    .sort()
    .map((key) => `${key}=${options[key]}`)
  return [mac === undefined ? model : `${model}=${mac}`, ...rest].join(',')
}
