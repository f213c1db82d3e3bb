import { isWorking, type Look } from './look.ts'
import type { HaMemory, Memory } from './memory.ts'
import type { Telling } from './telling.ts'

/** Answers from before what was already seen are passed over this long; after that a clock was set back. */
const believeBackMs = 15_000
/** Another node takes over about two minutes after the last sign of a master. */
const takeOverMs = 150_000

/** The HA manager itself: who is master, whether it works, whether HA is on. */
export function seeManager(memory: Memory, look: Look, telling: Telling): { ha: HaMemory; isBelieved: boolean } {
  const { manager } = look
  if (!manager) return { ha: memory.ha, isBelieved: false }
  const ha = { ...memory.ha }
  const isBelieved = seeRound(ha, look)
  if (isBelieved) {
    const { master } = manager
    if (master !== undefined && ha.master !== undefined && master !== ha.master) {
      telling.tell('master.changed', '', { node: master, from: ha.master, to: master }, telling.round)
    }
    // At the first look, a master that is gone is not one that can be followed by another.
    if (master !== undefined && (ha.master !== undefined || isWorking(look))) ha.master = master
    seeArming(ha, look, telling)
  }
  seeLife(ha, look, telling)
  return { ha: JSON.stringify(ha) === JSON.stringify(memory.ha) ? memory.ha : ha, isBelieved }
}

/** A node that has just come back may answer for a moment with what it knew before it went. */
function seeRound(ha: HaMemory, look: Look): boolean {
  const master = look.ha?.find(({ type }) => type === 'master')
  // A master whose clock was ahead says nothing of what came when.
  const round = master?.status.includes('time drift') ? 0 : (look.manager?.timestamp ?? 0)
  if (round > 0 && round < ha.round) {
    ha.backSince ??= look.steady
    if (look.steady - ha.backSince < believeBackMs) return false
  }
  ha.round = round
  delete ha.backSince
  return true
}

function seeArming(ha: HaMemory, look: Look, telling: Telling): void {
  const entry = look.ha?.find(({ type }) => type === 'fencing')
  const state = look.manager?.disarm?.state ?? entry?.armedState
  const mode = look.manager?.disarm?.mode ?? entry?.resourceMode
  const disarmed = state === 'disarming' || state === 'disarmed'
  if (disarmed === ha.disarmed) return
  ha.disarmed = disarmed
  const values = mode === undefined ? {} : { values: { mode } }
  telling.tell(disarmed ? 'ha.disarmed' : 'ha.armed', '', disarmed ? values : {}, telling.round)
}

/** Whether there is a master that works; without one nothing is recovered, however many nodes are there. */
function seeLife(ha: HaMemory, look: Look, telling: Telling): void {
  if (!look.ha) return
  const entry = look.ha.find(({ type }) => type === 'master')
  const hasWork = look.ha.some(({ type, requestState }) => type === 'service' && requestState !== 'ignored')
  const isDead = hasWork && (!entry || entry.status.includes('old timestamp'))
  if (!isDead) {
    delete ha.deadSince
    delete ha.deadTold
    return
  }
  ha.deadSince ??= look.steady
  if (ha.deadTold || look.steady - ha.deadSince < takeOverMs) return
  ha.deadTold = true
  telling.tell('master.dead', '', { ...(entry ? { node: entry.node, raw: entry.status } : {}) })
}
