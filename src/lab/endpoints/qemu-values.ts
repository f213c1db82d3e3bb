/** How Proxmox stores what a caller gives for a guest's config. */
import type { ConfigKeys, SimCluster } from '../model.ts'
import type { Context } from '../router.ts'
import { isCdrom, isDriveKey, parseDrive, parseNet, printDrive, printNet } from './qemu-drives.ts'

/** Whole numbers and booleans; all else is text, `memory` too. */
const NUMBERS = new Set([
  ...['acpi', 'allow-ksm', 'autostart', 'balloon', 'ciupgrade', 'cores', 'cpuunits', 'freeze', 'kvm', 'localtime'],
  ...['migrate_speed', 'numa', 'onboot', 'protection', 'reboot', 'shares', 'smp', 'sockets', 'tablet', 'tdf'],
  ...['template', 'vcpus'],
])

/** Parameters of create and update that are no config keys. */
const NO_KEYS = new Set([
  ...['node', 'vmid', 'digest', 'delete', 'revert', 'force', 'skiplock', 'background_delay', 'pool', 'start'],
  ...['archive', 'storage', 'unique', 'bwlimit', 'live-restore', 'import-working-storage', 'ha-managed'],
])

/** The config keys among the parameters, as the config will say them. */
export function configKeysIn(ctx: Context): ConfigKeys {
  const keys: ConfigKeys = {}
  for (const [name, value] of Object.entries(ctx.params)) {
    if (NO_KEYS.has(name)) continue
    if (name === 'cdrom') keys.ide2 = stored(ctx, 'ide2', `${value},media=cdrom`)
    else keys[name] = stored(ctx, name, Array.isArray(value) ? value.join(',') : value)
  }
  return keys
}

function stored(ctx: Pick<Context, 'sim' | 'config'>, key: string, value: string | number): string | number {
  if (NUMBERS.has(key)) return Number(value)
  if (key === 'tags') return uniqueTags(String(value))
  if (key === 'description') return String(value).trimEnd()
  if (/^net\d+$/.test(key)) return withMac(ctx, String(value))
  if (isDriveKey(key)) return printDrive(parseDrive(String(value)))
  if (key === 'vmgenid' && value === '1') return ctx.sim.random.uuid()
  return String(value)
}

const uniqueTags = (text: string) => {
  const tags = text.split(/[;,\s]+/).filter((tag) => tag !== '')
  return [...new Set(tags.map((tag) => tag.toLowerCase()))].join(';')
}

function withMac({ sim, config }: Pick<Context, 'sim' | 'config'>, value: string): string {
  const net = parseNet(value)
  return printNet({ ...net, mac: (net.mac ?? newMac(sim, config.options.mac_prefix)).toUpperCase() })
}

const PROXMOX_PREFIX = 'BC:24:11'

export function newMac(sim: SimCluster, prefix: unknown = PROXMOX_PREFIX): string {
  const start = String(prefix)
  const missing = Array.from({ length: 6 - start.split(':').length }, () => sim.random.hex(2).toUpperCase())
  return [start, ...missing].join(':')
}

/** Before 9.0 a description comes back with a line end that nobody wrote. */
export const shownKeys = (sim: SimCluster, keys: ConfigKeys): ConfigKeys =>
  sim.pve.version === '9.2' || keys.description === undefined ? keys : { ...keys, description: `${keys.description}\n` }

/** QEMU's version as each release has it. */
const QEMU: Record<string, string> = { '7.2': '6.2.0', '8.4': '9.2.0', '9.2': '10.0.13' }

/** The keys that Proxmox adds to every new guest. */
export const birthKeys = (sim: SimCluster): ConfigKeys => ({
  meta: `creation-qemu=${QEMU[sim.pve.version]},ctime=${Math.floor(sim.clock.now())}`,
  smbios1: `uuid=${sim.random.uuid()}`,
  vmgenid: sim.random.uuid(),
})

/** Whether a value of a create or update asks for a new volume: `STORAGE:GIB`. */
export function newDisk(value: string): { storage: string; gib: number } | undefined {
  const [, storage, gib] = /^([^/:\s]+):(\d+(?:\.\d+)?)$/.exec(parseDrive(value).file) ?? []
  return storage === undefined ? undefined : { storage, gib: Number(gib) }
}

/** Whether a value asks for a new cloud-init drive: `STORAGE:cloudinit`. */
export function newCloudinit(value: string): string | undefined {
  return /^([^/:\s]+):cloudinit$/.exec(parseDrive(value).file)?.[1]
}

/** A CD-ROM drive without a volume: `none`, `cdrom` or nothing. */
export const isEmptyCdrom = (value: string) => {
  const drive = parseDrive(value)
  return isCdrom(drive) && !drive.file.includes(':')
}
