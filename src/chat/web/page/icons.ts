import type { VNode } from 'preact'
import { html } from './html.ts'

const ring = 'M8 1.7a6.3 6.3 0 1 0 0 12.6A6.3 6.3 0 0 0 8 1.7z'

/** Strokes on a 16-unit square. Each differs in shape, so that no colour has to be told apart. */
const paths = {
  info: `${ring}M8 7.3v4M8 4.7v.3`,
  queued: `${ring}M8 4.5V8l2.4 1.6`,
  running: 'M8 1.7a6.3 6.3 0 1 1-6.3 6.3',
  waiting: `${ring}M6.3 5.7v4.6M9.7 5.7v4.6`,
  ok: `${ring}M5 8.2l2.1 2.1L11 6`,
  warning: 'M8 2.2l6.2 11H1.8zM8 6.4v3.2M8 11.2v.3',
  failed: `${ring}M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4`,
  refused: `${ring}M3.6 3.6l8.8 8.8`,
  stale: 'M3 3l10 10M8 1.7a6.3 6.3 0 0 1 5.6 9M4 3.1a6.3 6.3 0 0 0 8 9.7',
  play: 'M4.5 3v10l8-5z',
  stop: 'M4 4h8v8H4z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  template: 'M2.5 5.5h8v8h-8zM5.5 5.5v-3h8v8h-3',
  power: 'M8 1.8v5.4M4.5 4a5.4 5.4 0 1 0 7 0',
  network: 'M8 12.6v.3M5.6 10.2a3.4 3.4 0 0 1 4.8 0M3.4 7.7a6.5 6.5 0 0 1 9.2 0M1.2 5.3a9.6 9.6 0 0 1 13.6 0',
  shared:
    'M5.6 7.1l4.8-2.6M5.6 8.9l4.8 2.6M4 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6zM12 1.9a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6zM12 10.5a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z',
  disk: 'M2.2 9.5h11.6v3.7H2.2zM2.2 9.5l2-6.7h7.6l2 6.7M11.3 11.4h.3',
  menu: 'M2 4h12M2 8h12M2 12h12',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  chevron: 'M5.5 3l5 5-5 5',
  down: 'M8 2.5v11M3.5 9L8 13.5 12.5 9',
  send: 'M2 8h11M8.5 3.5L13 8l-4.5 4.5',
}

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }): VNode {
  return html`<svg class="icon icon-${name}" viewBox="0 0 16 16" aria-hidden="true"><path d=${paths[name]} /></svg>`
}
