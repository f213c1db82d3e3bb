/**
 * Starting and stopping. Which refusal comes before the task and which inside: test/recordings/qemu.jsonl.gz,
 * locked2.jsonl.gz. For guests under HA the calls only pass the wish on: ha.jsonl.gz.
 */
import { fail } from '../fault.ts'
import { isRunning } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { checkQuorum, flag, optNum, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { isTaskRunning, startTask, stopTask } from '../tasks.ts'
import { checkLock, findGuest, isHaManaged, lookUp, requireGuest, requireRunning } from './qemu-guests.ts'
import { haStart, haStop } from './qemu-ha.ts'
import { withGuestLock } from './qemu-locks.ts'
import { checkStartable, kill, launch, powerDown } from './qemu-process.ts'
import { checkRootOnly, skipsLock } from './qemu-rights.ts'
import { saveState, thawState } from './qemu-suspend.ts'
import type { Place } from './storage-access.ts'

/** Proxmox's default of shutdown and reboot, in seconds. */
const SHUTDOWN_TIMEOUT = 60

type Run = (task: TaskHandle) => Promise<void>

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

/** What a `qmstart` task does; the HA stack starts guests by the same. */
export function startWorker(place: Place, vmid: number, o: { skipLock?: boolean } = {}): Run {
  return (task) =>
    withGuestLock(place, vmid, task, async () => {
      const guest = findGuest(place, vmid)
      if (guest.template) throw fail(`you can't start a vm if it's a template`)
      const suspended = guest.lock === 'suspended'
      if (!o.skipLock && !suspended) checkLock(guest)
      if (place.node.processes.has(vmid)) throw fail(`VM ${vmid} already running`)
      checkStartable(place, guest, task)
      await task.sleep(suspended ? 3 : 1.8)
      if (suspended) thawState(place, vmid, task)
      launch(place, findGuest(place, vmid))
    })
}

function start(ctx: Context): Json {
  const vmid = vmidOf(ctx)
  checkRootOnly(ctx, 'skiplock', 'stateuri', 'migratedfrom', 'migration_type', 'migration_network', 'targetstorage')
  checkQuorum(ctx)
  if (isHaManaged(ctx.config, vmid)) return haStart(ctx, vmid)
  return ctx.task({ type: 'qmstart', id: str(ctx, 'vmid') }, startWorker(ctx, vmid, { skipLock: skipsLock(ctx) }))
}

/** A start that another task asks for: a task of its own, as the same caller. */
export function startInTask(ctx: Context, task: TaskHandle, vmid: number) {
  const { userid: user, tokenid } = ctx.auth
  const place = { sim: ctx.sim, node: task.node }
  startTask(ctx.sim, task.node, { type: 'qmstart', id: String(vmid), user, tokenid }, startWorker(place, vmid))
}

/** A `qmstop` task: at once, and fine for one that is stopped already. */
export function stopWorker(place: Place, vmid: number, o: { skipLock?: boolean } = {}): Run {
  return (task) =>
    withGuestLock(place, vmid, task, async () => {
      const guest = requireGuest(place, vmid)
      if (!place.node.processes.has(vmid)) return
      if (!o.skipLock) checkLock(guest)
      await task.sleep(0.8)
      kill(place, vmid)
    })
}

function stop(ctx: Context): Json {
  const vmid = vmidOf(ctx)
  checkRootOnly(ctx, 'skiplock', 'keepActive', 'migratedfrom')
  if (flag(ctx, 'overrule-shutdown') && isHaManaged(ctx.config, vmid)) {
    throw fail('cannot overrule shutdown tasks of HA-managed guests')
  }
  if (isHaManaged(ctx.config, vmid)) return haStop(ctx, vmid, 0)
  const overruled = flag(ctx, 'overrule-shutdown') ? abortShutdowns(ctx, vmid) : []
  const run = stopWorker(ctx, vmid, { skipLock: skipsLock(ctx) })
  return ctx.task({ type: 'qmstop', id: str(ctx, 'vmid') }, (task) => {
    if (overruled.length > 0) task.log(`overruled qmshutdown tasks: ${overruled.join(', ')}`)
    return run(task)
  })
}

function abortShutdowns(ctx: Context, vmid: number): string[] {
  const open = ctx.node.tasks.filter((task) => isTaskRunning(task) && task.type === 'qmshutdown')
  const mine = open.filter((task) => task.id === String(vmid))
  for (const task of mine) stopTask(task)
  return mine.map((task) => task.upid)
}

/** A `qmshutdown` task: asks the guest's system, and at the end of its time gives up or (`force`) kills. */
export function shutdownWorker(
  place: Place,
  vmid: number,
  o: { timeoutSeconds?: number | undefined; force?: boolean; skipLock?: boolean } = {},
): Run {
  return (task) =>
    withGuestLock(place, vmid, task, async () => {
      const guest = requireGuest(place, vmid)
      if (!place.node.processes.has(vmid)) return
      if (!o.skipLock) checkLock(guest)
      try {
        await powerDown(place, vmid, task, o.timeoutSeconds ?? SHUTDOWN_TIMEOUT)
      } catch (error) {
        if (!o.force || task.signal.aborted) throw error
        task.log('VM still running - terminating now with SIGTERM')
        await task.sleep(0.5)
        kill(place, vmid)
      }
    })
}

function shutdown(ctx: Context): Json {
  const vmid = vmidOf(ctx)
  checkRootOnly(ctx, 'skiplock', 'keepActive')
  const paused = ctx.node.processes.get(vmid)?.qmpstatus === 'paused'
  const force = flag(ctx, 'forceStop')
  if (paused && !force) throw fail('VM is paused - cannot shutdown')
  const timeoutSeconds = optNum(ctx, 'timeout')
  if (isHaManaged(ctx.config, vmid)) return haStop(ctx, vmid, timeoutSeconds ?? SHUTDOWN_TIMEOUT)
  const run = paused
    ? stopWorker(ctx, vmid, { skipLock: skipsLock(ctx) })
    : shutdownWorker(ctx, vmid, { timeoutSeconds, force, skipLock: skipsLock(ctx) })
  return ctx.task({ type: 'qmshutdown', id: str(ctx, 'vmid') }, run)
}

/** The guest goes down, and whoever watches its end starts it again. */
function reboot(ctx: Context): Json {
  const vmid = vmidOf(ctx)
  if (requireRunning(ctx, vmid).qmpstatus === 'paused') throw fail('VM is paused - cannot shutdown')
  const timeout = optNum(ctx, 'timeout') ?? SHUTDOWN_TIMEOUT
  return ctx.task({ type: 'qmreboot', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmid, task, async () => {
      checkLock(findGuest(ctx, vmid))
      await powerDown(ctx, vmid, task, timeout)
      ctx.sim.clock.after(1.5, () => {
        const guest = lookUp(ctx, vmid)
        if (isRunning(ctx.node) && guest && !ctx.node.processes.has(vmid)) launch(ctx, guest)
      })
    }),
  )
}

function reset(ctx: Context): Json {
  const vmid = vmidOf(ctx)
  checkRootOnly(ctx, 'skiplock')
  requireRunning(ctx, vmid)
  return ctx.task({ type: 'qmreset', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmid, task, async () => {
      if (!skipsLock(ctx)) checkLock(findGuest(ctx, vmid))
      requireRunning(ctx, vmid)
      await task.sleep(0.2)
    }),
  )
}

function suspend(ctx: Context): Json {
  const vmid = vmidOf(ctx)
  checkRootOnly(ctx, 'skiplock')
  requireRunning(ctx, vmid)
  const todisk = flag(ctx, 'todisk')
  if (todisk && isHaManaged(ctx.config, vmid)) throw fail(`Cannot suspend HA managed VM to disk`)
  return ctx.task({ type: todisk ? 'qmsuspend' : 'qmpause', id: str(ctx, 'vmid') }, (task) =>
    withGuestLock(ctx, vmid, task, async () => {
      const guest = findGuest(ctx, vmid)
      if (!skipsLock(ctx)) checkLock(guest)
      if (todisk) return saveState(ctx, vmid, task)
      await task.sleep(0.1)
      requireRunning(ctx, vmid).qmpstatus = 'paused'
    }),
  )
}

function resume(ctx: Context): Json {
  const vmid = vmidOf(ctx)
  checkRootOnly(ctx, 'skiplock', 'nocheck')
  const guest = requireGuest(ctx, vmid)
  const suspended = guest.lock === 'suspended'
  if (!suspended) requireRunning(ctx, vmid)
  return ctx.task({ type: 'qmresume', id: str(ctx, 'vmid') }, async (task) => {
    if (suspended) return startWorker(ctx, vmid)(task)
    return withGuestLock(ctx, vmid, task, async () => {
      if (!skipsLock(ctx)) checkLock(findGuest(ctx, vmid))
      await task.sleep(0.1)
      requireRunning(ctx, vmid).qmpstatus = 'running'
    })
  })
}

const STATUS = '/nodes/{node}/qemu/{vmid}/status'

export const routes: Route[] = [
  { method: 'POST', path: `${STATUS}/start`, handler: start },
  { method: 'POST', path: `${STATUS}/stop`, handler: stop },
  { method: 'POST', path: `${STATUS}/shutdown`, handler: shutdown },
  { method: 'POST', path: `${STATUS}/reboot`, handler: reboot },
  { method: 'POST', path: `${STATUS}/reset`, handler: reset },
  { method: 'POST', path: `${STATUS}/suspend`, handler: suspend },
  { method: 'POST', path: `${STATUS}/resume`, handler: resume },
]
