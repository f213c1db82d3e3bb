import type { Look, Task } from './look.ts'
import type { GuestMemory, Recovering } from './memory.ts'
import type { Services } from './services.ts'
import type { TableDraft } from './table.ts'
import type { Telling } from './telling.ts'

/** An LRM tells once a round that a guest runs. */
const roundMs = 10_000
/** So long the task that started it is waited for, whose times are Proxmox's own. */
const taskWaitMs = 15_000

/** After these nobody can say when it ran again. */
const ended = new Set(['error', 'stopped', 'request_stop', 'freeze'])

/**
 * A guest that was recovered runs again: told once, with the time it was down. That ends with the task that started it;
 * it began with the task that stopped it, or when its node was missed. `/cluster/resources` knows neither.
 */
export function seeRunning(
  { services, restless }: Services,
  look: Look,
  guests: TableDraft<GuestMemory>,
  telling: Telling,
): void {
  for (const sid of restless) {
    const service = services.get(sid)
    const { recovering } = service ?? {}
    if (!service || !recovering) continue
    const now = look.manager?.services[sid]
    const { recovering: _, ...rest } = service
    if (!now || ended.has(now.state)) {
      services.set(sid, rest)
      continue
    }
    if (now.state !== 'started' || !now.running) continue
    const seen: Recovering = { ...recovering }
    seen.runningSince ??= look.steady
    seen.runningAt ??= telling.now
    const start = startOf(sid, now.node, recovering, look.tasks)
    if (!start && look.steady - seen.runningSince < taskWaitMs) {
      services.set(sid, { ...rest, recovering: seen })
      continue
    }
    services.set(sid, rest)
    const { downAt, within } = beginning(seen, guests.get(sid))
    const end = start ? start * 1000 : seen.runningAt
    const uncertainty = within + (start ? 1000 : roundMs)
    telling.tell(
      'guest.running',
      sid,
      {
        guest: sid,
        ...(now.node === undefined ? {} : { node: now.node }),
        ...(recovering.planned ? { planned: true } : {}),
        downSeconds: Math.max(0, Math.round((end - downAt) / 1000)),
        uncertaintySeconds: Math.ceil(uncertainty / 1000),
      },
      end,
    )
  }
}

/** Seconds: when the manager's start of this guest on this node ended well, after it went down. */
function startOf(sid: string, node: string | undefined, { downAt }: Recovering, tasks: readonly Task[] | undefined) {
  const id = sid.split(':')[1]
  return tasks?.find(
    (task) =>
      task.id === id &&
      task.node === node &&
      (task.type === 'qmstart' || task.type === 'vzstart') &&
      (task.exit === 'OK' || task.exit?.startsWith('WARNINGS')) &&
      (task.endtime ?? 0) * 1000 > downAt,
  )?.endtime
}

/** A guest that was shut down with its node was down before the node was. */
function beginning({ downAt, within, planned }: Recovering, guest: GuestMemory | undefined) {
  const stopped = guest?.stopped === undefined ? undefined : guest.stopped * 1000
  const isIts = planned && stopped !== undefined && stopped <= downAt + within && stopped > downAt - 10 * 60_000
  return isIts ? { downAt: stopped, within: 1000 } : { downAt, within }
}
