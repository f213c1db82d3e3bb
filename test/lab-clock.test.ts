import { describe, expect, test } from 'vitest'
import { createClock, type WallClock } from '../src/lab/clock.ts'

/** A wall whose time passes by hand. */
function handWall() {
  let nowMs = 1_000_000
  const timers = new Map<number, { at: number; fn: () => void }>()
  let last = 0
  const wall: WallClock = {
    now: () => nowMs,
    setTimeout(fn, ms) {
      last += 1
      timers.set(last, { at: nowMs + ms, fn })
      return last
    },
    clearTimeout: (handle) => void timers.delete(handle as number),
  }
  function pass(ms: number) {
    const end = nowMs + ms
    for (;;) {
      const due = [...timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0]
      if (!due) break
      timers.delete(due[0])
      nowMs = Math.max(nowMs, due[1].at)
      due[1].fn()
    }
    nowMs = end
  }
  return { wall, pass, armed: () => timers.size }
}

describe('the simulated clock', () => {
  test('begins at wall time and runs at its speed', () => {
    const { wall, pass } = handWall()
    const clock = createClock({ wall, speed: 10 })
    expect(clock.now()).toBe(1000)
    pass(500)
    expect(clock.now()).toBe(1005)
    clock.setSpeed(0)
    pass(60_000)
    expect(clock.now()).toBe(1005)
    expect(() => clock.setSpeed(1001)).toThrow(RangeError)
    expect(() => clock.setSpeed(Number.NaN)).toThrow(RangeError)
  })

  test('timers fire in order, never early, and follow a change of speed', () => {
    const { wall, pass } = handWall()
    const clock = createClock({ wall })
    const fired: [string, number][] = []
    const note = (name: string) => () => void fired.push([name, clock.now()])
    clock.at(1010, note('ten'))
    clock.after(5, note('five'))
    clock.after(7, note('never')).cancel()
    pass(4999)
    expect(fired).toEqual([])
    clock.setSpeed(5)
    pass(1100)
    expect(fired.map(([name]) => name)).toEqual(['five', 'ten'])
    for (const [name, at] of fired) expect(at).toBeGreaterThanOrEqual(name === 'five' ? 1005 : 1010)
  })

  test('arms one wall timer at most, none while it stands still or has nothing to do', () => {
    const { wall, armed } = handWall()
    const clock = createClock({ wall })
    expect(armed()).toBe(0)
    clock.after(1, () => {})
    clock.after(2, () => {})
    expect(armed()).toBe(1)
    clock.setSpeed(0)
    expect(armed()).toBe(0)
    clock.setSpeed(1)
    expect(armed()).toBe(1)
    clock.stop()
    expect(armed()).toBe(0)
  })

  test('a sleep can be aborted; a pause ends by wall time where the clock is slow', async () => {
    const { wall, pass } = handWall()
    const clock = createClock({ wall, speed: 0 })
    const stop = new AbortController()
    const sleep = clock.sleep(5, stop.signal)
    stop.abort(new Error('enough'))
    await expect(sleep).rejects.toThrow('enough')
    const pause = clock.pause(3)
    pass(3000)
    await expect(pause).resolves.toBeUndefined()
  })

  test('advance fires what falls due, what that adds included', async () => {
    const { wall } = handWall()
    const clock = createClock({ wall, speed: 0 })
    const beats: number[] = []
    const beat = () => {
      beats.push(clock.now())
      clock.after(10, beat)
    }
    clock.after(10, beat)
    await clock.advance(35)
    expect(beats).toEqual([1010, 1020, 1030])
    expect(clock.now()).toBe(1035)
  })
})
