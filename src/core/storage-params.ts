/** What each type of storage is told when it is added: our arguments, and Proxmox's names for them. */

export const storageTypes = [
  'nfs',
  'cifs',
  'iscsi',
  'lvm',
  'lvmthin',
  'zfspool',
  'dir',
  'rbd',
  'cephfs',
  'pbs',
] as const
export type StorageType = (typeof storageTypes)[number]

/** Our arguments that only some types take → Proxmox's parameter. */
const names = {
  server: 'server',
  export: 'export',
  share: 'share',
  portal: 'portal',
  target: 'target',
  base: 'base',
  vg: 'vgname',
  thinpool: 'thinpool',
  pool: 'pool',
  path: 'path',
  datastore: 'datastore',
  namespace: 'namespace',
  fingerprint: 'fingerprint',
  username: 'username',
  domain: 'domain',
  monhost: 'monhost',
  fsname: 'fs-name',
} as const
export type StorageArg = keyof typeof names
type StorageArgs = Readonly<Partial<Record<StorageArg, string | undefined>>>

interface TypeParams {
  must: readonly StorageArg[]
  may: readonly StorageArg[]
  /** What is put on it unless said. */
  content: string
}

const types: Readonly<Record<StorageType, TypeParams>> = {
  nfs: { must: ['server', 'export'], may: [], content: 'iso,vztmpl,backup' },
  cifs: { must: ['server', 'share'], may: ['username', 'domain'], content: 'iso,vztmpl,backup' },
  iscsi: { must: ['portal', 'target'], may: [], content: 'none' },
  lvm: { must: ['vg'], may: ['base'], content: 'images,rootdir' },
  lvmthin: { must: ['vg', 'thinpool'], may: [], content: 'images,rootdir' },
  zfspool: { must: ['pool'], may: [], content: 'images,rootdir' },
  dir: { must: ['path'], may: [], content: 'iso,vztmpl,backup' },
  rbd: { must: ['pool'], may: ['monhost', 'username', 'namespace'], content: 'images,rootdir' },
  cephfs: { must: [], may: ['monhost', 'username', 'fsname'], content: 'iso,vztmpl,backup' },
  pbs: { must: ['server', 'datastore', 'username'], may: ['namespace', 'fingerprint'], content: 'backup' },
}

const isType = (type: string | undefined): type is StorageType => type !== undefined && type in types

/** What a type makes necessary and what it does not take, for the form and for the line. */
export function storageWants(type: string | undefined): { must: StorageArg[]; never: (StorageArg | 'wipe')[] } {
  const found = type?.trim().toLowerCase()
  if (!isType(found)) return { must: [], never: [] }
  const { must, may } = types[found]
  const taken = new Set<string>([...must, ...may])
  const never = (Object.keys(names) as StorageArg[]).filter((name) => !taken.has(name))
  return { must: [...must], never: found === 'lvm' ? never : [...never, 'wipe'] }
}

export const defaultContent = (type: StorageType): string => types[type].content

/** The parameters of `POST /storage` that the arguments of this type become. */
export function storageParams(type: StorageType, args: StorageArgs): Record<string, string> {
  const { must, may } = types[type]
  return Object.fromEntries(
    [...must, ...may].flatMap((name) => {
      const value = args[name]
      return value === undefined ? [] : [[names[name], value]]
    }),
  )
}

/** The same back: the arguments of a storage that is there; undefined for a type that is not known here, or lacks something. */
export function storageArgs(
  type: string,
  options: Readonly<Record<string, string>>,
): ({ type: StorageType } & StorageArgs) | undefined {
  if (!isType(type)) return undefined
  const { must, may } = types[type]
  if (must.some((name) => options[names[name]] === undefined)) return undefined
  const entries = [...must, ...may].flatMap((name) => {
    const value = options[names[name]]
    return value === undefined ? [] : [[name, value]]
  })
  return { type, ...(Object.fromEntries(entries) as StorageArgs) }
}

interface Section {
  type: string
  content: readonly string[]
  shared: boolean
  nodes?: readonly string[]
  options: Readonly<Record<string, string>>
}
type Params = Readonly<Record<string, string | boolean>>

/** What of a section may change without it becoming another storage. */
const changeable: ReadonlySet<string> = new Set(['content', 'nodes', 'shared'])

/** Whether a section of storage.cfg is the storage that these parameters make: the same bytes at the same place. */
export function isSameThing({ type, options }: Section, wanted: { type: string; params: Params }): boolean {
  const own = Object.entries(wanted.params).filter(([name]) => !changeable.has(name))
  return type === wanted.type && own.every(([name, value]) => options[name] === String(value))
}

/** Other sections of storage.cfg over the same bytes: what is deleted on one of them is gone on all. */
export function twinsOf<S extends Section & { storage: string }>(sections: readonly S[], storage: string): S[] {
  const own = sections.find((one) => one.storage === storage)
  if (!own || !isType(own.type)) return []
  const { must, may } = types[own.type]
  const at = ({ options }: Section) => [...must, ...may].map((name) => options[names[name]] ?? '').join('\n')
  return sections.filter((one) => one !== own && one.type === own.type && at(one) === at(own))
}

/** What else of the section is not as these parameters have it, as `storage update` takes it. */
export function differencesOf(section: Section, { content, nodes, shared }: Params): Record<string, string> {
  const listed = (text: string | boolean | undefined) =>
    String(text ?? '')
      .split(',')
      .sort()
      .join(',')
  const own = [...(section.nodes ?? [])].sort().join(',')
  return {
    ...(listed(content) === [...section.content].sort().join(',') ? {} : { content: String(content) }),
    ...(listed(nodes) === own ? {} : { nodes: String(nodes ?? 'all') }),
    ...(shared === undefined || shared === section.shared ? {} : { shared: String(shared) }),
  }
}

export type StorageSecret = 'password' | 'keyring'

/** The secret that a storage wants; it is asked for outside of the chat. */
export function secretOf(type: StorageType, args: StorageArgs): StorageSecret | undefined {
  if (type === 'pbs' || (type === 'cifs' && args.username !== undefined)) return 'password'
  // Only a foreign Ceph needs a key: the cluster's own is where Proxmox finds it.
  return (type === 'rbd' || type === 'cephfs') && args.monhost !== undefined ? 'keyring' : undefined
}

/** Names as storage.cfg takes them. */
export const isStorageId = (id: string): boolean => /^[a-z][a-z0-9\-_.]*[a-z0-9]$/i.test(id)
