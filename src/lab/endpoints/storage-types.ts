/**
 * What Proxmox knows about each type of storage: which properties a section of storage.cfg takes, which contents and
 * image formats, and how volumes are named. Source: pve-docs, chapter "Proxmox VE Storage", and the API schema.
 */
import { fail } from '../fault.ts'
import type { StorageEntry, Volume } from '../model.ts'

/** How a type keeps its images; texts and space follow from it. */
export type Layout = 'file' | 'lvm' | 'lvmthin' | 'zfs' | 'rbd' | 'iscsi' | 'pbs' | 'esxi'

interface TypeFacts {
  layout: Layout
  contents: string[]
  defaultContent: string[]
  required: string[]
  optional: string[]
  shared?: true
}

const FILE_CONTENTS = ['images', 'rootdir', 'vztmpl', 'iso', 'backup', 'snippets', 'import', 'none']
const GUEST_CONTENTS = ['images', 'rootdir', 'none']
const EVERYWHERE = ['nodes', 'disable', 'content', 'bwlimit']
const FILE_OPTIONS = [
  'format',
  'mkdir',
  'create-base-path',
  'create-subdirs',
  'content-dirs',
  'prune-backups',
  'maxfiles',
  'max-protected-backups',
  'preallocation',
  'snapshot-as-volume-chain',
]

const file = (o: { required: string[]; optional?: string[]; shared?: true }): TypeFacts => ({
  layout: 'file',
  contents: FILE_CONTENTS,
  defaultContent: ['images', 'rootdir'],
  required: o.required,
  optional: [...FILE_OPTIONS, ...(o.optional ?? [])],
  ...(o.shared ? { shared: true } : {}),
})

const block = (layout: Layout, required: string[], optional: string[], shared?: true): TypeFacts => ({
  layout,
  contents: GUEST_CONTENTS,
  defaultContent: ['images', 'rootdir'],
  required,
  optional,
  ...(shared ? { shared } : {}),
})

const MOUNT = ['path', 'options']
const CEPH = ['pool', 'monhost', 'username', 'keyring', 'krbd', 'namespace', 'data-pool']

const TYPES: Record<string, TypeFacts> = {
  dir: file({ required: ['path'], optional: ['shared', 'is_mountpoint'] }),
  btrfs: file({ required: ['path'], optional: ['is_mountpoint', 'nocow'] }),
  nfs: file({ required: ['server', 'export'], optional: MOUNT, shared: true }),
  cifs: file({
    required: ['server', 'share'],
    optional: [...MOUNT, 'subdir', 'username', 'password', 'domain', 'smbversion'],
    shared: true,
  }),
  cephfs: {
    ...file({ required: [], optional: ['path', 'monhost', 'username', 'fuse', 'fs-name', 'subdir', 'keyring'] }),
    contents: ['vztmpl', 'iso', 'backup', 'snippets', 'import', 'none'],
    defaultContent: ['backup'],
    shared: true,
  },
  lvm: block(
    'lvm',
    ['vgname'],
    ['base', 'shared', 'saferemove', 'saferemove_throughput', 'tagged_only', 'snapshot-as-volume-chain'],
  ),
  lvmthin: block('lvmthin', ['thinpool', 'vgname'], []),
  zfspool: block('zfs', ['pool'], ['blocksize', 'sparse', 'mountpoint']),
  zfs: block('zfs', ['iscsiprovider', 'portal', 'pool', 'target', 'blocksize'], ['sparse', 'nowritecache'], true),
  rbd: block('rbd', [], CEPH, true),
  iscsi: {
    ...block('iscsi', ['portal', 'target'], [], true),
    contents: ['images', 'none'],
    defaultContent: ['images'],
  },
  iscsidirect: {
    ...block('iscsi', ['portal', 'target'], [], true),
    contents: ['images', 'none'],
    defaultContent: ['images'],
  },
  pbs: {
    layout: 'pbs',
    contents: ['backup', 'none'],
    defaultContent: ['backup'],
    required: ['server', 'datastore'],
    optional: [
      ...['username', 'password', 'fingerprint', 'namespace', 'port', 'encryption-key', 'master-pubkey'],
      ...['prune-backups', 'max-protected-backups', 'maxfiles'],
    ],
    shared: true,
  },
  esxi: {
    layout: 'esxi',
    contents: ['import'],
    defaultContent: ['import'],
    required: ['server', 'username', 'password'],
    optional: ['skip-cert-verification', 'port'],
  },
}

export function typeFacts(type: string): TypeFacts {
  const facts = TYPES[type]
  if (!facts) throw fail(`unknown section type '${type}'`)
  return facts
}

export const layoutOf = (entry: StorageEntry): Layout => typeFacts(entry.type).layout

/** Every node reaches the same bytes. */
export const isShared = (entry: StorageEntry) => entry.shared || typeFacts(entry.type).shared === true

/** A property that storage.cfg takes for this type; fixed ones cannot be changed later. */
export const takesProperty = (type: string, name: string) =>
  EVERYWHERE.includes(name) || typeFacts(type).required.includes(name) || typeFacts(type).optional.includes(name)

export const isFixed = (type: string, name: string) =>
  typeFacts(type).required.includes(name) || ['path', 'base'].includes(name)

