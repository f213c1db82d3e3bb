import { stringify } from 'smol-toml'
import type { Filesystem, Keyboard } from '../core/install.ts'
import type { Secret } from '../core/secret.ts'

/** What the installer is told, for one machine. */
export interface Install {
  fqdn: string
  keyboard: Keyboard
  /** Two letters. */
  country: string
  timezone: string
  mailto: string
  /** As crypt(3) writes it: `$6$…`, `$y$…`. */
  passwordHash: Secret
  filesystem: Filesystem
  disk: { serial: string } | { wwn: string }
  /** The card that carries the address, by its MAC. */
  mac: string
  /** Absent: by DHCP. */
  network?: { cidr: string; gateway: string; dns: string } | undefined
}

/** Where the installed machine says that it is done. */
interface Told {
  url: string
  fingerprint: string | undefined
}

/**
 * The answer file of Proxmox's automatic installer, by its documented keys. The disk is chosen by what udev knows it by,
 * and the card by its MAC: a machine with another disk or card ends with an error instead of erasing what it finds.
 */
export function answerFile(install: Install, told: Told): string {
  const { fqdn, keyboard, country, timezone, mailto, passwordHash, filesystem, disk, network, mac } = install
  const [fs, raid] = filesystem.split('-') as [string, string | undefined]
  const filter = 'serial' in disk ? { ID_SERIAL_SHORT: disk.serial } : { ID_WWN: disk.wwn }
  return stringify({
    global: {
      keyboard,
      country,
      fqdn,
      mailto,
      timezone,
      'root-password-hashed': passwordHash.reveal(),
      'reboot-on-error': false,
    },
    network: network
      ? { source: 'from-answer', ...network, filter: { ID_NET_NAME_MAC: `*${mac.replaceAll(':', '')}` } }
      : { source: 'from-dhcp' },
    'disk-setup': { filesystem: fs, filter, 'filter-match': 'all', ...(raid === undefined ? {} : { [fs]: { raid } }) },
    'post-installation-webhook': {
      url: told.url,
      ...(told.fingerprint === undefined ? {} : { 'cert-fingerprint': told.fingerprint }),
    },
  })
}
