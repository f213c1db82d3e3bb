import { describe, expect, test } from 'vitest'
import { Pace } from '../src/chat/slack/pace.ts'

/** Lets each caller come back when it was told to, as delivery does; gives the times at which they went. */
function run(clock: { ms: number }, callers: { ask: () => number; from: number; name: string }[]) {
  const due = callers.map((caller) => ({ ...caller, at: caller.from }))
  const went: { name: string; at: number }[] = []
  while (due.length > 0) {
    due.sort((a, b) => a.at - b.at)
    const next = due[0]!
    clock.ms = next.at
    const waitMs = next.ask()
    if (waitMs > 0) next.at += waitMs
    else {
      went.push({ name: next.name, at: next.at })
      due.shift()
    }
  }
  return went
}

const most = (times: number[], withinMs: number) =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + withinMs).length))

describe('the pace of calls to Slack', () => {
  test('300 cards that end at once: never more than 50 edits in any minute, at most 1.2 times as long as that allows', () => {
    const clock = { ms: 0 }
    const pace = new Pace(() => clock.ms)
    const went = run(
      clock,
      Array.from({ length: 300 }, (_, i) => ({ name: `c${i}`, from: i, ask: () => pace.edit(`c${i}`, false) })),
    )
    const times = went.map(({ at }) => at)
    expect(most(times, 60_000)).toBeLessThanOrEqual(50)
    expect(Math.max(...times)).toBeLessThan(1.2 * (300 / 50) * 60_000)
    expect(went.map(({ name }) => name)).toEqual(Array.from({ length: 300 }, (_, i) => `c${i}`))
  })

  test('a final state goes before passing ones that came earlier, and passing ones do not starve each other', () => {
    const clock = { ms: 0 }
    const pace = new Pace(() => clock.ms)
    const passing = Array.from({ length: 20 }, (_, i) => ({
      name: `p${i}`,
      from: i,
      ask: () => pace.edit(`p${i}`, true),
    }))
    const finals = [0, 1, 2].map((i) => ({ name: `f${i}`, from: 5000 + i, ask: () => pace.edit(`f${i}`, false) }))
    const went = run(clock, [...passing, ...finals])
    const at = (name: string) => went.find((one) => one.name === name)!.at
    expect(at('f0') - 5000).toBeLessThanOrEqual(1250)
    expect(at('f2') - 5000).toBeLessThanOrEqual(3 * 1250)
    expect(
      most(
        went.map((one) => one.at),
        60_000,
      ),
    ).toBeLessThanOrEqual(50)
    expect(new Set(went.map(({ name }) => name)).size).toBe(23)
    expect(Math.max(...passing.map(({ name }) => at(name)))).toBeLessThan(60_000)
  })

  test('a card that was passing and has ended does not keep its late turn', () => {
    const clock = { ms: 0 }
    const pace = new Pace(() => clock.ms)
    for (let i = 0; i < 10; i++) pace.edit(`p${i}`, true)
    expect(pace.edit('p9', true)).toBeGreaterThan(8000)
    expect(pace.edit('p9', false)).toBeLessThanOrEqual(1250)
  })

  test('channels do not wait for each other, and Slack’s Retry-After is kept to by all that share it', () => {
    const clock = { ms: 0 }
    const pace = new Pace(() => clock.ms)
    expect([pace.post('a', 'C1'), pace.post('b', 'C1'), pace.post('c', 'C2')]).toEqual([0, 0, 0])
    expect(pace.post('d', 'C1')).toBe(1000)
    pace.pause('post', 'C1', 5000)
    expect(pace.post('d', 'C1')).toBeGreaterThanOrEqual(5000)
    expect(pace.post('e', 'C1')).toBeGreaterThan(5000)
    expect(pace.post('f', 'C2')).toBe(0)
    pace.pause('edit', 'C1', 3000)
    expect(pace.edit('a', false)).toBeGreaterThanOrEqual(3000)
    expect(pace.edit('b', true)).toBeGreaterThanOrEqual(3000)
  })
})