/** The first format is the default one. */
export function imageFormats(entry: StorageEntry): string[] {
  const layout = layoutOf(entry)
  if (layout === 'file') {
    const preferred = entry.options.format
    const all = entry.type === 'btrfs' ? ['raw', 'subvol', 'qcow2', 'vmdk'] : ['raw', 'qcow2', 'vmdk', 'subvol']
    return preferred === undefined ? all : [String(preferred), ...all.filter((format) => format !== preferred)]
  }
  if (layout === 'zfs') return ['raw', 'subvol']
  if (layout === 'lvm' && Number(entry.options['snapshot-as-volume-chain'] ?? 0) === 1) return ['raw', 'qcow2']
  return ['raw']
}

const FILE_FOLDERS: Record<string, string> = {
  iso: 'template/iso',
  vztmpl: 'template/cache',
  backup: 'dump',
  snippets: 'snippets',
  import: 'import',
}

/** Where a file storage is mounted. */
export const mountPoint = (entry: StorageEntry) => String(entry.options.path ?? `/mnt/pve/${entry.storage}`)

/** The path on the node of a volume, as `pvesm path` says it. */
export function volumePath(entry: StorageEntry, name: string): string {
  const layout = layoutOf(entry)
  const own = ownName(name)
  if (layout === 'file') {
    const [, folder = '', rest = ''] = /^([a-z]+)\/(.+)$/.exec(name) ?? []
    const under = FILE_FOLDERS[folder]
    return under === undefined ? `${mountPoint(entry)}/images/${own}` : `${mountPoint(entry)}/${under}/${rest}`
  }
  if (layout === 'zfs') return `/dev/zvol/${entry.options.pool}/${own}`
  if (layout === 'rbd') return `rbd:${entry.options.pool ?? 'rbd'}/${own}`
  if (layout === 'iscsi') return `/dev/disk/by-id/${name.replace(/^\d+\.\d+\.\d+\./, '')}`
  return `/dev/${entry.options.vgname}/${own}`
}

/** A linked clone's name begins with its base's: `102/base-102-disk-0.qcow2/112/vm-112-disk-0.qcow2`. */
export function ownName(name: string): string {
  const parts = name.split('/')
  if (parts.length === 4) return parts.slice(2).join('/')
  return parts.length === 2 && parts[0]?.startsWith('base-') ? (parts[1] ?? name) : name
}

/** The last part of a volume's name: `vm-100-disk-0.qcow2`. */
export const baseName = (name: string) => name.slice(name.lastIndexOf('/') + 1)

export interface VolumeName {
  content: Volume['content']
  format: string
  vmid?: number
}

const LABELS: Partial<Record<Layout, string>> = { file: 'directory', lvmthin: 'lvm', esxi: 'esxi' }

/** Throws `unable to parse directory volume name 'abc'`. */
export function parseVolumeName(entry: StorageEntry, name: string): VolumeName {
  const layout = layoutOf(entry)
  const parsed = layout === 'file' ? parseFileName(name) : parseBlockName(layout, name)
  if (!parsed) throw fail(`unable to parse ${LABELS[layout] ?? layout} volume name '${name}'`)
  return parsed
}

function parseFileName(name: string): VolumeName | undefined {
  const [, image, format] = /^(?:\d+\/[^/]+\/)?(\d+)\/[^/]+\.(raw|qcow2|vmdk|subvol)$/.exec(name) ?? []
  if (image !== undefined && format !== undefined) return { content: 'images', format, vmid: Number(image) }
  const [, folder, file = ''] = /^(iso|vztmpl|backup|snippets|import)\/([^/]+)$/.exec(name) ?? []
  if (folder === 'iso') return /\.(iso|img)$/i.test(file) ? { content: 'iso', format: 'iso' } : undefined
  if (folder === 'vztmpl') {
    const [, zip] = /\.tar\.(gz|xz|zst|bz2)$/i.exec(file) ?? []
    return zip === undefined ? undefined : { content: 'vztmpl', format: `t${zip.toLowerCase()}` }
  }
  if (folder === 'snippets') return { content: 'snippets', format: 'snippet' }
  if (folder === 'import') {
    const [, kind] = /\.(ova|ovf|qcow2|raw|vmdk)$/i.exec(file) ?? []
    return kind === undefined ? undefined : { content: 'import', format: kind.toLowerCase() }
  }
  if (folder !== 'backup') return undefined
  const [, vmid, zip] = /^vzdump-(?:qemu|lxc)-(\d+)-.+?\.((?:vma|tar)(?:\.(?:gz|lzo|zst))?|tgz)$/.exec(file) ?? []
  return zip === undefined ? undefined : { content: 'backup', format: zip, vmid: Number(vmid) }
}

function parseBlockName(layout: Layout, name: string): VolumeName | undefined {
  if (layout === 'iscsi') {
    return /^\d+\.\d+\.\d+\.\S+$/.test(name) ? { content: 'images', format: 'raw' } : undefined
  }
  if (layout === 'pbs') {
    const [, vmid] = /^backup\/(?:vm|ct|host)\/(\d+)\/.+$/.exec(name) ?? []
    return vmid === undefined ? undefined : { content: 'backup', format: 'pbs-vm', vmid: Number(vmid) }
  }
  const [, kind, vmid] = /^(?:base-\d+-[^\s/]+\/)?(vm|base|subvol|basevol)-(\d+)-[^\s/]+$/.exec(name) ?? []
  if (kind === undefined) return undefined
  const container = kind === 'subvol' || kind === 'basevol'
  const format = container ? 'subvol' : name.endsWith('.qcow2') ? 'qcow2' : 'raw'
  return { content: container ? 'rootdir' : 'images', format, vmid: Number(vmid) }
}
