import { z } from 'zod'
import type { PendingChange } from '../guest-port.ts'
import type { GuestConfig, GuestState } from '../port.ts'
import { Flag, Num, present, Text } from './parse.ts'

export const GuestStatus = z
  .enum(['running', 'stopped', 'paused', 'suspended', 'prelaunch', 'unknown'])
  .catch('unknown')

/** An LXC's raw `lxc` key is a list of pairs; everything else is plain. */
export const GuestConfigReply: z.ZodType<GuestConfig> = z
  .record(z.string(), z.unknown())
  .transform((config) =>
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key,
        typeof value === 'object' ? JSON.stringify(value) : String(value),
      ]),
    ),
  )

/** QEMU calls a paused guest `running` and tells the rest in `qmpstatus`. */
const QMP_STATES: ReadonlySet<string> = new Set(['paused', 'suspended', 'prelaunch'])

export const GuestStateReply: z.ZodType<GuestState> = z
  .object({
    status: GuestStatus,
    qmpstatus: z.string().optional(),
    uptime: Num.default(0),
    name: Text.default(''),
    lock: z.string().optional(),
    ha: z.object({ managed: Flag }).optional(),
  })
  .transform((row) =>
    present({
      status: QMP_STATES.has(row.qmpstatus ?? '') ? GuestStatus.parse(row.qmpstatus) : row.status,
      qmpStatus: row.qmpstatus,
      uptime: row.uptime,
      name: row.name,
      lock: row.lock,
      haManaged: row.ha?.managed ?? false,
    }),
  )

const Setting = z.unknown().transform(String).optional()

/** Settings that do not wait are in the list too. */
export const PendingReply: z.ZodType<PendingChange[]> = z
  .array(z.object({ key: z.string(), value: Setting, pending: Setting, delete: Num.optional() }))
  .transform((rows) =>
    rows
      .filter((row) => row.pending !== undefined || (row.delete ?? 0) > 0)
      .map(({ key, value, pending }) => present({ key, now: value, next: pending })),
  )
