import { type Change, isFenced, isMoving, sourceOf } from './change.ts'

/** HA takes a minute at least before it takes a guest from a node that is gone; its rounds may lag by some seconds. */
const fenceMs = 35_000
/** After so long without a look, anything may have happened in between. */
const blindMs = 55_000
/** There and back again takes two rounds. */
const roundTripMs = 20_000

/** What it means that a guest is elsewhere, or still where it was after a move. Undefined: nothing to tell. */
export function placeChange(change: Change): 'recovered' | 'moved' | 'failed' | 'unwatched' | undefined {
  const { was, now, look, memory } = change
  const isHere = was.node === now.node
  if (now.state === 'error' || was.state === 'error') return undefined
  if (isFenced(was.state) && !isFenced(now.state))
    return now.state === 'stopped' || now.state === 'freeze' ? undefined : 'recovered'
  if (isHere) {
    const hasFailed = isMoving(was.state) && was.state !== 'request_start_balance' && isSettled(now.state)
    return hasFailed && look.gap <= roundTripMs ? 'failed' : undefined
  }
  // Guests may be moved by hand then; the manager learns of it when HA is armed again.
  if (memory.ha.disarmed || look.manager?.disarm) return undefined
  if (hasBeenGone(change)) return 'recovered'
  if (look.gap > blindMs) return 'unwatched'
  if (isMoving(was.state)) return hasDied(change) ? 'recovered' : 'moved'
  if (hasGone(change)) return 'recovered'
  // A stopped guest that is moved by hand is taken note of, no more.
  return was.state === 'stopped' ? undefined : 'moved'
}

const isSettled = (state: string) => state === 'started' || state === 'request_stop' || state === 'stopped'

const hasGone = (change: Change) => {
  const source = sourceOf(change)
  return source !== undefined && !source.up && source.ha !== 'maintenance'
}

/** Gone before, and gone still: nothing can have been moved from there. */
const hasBeenGone = (change: Change) => {
  const before = change.was.node === undefined ? undefined : change.memory.nodes[change.was.node]
  return !isMoving(change.was.state) && before?.up === false && hasGone(change)
}

/** The source was gone for so long that it cannot have handed the guest over. */
const hasDied = (change: Change) => {
  const source = sourceOf(change)
  return source !== undefined && !source.up && change.look.steady - source.since >= fenceMs
}
