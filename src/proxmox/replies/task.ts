import { z } from 'zod'
import type { Task, TaskLog } from '../port.ts'
import { parseUpid } from '../upid.ts'
import { Num, present, Text } from './parse.ts'

export const UpidReply: z.ZodType<string> = z.string().refine(isUpid, 'expected a UPID')

function isUpid(text: string): boolean {
  try {
    parseUpid(text)
    return true
  } catch {
    return false
  }
}

/** Proxmox's own word for the end of a task of which no status was written. */
const NO_STATUS = 'unknown'

// The UPID says most; the lists differ in how they write the user of a running task, and /cluster/tasks has no pid.
function taskOf(upid: string, end: { endtime?: number | undefined; exit?: string | undefined }): Task {
  const { node, type, id, user, tokenid, starttime } = parseUpid(upid)
  return present({ upid, node, type, id, user, tokenid, starttime, ...end })
}

export const TasksReply: z.ZodType<Task[]> = z.array(
  z
    .object({ upid: UpidReply, endtime: Num.optional(), status: Text.optional() })
    .transform(({ upid, endtime, status }) => taskOf(upid, { endtime, exit: exitOf(status, endtime) })),
)

function exitOf(status: string | undefined, endtime: number | undefined): string | undefined {
  if (status === 'RUNNING') return undefined
  return status ?? (endtime === undefined ? undefined : NO_STATUS)
}

export const TaskReply: z.ZodType<Task> = z
  .object({ upid: UpidReply, status: z.enum(['running', 'stopped']), exitstatus: Text.default(NO_STATUS) })
  .transform(({ upid, status, exitstatus }) => taskOf(upid, { exit: status === 'running' ? undefined : exitstatus }))

/** What Proxmox says of a log in which nothing has been written yet. */
const NOTHING_YET = 'no content'

export const TaskLogReply: z.ZodType<TaskLog> = z
  .object({ lines: z.array(z.object({ n: Num, t: Text.nullable() })), total: Num.optional() })
  .transform(({ lines, total }) => {
    if (lines.length === 1 && lines[0]?.t === NOTHING_YET && (total ?? 1) === 1) return { lines: [], total: 0 }
    return { lines: lines.map(({ t }) => t ?? ''), total: total ?? lines.length }
  })
