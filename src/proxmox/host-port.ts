/** What is asked of one host, beside its guests. */
import type { CallOptions, GuestRef, Params, Upid } from './port.ts'

export interface HostStatus {
  cpuModel: string
  /** As the kernel names them: `vmx`, `svm`, `hypervisor`. */
  flags: string[]
  sockets: number
  /** Physical. */
  cores: number
  /** Threads. */
  cpus: number
  /** Bytes. */
  memory: number
  /** Bytes of the root file system. */
  rootTotal: number
  /** `x86_64`; absent before 8. */
  machine?: string
  kernel: string
  /** Seconds. */
  uptime: number
  /** `9.2.11`. */
  version: string
}

/** A disk, or one of its partitions, which names it. */
export interface HostDisk {
  devpath: string
  /** Of a partition: `/dev/sda`. */
  parent?: string
  model: string
  serial: string
  type: string
  /** Bytes. */
  size: number
  /** `LVM`, `EFI`, `BIOS boot`, `ZFS`; absent: nothing is seen on it. */
  used?: string
  health: string
  /** Percent of its life that is left. */
  lifeLeft?: number
}

export interface HostInterface {
  iface: string
  /** `eth`, `bridge`, `bond`, `vlan`, … */
  type: string
  active: boolean
  autostart: boolean
  cidr?: string
  gateway?: string
  /** Of a bridge. */
  ports: string[]
  vlanAware: boolean
  /** Of a bond. */
  slaves: string[]
  bondMode?: string
  /** Of a VLAN. */
  vlanId?: number
  rawDevice?: string
  mtu?: number
  comments?: string
}

export interface HostNetwork {
  interfaces: HostInterface[]
  /** The difference between what is in force and what waits; absent: nothing waits. */
  changes?: string
}

export interface PciDevice {
  id: string
  /** Absent without an IOMMU. */
  iommuGroup?: number
}

/** One of Proxmox's own repositories; `on` is absent when it is not configured at all. */
export interface Repository {
  handle: string
  on?: boolean
}

export interface PackageUpdate {
  name: string
  from?: string
  to: string
  origin?: string
}

export interface CorosyncNode {
  name: string
  votes: number
  /** The address on each link. */
  links: string[]
}

/** What speaks against moving a machine. */
export interface MigrationCheck {
  running: boolean
  /** Volumes on storages of this node alone, the CD-ROM's among them. */
  localDisks: { volid: string; cdrom: boolean }[]
  /** `hostpci0` and the like. */
  localResources: string[]
}

export interface HostReads {
  hostStatus(node: string, o?: CallOptions): Promise<HostStatus>
  /** `smart`: their health too, which takes seconds. */
  hostDisks(node: string, smart: boolean, o?: CallOptions): Promise<HostDisk[]>
  hostNetwork(node: string, o?: CallOptions): Promise<HostNetwork>
  hostCards(node: string, o?: CallOptions): Promise<PciDevice[]>
  repositories(node: string, o?: CallOptions): Promise<Repository[]>
  /** `active`, `notfound`, `expired`, … */
  subscription(node: string, o?: CallOptions): Promise<string>
  /** As apt knew them when it last asked. Proxmox wants `Sys.Modify` for this. */
  updates(node: string, o?: CallOptions): Promise<PackageUpdate[]>
  corosyncNodes(o?: CallOptions): Promise<CorosyncNode[]>
  /** The MAC that a magic packet wakes it by, as its own options have it. */
  wakeAddress(node: string, o?: CallOptions): Promise<string | undefined>
  /** Of a machine; Proxmox has no such call for containers. */
  migrationCheck(guest: GuestRef, target: string, o?: CallOptions): Promise<MigrationCheck>
}

/** Every call here is sent at most once. */
export interface HostWrites {
  /** Proxmox makes no task that could be followed: the host goes down, and others see it. */
  hostPower(node: string, command: 'shutdown' | 'reboot', o?: CallOptions): Promise<void>
  /** Another node sends the packet: give `avoid`. */
  wakeHost(node: string, o?: CallOptions): Promise<void>
  refreshUpdates(node: string, o?: CallOptions): Promise<Upid>
  migrateGuest(guest: GuestRef, params: Params, o?: CallOptions): Promise<Upid>
  /** These three only note what is wanted, in `interfaces.new`. */
  createInterface(node: string, params: Params, o?: CallOptions): Promise<void>
  updateInterface(node: string, iface: string, params: Params, o?: CallOptions): Promise<void>
  deleteInterface(node: string, iface: string, o?: CallOptions): Promise<void>
  applyNetwork(node: string, o?: CallOptions): Promise<Upid>
  /** Forgets what was noted and not applied. */
  revertNetwork(node: string, o?: CallOptions): Promise<void>
}
