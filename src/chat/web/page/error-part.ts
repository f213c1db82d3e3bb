import type { VNode } from 'preact'
import { html } from './html.ts'
import { usePage } from './page-context.ts'
import { Hint, RichText } from './rich-text.ts'
import type { ApiError } from './wire.ts'

/** What went wrong and the next step; Proxmox's own line is kept beside, closed. `alert` reads it aloud at once. */
export function ErrorPart({ error, title, alert }: { error: ApiError; title?: string; alert?: boolean }): VNode {
  const { words } = usePage()
  const unreachable = error.code === 'unreachable'
  const says = unreachable ? words.unreachable : error.says
  const hint = unreachable ? words.unreachableHint : error.hint
  return html`<div class="error" role=${alert ? 'alert' : undefined} data-code=${error.code}>
    ${says !== title && html`<${RichText} text=${says || error.code} />`}
    <${Hint} text=${hint} />
    ${error.raw && html`<details class="raw"><summary>${words.raw}</summary><pre>${error.raw}</pre></details>`}
  </div>`
}
