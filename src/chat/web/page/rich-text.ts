import type { VNode } from 'preact'
import { html } from './html.ts'
import { usePage } from './page-context.ts'

interface Piece {
  kind: 'text' | 'code' | 'block'
  value: string
}

/** Splits at `code` and at fenced blocks; everything else stays as it was typed. */
function pieces(text: string): Piece[] {
  const found = text.matchAll(/```(?:\w*\n)?([\s\S]*?)\n?```\n?|`([^`\n]+)`|[^`]+|`/g)
  return [...found].map(([whole, block, code]) => {
    if (block !== undefined) return { kind: 'block', value: block }
    return code === undefined ? { kind: 'text', value: whole } : { kind: 'code', value: code }
  })
}

/** Plain text with its newlines; a command in backticks that begins with /pve can be clicked. */
export function RichText({ text }: { text: string }): VNode {
  return html`<div class="text">${pieces(text).map((piece) => html`<${Span} ...${piece} />`)}</div>`
}

function Span({ kind, value }: Piece): VNode | string {
  if (kind === 'text') return value
  if (kind === 'block') return html`<pre class="block">${value}</pre>`
  return value.startsWith('/pve ') ? html`<${Command} text=${value} />` : html`<code>${value}</code>`
}

/** A command that goes into the input line when clicked. */
export function Command({ text, label = text }: { text: string; label?: string }): VNode {
  const { words, suggest } = usePage()
  return html`<button type="button" class="command" title=${words.useThis} onClick=${() => suggest(text)}>${label}</button>`
}

/**
 * The next step after a failure. Its commands can be clicked: those in backticks, else all of it unless it is a
 * sentence, which nobody would want to send.
 */
export function Hint({ text }: { text: string }): VNode | null {
  const parts = pieces(text)
  if (text.trim() === '') return null
  if (parts.every((part) => part.kind === 'text') && !/[.!?…]\s*$/.test(text)) {
    return html`<p class="hint"><${Command} text=${text.trim()} /></p>`
  }
  return html`<p class="hint">${parts.map(({ kind, value }) => (kind === 'text' ? value : html`<${Command} text=${value} />`))}</p>`
}
