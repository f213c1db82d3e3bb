/** The HA daemons of every simulated node, on the simulated clock: started with it, dead with its power. */
import type { SimCluster, SimEvent, SimNode } from '../model.ts'
import { isRunning } from '../model.ts'
import { resetNode } from '../power.ts'
import { createCrm } from './crm.ts'
import { createLocks } from './locks.ts'
import { createLrm, type Leave } from './lrm.ts'
import { createNodeEnvironment, type LockRoom } from './node-environment.ts'
import { createWatchdog } from './watchdog.ts'

/** Seconds between rounds. */
const ROUND = { crm: 10, crmWithoutQuorum: 5, lrm: 10, lrmIdle: 5 }

export interface HaStack {
  /** The node goes down, or only its agent is restarted; resolves when the services here are settled. */
  leave(node: SimNode, how: Leave): Promise<void>
}

interface Daemons {
  leave(how: Leave): Promise<void>
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
  return { leave: async (node, how) => daemons.get(node)?.leave(how) }
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
  const { clock } = sim
  const watchdog = createWatchdog(clock)
  const env = createNodeEnvironment({ sim, node, rooms, watchdog, life })
  const crm = createCrm(env)
  let lrm = createLrm(env)
  let left: (() => void) | undefined

  /** Calls itself again after as many seconds as it says, while the node lives. */
  function every(first: number, round: () => number | undefined) {
    const turn = () => {
      if (!life.alive) return
      if (watchdog.isOver()) return resetNode(sim, node)
      const seconds = round()
      if (seconds !== undefined) clock.after(seconds, turn)
    }
    clock.after(first, turn)
  }

  let crmRuns = true
  const runCrm = () => {
    if (!crmRuns) return undefined
    crm.round()
    return env.quorate() ? ROUND.crm : ROUND.crmWithoutQuorum
  }
  const runLrm = () => {
    if (lrm.round()) return lrm.state === 'active' ? ROUND.lrm : ROUND.lrmIdle
    left?.()
    return undefined
  }
  const place = sim.nodes.indexOf(node)
  every(1 + ((place * 3) % ROUND.crm), runCrm)
  every(2 + ((place * 3) % ROUND.lrmIdle), runLrm)

  return {
    async leave(how) {
      await new Promise<void>((resolve) => {
        left = resolve
        lrm.leave(how)
      })
      if (!life.alive) return
      if (how !== 'restart') {
        crm.stop()
        crmRuns = false
        return
      }
      lrm = createLrm(env)
      every(1, runLrm)
    },
    end() {
      life.alive = false
    },
  }
}
