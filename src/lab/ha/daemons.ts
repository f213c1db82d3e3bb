/** The HA daemons of every simulated node, on the simulated clock: started with it, dead with its power. */
import type { SimCluster, SimEvent, SimNode } from '../model.ts'
import { isRunning } from '../model.ts'
import { resetNode } from '../power.ts'
import { type Crm, createCrm } from './crm.ts'
import type { HaEnvironment } from './environment.ts'
import { createLocks } from './locks.ts'
import { createLrm, type Leave, type Lrm } from './lrm.ts'
import { createNodeEnvironment, type LockRoom } from './node-environment.ts'
import { createWatchdog } from './watchdog.ts'

/** Seconds between rounds. */
const ROUND = { crm: 10, crmWithoutQuorum: 5, lrm: 10, lrmIdle: 5 }

export interface HaStack {
  /** The node goes down; resolves when its agent has settled the services here and both daemons have ended. */
  leave(node: SimNode, how: 'shutdown' | 'reboot'): Promise<void>
  /** systemd's hand on `pve-ha-crm` or `pve-ha-lrm`; nothing happens for other units. */
  control(node: SimNode, unit: string, verb: 'start' | 'stop' | 'restart'): Promise<void>
}

interface Daemon {
  start(): void
  /** Resolves when it has ended in good order. */
  stop(how: Leave): Promise<void>
}

interface Daemons {
  crm: Daemon
  lrm: Daemon
  /** They die with the node. */
  end(): void
}

/** Follows the power of all nodes. */
export function runHa(sim: SimCluster): HaStack {
  const daemons = new Map<SimNode, Daemons>()
  const rooms = lockRooms()

  function follow(event: SimEvent) {
    const { node } = event
    if (event.kind === 'membership' && node.member) rooms.joined(node, sim.clock.now())
    if (event.kind !== 'power') return
    if (!isRunning(node)) {
      daemons.get(node)?.end()
      daemons.delete(node)
    } else if (!daemons.has(node)) daemons.set(node, startDaemons(sim, node, rooms))
  }

  sim.listeners.add(follow)
  for (const node of sim.nodes) if (isRunning(node)) daemons.set(node, startDaemons(sim, node, rooms))
  return {
    async leave(node, how) {
      await daemons.get(node)?.lrm.stop(how)
      await daemons.get(node)?.crm.stop(how)
    },
    async control(node, unit, verb) {
      const { crm, lrm } = daemons.get(node) ?? {}
      const daemon = unit === 'pve-ha-crm' ? crm : unit === 'pve-ha-lrm' ? lrm : undefined
      if (verb !== 'start') await daemon?.stop('restart')
      if (verb !== 'stop') daemon?.start()
    },
  }
}

/** One set of locks a cluster; a node that joins must watch them anew. */
function lockRooms(): LockRoom & { joined(node: SimNode, now: number): void } {
  const rooms = new WeakMap<object, ReturnType<typeof createLocks>>()
  const since = new WeakMap<SimNode, number>()
  return {
    of({ config }) {
      const locks = rooms.get(config) ?? createLocks()
      rooms.set(config, locks)
      return locks
    },
    since: (node) => since.get(node),
    joined: (node, now) => void since.set(node, now),
  }
}

function startDaemons(sim: SimCluster, node: SimNode, rooms: LockRoom): Daemons {
  const life = { alive: true }
  const watchdog = createWatchdog(sim.clock)
  const env = createNodeEnvironment({ sim, node, rooms, watchdog, life })

  /** `round` says in how many seconds it wants to be called again; undefined: never. */
  function repeat(first: number, round: () => number | undefined) {
    const turn = () => {
      if (!life.alive) return
      if (watchdog.isOver()) return resetNode(sim, node)
      const seconds = round()
      if (seconds !== undefined) sim.clock.after(seconds, turn)
    }
    sim.clock.after(first, turn)
  }

  // The nodes take turns, so that not everything happens in one second.
  const phase = sim.nodes.indexOf(node) * 3
  const crm = crmDaemon(env, (round) => repeat(1 + (phase % ROUND.crm), round))
  const lrm = lrmDaemon(env, (round) => repeat(2 + (phase % ROUND.lrmIdle), round))
  crm.start()
  lrm.start()
  return {
    crm,
    lrm,
    end() {
      life.alive = false
    },
  }
}

type Repeat = (round: () => number | undefined) => void

function crmDaemon(env: HaEnvironment, repeat: Repeat): Daemon {
  let running: Crm | undefined
  return {
    start() {
      if (running) return
      const crm = createCrm(env)
      running = crm
      repeat(() => {
        if (running !== crm) return undefined
        crm.round()
        return env.quorate() ? ROUND.crm : ROUND.crmWithoutQuorum
      })
    },
    async stop() {
      running?.stop()
      running = undefined
    },
  }
}

function lrmDaemon(env: HaEnvironment, repeat: Repeat): Daemon {
  let running: Lrm | undefined
  let ended = () => {}
  return {
    start() {
      if (running) return
      const lrm = createLrm(env)
      running = lrm
      repeat(() => {
        if (lrm.round()) return lrm.state === 'active' ? ROUND.lrm : ROUND.lrmIdle
        running = undefined
        ended()
        return undefined
      })
    },
    async stop(how) {
      if (!running) return
      running.leave(how)
      await new Promise<void>((resolve) => {
        const before = ended
        ended = () => {
          before()
          resolve()
        }
      })
    },
  }
}
