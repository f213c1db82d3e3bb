import { recorded, type Steady } from '../ha/drill.ts'
import type { DrillContext, Seen } from './context.ts'
import type { After } from './verdict.ts'

/** More than a node does between a look before and one after, also with a hundred guests. */
const mostTasks = 1000

/**
 * What was seen, with what the node wrote down itself, read once it is back: a task that ended in the last seconds before
 * it went is in nobody else's list. Where it cannot be read, what was seen stands as it is.
 */
export async function withRecord(
  { payload, proxmox }: DrillContext,
  steady: Steady,
  seen: Seen,
  after: After,
): Promise<Seen> {
  const since = Math.floor(steady.at) - 1
  const tasks = await proxmox.tasks(payload.node, { source: 'all', since, limit: mostTasks }).catch(() => undefined)
  if (!tasks) return seen
  const guests = Object.fromEntries(
    steady.impact.fates.map((fate) => [
      fate.sid,
      recorded(fate, steady, seen.guests[fate.sid] ?? {}, tasks, after.ends[fate.sid]),
    ]),
  )
  return { ...seen, guests: { ...seen.guests, ...guests } }
}
