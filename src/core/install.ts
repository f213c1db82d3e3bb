import type { Identity } from './roles.ts'

/** Keyboards that Proxmox's installer has. */
export const keyboards = [
  'de',
  'de-ch',
  'dk',
  'en-gb',
  'en-us',
  'es',
  'fi',
  'fr',
  'fr-be',
  'fr-ca',
  'fr-ch',
  'hu',
  'is',
  'it',
  'jp',
  'lt',
  'mk',
  'nl',
  'no',
  'pl',
  'pt',
  'pt-br',
  'se',
  'si',
  'tr',
] as const
export const filesystems = ['ext4', 'xfs', 'zfs-raid0', 'btrfs-raid0'] as const
export type Keyboard = (typeof keyboards)[number]
export type Filesystem = (typeof filesystems)[number]

/** A machine that may be installed unattended, as the configuration has it; never its password's hash. */
export interface Installable {
  name: string
  fqdn: string
  /** Of its DMI, as the machine itself tells it. */
  serial: string
  /** Lower-case with colons. */
  mac: string
  /** The disk that is erased: by its serial or WWN, never "the first". */
  disk: { serial: string } | { wwn: string }
  filesystem: string
  cidr?: string | undefined
}

export interface Window {
  /** Milliseconds since the epoch. */
  until: number
  by: Identity
  /** Where what happens is told. */
  target: string
  language: 'en' | 'es'
}

/** Unattended installation, as commands see it. */
export interface Installs {
  /** Undefined: there is no listener for it. */
  readonly url: string | undefined
  list(): Installable[]
  /** Opens one window for one machine; a window that is open already begins anew. */
  open(name: string, window: Window): Promise<void>
  close(name: string): Promise<void>
}
