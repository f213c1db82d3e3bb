/**
 * The local resource manager of one node: carries out what the manager has decided for the services here, and proves
 * with its lock and its watchdog that it is in charge.
 */
import type { HaLrmStatus, HaService } from '../model.ts'
import { isMaintenanceWanted } from './commands.ts'
import { isDisarmed } from './disarm.ts'
import type { HaEnvironment, ShutdownPolicy } from './environment.ts'
import { createWork } from './work.ts'

export type LrmState = 'wait_for_agent_lock' | 'active' | 'lost_agent_lock' | 'maintenance'
export type LrmMode = 'active' | 'restart' | 'shutdown' | 'maintenance' | 'disarm'
/** Why the daemon was told to end; `restart` is an update of the package. */
export type Leave = 'shutdown' | 'reboot' | 'restart'

/** Rounds of an active agent without any service until it lets go: ten minutes. */
const IDLE_ROUNDS = 60

export interface Lrm {
  readonly state: LrmState
  readonly mode: LrmMode
  /** False when the daemon has ended, which it does some time after `leave`. */
  round(): boolean
  leave(how: Leave): void
}

export function createLrm(env: HaEnvironment): Lrm {
  let state: LrmState = 'wait_for_agent_lock'
  let mode: LrmMode = 'active'
  let leaving: Leave | undefined
  let idle = 0
  const work = createWork(env, () => report())

  const services = () =>
    Object.entries(env.config().manager.service_status ?? {}).filter(([, service]) => service.node === env.node)
  const active = () =>
    Object.values(env.config().manager.service_status ?? {}).filter((service) => needsAgent(service, env.node))
  const isFenced = () => env.config().manager.node_status[env.node] === 'fence'

  function become(next: LrmState) {
    if (next === state) return
    env.log('info', `status change ${state} => ${next}`)
    state = next
    idle = 0
  }

  function letGo() {
    env.releaseAgentLock()
    env.closeWatchdog('lrm')
  }

  function chooseMode() {
    const { manager } = env.config()
    if (isMaintenanceWanted(manager, env.node)) mode = 'maintenance'
    else if (isDisarmed(manager) && leaving === undefined) mode = 'disarm'
    else if (leaving === undefined) mode = 'active'
  }

  const mayWork = () => env.quorate() && !isFenced()

  function lead() {
    if (state === 'wait_for_agent_lock' || state === 'lost_agent_lock') {
      if (!mayWork() || mode === 'disarm' || active().length === 0 || !env.takeAgentLock(env.node)) return
      become(mode === 'maintenance' ? 'maintenance' : 'active')
    }
    if (state === 'active' && mode === 'maintenance') become('maintenance')
    if (state === 'maintenance' && isEmpty() && mode !== 'active') return mode === 'maintenance' ? letGo() : rest()
    if (!mayWork() || !env.takeAgentLock(env.node)) return become('lost_agent_lock')
    if (state === 'maintenance' && mode !== 'maintenance') become('active')
    operate()
  }

  function operate() {
    env.touchWatchdog('lrm')
    const ends = leaving !== undefined && mode !== 'maintenance'
    if (ends || mode === 'disarm') work.proceed()
    else work.round(services())
    idle = isEmpty() ? idle + 1 : 0
    if (idle >= IDLE_ROUNDS || (mode === 'disarm' && work.open() === 0)) rest()
  }

  const isEmpty = () => active().length === 0 && work.open() === 0

  function rest() {
    letGo()
    become('wait_for_agent_lock')
  }

  /** Whether everything is stopped, frozen or gone, so that the daemon may end. */
  function isDone() {
    if (leaving === undefined || work.open() > 0) return false
    if (state === 'wait_for_agent_lock') return true
    if (!env.quorate()) return false
    if (mode === 'restart' || mode === 'maintenance') return active().length === 0
    return services().every(([sid]) => !env.isRunning(sid))
  }

  const report = () => {
    if (!env.quorate()) return
    const status: HaLrmStatus = { mode, state, timestamp: env.now(), results: work.results() }
    env.config().lrm.set(env.node, status)
  }

  return {
    get state() {
      return state
    },
    get mode() {
      return mode
    },
    round() {
      chooseMode()
      lead()
      report()
      if (!isDone()) return true
      letGo()
      env.log('info', 'server stopped')
      return false
    },
    leave(how) {
      leaving = how
      const policy = env.settings().shutdownPolicy
      if (!isMaintenanceWanted(env.config().manager, env.node)) mode = modeFor(how, policy)
      if (how !== 'restart' && mode !== 'maintenance') for (const [sid] of services()) work.stop(sid)
      if (env.quorate()) {
        const last = env.config().lrm.get(env.node)
        if (last) env.config().lrm.set(env.node, { ...last, mode })
      }
    },
  }
}

/** What the datacenter's shutdown policy makes of a node's way down. */
export function modeFor(how: Leave, policy: ShutdownPolicy): LrmMode {
  if (how === 'restart') return 'restart'
  if (policy === 'migrate') return 'maintenance'
  if (policy === 'freeze') return 'restart'
  if (policy === 'failover') return 'shutdown'
  return how === 'reboot' ? 'restart' : 'shutdown'
}

const RESTING = new Set(['stopped', 'freeze', 'error'])

/** Whether a service keeps this node's agent busy: it is here, or on its way here. */
export const needsAgent = ({ state, node, target }: HaService, here: string) =>
  !RESTING.has(state) && (node === here || target === here)
