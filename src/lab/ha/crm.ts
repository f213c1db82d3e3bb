/** The cluster resource manager of one node: waits for quorum, stands by, or is the one master. */
import { isDisarmed } from './disarm.ts'
import type { HaEnvironment } from './environment.ts'
import { createManager, type Manager } from './manager.ts'

/** Rounds of a master without any resource until it lets go: a quarter of an hour. */
const IDLE_ROUNDS = 90

export interface Crm {
  /** Without anything to manage it waits as without quorum. */
  readonly state: 'wait_for_quorum' | 'slave' | 'master'
  round(): void
  /** The daemon ends and lets another be master at once. */
  stop(): void
}

export function createCrm(env: HaEnvironment): Crm {
  let state: Crm['state'] = 'wait_for_quorum'
  let manager: Manager | undefined
  let idle = 0

  function become(next: Crm['state']) {
    if (next === state) return
    env.log('info', `status change ${state} => ${next}`)
    state = next
    if (next === 'master') {
      manager = createManager(env)
      idle = 0
      return
    }
    manager = undefined
    env.closeWatchdog('crm')
  }

  /** Nobody needs a master while there is nothing to manage. */
  const hasWork = () => {
    const { resources, manager, commands } = env.config()
    if (resources.size > 0 || Object.keys(manager.service_status ?? {}).length > 0 || commands.length > 0) return true
    return Object.values(manager.node_status).includes('maintenance')
  }

  function lead() {
    const { manager: status } = env.config()
    if (isDisarmed(status)) env.closeWatchdog('crm')
    else env.touchWatchdog('crm')
    idle = hasWork() || isDisarmed(status) ? 0 : idle + 1
    manager?.round()
    if (idle < IDLE_ROUNDS) return
    env.releaseManagerLock()
    become('wait_for_quorum')
  }

  return {
    get state() {
      return state
    },
    round() {
      if (!env.quorate()) return become('wait_for_quorum')
      if (state !== 'master' && !hasWork()) return become('wait_for_quorum')
      if (!env.takeManagerLock()) return become('slave')
      become('master')
      lead()
    },
    stop() {
      if (state === 'master') env.releaseManagerLock()
      env.closeWatchdog('crm')
      state = 'wait_for_quorum'
      manager = undefined
    },
  }
}
