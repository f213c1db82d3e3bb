import { z } from 'zod'
import type { Appliance, Scan, UrlFacts, VolumeGroup } from '../storage-port.ts'
import { Flag, Num, present } from './parse.ts'

export const StorageActiveReply: z.ZodType<boolean> = z.object({ active: Flag }).transform(({ active }) => active)

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
const names: Record<Scan, string> = { nfs: 'path', iscsi: 'target', lvm: 'vg', zfs: 'pool' }

export const scanReply = (what: Scan): z.ZodType<string[]> =>
  z
    .array(z.looseObject({ [names[what]]: z.string() }))
    .transform((rows) => [...new Set(rows.map((row) => String(row[names[what]])))])
