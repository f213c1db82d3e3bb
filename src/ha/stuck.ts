import type { Draft } from './draft.ts'
import type { Look } from './look.ts'
import type { Memory, NodeMemory } from './memory.ts'
import type { Services } from './services.ts'
import type { Telling } from './telling.ts'

const minute = 60_000
/** State → how long it may last, and what it is called when it does not end. */
const limits: Readonly<Record<string, { ms: number; cause: string }>> = {
  migrate: { ms: 10 * minute, cause: 'moving' },
  relocate: { ms: 10 * minute, cause: 'moving' },
  fence: { ms: 10 * minute, cause: 'fencing' },
  freeze: { ms: 10 * minute, cause: 'frozen' },
  request_stop: { ms: 10 * minute, cause: 'stopping' },
}
/** A move that a task is still at may take as long as its memory and disks do. */
const longestMoveMs = 120 * minute
/** A node that has just started: corosync is there before the LRM. */
const lrmMs = 60_000

export const mayStick = (state: string): boolean => limits[state] !== undefined

/** What never ends by itself, told once after a time. Times without a watcher do not count. */
export function seeStuck(
  memory: Memory,
  look: Look,
  { services, restless }: Services,
  disarmed: boolean,
  telling: Telling,
) {
  for (const sid of restless) {
    const service = services.get(sid)
    const limit = limits[service?.state ?? '']
    if (!service || !limit || service.stuckTold || look.steady - service.since < limit.ms) continue
    if (disarmed && service.state === 'freeze') continue
    const isAtIt = limit.cause === 'moving' && memory.tasks.moving.includes(sid)
    if (isAtIt && look.steady - service.since < longestMoveMs) continue
    services.set(sid, { ...service, stuckTold: true })
    telling.tell('guest.stuck', sid, {
      guest: sid,
      ...(service.node === undefined ? {} : { node: service.node }),
      ...(service.target === undefined ? {} : { to: service.target }),
      cause: limit.cause,
      values: { state: service.state, minutes: Math.round((look.steady - service.since) / minute) },
    })
  }
}

/**
 * An LRM that gives no sign though its node is there, or has lost its lock, and one that works again. What became of it
 * is not known where its node is gone, or nobody can read its status.
 */
export function seeLrms(look: Look, nodes: Draft<NodeMemory>, telling: Telling): void {
  for (const entry of look.ha ?? []) {
    if (entry.type !== 'lrm') continue
    const node = nodes.get(entry.node)
    if (!node) continue
    if (entry.status.includes('unable to read')) continue
    const isLost = look.manager?.lrms[entry.node]?.state === 'lost_agent_lock'
    const isDead = node.up && (isLost || entry.status.includes('old timestamp'))
    if (!isDead) {
      const { lrmSince, lrmTold, ...rest } = node
      if (lrmSince !== undefined || lrmTold) nodes.set(entry.node, rest)
      if (lrmTold && node.up) telling.tell('lrm.back', entry.node, { node: entry.node })
      continue
    }
    const since = node.lrmSince ?? look.steady
    const isTime = !node.lrmTold && look.steady - since >= lrmMs
    nodes.set(entry.node, { ...node, lrmSince: since, ...(isTime ? { lrmTold: true as const } : {}) })
    if (isTime) {
      telling.tell('lrm.dead', entry.node, {
        node: entry.node,
        ...(isLost ? { cause: 'lost-lock' } : {}),
        raw: entry.status,
      })
    }
  }
}
