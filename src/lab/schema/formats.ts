/** Proxmox's named formats, with the sentences of its refusals. */
import { ADDRESS_FORMATS, type FormatCheck, like, says } from './addresses.ts'

/** Of 7.2 to 9.2 together. */
const PRIVILEGES = new Set(
  `Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit Group.Allocate Mapping.Audit
  Mapping.Modify Mapping.Use Permissions.Modify Pool.Allocate Pool.Audit Realm.Allocate Realm.AllocateUser SDN.Allocate
  SDN.Audit SDN.Use Sys.AccessNetwork Sys.Audit Sys.Console Sys.Incoming Sys.Modify Sys.PowerMgmt Sys.Syslog User.Modify
  VM.Allocate VM.Audit VM.Backup VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk
  VM.Config.HWType VM.Config.Memory VM.Config.Network VM.Config.Options VM.Console VM.GuestAgent.Audit
  VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite VM.GuestAgent.Unrestricted VM.Migrate
  VM.Monitor VM.PowerMgmt VM.Replicate VM.Snapshot VM.Snapshot.Rollback`.split(/\s+/),
)

const isVolumeId = (text: string) => /^[a-z][a-z0-9_.-]*[a-z0-9]:.+$/i.test(text)
const volumeSentence = (value: string) => `unable to parse volume ID '${value}'`

