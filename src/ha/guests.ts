import type { Look, Task } from './look.ts'
import type { GuestMemory, Memory, NodeMemory, ServiceMemory } from './memory.ts'
import type { Services } from './services.ts'
import { TableDraft } from './table.ts'
import type { Telling } from './telling.ts'

/** Uptimes reach the list of resources some ten seconds late. */
const jitterMs = 15_000
/** A fallen uptime must go on like one for so long, which is more than it jitters. */
const confirmMs = 20_000
/** A task begins before what it does. */
const aroundMs = 10 * 60_000

const stops = /^(qm|vz)(shutdown|stop)$/
/** HA starts a guest at the latest so long after it has given it another state or place: until it has the node's lock. */
const startsWithinMs = 150_000
/** What restarts a guest because somebody wanted it; one that moves goes on in a new process. */
const wanted =
  /^(qmigrate|vzmigrate)$|^(qm|vz)(reboot|reset|stop|shutdown|suspend|resume|rollback|restore|create|clone|template)|^hast|^vzdump$|^hamigrate$/

const sidOf = ({ kind, vmid }: { kind: 'qemu' | 'lxc'; vmid: number }) => `${kind === 'qemu' ? 'vm' : 'ct'}:${vmid}`

/**
 * Guests that died and that HA started again on their node: of this the HA manager shows nothing, only the uptime falls.
 * Told when the uptime was sound before, fell twice in agreement, and no task of a person explains it.
 */
export function seeGuests(
  memory: Memory,
  look: Look,
  { services, gone }: Pick<Services, 'services' | 'gone'>,
  nodes: Readonly<Record<string, NodeMemory>>,
  telling: Telling,
) {
  const guests = new TableDraft(memory.guests)
  const asked = look.resources?.asked ?? look.steady
  for (const sid of gone) guests.delete(sid)
  noteTasks(guests, look.tasks)
  for (const row of look.resources?.guests ?? []) {
    const sid = sidOf(row)
    const service = services.get(sid)
    if (!service) continue
    const was = guests.get(sid)
    // Nearly all of them, nearly always.
    if (was?.sure && !was.again && was.of === service.since && isNear(asked - row.uptime * 1000, was)) continue
    const isSettled =
      service.state === 'started' && !service.recovering && look.manager?.services[sid]?.running === true
    // The rows of a node that is gone stay as they were, and move with the guest before it is started.
    if (!isSettled || row.node !== service.node || !nodes[row.node]?.up) continue
    if (row.status !== 'running' || row.uptime <= 0) continue
    guests.set(sid, seen(sid, was, { ...row, boot: asked - row.uptime * 1000 }, service, look, telling))
  }
  return guests
}

function seen(
  sid: string,
  was: GuestMemory | undefined,
  { node, boot }: { node: string; boot: number },
  service: ServiceMemory,
  look: Look,
  telling: Telling,
): GuestMemory {
  const { again, ...kept } = was ?? { of: service.since, boot, sure: false }
  if (!was || was.of !== service.since) return { ...kept, of: service.since, boot, sure: false }
  if (isNear(boot, was)) return { ...kept, sure: true }
  if (boot < was.boot || !was.sure) return { ...kept, boot, sure: false }
  // Of a row that nobody writes any more the uptime stands still, and its start seems to come ever later.
  if (again === undefined || !isNear(boot, again)) return { ...kept, again: { boot, since: look.steady } }
  if (look.steady - again.since < confirmMs) return { ...kept, again }
  const bootAt = telling.now - (look.steady - boot)
  const isStart = boot - service.since < startsWithinMs
  if (!isStart && !isTouched(was, bootAt)) {
    telling.tell('guest.restarted', sid, { guest: sid, node, cause: 'died' }, bootAt)
  }
  return { ...kept, boot, sure: true }
}

function isTouched({ touched }: GuestMemory, bootAt: number): boolean {
  if (!touched) return false
  const [from, to] = touched
  return bootAt > from * 1000 - aroundMs && bootAt < to * 1000 + aroundMs
}

const isNear = (boot: number, known: { boot: number }) => Math.abs(boot - known.boot) <= jitterMs

/** Remembers what tasks did, since the list of a node that dies goes with it. */
function noteTasks(guests: TableDraft<GuestMemory>, tasks: readonly Task[] | undefined): void {
  for (const task of tasks ?? []) {
    const isHa = task.user === 'root@pam' && task.tokenid === undefined
    const sids = [`vm:${task.id}`, `ct:${task.id}`].filter((sid) => guests.get(sid) !== undefined)
    for (const sid of sids) {
      const was = guests.get(sid)!
      const end = task.endtime ?? task.starttime
      if (stops.test(task.type) && task.endtime !== undefined && end > (was.stopped ?? 0)) {
        guests.set(sid, { ...was, stopped: end })
      }
      const isWanted = wanted.test(task.type) || (!isHa && /^(qm|vz)start$/.test(task.type))
      if (isWanted && end > (was.touched?.[1] ?? 0)) {
        guests.set(sid, { ...guests.get(sid)!, touched: [task.starttime, end] })
      }
    }
  }
}
