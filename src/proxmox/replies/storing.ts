import { z } from 'zod'
import type { Appliance, Scan, StorageState, UrlFacts, VolumeGroup, ZfsPool } from '../storage-port.ts'
import { Flag, Num, present } from './parse.ts'

export const StorageActiveReply: z.ZodType<StorageState> = z
  .object({ active: Flag, total: Num.default(0), avail: Num.default(0) })
  .transform(({ active, total, avail }) => (total > 0 ? { active, total, free: avail } : { active }))

const Leaf = z.object({ name: z.string(), size: Num.default(0) })
const Group = z.object({ name: z.string(), children: z.array(Leaf).default([]) })

export const VolumeGroupsReply: z.ZodType<VolumeGroup[]> = z
  .object({ children: z.array(Group).default([]) })
  .transform(({ children }) =>
    children.map(({ name, children: disks }) => ({
      name,
      disks: disks.map(({ name: device, size }) => ({ device, size })),
    })),
  )

interface Vdev {
  name: string
  state?: string | undefined
  leaf?: boolean | undefined
  children?: Vdev[] | undefined
}
const Vdev: z.ZodType<Vdev> = z.lazy(() =>
  z.object({
    name: z.string(),
    state: z.string().optional(),
    leaf: Flag.optional(),
    children: z.array(Vdev).optional(),
  }),
)

/** Beside its data a pool lists logs, caches and spares under their own headings. */
export const ZfsPoolReply: z.ZodType<ZfsPool> = z
  .object({ name: z.string(), state: z.string().default('UNKNOWN'), children: z.array(Vdev).default([]) })
  .transform(({ name, state, children }) => {
    const data = children.find((one) => one.name === name)?.children ?? children
    const vdevs = data.map((one) => ({
      name: one.name,
      state: one.state ?? state,
      isDisk: (one.children ?? []).length === 0,
    }))
    return { state, vdevs }
  })

export const AppliancesReply: z.ZodType<Appliance[]> = z.array(
  z.object({
    template: z.string(),
    headline: z.string().default(''),
    section: z.string().default(''),
    os: z.string().default(''),
    version: z.string().default(''),
  }),
)

export const UrlFactsReply: z.ZodType<UrlFacts> = z
  .object({ mimetype: z.string().optional(), size: Num.optional() })
  .transform(({ mimetype, size }) => present({ mime: mimetype, size }))

/** The key that names what was found. */
const names: Record<Scan, string> = {
  nfs: 'path',
  cifs: 'share',
  iscsi: 'target',
  lvm: 'vg',
  lvmthin: 'lv',
  zfs: 'pool',
}

export const scanReply = (what: Scan): z.ZodType<string[]> =>
  z
    .array(z.looseObject({ [names[what]]: z.string() }))
    .transform((rows) => [...new Set(rows.map((row) => String(row[names[what]])))])
