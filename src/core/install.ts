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

/** What the configuration may leave open, and a person then gives once, when the window is opened. */
export interface InstallSettings {
  fqdn: string
  keyboard: Keyboard
  /** Two letters. */
  country: string
  timezone: string
  mailto: string
  /** With `gateway` and `dns`; absent: by DHCP. */
  cidr?: string | undefined
  gateway?: string | undefined
  dns?: string | undefined
}

/** A machine that may be installed unattended, as the configuration has it; never its password's hash. */
export interface Installable {
  name: string
  /** Of its DMI, as the machine itself tells it. */
  serial: string
  /** Lower-case with colons. */
  mac: string
  /** The disk that is erased: by its serial or WWN, never "the first". */
  disk: { serial: string } | { wwn: string }
  filesystem: string
  settings: { [K in keyof InstallSettings]?: InstallSettings[K] | undefined }
}

export interface Window {
  /** Milliseconds since the epoch. */
  until: number
  by: Identity
  /** Where what happens is told. */
  target: string
  language: 'en' | 'es'
  settings: InstallSettings
}

/** Unattended installation, as commands see it. */
export interface Installs {
  /** Undefined: there is no listener for it. */
  readonly url: string | undefined
  list(): Installable[]
  /**
   * Opens one window for one machine; a window that is open already begins anew.
   * @param once told again, it opens nothing again: a file that was given out stays given out
   */
  open(name: string, window: Window, once: string): Promise<void>
  close(name: string): Promise<void>
}
