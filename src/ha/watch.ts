import type { ClusterEvent } from './event.ts'
import { seeGuests } from './guests.ts'
import type { Look } from './look.ts'
import { seeManager } from './manager.ts'
import { type Memory, memoryVersion, newMemory } from './memory.ts'
import { seeNodes } from './nodes.ts'
import { seeRunning } from './recovering.ts'
import { seeReplication } from './replication.ts'
import { type Services, seeServices } from './services.ts'
import { seeQuorum, viewOf } from './sight.ts'
import { seeStorages } from './storages.ts'
import { seeLrms, seeStuck } from './stuck.ts'
import { TableDraft } from './table.ts'
import { seeTasks } from './tasks.ts'
import { Telling } from './telling.ts'
import type { ClusterView } from './view.ts'
import { seeVotes } from './votes.ts'

/** Clocks that differ by less count as one. */
const sameClockMs = 5_000

export interface Judged {
  /** The very same as before when there is nothing new to keep. */
  memory: Memory
  events: ClusterEvent[]
  view: ClusterView
}

/**
 * What is new in a look, against what was known: the same memory and the same look always give the same answer. The
 * first look at a cluster tells nothing. Without quorum only that is believed, and nothing else changes.
 * @param born events that were told of the cluster before a memory began; used for the first look alone
 */
export function judge(cluster: string, memory: Memory | undefined, look: Look, born = 0): Judged {
  const was = anew(memory, look, born)
  const next: Memory = { ...was, skew: skewOf(was, look) }
  const telling = new Telling(cluster, next, look)
  next.sight = seeQuorum(was, look, telling)
  if (next.sight.state === 'fresh') seeCluster(next, look, telling)
  next.told = telling.told
  const keys = Object.keys(next) as (keyof Memory)[]
  const isSame = memory !== undefined && keys.every((key) => next[key] === memory[key])
  return {
    memory: isSame ? memory : { ...next, steady: look.steady },
    events: telling.events,
    view: viewOf(next.sight, look, telling.now),
  }
}

function seeCluster(next: Memory, look: Look, telling: Telling): void {
  if (next.began === 0) next.began = Math.floor(telling.now / 1000)
  if (look.status?.cluster) next.name = look.status.cluster.name
  const { ha, isBelieved } = seeManager(next, look, telling)
  const believed: Look = isBelieved ? look : without(look)
  const isFresh = isBelieved && ha.deadSince === undefined
  const nodes = seeNodes(next, look, isFresh ? look.manager?.nodes : undefined, telling)
  // Tasks and guests are judged by what the services were told to be, so those come first.
  const seen = isBelieved ? seeServices(next, believed, nodes, telling) : unseen(next)
  next.ha = ha
  const guests = seeGuests(next, believed, seen, nodes.value, telling)
  seeRunning(seen, believed, guests, telling)
  seeStuck(next, believed, seen, ha.disarmed, telling)
  next.services = seen.services.value
  if (isFresh) seeLrms(look, nodes, telling)
  next.nodes = nodes.value
  next.guests = guests.value
  next.tasks = seeTasks(next, look, seen.services, telling)
  next.storages = seeStorages(next, look, next.nodes, telling).value
  next.votes = seeVotes(next, look, telling)
  next.replication = seeReplication(next, look, telling).value
}

const unseen = ({ services }: Memory): Services => ({ services: new TableDraft(services), gone: [], restless: [] })

/** Nothing of the HA manager is known now; what else was seen still counts. */
function without({ manager: _, ...rest }: Look): Look {
  return rest
}

/** A cluster of another name without one node that was known is another cluster: what was known does not help. */
function anew(memory: Memory | undefined, look: Look, born: number): Memory {
  if (memory?.version !== memoryVersion) return newMemory(born, look.steady, look.at)
  const { status } = look
  const isOther =
    memory.name !== undefined &&
    status?.cluster !== undefined &&
    status.cluster.name !== memory.name &&
    !status.members.some(({ name }) => memory.nodes[name] !== undefined)
  if (!isOther) return memory
  const fresh = newMemory(memory.born, look.steady, look.at)
  return { ...fresh, told: memory.told }
}

/** Learnt when the master has just had its round: only then does its time say what time it is now. */
function skewOf(was: Memory, look: Look): number {
  const seconds = look.manager?.timestamp
  if (seconds === undefined || seconds <= was.ha.round || was.ha.round === 0) return was.skew
  const skew = seconds * 1000 - look.at
  return Math.abs(skew - was.skew) > sameClockMs + look.gap
    ? Math.abs(skew) > sameClockMs + look.gap
      ? skew
      : 0
    : was.skew
}
