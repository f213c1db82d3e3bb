import type { Bands } from '../core/drills.ts'

/** Bars of one figure each: how long machines were down in the drills so far. */
export interface Trend {
  title: string
  axis: string
  bars: { label: string; seconds: number; ok: boolean }[]
  /** Lines across: the wanted limit, the thesis's ten seconds. */
  lines: { seconds: number; label: string }[]
}

export type Picture = { kind: 'bands'; bands: Bands } | { kind: 'trend'; trend: Trend }
