import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ErrorPart } from './error-part.ts'
import { html } from './html.ts'
import { Icon } from './icons.ts'
import { usePage } from './page-context.ts'
import { useCompletion } from './use-completion.ts'
import type { ApiError, Completion } from './wire.ts'

interface ComposerProps {
  /** A command somebody clicked; a new object each time. */
  draft: { text: string } | undefined
  history: string[]
  ask: (text: string, signal: AbortSignal) => Promise<{ items: Completion[] }>
  onSend: (text: string) => Promise<ApiError | undefined>
}

/** The input line: completion while typing, history on the empty line, and what went wrong right above it. */
export function Composer({ draft, history, ask, onSend }: ComposerProps): VNode {
  const { words } = usePage()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState('')
  const [query, setQuery] = useState<string>()
  const [active, setActive] = useState(-1)
  const [past, setPast] = useState(0) // lines back in the history; 0 is the line being written
  const [fault, setFault] = useState<ApiError>()
  const items = useCompletion(query, ask)

  useFocusKeys(input)
  useEffect(() => {
    if (!draft) return
    write(draft.text)
    input.current?.focus()
  }, [draft])

  /** Sets the line; `asking` shows completions for it. */
  function write(next: string, asking = false): void {
    setText(next)
    setQuery(asking ? next : undefined)
    setActive(-1)
    setPast(0)
  }

  async function send(event: Event): Promise<void> {
    event.preventDefault()
    const line = text.trim()
    if (line === '') return
    write('')
    setFault(undefined)
    const failed = await onSend(line)
    setFault(failed)
    if (failed) setText((typedSince) => typedSince || line)
  }

  function accept(index: number): void {
    const item = items[index]
    if (item) write(item.value, item.value !== text)
    input.current?.focus()
  }

  function recall(lines: number): void {
    const line = lines === 0 ? '' : history.at(-lines)
    if (line === undefined) return
    write(line)
    setPast(lines)
  }

  function keyDown(event: KeyboardEvent): void {
    const act = event.isComposing ? undefined : keyActions()[event.shiftKey ? `Shift+${event.key}` : event.key]
    if (!act) return
    event.preventDefault()
    act()
  }

  function keyActions(): Record<string, (() => void) | undefined> {
    const count = items.length
    if (count > 0) {
      return {
        ArrowDown: () => setActive((active + 1) % count),
        ArrowUp: () => setActive(active <= 0 ? count - 1 : active - 1),
        Tab: () => accept(Math.max(active, 0)),
        Enter: active >= 0 ? () => accept(active) : undefined,
        Escape: () => setQuery(undefined),
      }
    }
    const browsing = text === '' || past > 0
    return {
      ArrowUp: browsing ? () => recall(past + 1) : undefined,
      ArrowDown: past > 0 ? () => recall(past - 1) : undefined,
      Escape: text === '' ? undefined : () => write(''),
    }
  }

  return html`<form class="composer" onSubmit=${send}>
    ${fault && html`<${ErrorPart} error=${fault} alert=${true} />`}
    <${Suggestions} items=${items} active=${active} onPick=${accept} />
    <div class="line">
      <input
        ref=${input} class="entry" type="text" value=${text} autocomplete="off" autocapitalize="none" spellcheck=${false}
        enterkeyhint="send" placeholder=${words.placeholder} role="combobox" aria-label=${words.type}
        aria-autocomplete="list" aria-expanded=${items.length > 0} aria-controls="suggestions"
        aria-activedescendant=${items[active] ? `suggestion-${active}` : undefined}
        onInput=${(event: Event) => write((event.currentTarget as HTMLInputElement).value, true)}
        onKeyDown=${keyDown} onBlur=${() => setQuery(undefined)}
      />
      <button type="submit" class="button primary send" aria-label=${words.send} disabled=${text.trim() === ''}><${Icon} name="send" /></button>
    </div>
  </form>`
}

interface SuggestionsProps {
  items: Completion[]
  active: number
  onPick: (index: number) => void
}

function Suggestions({ items, active, onPick }: SuggestionsProps): VNode {
  const { words } = usePage()
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => list.current?.children[active]?.scrollIntoView({ block: 'nearest' }), [active])
  // mousedown would take the focus from the line and so close the list before the click arrives
  const option = ({ label, note }: Completion, index: number) =>
    html`<li id=${`suggestion-${index}`} role="option" aria-selected=${index === active}
      onMouseDown=${(event: Event) => event.preventDefault()} onClick=${() => onPick(index)}>
      <span class="suggested">${label}</span>${note && html`<span class="note">${note}</span>`}
    </li>`
  return html`<ul ref=${list} id="suggestions" class="suggestions" role="listbox" aria-label=${words.suggestions} hidden=${items.length === 0}>
    ${items.map(option)}
  </ul>`
}

/** Ctrl+K anywhere, and / outside of fields, go to the input line. */
function useFocusKeys(input: { current: HTMLInputElement | null }): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const inField = (event.target as Element).closest('input, select, textarea') !== null
      const wanted = event.ctrlKey || event.metaKey ? event.key === 'k' : event.key === '/' && !inField && !event.altKey
      if (!wanted) return
      event.preventDefault()
      input.current?.focus()
    }
    document.addEventListener('keydown', pressed)
    return () => document.removeEventListener('keydown', pressed)
  }, [])
}
