/** The round-robin files behind `rrddata`: how many points a time frame has, and how far apart they lie. */
const FRAMES: Record<string, [stepSeconds: number, points: number]> = {
  hour: [60, 60],
  day: [1800, 48],
  week: [10_800, 56],
  month: [43_200, 60],
  year: [604_800, 52],
  decade: [604_800, 520],
}

/** The times of a frame's points, oldest first; the newest is one step old. */
export function rrdTimes(now: number, timeframe: string): number[] {
  const [step, points] = FRAMES[timeframe] ?? [60, 60]
  const last = Math.floor(now / step) * step - step
  return Array.from({ length: points }, (_, i) => last - (points - 1 - i) * step)
}
