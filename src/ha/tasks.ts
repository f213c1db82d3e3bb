import { causeOf } from './causes.ts'
import { Draft } from './draft.ts'
import type { Look, Task } from './look.ts'
import type { Memory, ServiceMemory, TaskMemory } from './memory.ts'
import type { TableDraft } from './table.ts'
import type { Telling } from './telling.ts'

/** What the HA manager does to a guest, as root and without a token. */
const managers = /^((qm|vz)(start|shutdown|stop)|qmigrate|vzmigrate)$/
const moves = /^(qmigrate|vzmigrate)$/

const isFailed = ({ endtime, exit }: Task) => endtime !== undefined && exit !== 'OK' && !exit?.startsWith('WARNINGS')

/**
 * Failed tasks of the HA manager and of backups, each once. The manager tries again for as long as it takes: the same
 * line about the same guest is told anew only after a success. Nodes keep about 25 tasks in this list, and one that goes
 * and comes back shows its old ones again.
 */
export function seeTasks(
  memory: Memory,
  look: Look,
  services: Pick<TableDraft<ServiceMemory>, 'get'>,
  telling: Telling,
): TaskMemory {
  const { tasks } = look
  if (!tasks) return memory.tasks
  const seen = new Draft(memory.tasks.seen)
  const failing = new Draft(memory.tasks.failing)
  for (const task of tasks.toSorted((a, b) => (a.endtime ?? 0) - (b.endtime ?? 0))) {
    if (task.endtime === undefined) continue
    const guest = guestOf(task, services)
    const name = `${guest} ${task.type}`
    const was = failing.get(name)
    if (!isFailed(task)) {
      // Whoever did it: what failed before works.
      if (guest === undefined || was === undefined || task.endtime <= was.at) continue
      failing.delete(name)
      tellSuccess(task, guest, telling)
      continue
    }
    const isOurs = task.type === 'vzdump' || (guest !== undefined && isManagers(task))
    if (!isOurs || seen.get(task.upid) !== undefined) continue
    seen.set(task.upid, task.node)
    if (task.endtime < memory.began) continue
    const line = task.exit ?? ''
    if (guest !== undefined) failing.set(name, { line, at: task.endtime })
    if (task.type !== 'vzdump' && was?.line === line) continue
    tellFailure(task, guest, line, telling)
  }
  forget(seen, tasks)
  const moving = movingGuests(tasks, services)
  const { tasks: was } = memory
  const isSame = seen.value === was.seen && failing.value === was.failing && moving.join() === was.moving.join()
  return isSame ? was : { seen: seen.value, failing: failing.value, moving }
}

function tellFailure(task: Task, guest: string | undefined, line: string, telling: Telling): void {
  const cause = causeOf(line)
  telling.tell(
    task.type === 'vzdump' ? 'backup.failed' : 'task.failed',
    guest ?? task.node,
    {
      node: task.node,
      ...(guest === undefined ? {} : { guest }),
      raw: line,
      upid: task.upid,
      ...(cause === undefined ? {} : { cause }),
      values: { type: task.type },
    },
    (task.endtime ?? 0) * 1000,
  )
}

function tellSuccess({ type, node, upid, endtime }: Task, guest: string, telling: Telling): void {
  const kind = type === 'vzdump' ? 'backup.done' : 'task.done'
  telling.tell(kind, guest, { node, guest, upid, values: { type } }, (endtime ?? 0) * 1000)
}

const isManagers = (task: Task) => managers.test(task.type) && task.user === 'root@pam' && task.tokenid === undefined

function guestOf(task: Task, services: Pick<TableDraft<ServiceMemory>, 'get'>): string | undefined {
  if (task.id === '') return undefined
  const sid = [`vm:${task.id}`, `ct:${task.id}`].find((each) => services.get(each) !== undefined)
  return sid ?? (task.type === 'vzdump' && /^\d+$/.test(task.id) ? `vm:${task.id}` : undefined)
}

/** A failure is let go when its node lists others and no longer this one. */
function forget(seen: Draft<string>, tasks: readonly Task[]): void {
  const listed = new Set(tasks.map(({ upid }) => upid))
  const nodes = new Set(tasks.map(({ node }) => node))
  const { value } = seen
  seen.keep((upid) => listed.has(upid) || !nodes.has(value[upid] ?? ''))
}

const movingGuests = (tasks: readonly Task[], services: Pick<TableDraft<ServiceMemory>, 'get'>): string[] =>
  tasks
    .filter(({ type, endtime }) => moves.test(type) && endtime === undefined)
    .flatMap((task) => guestOf(task, services) ?? [])
    .sort()