const NAMED: Readonly<Record<string, FormatCheck>> = {
  ...ADDRESS_FORMATS,
  string: () => undefined,
  urlencoded: like(/^[-%a-zA-Z0-9_.!~*'()]*$/, (value) => `invalid urlencoded string: ${value}`),
  'pve-configid': like(/^[a-z][a-z0-9_-]+$/i, (value) => `invalid configuration ID '${value}'`),
  'pve-vmid': like(/^[1-9][0-9]{2,8}$/, 'value does not look like a valid VM ID'),
  'pve-storage-id': storageId,
  'pve-storage-vgname': like(
    /^[a-z0-9][a-z0-9_.-]*[a-z0-9]$/i,
    (value) => `lvm name '${value}' contains illegal characters`,
  ),
  'pve-storage-path': like(/^\/[^;()]+/, 'value does not look like a valid absolute path'),
  'pve-storage-content': like(
    /^(images|rootdir|vztmpl|iso|backup|snippets|import|none)$/,
    (value) => `invalid content type '${value}'`,
  ),
  'pve-bridge-id': like(/^[-_.\w]+$/, (value) => `invalid bridge ID '${value}'`),
  'pve-volume-id': says(isVolumeId, volumeSentence),
  'pve-volume-id-or-qm-path': says(
    (value) => value === 'none' || value === 'cdrom' || value.startsWith('/') || isVolumeId(value),
    volumeSentence,
  ),
  'pve-volume-id-or-absolute-path': says((value) => value.startsWith('/') || isVolumeId(value), volumeSentence),
  'pve-userid': userId,
  'pve-tokenid': like(
    /^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+$/,
    (value) => `value '${value}' does not look like a valid token ID`,
  ),
  'pve-realm': like(/^[A-Za-z][A-Za-z0-9._-]+$/, 'value does not look like a valid realm'),
  'pve-groupid': like(/^[A-Za-z0-9._-]+$/, (value) => `group name '${value}' contains invalid characters`),
  'pve-roleid': like(/^[A-Za-z0-9._-]+$/, (value) => `role name '${value}' contains invalid characters`),
  'pve-poolid': like(
    /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+){0,2}$/,
    (value) => `pool name '${value}' contains invalid characters`,
  ),
  'pve-priv': says(
    (value) => PRIVILEGES.has(value),
    (value) => `invalid privilege '${value}'`,
  ),
  'pve-ha-resource-id': like(/^[a-z]+:\S+$/, 'value does not look like a valid ha resource id'),
  'pve-ha-resource-or-vm-id': like(/^([a-z]+:\S+|\d+)$/, 'value does not look like a valid ha resource id'),
  'pve-ha-node': like(
    /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(:\d+)?$/,
    'value does not look like a valid ha group node',
  ),
  'pve-ha-group-node': like(
    /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(:\d+)?$/,
    'value does not look like a valid ha group node',
  ),
  'pve-tag': like(/^[a-z0-9_][a-z0-9_+.-]*$/i, 'invalid characters in tag'),
  'pve-startup-order': says(isStartupOrder, 'unable to parse startup options'),
  'pve-hotplug-features': hotplugFeatures,
  'pve-qm-bootdev': says(isBootDevice, (value) => `invalid boot device '${value}'`),
  'pve-qm-bootdisk': says(isDisk, (value) => `invalid boot disk '${value}'`),
  'pve-phys-bits': says(
    (value) => value === 'host' || (/^\d+$/.test(value) && Number(value) >= 8 && Number(value) <= 64),
    "value must be an integer between 8 and 64 or 'host'",
  ),
  'disk-size': like(/^\d+(\.\d+)?[KMGT]?$/, (value) => `value does not look like a valid disk size: ${value}`),
  'storage-pair': (value) => pairComplaint(value, storageId),
  'bridge-pair': (value) =>
    pairComplaint(
      value,
      like(/^[-_.\w]+$/, (id) => `invalid bridge ID '${id}'`),
    ),
  'pve-calendar-event': says(
    isCalendarEvent,
    (value) => `invalid calendar event '${value}' - unable to parse calendar event\n`,
  ),
  'pve-day-of-week': like(/^(mon|tue|wed|thu|fri|sat|sun)$/, (value) => `invalid day '${value}'`),
  'pve-task-status-type': like(/^(ok|error|warning|unknown)$/i, (value) => `invalid status '${value}'`),
  'ldap-simple-attr': like(
    /^[a-zA-Z0-9]+$/,
    (value) => `value '${value}' does not look like a simple ldap attribute name`,
  ),
}

/**
 * Proxmox's sentence, newline included, about a text that does not fit a named format; undefined for one that fits.
 * `X-list` is any number of X between commas, semicolons or white space, `X-opt` an X or nothing. A format that is not
 * known here lets everything through.
 */
export function formatComplaint(format: string, text: string): string | undefined {
  const [, name = format, kind] = /^(.*?)(?:-(list|opt))?$/.exec(format) ?? []
  const check = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined
  if (!check) return undefined
  const complaint =
    kind === undefined
      ? check(text)
      : partsOf(kind, text)
          .map(check)
          .find((found) => found !== undefined)
  return complaint === undefined ? undefined : `${complaint}\n`
}

function partsOf(kind: string, text: string): string[] {
  const parts = kind === 'list' ? text.split(/[,;\s\0]+/) : [text]
  return parts.filter((part) => part !== '')
}

function storageId(value: string): string | undefined {
  if (value.length < 2) return `storage ID '${value}' cannot be shorter than 2 characters`
  if (!/^[a-z][a-z0-9_.-]*[a-z0-9]$/i.test(value)) return `storage ID '${value}' contains illegal characters`
  return undefined
}

function userId(value: string): string | undefined {
  if (value.length < 3) return `user name '${value}' is too short`
  if (value.length > 64) return `user name '${value}' is too long (${value.length} > 64)`
  return /^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+$/.test(value)
    ? undefined
    : `value '${value}' does not look like a valid user name`
}

/** `1`, `target` or `source:target`; the entries of one list are looked at one by one. */
function pairComplaint(entry: string, check: FormatCheck): string | undefined {
  if (entry === '1') return undefined
  const ids = /^[^:]+:[^:]+$/.test(entry) ? entry.split(':') : [entry]
  const complaint = ids.map(check).find((found) => found !== undefined)
  return complaint === undefined ? undefined : `entry '${entry}' contains invalid ID - ${complaint}\n\n`
}

function isStartupOrder(text: string): boolean {
  if (text === '' || text === '0') return false
  return text.split(',').every((part) => part.trim() === '' || /^((order=)?\d+|up=\d+|down=\d+)$/.test(part))
}

/** `mon..fri 02:30`, `0/6:15`, `daily`: words, days, dates and times, each looked at alone. */
function isCalendarEvent(text: string): boolean {
  const day = /(mon|tue|wed|thu|fri|sat|sun)[a-z]*/.source
  const days = new RegExp(`^${day}((,|\\.\\.|-)${day})*$`, 'i')
  const word = /^(minutely|hourly|daily|weekly|monthly|quarterly|semiannually|semi-annually|yearly|annually)$/
  const dateOrTime = /^[\d*/.,~]+([-:][\d*/.,~]+){0,2}$/
  const parts = text.split(/\s+/).filter((part) => part !== '')
  return parts.length > 0 && parts.every((part) => days.test(part) || word.test(part) || dateOrTime.test(part))
}

function hotplugFeatures(text: string): string | undefined {
  if (text === '0' || text === '1') return undefined
  const bad = partsOf('list', text).find((part) => !/^(network|disk|cpu|memory|usb|cloudinit)$/.test(part))
  return bad === undefined ? undefined : `invalid hotplug feature '${bad}'`
}

const DISKS: Readonly<Record<string, number>> = { ide: 3, scsi: 30, virtio: 15, sata: 5 }
const DEVICES: Readonly<Record<string, number>> = { ...DISKS, net: 31, usb: 13, hostpci: 15 }

const isOneOf = (devices: Readonly<Record<string, number>>, text: string) => {
  const [, stem = '', index] = /^([a-z]+)(0|[1-9]\d*)$/.exec(text) ?? []
  return Object.hasOwn(devices, stem) && Number(index) <= (devices[stem] ?? -1)
}

function isBootDevice(text: string): boolean {
  return isOneOf(DEVICES, text)
}

function isDisk(text: string): boolean {
  return isOneOf(DISKS, text) || text === 'efidisk0' || text === 'tpmstate0'
}
