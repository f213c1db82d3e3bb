import type { OncallPlan, Swap, Turns } from '../core/oncall.ts'
import { instantOf, minuteOf, wallOf } from './wall-clock.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const weekMs = 7 * dayMs
/** The Monday before all others: 1969-12-29. */
const firstMonday = -3 * dayMs

const handoffWall = (week: number, { handoff }: Turns) =>
  firstMonday + week * weekMs + (handoff.weekday - 1) * dayMs + handoff.minute * minuteMs

/** Whose turn it is by the rotation alone, and from when until when; a turn ends when the wall says so, in any season. */
export function turnAt(at: number, turns: Turns, tz: string): { person: string; from: number; until: number } {
  let week = Math.floor((wallOf(at, tz) - handoffWall(0, turns)) / weekMs)
  const start = (of: number) => instantOf(handoffWall(of, turns), tz)
  while (start(week) > at) week -= 1
  while (start(week + 1) <= at) week += 1
  const { everyone } = turns
  const index = ((week % everyone.length) + everyone.length) % everyone.length
  return { person: everyone[index]!, from: start(week), until: start(week + 1) }
}

/** Who is called first, second, third: whoever took over, then whose turn it is, then the others as their turns come. */
export function chainAt(at: number, plan: Pick<OncallPlan, 'rotation' | 'tz'>, swaps: readonly Swap[]): string[] {
  const standing = swaps.findLast(({ from, until }) => from <= at && at < until)
  const { rotation, tz } = plan
  if (!rotation) return standing ? [standing.person] : []
  const { everyone } = rotation
  const index = everyone.indexOf(turnAt(at, rotation, tz).person)
  const order = [...everyone.slice(index), ...everyone.slice(0, index)]
  return [...new Set(standing ? [standing.person, ...order] : order)]
}

/** When the quiet hours that `at` lies in are over; undefined outside of them. */
export function quietUntil(at: number, { quiet, tz }: Pick<OncallPlan, 'quiet' | 'tz'>): number | undefined {
  if (!quiet) return undefined
  const { fromMinute, toMinute } = quiet
  const minute = minuteOf(at, tz)
  const isOver = fromMinute < toMinute
  const isQuiet = isOver ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute
  if (!isQuiet) return undefined
  const wall = wallOf(at, tz)
  const end = Math.floor(wall / dayMs) * dayMs + toMinute * minuteMs
  return instantOf(end > wall ? end : end + dayMs, tz)
}
