/** One measured thing beside what it can never beat, both from the same run on the same machine. */
export interface Figure {
  name: string
  /** From which moment to which, and on what. */
  what: string
  unit: 'ms' | 'MB' | 'requests' | 'requests a second' | 'pages' | 'seconds'
  samples: number
  measured: Record<string, number>
  floor: Record<string, number>
  target: string
  holds: boolean
  details?: Record<string, unknown>
}

export type Percentiles = { p50: number; p95: number; p99: number }

/** The smallest sample that at least so many percent of all are not above (nearest rank). */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('nothing was measured')
  return round(value)
}

export const median = (samples: readonly number[]) => percentile(samples, 50)

export const percentiles = (samples: readonly number[]): Percentiles => ({
  p50: percentile(samples, 50),
  p95: percentile(samples, 95),
  p99: percentile(samples, 99),
})

export const round = (value: number) => Math.round(value * 100) / 100

/** Puts a prefix before each key, so that several floors stand side by side: `bullmq.p50`. */
export const named = (prefix: string, values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]))
