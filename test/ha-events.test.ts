import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Look } from '../src/ha/look.ts'
import type { Memory } from '../src/ha/memory.ts'
import { judge } from '../src/ha/watch.ts'
import { lookOf } from './ha-looks.ts'
import { type Frame, loadScenarios, type Scenario } from './ha-scenarios.ts'
import { compare, lineOf, nameOf, type Told } from './ha-story.ts'

const scenarios = loadScenarios()
const start = 1_767_225_600

interface Sample {
  frame: Frame
  /** Seconds. */
  at: number
  gap: number
}

const parsed = new Map<Frame, Look>()
function read(frame: Frame): Look {
  const known = parsed.get(frame) ?? lookOf(frame, { at: 0, steady: 0, gap: 0 })
  parsed.set(frame, known)
  return known
}

/** At each recorded step twice, as somebody who polls sees a state that lasts. */
const atSteps = (frames: Frame[]): Sample[] =>
  frames.flatMap((frame) => [0, 2].map((later) => ({ frame, at: frame.t + later, gap: 2 })))

const everySeconds = (frames: Frame[], seconds: number): Sample[] => {
  const samples: Sample[] = []
  let next = 0
  for (let at = 0; at <= frames.at(-1)!.t + 30; at += seconds) {
    while (next < frames.length && frames[next]!.t <= at) next += 1
    samples.push({ frame: frames[next - 1]!, at, gap: seconds })
  }
  return samples
}

function play(samples: readonly Sample[]): Told[] {
  let memory: Memory | undefined
  const told: Told[] = []
  for (const { frame, at, gap } of samples) {
    const look = { ...read(frame), at: (start + at) * 1000, steady: at * 1000, gap: gap * 1000 }
    // Memory goes through Redis between two looks.
    const judged = judge('main', memory && (JSON.parse(JSON.stringify(memory)) as Memory), look)
    memory = judged.memory
    for (const event of judged.events) told.push({ t: frame.t, nodes: frame.nodes, event })
  }
  return told
}

const faults = (scenario: Scenario, told: Told[], early = false) => {
  const { missed, invented } = compare(scenario, told, early)
  return [
    ...missed.map(({ t, kind, subject }) => `${scenario.name}: missed ${t} ${kind} ${subject}`),
    ...invented.map((one) => `${scenario.name}: invented ${lineOf(one)}`),
  ]
}

describe('the 71 recorded scenarios', () => {
  test('are all there', () => expect(scenarios).toHaveLength(71))

  test('told step by step: every headline once, none invented', () => {
    const rows = scenarios.map((scenario) => {
      const told = play(atSteps(scenario.frames))
      const { matched, hidden, missed, invented } = compare(scenario, told, true)
      const reasons = hidden.map(({ kind, hidden }) => `${kind}: ${hidden}`).join('; ')
      const besides = told.length - matched - invented.length
      return { scenario, told, row: [scenario.name, matched, besides, missed.length, invented.length, reasons] }
    })
    const table = [
      ['scenario', 'headlines', 'besides', 'missed', 'invented', 'not to be seen'],
      ...rows.map(({ row }) => row),
    ]
    console.log(
      table
        .map(([name, ...rest]) =>
          `${String(name).padEnd(64)}${rest.map((cell) => String(cell).padEnd(10)).join('')}`.trimEnd(),
        )
        .join('\n'),
    )
    expect(rows.flatMap(({ scenario, told }) => faults(scenario, told, true))).toEqual([])
  })

  for (const seconds of [2, 10]) {
    test(`polled every ${seconds} s`, () => {
      expect(scenarios.flatMap((scenario) => faults(scenario, play(everySeconds(scenario.frames, seconds))))).toEqual(
        [],
      )
    })
  }

  test('as PVE 8 answers, without a `fencing` entry and without a word on watchdogs', () => {
    const able = scenarios.filter(({ name }) => !name.startsWith('test-disarm'))
    expect(able.flatMap((scenario) => faults(scenario, play(atSteps(scenario.old)), true))).toEqual([])
  })

  test('give the same keys each time, and no key twice', () => {
    for (const { frames } of scenarios) {
      const keys = play(atSteps(frames)).map(({ event }) => event.key)
      expect(new Set(keys).size).toBe(keys.length)
      expect(play(atSteps(frames)).map(({ event }) => event.key)).toEqual(keys)
    }
  })

  test('with looks that were missed, any of them: nothing is invented', () => {
    const anyLooks = fc
      .record({
        which: fc.nat(scenarios.length - 1),
        seed: fc.array(fc.boolean(), { minLength: 8, maxLength: 40 }),
        seconds: fc.constantFrom(2, 5, 10),
      })
      .map(({ which, seed, seconds }) => {
        const scenario = scenarios[which]!
        const all = everySeconds(scenario.frames, seconds)
        const kept = all.filter((_, i) => seed[i % seed.length])
        return {
          scenario,
          looks: kept.map((sample, i) => ({ ...sample, gap: i === 0 ? seconds : sample.at - kept[i - 1]!.at })),
        }
      })
    fc.assert(
      fc.property(anyLooks, ({ scenario, looks }) => {
        const told = play(looks)
        const strange = compare(scenario, told).invented.filter((one) => !isShort(one, scenario))
        expect(strange.map((one) => `${scenario.name} ${lineOf(one)}`)).toEqual([])
      }),
      { numRuns: 400 },
    )
  })
})

/** Of a guest that went A → B → C only A → C may have been seen; and where nobody looked, how it went is not said. */
function isShort({ event, t }: Told, { expected }: Scenario): boolean {
  const places = expected.filter(
    ({ subject, kind, t: at }) => subject === event.guest && at <= t && /^guest\.(moved|recovered)$/.test(kind),
  )
  if (event.kind === 'guest.moved' || event.kind === 'guest.recovered') {
    return places.some(({ to, kind }) => to === event.to && (kind === event.kind || event.cause === 'unwatched'))
  }
  return expected.some(({ kind, subject, t: at }) => at <= t && `${kind} ${subject}` === nameOf(event))
}
