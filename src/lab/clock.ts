/**
 * Simulated time: it starts at wall time and runs at `speed` times the wall's pace. Everything that the simulated
 * Proxmox says about time is in it. Pending timers follow a change of speed at once.
 */

/** Node's timers, or a test's. `now` is wall time in milliseconds. */
export interface WallClock {
  now(): number
  setTimeout(fn: () => void, ms: number): unknown
  clearTimeout(handle: unknown): void
}

export interface Timer {
  /** Simulated seconds. */
  readonly at: number
  cancel(): void
}

export interface Clock {
  /** Simulated seconds since the epoch, with fractions. */
  now(): number
  readonly speed: number
  /** 0 stands still; 1 is real time; up to 1000. Throws `RangeError` outside of that. */
  setSpeed(speed: number): void
  /** Calls `fn` once when simulated time has reached `time` (seconds); never before `at` returns. */
  at(time: number, fn: () => void): Timer
  after(seconds: number, fn: () => void): Timer
  /** Rejects with the signal's reason when aborted. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void>
  /** As `sleep`, but over after as many seconds of wall time at the latest, so that a slow clock holds nobody up. */
  pause(seconds: number): Promise<void>
  /** Jumps ahead, firing what falls due in its order and letting awaiting code run in between. */
  advance(seconds: number): Promise<void>
  /** Drops the timers that are pending; whoever sleeps is never woken. */
  clear(): void
  /** Drops every timer, and all to come; `now` goes on. */
  stop(): void
}

export const MAX_SPEED = 1000

export const nodeTimers: WallClock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms).unref(),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

/** Node's setTimeout overflows beyond this many milliseconds. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

interface Pending extends Timer {
  fn: () => void
  order: number
}

export function createClock(o: { wall?: WallClock; speed?: number } = {}): Clock {
  const wall = o.wall ?? nodeTimers
  let speed = validSpeed(o.speed ?? 1)
  let anchorWallMs = wall.now()
  let anchorTime = anchorWallMs / 1000
  let pending: Pending[] = []
  let armed: unknown
  let order = 0
  let stopped = false

  const now = () => anchorTime + ((wall.now() - anchorWallMs) / 1000) * speed

  function jumpTo(time: number) {
    anchorTime = time
    anchorWallMs = wall.now()
  }

  function arm() {
    if (armed !== undefined) wall.clearTimeout(armed)
    armed = undefined
    const next = pending[0]
    if (!next || speed === 0 || stopped) return
    const ms = Math.ceil(((next.at - now()) / speed) * 1000)
    armed = wall.setTimeout(fire, Math.min(Math.max(ms, 0), LONGEST_TIMEOUT_MS))
  }

  function fire() {
    armed = undefined
    // What a callback adds waits for the next turn, so that one which re-adds itself cannot hold the process.
    const newest = order
    for (let next = pending[0]; next && next.at <= now() && next.order <= newest; next = pending[0]) {
      pending.shift()
      next.fn()
    }
    arm()
  }

  function at(time: number, fn: () => void): Timer {
    const timer: Pending = { at: time, fn, order: ++order, cancel: () => remove(timer) }
    if (stopped) return timer
    pending.splice(placeFor(pending, time), 0, timer)
    if (pending[0] === timer) arm()
    return timer
  }

  function remove(timer: Pending) {
    const i = pending.indexOf(timer)
    if (i === -1) return
    pending.splice(i, 1)
    if (i === 0) arm()
  }

  const after = (seconds: number, fn: () => void) => at(now() + seconds, fn)

  function sleep(seconds: number, signal?: AbortSignal) {
    return new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = after(seconds, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  function pause(seconds: number) {
    return new Promise<void>((resolve) => {
      const longest = wall.setTimeout(() => end(), seconds * 1000)
      const timer = after(seconds, () => end())
      function end() {
        wall.clearTimeout(longest)
        timer.cancel()
        resolve()
      }
    })
  }

  function clear() {
    pending = []
    arm()
  }

  async function advance(seconds: number) {
    const end = now() + seconds
    for (let next = pending[0]; next && next.at <= end; next = pending[0]) {
      pending.shift()
      jumpTo(Math.max(next.at, now()))
      next.fn()
      await new Promise((resolve) => setImmediate(resolve))
    }
    jumpTo(Math.max(end, now()))
    arm()
  }

  return {
    now,
    get speed() {
      return speed
    },
    setSpeed(value) {
      const valid = validSpeed(value)
      jumpTo(now())
      speed = valid
      arm()
    },
    at,
    after,
    sleep,
    pause,
    advance,
    clear,
    stop() {
      stopped = true
      clear()
    },
  }
}

function placeFor(pending: Pending[], time: number) {
  let low = 0
  let high = pending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((pending[middle]?.at ?? 0) <= time) low = middle + 1
    else high = middle
  }
  return low
}

function validSpeed(speed: number) {
  if (!(speed >= 0 && speed <= MAX_SPEED)) throw new RangeError(`speed must be 0..${MAX_SPEED}, not ${speed}`)
  return speed
}
