/** What a machine is made ready for. `thesis`: as its Windows machine was made, which needs no drivers of its own. */
export const presets = ['linux', 'windows-10', 'windows-11', 'thesis'] as const
export type Preset = (typeof presets)[number]

/** A machine that is to be made. */
export interface Wish {
  name: string
  preset?: Preset | undefined
  storage: string
  diskGiB: number
  cores: number
  memoryMiB: number
  iso?: string | undefined
  /** The image with the drivers, where one was found. */
  drivers?: string | undefined
  pool?: string | undefined
}

/** What is suggested where nothing is said, and for Windows 11 what its installer asks for. */
export const sizesOf: Record<Preset, { cores: number; memoryMiB: number; diskGiB: number }> = {
  linux: { cores: 1, memoryMiB: 2048, diskGiB: 32 },
  'windows-10': { cores: 2, memoryMiB: 4096, diskGiB: 64 },
  'windows-11': { cores: 2, memoryMiB: 4096, diskGiB: 64 },
  thesis: { cores: 4, memoryMiB: 8048, diskGiB: 64 },
}

/** Windows sees neither a VirtIO disk nor such a network card until it is given drivers, while it is installed. */
export const wantsDrivers = (preset: Preset | undefined): boolean => preset === 'windows-10' || preset === 'windows-11'

const drivers = /[:/]virtio-win[^/]*\.iso$/i
export const isDriversIso = (volid: string): boolean => drivers.test(volid)

/** The newest of them by name, those on shared storages first as they come. */
export const driversAmong = (volids: readonly string[]): string | undefined =>
  volids.find((volid) => volid.endsWith('/virtio-win.iso')) ??
  volids.filter(isDriversIso).toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))[0]

/** Where whoever makes these drivers offers them, always the last stable ones. */
export const driversUrl =
  'https://fedorapeople.org/groups/virt/virtio-win/direct-downloads/stable-virtio/virtio-win.iso'

/** What Proxmox is given for it, in Proxmox's keys: the one place that says so. */
export function machineOf(wish: Wish): Record<string, string | number | undefined> {
  const { preset = 'linux', storage } = wish
  const isWindows = wantsDrivers(preset)
  return {
    name: wish.name,
    cores: wish.cores,
    memory: wish.memoryMiB,
    ostype: { linux: 'l26', 'windows-10': 'win10', 'windows-11': 'win11', thesis: 'win10' }[preset],
    // The drivers' disc brings the agent too.
    agent: isWindows ? '1' : undefined,
    ...(preset === 'windows-11' ? firmwareFor11(storage) : {}),
    scsihw: preset === 'thesis' ? 'virtio-scsi-pci' : 'virtio-scsi-single',
    [preset === 'thesis' ? 'sata0' : 'scsi0']: `${storage}:${wish.diskGiB}`,
    net0: `${preset === 'thesis' ? 'e1000' : 'virtio'},bridge=vmbr0`,
    // An empty second drive takes the drivers later, also while the machine runs.
    ide0: isWindows ? `${wish.drivers ?? 'none'},media=cdrom` : undefined,
    ide2: wish.iso === undefined ? undefined : `${wish.iso},media=cdrom`,
    pool: wish.pool,
  }
}

/** Windows 11 is not installed without UEFI, Secure Boot and a TPM 2.0. */
const firmwareFor11 = (storage: string) => ({
  bios: 'ovmf',
  machine: 'q35',
  efidisk0: `${storage}:1,efitype=4m,pre-enrolled-keys=1`,
  tpmstate0: `${storage}:1,version=v2.0`,
})

/** The same by hand. */
export const machineLine = (vmid: number | undefined, wish: Wish): string =>
  [
    `qm create ${vmid ?? '$(pvesh get /cluster/nextid)'}`,
    ...Object.entries(machineOf(wish)).flatMap(([key, value]) => (value === undefined ? [] : [`--${key} ${value}`])),
  ].join(' ')
