import { z } from 'zod'
import { keyboards } from './install.ts'

/**
 * The answer file of Proxmox's automatic installer as it is documented (pve.proxmox.com/wiki/Automated_Installation): every
 * key of every section, what it holds, and the release that brought it. What the installer does not know it refuses, so
 * that a file which does not fit would leave a machine standing before an error.
 *
 * Keys are written with hyphens from 9.0 on; 8.2 to 8.4 know them with underscores, and 9.x still takes those.
 */
export interface Release {
  major: number
  minor: number
}

interface Key {
  holds: z.ZodType
  /** Absent: 8.2, the first with an automatic installer. */
  since?: Release
  required?: true
}

const text = z.string().min(1)
const size = z.number().positive()
const address = z.union([z.ipv4(), z.ipv6()])
const udev = z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), text)
const fingerprint = z.string().regex(/^(?:[\da-fA-F]{2}:){31}[\da-fA-F]{2}$/)
const v83 = { major: 8, minor: 3 }
const v84 = { major: 8, minor: 4 }
const v91 = { major: 9, minor: 1 }
const v92 = { major: 9, minor: 2 }

const raids = {
  zfs: z.enum(['raid0', 'raid1', 'raid10', 'raidz-1', 'raidz-2', 'raidz-3']),
  btrfs: z.enum(['raid0', 'raid1', 'raid10']),
}

/** Section → key → facts. Sections of sections are written `disk-setup.zfs`. */
export const answerKeys: Readonly<Record<string, Readonly<Record<string, Key>>>> = {
  global: {
    keyboard: { holds: z.enum(keyboards), required: true },
    country: { holds: z.string().regex(/^[a-z]{2}$/), required: true },
    fqdn: { holds: z.string().regex(/^(?=.{3,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/i), required: true },
    mailto: { holds: z.string().regex(/^[^\s@]+@[^\s@]+$/), required: true },
    timezone: { holds: z.string().refine(isZone), required: true },
    'root-password': { holds: z.string().min(8) },
    'root-password-hashed': { holds: z.string().regex(/^\$/), since: v83 },
    'root-ssh-keys': { holds: z.array(text) },
    'reboot-on-error': { holds: z.boolean() },
    'reboot-mode': { holds: z.enum(['reboot', 'power-off']), since: v84 },
    'subscription-key': { holds: text, since: v92 },
  },
  network: {
    source: { holds: z.enum(['from-dhcp', 'from-answer']) },
    cidr: { holds: z.string().regex(/^[\da-f.:]+\/\d{1,3}$/i) },
    dns: { holds: address },
    gateway: { holds: address },
    filter: { holds: udev },
    'interface-name-pinning': { holds: z.record(z.string(), z.unknown()), since: v91 },
  },
  'disk-setup': {
    filesystem: { holds: z.enum(['ext4', 'xfs', 'zfs', 'btrfs']), required: true },
    'disk-list': { holds: z.array(text).min(1) },
    filter: { holds: udev },
    'filter-match': { holds: z.enum(['any', 'all']) },
  },
  'disk-setup.zfs': {
    raid: { holds: raids.zfs, required: true },
    ashift: { holds: z.int().min(9).max(16) },
    'arc-max': { holds: size },
    checksum: { holds: text },
    compress: { holds: text },
    copies: { holds: z.int().min(1).max(3) },
    hdsize: { holds: size },
  },
  'disk-setup.lvm': {
    hdsize: { holds: size },
    swapsize: { holds: z.number().min(0) },
    maxroot: { holds: size },
    maxvz: { holds: z.number().min(0) },
    minfree: { holds: z.number().min(0) },
  },
  'disk-setup.btrfs': {
    raid: { holds: raids.btrfs, required: true },
    hdsize: { holds: size },
    compress: { holds: text, since: v83 },
  },
  'post-installation-webhook': {
    url: { holds: z.url({ protocol: /^https?$/ }), since: v83, required: true },
    'cert-fingerprint': { holds: fingerprint, since: v83 },
  },
  'first-boot': {
    source: { holds: z.enum(['from-iso', 'from-url']), since: v83, required: true },
    ordering: { holds: z.enum(['before-network', 'network-online', 'fully-up']), since: v83 },
    url: { holds: z.url({ protocol: /^https?$/ }), since: v83 },
    'cert-fingerprint': { holds: fingerprint, since: v83 },
  },
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** The first release whose keys have hyphens. */
const hyphens: Release = { major: 9, minor: 0 }

export const isSince = (release: Release, since: Release): boolean =>
  release.major > since.major || (release.major === since.major && release.minor >= since.minor)

export const spelt = (key: string, release: Release): string =>
  isSince(release, hyphens) ? key : key.replaceAll('-', '_')

/** What an installer of this release reads: a file that fits is one it takes. */
export function answerSchema(release: Release): z.ZodType {
  const section = (name: string): z.ZodType => {
    const own = Object.entries(answerKeys[name]!).filter(
      ([, { since }]) => since === undefined || isSince(release, since),
    )
    const below = Object.keys(answerKeys).filter((other) => other.startsWith(`${name}.`))
    return z.strictObject({
      ...Object.fromEntries(
        own.map(([key, { holds, required }]) => [spelt(key, release), required ? holds : holds.optional()]),
      ),
      ...Object.fromEntries(below.map((other) => [other.slice(name.length + 1), section(other).optional()])),
    })
  }
  const known = (name: string) =>
    Object.values(answerKeys[name]!).some(({ since = release }) => isSince(release, since))
  const tops = Object.keys(answerKeys).filter((name) => !name.includes('.') && known(name))
  const must = new Set(['global', 'network', 'disk-setup'])
  return z
    .strictObject(
      Object.fromEntries(tops.map((name) => [name, must.has(name) ? section(name) : section(name).optional()])),
    )
    .superRefine((answer, context) => {
      for (const fault of together(answer as Answer, release)) context.addIssue({ code: 'custom', message: fault })
    })
}

type Answer = Record<string, Record<string, unknown>>

/** What must stand together, and what must not. */
function* together(answer: Answer, release: Release): Iterable<string> {
  const at = (section: string, key: string) => answer[section]?.[spelt(key, release)]
  const [plain, hashed] = [at('global', 'root-password'), at('global', 'root-password-hashed')]
  if ((plain === undefined) === (hashed === undefined)) yield 'one of root-password and root-password-hashed'
  const manual = at('network', 'source') === 'from-answer'
  for (const key of ['cidr', 'dns', 'gateway', 'filter']) {
    if (manual !== (at('network', key) !== undefined)) yield `network: ${key} with from-answer, and only there`
  }
  if ((at('disk-setup', 'disk-list') === undefined) === (at('disk-setup', 'filter') === undefined)) {
    yield 'disk-setup: one of disk-list and filter'
  }
  const filesystem = at('disk-setup', 'filesystem')
  const own = filesystem === 'ext4' || filesystem === 'xfs' ? 'lvm' : String(filesystem)
  for (const options of ['lvm', 'zfs', 'btrfs']) {
    if (options !== own && at('disk-setup', options) !== undefined) yield `disk-setup: ${options} for ${filesystem}`
  }
  if (own !== 'lvm' && at('disk-setup', own) === undefined) yield `disk-setup: ${own}.raid`
}
