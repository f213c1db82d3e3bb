import { z } from 'zod'
import type {
  CorosyncNode,
  HostDisk,
  HostInterface,
  HostStatus,
  MigrationCheck,
  PackageUpdate,
  PciDevice,
  Repository,
} from '../host-port.ts'
import { Flag, Num, present, Text } from './parse.ts'

const words = (text: string | undefined) => (text ?? '').split(/[\s,;]+/).filter((part) => part !== '')

export const HostStatusReply: z.ZodType<HostStatus> = z
  .object({
    cpuinfo: z.object({
      model: Text.default(''),
      flags: z.string().default(''),
      sockets: Num.default(1),
      cores: Num.default(1),
      cpus: Num.default(1),
    }),
    memory: z.object({ total: Num }),
    rootfs: z.object({ total: Num }),
    uptime: Num.default(0),
    kversion: Text.default(''),
    pveversion: Text.default(''),
    'current-kernel': z.object({ machine: Text.optional(), release: Text.optional() }).optional(),
  })
  .transform(({ cpuinfo, memory, rootfs, uptime, kversion, pveversion, 'current-kernel': kernel }) =>
    present({
      cpuModel: cpuinfo.model,
      flags: words(cpuinfo.flags),
      sockets: cpuinfo.sockets,
      cores: cpuinfo.cores,
      cpus: cpuinfo.cpus,
      memory: memory.total,
      rootTotal: rootfs.total,
      uptime,
      machine: kernel?.machine,
      kernel: kernel?.release ?? kversion.split(' ')[1] ?? kversion,
      version: pveversion.split('/')[1] ?? pveversion,
    }),
  )

export const DisksReply: z.ZodType<HostDisk[]> = z.array(
  z
    .object({
      devpath: z.string(),
      parent: z.string().optional(),
      model: Text.default(''),
      serial: Text.default(''),
      type: z.string().default('unknown'),
      size: Num.default(0),
      used: Text.optional(),
      health: z.string().default('UNKNOWN'),
      wearout: z.unknown().optional(),
    })
    .transform(({ wearout, ...disk }) =>
      present({ ...disk, lifeLeft: typeof wearout === 'number' ? wearout : undefined }),
    ),
)

export const InterfacesReply: z.ZodType<HostInterface[]> = z.array(
  z
    .object({
      iface: z.string(),
      type: z.string(),
      active: Flag,
      autostart: Flag,
      cidr: z.string().optional(),
      gateway: z.string().optional(),
      bridge_ports: z.string().optional(),
      bridge_vlan_aware: Flag,
      slaves: z.string().optional(),
      bond_mode: z.string().optional(),
      'vlan-id': Num.optional(),
      'vlan-raw-device': z.string().optional(),
      mtu: Num.optional(),
      comments: z.string().optional(),
    })
    .transform((row) =>
      present({
        iface: row.iface,
        type: row.type,
        active: row.active,
        autostart: row.autostart,
        cidr: row.cidr,
        gateway: row.gateway,
        ports: words(row.bridge_ports),
        vlanAware: row.bridge_vlan_aware,
        slaves: words(row.slaves),
        bondMode: row.bond_mode,
        vlanId: row['vlan-id'],
        rawDevice: row['vlan-raw-device'],
        mtu: row.mtu,
        comments: row.comments?.trimEnd(),
      }),
    ),
)

export const CardsReply: z.ZodType<PciDevice[]> = z.array(
  z
    .object({ id: z.string(), iommugroup: Num.default(-1) })
    .transform(({ id, iommugroup }) => present({ id, iommuGroup: iommugroup < 0 ? undefined : iommugroup })),
)

export const RepositoriesReply: z.ZodType<Repository[]> = z
  .object({ 'standard-repos': z.array(z.object({ handle: z.string(), status: Flag.optional() })).default([]) })
  .transform((reply) => reply['standard-repos'].map(({ handle, status }) => present({ handle, on: status })))

export const SubscriptionReply: z.ZodType<string> = z
  .object({ status: z.string().default('unknown') })
  .transform(({ status }) => status.toLowerCase())

export const UpdatesReply: z.ZodType<PackageUpdate[]> = z.array(
  z
    .object({ Package: z.string(), Version: Text, OldVersion: Text.optional(), Origin: Text.optional() })
    .transform((row) => present({ name: row.Package, from: row.OldVersion, to: row.Version, origin: row.Origin })),
)

export const CorosyncNodesReply: z.ZodType<CorosyncNode[]> = z.array(
  z.looseObject({ name: z.string().optional(), node: z.string(), quorum_votes: Num.default(1) }).transform((row) => ({
    name: row.name ?? row.node,
    votes: row.quorum_votes,
    links: Object.entries(row).flatMap(([key, value]) => (/^ring\d_addr$/.test(key) ? [String(value)] : [])),
  })),
)

export const NodeConfigReply: z.ZodType<string | undefined> = z
  .object({ wakeonlan: Text.optional() })
  .transform(({ wakeonlan }) => wakeonlan)

export const MigrationCheckReply: z.ZodType<MigrationCheck> = z
  .object({
    running: Flag,
    local_disks: z.array(z.object({ volid: Text.optional(), cdrom: Flag })).default([]),
    local_resources: z.array(Text).default([]),
  })
  .transform((row) => ({
    running: row.running,
    localDisks: row.local_disks.map(({ volid, cdrom }) => ({ volid: volid ?? '', cdrom })),
    localResources: row.local_resources,
  }))
