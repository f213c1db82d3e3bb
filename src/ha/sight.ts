import { answeredBy, isQuorate, type Look } from './look.ts'
import type { Memory, Sight } from './memory.ts'
import type { Telling } from './telling.ts'
import type { ClusterView } from './view.ts'

/** Silence this long is told; each time it happened lately doubles it. */
const silenceMs = 4_000
const longestSilenceMs = 64_000
/** Before anything was ever seen, somebody may still be starting things. */
const firstSilenceMs = 60_000
const flapsForgottenMs = 10 * 60_000

/**
 * How well the cluster is seen. Quorum is lost when two nodes say so, or the only one that answers says it twice; a
 * cluster is out of sight when nobody answers for some seconds.
 */
export function seeQuorum(memory: Memory, look: Look, telling: Telling): Sight {
  const quorate = isQuorate(look)
  const state = quorate === undefined ? 'unseen' : quorate ? 'fresh' : 'stale'
  const sight = { ...memory.sight }
  if (state !== sight.state) {
    if (sight.state === 'fresh') sight.lastSeen = new Date(look.at - look.gap).toISOString()
    sight.state = state
    sight.since = look.steady
    sight.sinceAt = new Date(look.at).toISOString()
  }
  const wasSeen = memory.sight.state !== 'unseen'
  if (state === 'unseen') tellSilence(sight, look, telling)
  else if (sight.unseenTold) {
    sight.unseenTold = false
    telling.tell('cluster.seen', '', {})
  }
  if (state === 'stale' && sight.had && !sight.lossTold) {
    const witnesses = look.witnesses ?? []
    const isTwice = memory.sight.state === 'stale'
    if (witnesses.length > 1 || isTwice) {
      sight.lossTold = true
      const only = witnesses.length > 1 ? undefined : answeredBy(look)
      telling.tell('quorum.lost', '', only === undefined ? {} : { node: only, cause: 'one-witness' })
    }
  }
  if (state === 'fresh') {
    sight.had = true
    delete sight.lastSeen
    if (sight.lossTold) {
      sight.lossTold = false
      telling.tell('quorum.back', '', {})
    }
  }
  if (wasSeen && sight.flaps > 0 && look.steady - sight.flapSince > flapsForgottenMs) sight.flaps = 0
  return unchanged(memory.sight, sight) ? memory.sight : sight
}

function tellSilence(sight: Sight, look: Look, telling: Telling): void {
  if (sight.unseenTold) return
  const needed = sight.had ? Math.min(silenceMs * 2 ** sight.flaps, longestSilenceMs) : firstSilenceMs
  if (look.steady - sight.since < needed) return
  sight.unseenTold = true
  sight.flaps += 1
  sight.flapSince = look.steady
  telling.tell('cluster.unseen', '', {})
}

const unchanged = (a: Sight, b: Sight) => JSON.stringify(a) === JSON.stringify(b)

/** What cards say of it; `now` is Proxmox's clock. */
export function viewOf(sight: Sight, look: Look, now: number): ClusterView {
  const lastSeen = sight.state === 'fresh' ? new Date(look.at).toISOString() : sight.lastSeen
  const who = answeredBy(look)
  return {
    state: sight.state,
    since: sight.sinceAt,
    clock: new Date(now).toISOString(),
    ...(lastSeen === undefined ? {} : { lastSeen }),
    ...(who === undefined ? {} : { answeredBy: who }),
  }
}

/**
 * Whether another node should be asked before this look is believed: it has no quorum, or it calls most of the nodes
 * offline that were up a moment ago.
 */
export function isBadNews(memory: Memory | undefined, look: Look): boolean {
  const quorate = isQuorate(look)
  if (quorate === undefined) return false
  if (!quorate) return true
  const members = look.status?.members ?? []
  const gone = members.filter(({ name, online }) => !online && memory?.nodes[name]?.up)
  return gone.length > 0 && gone.length * 2 >= members.length
}
