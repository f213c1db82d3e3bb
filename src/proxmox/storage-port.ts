/** Storages: how they are configured, whether nodes reach them, and what is put on them. */
import type { CallOptions, Params, Upid } from './port.ts'

/** Whether one node can use a storage now, as it finds out by trying. */
export interface StorageState {
  active: boolean
  /** Bytes; absent where it has no figures, as LUNs have none. */
  total?: number
  free?: number
  /** Proxmox's own line on why not, where it gives one. */
  line?: string
}

/** A volume group of LVM as one node sees it. */
export interface VolumeGroup {
  name: string
  /** Its disks: device and bytes. */
  disks: { device: string; size: number }[]
}

/** How the disks of a ZFS pool stand together. */
export interface ZfsPool {
  /** `ONLINE`, `DEGRADED`, … */
  state: string
  /** What the data lies on: `mirror-0`, `raidz1-0`, or a disk by itself. */
  vdevs: { name: string; state: string; isDisk: boolean }[]
}

/** A container template that Proxmox offers for download. */
export interface Appliance {
  template: string
  headline: string
  section: string
  os: string
  version: string
}

/** What an address holds, as the node that asked it was told. */
export interface UrlFacts {
  mime?: string
  /** Bytes. */
  size?: number
}

/** What a server, an array or a node offers to become a storage. */
export type Scan = 'nfs' | 'cifs' | 'iscsi' | 'lvm' | 'lvmthin' | 'zfs'

export interface StorageReads {
  storageState(node: string, storage: string, o?: CallOptions): Promise<StorageState>
  volumeGroups(node: string, o?: CallOptions): Promise<VolumeGroup[]>
  zfsPool(node: string, pool: string, o?: CallOptions): Promise<ZfsPool>
  urlFacts(node: string, url: string, o?: CallOptions): Promise<UrlFacts>
  appliances(node: string, o?: CallOptions): Promise<Appliance[]>
}

export interface StorageWrites {
  /** Names of what is there: exports, targets, volume groups, pools. Proxmox lets only those look who may add storages. */
  scanStorage(node: string, what: Scan, params?: Params, o?: CallOptions): Promise<string[]>
  /** Calls about storage.cfg make no task: what came of them is seen in the configuration. */
  createStorage(params: Params, o?: CallOptions): Promise<void>
  updateStorage(storage: string, params: Params, o?: CallOptions): Promise<void>
  deleteStorage(storage: string, o?: CallOptions): Promise<void>
  deleteVolume(node: string, volid: string, o?: CallOptions): Promise<Upid>
  downloadUrl(node: string, storage: string, params: Params, o?: CallOptions): Promise<Upid>
  downloadAppliance(node: string, storage: string, template: string, o?: CallOptions): Promise<Upid>
}
