import { type Drive, drivesOf } from './guest.ts'

/** As Proxmox names the disc in an empty drive. */
export const noDisc = 'none'

/** A drive that Proxmox makes for cloud-init holds the machine's own settings: nobody puts another disc there. */
const isCloudInit = ({ volid }: Drive) => /[:/]vm-\d+-cloudinit(?:\.\w+)?$/.test(volid ?? '')

/** The drives that people put discs into, in the order of their names. */
export const discDrives = (config: Readonly<Record<string, string>>): Drive[] =>
  drivesOf(config).filter((drive) => drive.cdrom && !isCloudInit(drive))

/** What is in a CD-ROM drive: a volume id, `none`, `cdrom` for the host's own; undefined where there is no such drive. */
export function discIn(config: Readonly<Record<string, string>>, key: string): string | undefined {
  const drive = discDrives(config).find((one) => one.key === key)
  return drive && (drive.volid ?? noDisc)
}

/** Where the web interface puts the first drive, and what else may be free; a q35 machine has no odd IDE places. */
const places = ['ide2', 'ide0', 'sata0', 'sata1', 'sata2', 'sata3', 'sata4', 'sata5', 'ide1', 'ide3']

/** A place for a drive that is not there yet. */
export const freePlace = (config: Readonly<Record<string, string>>): string | undefined =>
  places.find((key) => config[key] === undefined)
