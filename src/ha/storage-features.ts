/** What each type of storage can do, as Proxmox's documentation has it. Plans refuse by it what would fail in the call. */
export interface StorageFeatures {
  /** Whether every node reaches the same bytes: by its nature, when the disks below it are reached by all, or never. */
  shared: 'always' | 'possible' | 'never'
  /** Disks of guests can lie on it. */
  disks: boolean
  /** A clone can stand on the volume of its template. */
  linkedClones: boolean
  /** `qcow2`: of disks in that format only; `chain`: of qcow2 disks when the storage says `snapshot-as-volume-chain`. */
  snapshots: 'yes' | 'qcow2' | 'chain' | 'no'
}

const folder = { disks: true, linkedClones: true, snapshots: 'qcow2' } as const

const features: Readonly<Record<string, StorageFeatures>> = {
  dir: { ...folder, shared: 'possible' },
  btrfs: { shared: 'never', disks: true, linkedClones: true, snapshots: 'yes' },
  nfs: { ...folder, shared: 'always' },
  cifs: { ...folder, shared: 'always' },
  glusterfs: { ...folder, shared: 'always' },
  iscsi: { shared: 'always', disks: true, linkedClones: false, snapshots: 'no' },
  iscsidirect: { shared: 'always', disks: true, linkedClones: false, snapshots: 'no' },
  lvm: { shared: 'possible', disks: true, linkedClones: false, snapshots: 'chain' },
  lvmthin: { shared: 'never', disks: true, linkedClones: true, snapshots: 'yes' },
  zfspool: { shared: 'never', disks: true, linkedClones: true, snapshots: 'yes' },
  zfs: { shared: 'always', disks: true, linkedClones: true, snapshots: 'yes' },
  rbd: { shared: 'always', disks: true, linkedClones: true, snapshots: 'yes' },
  cephfs: { shared: 'always', disks: false, linkedClones: false, snapshots: 'no' },
  pbs: { shared: 'always', disks: false, linkedClones: false, snapshots: 'no' },
}

/** The first version whose thick LVM can keep snapshots, as a chain of qcow2 volumes. */
const chainSince = 9

/** Undefined: a type that is not known here, so nothing is refused because of it. */
export function featuresOf(type: string, major: number): StorageFeatures | undefined {
  const found = features[type]
  if (found?.snapshots === 'chain' && major < chainSince) return { ...found, snapshots: 'no' }
  return found
}

/** Whether a linked clone is known to fail there, in every version. */
export const refusesLinks = (type: string): boolean => features[type]?.linkedClones === false
