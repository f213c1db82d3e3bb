/** The privileges that single keys of a guest's config ask for, beside the endpoint's own rule. */
import { badParams, fail, forbidden } from '../fault.ts'
import type { ConfigKeys } from '../model.ts'
import type { Context } from '../router.ts'
import { flag } from '../router.ts'
import { isCdrom, isDriveKey, isUnusedKey, parseDrive, parseNet } from './qemu-drives.ts'
import { isEmptyCdrom, newCloudinit, newDisk } from './qemu-values.ts'
import { findStorage, splitVolid } from './storage-access.ts'
import { parseVolumeName } from './storage-types.ts'

const OF_CPU = ['cores', 'cpu', 'cpulimit', 'cpuunits', 'numa', 'smp', 'sockets', 'vcpus', 'affinity']
const OF_MEMORY = ['memory', 'balloon', 'shares', 'hugepages', 'keephugepages', 'allow-ksm']
const OF_HARDWARE = [
  ...['acpi', 'arch', 'audio0', 'bios', 'hotplug', 'kvm', 'machine', 'scsihw', 'smbios1', 'tablet', 'vga'],
  ...['watchdog', 'rng0', 'tpmstate0', 'vmgenid', 'ivshmem'],
]
const OF_OPTIONS = [
  ...['agent', 'autostart', 'boot', 'description', 'keyboard', 'localtime', 'migrate_downtime', 'migrate_speed'],
  ...['name', 'onboot', 'ostype', 'protection', 'reboot', 'startdate', 'startup', 'tags', 'tdf', 'template'],
  ...['freeze', 'spice_enhancements', 'vmstatestorage', 'parallel', 'amd-sev', 'intel-tdx'],
]
const OF_DISKS = ['bootdisk', 'vmstate']
const OF_CLOUDINIT = [
  'cicustom',
  'cipassword',
  'citype',
  'ciupgrade',
  'ciuser',
  'nameserver',
  'searchdomain',
  'sshkeys',
]

/** What only root@pam in person may ask for. */
export function checkRootOnly(ctx: Context, ...names: string[]) {
  const name = names.find((candidate) => ctx.params[candidate] !== undefined)
  if (name !== undefined && !ctx.isRoot) throw badParams({ [name]: 'Only root may use this option.' })
}

/** Throws 403 for the first key that the caller may not touch. `pool` is where a new guest will be. */
export function checkKeys(ctx: Context, vmid: number, keys: ConfigKeys, pool?: string) {
  if (ctx.isRoot) return
  const path = `/vms/${vmid}`
  const via = pool === undefined ? undefined : `/pool/${pool}`
  for (const [key, value] of Object.entries(keys)) {
    const privs = privilegesFor(key, String(value))
    if (!privs) throw fail(refusal(key))
    if (via !== undefined && privs.some((priv) => ctx.can(via, priv))) continue
    ctx.check(path, privs, { any: true })
  }
}

function privilegesFor(key: string, value: string): string[] | undefined {
  if (isUnusedKey(key) || OF_DISKS.includes(key)) return ['VM.Config.Disk']
  if (isDriveKey(key)) return [isCdrom(parseDrive(value)) ? 'VM.Config.CDROM' : 'VM.Config.Disk']
  if (OF_CPU.includes(key)) return ['VM.Config.CPU']
  if (OF_MEMORY.includes(key)) return ['VM.Config.Memory']
  if (OF_HARDWARE.includes(key) || /^numa\d+$/.test(key)) return ['VM.Config.HWType']
  if (OF_OPTIONS.includes(key)) return ['VM.Config.Options']
  if (OF_CLOUDINIT.includes(key)) return ['VM.Config.Cloudinit', 'VM.Config.Network']
  if (/^(net|ipconfig)\d+$/.test(key)) return ['VM.Config.Network']
  if (/^serial\d+$/.test(key) && (value === 'socket' || value === '')) return ['VM.Config.HWType']
  if (/^(usb|hostpci)\d+$/.test(key) && /(^|,)(mapping=|host=spice|spice)/.test(value)) return ['VM.Config.HWType']
  return undefined
}

function refusal(key: string): string {
  if (/^(serial|usb)\d+$/.test(key)) return `only root can set '${key}' config for real devices`
  if (/^hostpci\d+$/.test(key)) return `only root can set '${key}' config for non-mapped devices`
  return `only root can set '${key}' config`
}

/** The storages and volumes that drives name: there, of the right kind, and the caller may use them. */
export function checkDrives(ctx: Context, vmid: number, keys: ConfigKeys) {
  for (const [key, value] of Object.entries(keys)) {
    if (!isDriveKey(key) || isEmptyCdrom(String(value))) continue
    checkDrive(ctx, vmid, String(value))
  }
}

function checkDrive(ctx: Context, vmid: number, value: string) {
  const storage = newDisk(value)?.storage ?? newCloudinit(value)
  const { file, options } = parseDrive(value)
  if (storage !== undefined) {
    if (!ctx.isRoot) ctx.check(`/storage/${storage}`, ['Datastore.AllocateSpace'])
    if (!findStorage(ctx.config, storage).content.includes('images')) {
      throw badParams({ storage: `storage '${storage}' does not support vm images` })
    }
    const source = options['import-from']
    if (source !== undefined) checkVolume(ctx, vmid, source)
    return
  }
  if (file.startsWith('/')) {
    if (!ctx.isRoot) throw fail(`Only root can pass arbitrary filesystem paths.`)
    return
  }
  checkVolume(ctx, vmid, file)
}

/** Throws `unable to parse directory volume name 'abc'` and the like. */
function checkVolume(ctx: Context, vmid: number, volid: string) {
  const [storage, name] = splitVolid(volid)
  const { vmid: owner, content } = parseVolumeName(findStorage(ctx.config, storage), name)
  if (ctx.can(`/storage/${storage}`, 'Datastore.Allocate')) return
  if (owner === vmid && content === 'images') return ctx.check(`/vms/${vmid}`, ['VM.Config.Disk'])
  ctx.check(`/storage/${storage}`, ['Datastore.AllocateSpace', 'Datastore.Audit'], { any: true })
}

/** Since 8.0 a bridge may be used by those alone who hold SDN.Use on it. */
export function checkBridges(ctx: Context, keys: ConfigKeys) {
  if (ctx.sim.pve.version === '7.2' || ctx.isRoot) return
  for (const [key, value] of Object.entries(keys)) {
    if (!/^net\d+$/.test(key)) continue
    const bridge = parseNet(String(value)).options.bridge
    if (bridge !== undefined) ctx.check(`/sdn/zones/localnetwork/${bridge}`, ['SDN.Use'])
  }
}

/** Throws 403 `(pool 'x' does not exist)`. */
export function checkPool(ctx: Context, pool: string | undefined) {
  if (pool === undefined || ctx.config.access.pools.has(pool)) return
  throw forbidden(`pool '${pool}' does not exist`)
}

export const skipsLock = (ctx: Context) => flag(ctx, 'skiplock')
