const dayMs = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(tz: string): Intl.DateTimeFormat {
  let format = formats.get(tz)
  if (!format) {
    const parts = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const
    format = new Intl.DateTimeFormat('en-US', { timeZone: tz, hourCycle: 'h23', second: '2-digit', ...parts })
    formats.set(tz, format)
  }
  return format
}

/** What the clock on the wall of that zone shows, as if it were UTC: milliseconds. */
export function wallOf(at: number, tz: string): number {
  const parts = Object.fromEntries(
    formatOf(tz)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const { year, month, day, hour, minute, second } = parts as Record<string, number>
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!)
}

/** When the wall shows this for the first time; what it skips is taken as if it had not been put forward yet. */
export function instantOf(wall: number, tz: string): number {
  const offset = (at: number) => wallOf(at, tz) - at
  const before = wall - offset(wall - dayMs)
  const after = wall - offset(wall + dayMs)
  const shown = [before, after].filter((at) => wallOf(at, tz) === wall)
  return shown.length > 0 ? Math.min(...shown) : before
}

/** Minutes since midnight on that wall. */
export const minuteOf = (at: number, tz: string): number => {
  const wall = wallOf(at, tz)
  return Math.floor((wall - Math.floor(wall / dayMs) * dayMs) / 60_000)
}
