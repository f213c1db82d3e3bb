import { isIP } from 'node:net'
import type { z } from 'zod'
import { filesystems, keyboards } from '../core/install.ts'
import { Secret } from '../core/secret.ts'
import { leaf, map, matching, oneOf, wrong } from './kinds.ts'
import { timeZone } from './people-kinds.ts'

/** Only a hash is ever handed to an installer, and only the forms that Debian's login takes. */
export const passwordHash = leaf(
  'the hash of a password',
  'Make it with: mkpasswd -m yescrypt, or openssl passwd -6, and take it from the environment or a file.',
  (text) => {
    if (!text.startsWith('$')) wrong('is no hash: a password itself is never handed to an installer')
    return /^\$(?:6|y|gy|7)\$[\x21-\x7e]{20,400}$/.test(text) ? new Secret(text) : wrong('must be a hash of crypt(3)')
  },
)

const address = leaf('an IP address', 'Write it as 10.0.0.1.', (text) => (isIP(text) ? text : undefined))
const serial = matching(
  /^[\x21-\x7e][\x20-\x7e]{0,126}$/,
  'a serial number',
  'Read it with: dmidecode -s system-serial-number',
)
const diskSerial = matching(
  /^[\w.+-]{3,128}$/,
  'the serial of a disk',
  'Read it with: udevadm info --query=property DISK',
)
const wwn = matching(/^0x[\da-f]{16,32}$/i, 'the WWN of a disk', 'Read it with: udevadm info --query=property DISK')

/** What the installer is told of one machine; who reads the hash is not for here to say. */
export const installMap = <H extends z.ZodType>(hash: H) =>
  map({
    serial,
    fqdn: matching(
      /^(?=.{4,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i,
      'a name with its domain',
      'Write it as pve4.example.com.',
    ).optional(),
    keyboard: oneOf(...keyboards).optional(),
    country: matching(/^[a-z]{2}$/, 'a country in two letters', 'Write it as ec.').optional(),
    timezone: timeZone.optional(),
    mailto: matching(/^[^\s@]+@[^\s@]+$/, 'an e-mail address', 'Write it as admin@example.com.').optional(),
    passwordHash: hash,
    filesystem: oneOf(...filesystems).prefault('ext4'),
    disk: map({ serial: diskSerial.optional(), wwn: wwn.optional() }),
    cidr: matching(/^[\da-f.:]+\/\d{1,3}$/i, 'an address with its prefix', 'Write it as 10.0.0.4/24.').optional(),
    gateway: address.optional(),
    dns: address.optional(),
  })
