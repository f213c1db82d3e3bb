/** What a picture shows: a row for each node and machine, coloured by what it was at each moment. Plain data. */
export interface Bands {
  title: string
  subtitle?: string
  /** Milliseconds; the left edge is second 0. */
  from: number
  to: number
  rows: BandRow[]
  /** Moments worth a line: the poweroff, the fence. */
  marks: { at: number; label: string }[]
  legend: Record<BandState, string>
  /** What the axis counts. */
  axis: string
}

export interface BandRow {
  name: string
  /** At its end: `down 58 s`. */
  note?: string
  spans: { from: number; to: number; state: BandState }[]
}

export const bandStates = ['up', 'leaving', 'down', 'fenced', 'moving', 'unknown'] as const
export type BandState = (typeof bandStates)[number]

/** Bars of one figure each: how long machines were down in the drills so far. */
export interface Trend {
  title: string
  axis: string
  bars: { label: string; seconds: number; ok: boolean }[]
  /** Lines across: the wanted limit, the thesis's ten seconds. */
  lines: { seconds: number; label: string }[]
}

export type Picture = { kind: 'bands'; bands: Bands } | { kind: 'trend'; trend: Trend }
