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
      digest: z.string().optional(),
    })
    .catchall(z.unknown())
    .transform((row) =>
      present({
        storage: row.storage,
        type: row.type,
        content: row.content.toSorted(),
        shared: row.shared,
        nodes: row.nodes.length > 0 ? row.nodes : undefined,
        disabled: row.disable,
        digest: row.digest,
        options: optionsOf(row),
      }),
    ),
)

const named = new Set(['storage', 'type', 'content', 'shared', 'nodes', 'disable', 'digest'])

const optionsOf = (row: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      named.has(name) || (typeof value !== 'string' && typeof value !== 'number') ? [] : [[name, String(value)]],
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
