import { z } from 'zod'
import type { Guest, Node, StorageOnNode } from '../port.ts'
import { GuestStatus } from './guest.ts'
import { Flag, ListText, Num, present, rowsOf, Text } from './parse.ts'

const GuestRow: z.ZodType<Guest> = z
  .object({
    type: z.enum(['qemu', 'lxc']),
    vmid: Num,
    node: z.string(),
    name: Text.optional(),
    status: GuestStatus,
    template: Flag,
    maxmem: Num.default(0),
    maxdisk: Num.default(0),
    maxcpu: Num.default(0),
    uptime: Num.default(0),
    tags: ListText,
    pool: z.string().optional(),
    lock: z.string().optional(),
    hastate: z.string().optional(),
  })
  .transform((row) =>
    present({
      vmid: row.vmid,
      kind: row.type,
      // Proxmox's own name for a guest without one.
      name: row.name ?? `${row.type === 'qemu' ? 'VM' : 'CT'} ${row.vmid}`,
      node: row.node,
      status: row.status,
      template: row.template,
      maxMemory: row.maxmem,
      maxDisk: row.maxdisk,
      cpus: row.maxcpu,
      uptime: row.uptime,
      tags: row.tags,
      pool: row.pool,
      lock: row.lock,
      haState: row.hastate,
    }),
  )

const NodeRow: z.ZodType<Node> = z
  .object({
    node: z.string(),
    status: z.enum(['online', 'offline', 'unknown']).catch('unknown'),
    maxcpu: Num.default(0),
    cpu: Num.default(0),
    mem: Num.default(0),
    maxmem: Num.default(0),
    uptime: Num.default(0),
  })
  .transform((row) => ({
    name: row.node,
    status: row.status,
    cpus: row.maxcpu,
    cpu: row.cpu,
    memory: row.mem,
    maxMemory: row.maxmem,
    uptime: row.uptime,
  }))

const StorageRow: z.ZodType<StorageOnNode> = z
  .object({
    storage: z.string(),
    node: z.string(),
    plugintype: z.string().default('unknown'),
    status: z.enum(['available', 'unknown']).catch('unknown'),
    shared: Flag,
    content: ListText,
    disk: Num.optional(),
    maxdisk: Num.optional(),
  })
  .transform((row) =>
    present({
      storage: row.storage,
      node: row.node,
      type: row.plugintype,
      status: row.status,
      shared: row.shared,
      content: row.content.toSorted(),
      used: row.disk,
      total: row.maxdisk,
    }),
  )

/** `GET /cluster/resources`, three times over the one answer. */
export const GuestRows = rowsOf(['qemu', 'lxc'], GuestRow)
export const NodeRows = rowsOf(['node'], NodeRow)
export const StorageRows = rowsOf(['storage'], StorageRow)
