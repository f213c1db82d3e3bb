import { z } from 'zod'
import type { StorageConfig, Volume } from '../port.ts'
import { Flag, ListText, Num, present } from './parse.ts'

export const StorageConfigReply: z.ZodType<StorageConfig[]> = z.array(
  z
    .object({
      storage: z.string(),
      type: z.string(),
      content: ListText,
      shared: Flag,
      nodes: ListText,
      disable: Flag,
    })
    .transform((row) =>
      present({
        storage: row.storage,
        type: row.type,
        content: row.content.toSorted(),
        shared: row.shared,
        nodes: row.nodes.length > 0 ? row.nodes : undefined,
        disabled: row.disable,
      }),
    ),
)

export const VolumesReply: z.ZodType<Volume[]> = z.array(
  z
    .object({
      volid: z.string(),
      content: z.string().default(''),
      format: z.string().default(''),
      size: Num.default(0),
      vmid: Num.optional(),
    })
    .transform(present),
)
