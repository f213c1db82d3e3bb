import type { VNode } from 'preact'
import { html } from './html.ts'

interface BarProps {
  label: string
  /** 0-100; undefined: not known. */
  percent: number | undefined
  /** How much is drawn, if not the percent. */
  drawn?: number
  text?: string
}

export function Bar({ label, percent, drawn = percent ?? 0, text }: BarProps): VNode {
  return html`<div class="bar" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${percent && Math.round(percent)} aria-valuetext=${text}>
    <span style=${{ width: `${Math.min(100, Math.max(0, drawn))}%` }}></span>
  </div>`
}

/** `42%`, or `42 %` where that is how it is written; nothing while not known. */
export function percentText(percent: number | undefined, language: string): string {
  return percent === undefined ? '' : (percent / 100).toLocaleString(language, { style: 'percent' })
}
