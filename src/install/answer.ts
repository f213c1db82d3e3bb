import { stringify } from 'smol-toml'
import { answerKeys, answerSchema, isSince, type Release, spelt } from '../core/answer-schema.ts'
import { Refused } from '../core/errors.ts'
import type { Filesystem, InstallSettings } from '../core/install.ts'
import type { Secret } from '../core/secret.ts'

/** What the installer is told, for one machine. */
export interface Install extends InstallSettings {
  /** As crypt(3) writes it: `$6$…`, `$y$…`. */
  passwordHash: Secret
  filesystem: Filesystem
  disk: { serial: string } | { wwn: string }
  /** The card that carries the address, by its MAC. */
  mac: string
}

/** Where the installed machine says that it is done. */
interface Told {
  url: string
  fingerprint: string | undefined
}

/** The first release that takes a hash: before, an installer wants the password itself, which is never handed out. */
export const oldestRelease: Release = { major: 8, minor: 3 }
/** One that does not say which it is: what every release takes. */
const unsaid = oldestRelease

/**
 * The answer file of Proxmox's automatic installer, in the spelling of the release that asks. The disk is chosen by what
 * udev knows it by, and the card by its MAC: a machine with another disk or card ends with an error instead of erasing what
 * it finds.
 * @throws Refused `installer-too-old`, and `answer-misfit` for what this release does not take
 */
export function answerFile(install: Install, told: Told, release: Release = unsaid): string {
  if (!isSince(release, oldestRelease)) {
    throw new Refused('installer-too-old', { release: `${release.major}.${release.minor}`, oldest: '8.3' })
  }
  const { fqdn, keyboard, country, timezone, mailto, passwordHash, filesystem, disk, cidr, gateway, dns, mac } = install
  const [fs, raid] = filesystem.split('-') as [string, string | undefined]
  const answer = inRelease(release, {
    global: {
      keyboard,
      country,
      fqdn,
      mailto,
      timezone,
      'root-password-hashed': passwordHash.reveal(),
      'reboot-on-error': false,
    },
    network:
      cidr === undefined
        ? { source: 'from-dhcp' }
        : { source: 'from-answer', cidr, gateway, dns, filter: { ID_NET_NAME_MAC: `*${mac.replaceAll(':', '')}` } },
    'disk-setup': {
      filesystem: fs,
      filter: 'serial' in disk ? { ID_SERIAL_SHORT: disk.serial } : { ID_WWN: disk.wwn },
      'filter-match': 'all',
      ...(raid === undefined ? {} : { [fs]: { raid } }),
    },
    'post-installation-webhook': {
      url: told.url,
      ...(told.fingerprint === undefined ? {} : { 'cert-fingerprint': told.fingerprint }),
    },
  })
  const fits = answerSchema(release).safeParse(answer)
  if (fits.success) return stringify(answer)
  const [issue] = fits.error.issues
  // The place and never the content: it holds the hash.
  throw new Refused('answer-misfit', { place: issue?.path.join('.') || (issue?.message ?? '') })
}

type Sections = Record<string, Record<string, unknown>>

/** The keys of the table in the spelling of a release; what stands below them (udev's names) is left as it is. */
function inRelease(release: Release, sections: Sections): Sections {
  return Object.fromEntries(
    Object.entries(sections).map(([name, keys]) => [
      name,
      Object.fromEntries(
        Object.entries(keys).map(([key, value]) => [key in answerKeys[name]! ? spelt(key, release) : key, value]),
      ),
    ]),
  )
}
