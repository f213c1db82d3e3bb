import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Thread } from './card.ts'
import { html } from './html.ts'
import { Icon } from './icons.ts'
import { usePage } from './page-context.ts'
import { Command } from './rich-text.ts'
import { type Timeline, threads } from './timeline.ts'

const shownAtFirst = 150
const nearPx = 60
const starters = ['help', 'status', 'vm list', 'vm create']

/** The messages, newest at the bottom. It follows new ones as long as the person has not scrolled away. */
export function MessageList({ timeline, loaded }: { timeline: Timeline; loaded: boolean }): VNode {
  const { words } = usePage()
  const [shown, setShown] = useState(shownAtFirst)
  const all = useMemo(() => threads(timeline), [timeline])
  const { box, content, pinned, toEnd } = useFollowing()
  return html`<div class="messages-box">
    <div class="messages" ref=${box} tabindex="0" role="region" aria-label=${words.messages}>
      <ol ref=${content}>
        ${all.length > shown && html`<li class="earlier"><button type="button" class="button" onClick=${() => setShown(shown + shownAtFirst)}>${words.earlier}</button></li>`}
        ${all.slice(-shown).map((thread) => html`<${Thread} key=${thread.card.id} ...${thread} />`)}
        ${loaded && all.length === 0 && html`<li class="empty"><p>${words.empty}</p>${starters.map((text) => html`<${Command} text=${text} />`)}</li>`}
      </ol>
    </div>
    ${!pinned && html`<button type="button" class="to-end" aria-label=${words.newest} title=${words.newest} onClick=${toEnd}><${Icon} name="down" /></button>`}
  </div>`
}

function useFollowing() {
  const box = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLOListElement>(null)
  const [pinned, setPinned] = useState(true)
  const following = useRef(true)
  const toEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight })

  useEffect(() => {
    const element = box.current
    const scrolled = () => {
      if (!element || element.clientHeight === 0) return // hidden on a phone: no position to judge by
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx
      setPinned(following.current)
    }
    element?.addEventListener('scroll', scrolled, { passive: true })
    return () => element?.removeEventListener('scroll', scrolled)
  }, [])

  useLayoutEffect(() => {
    const sizes = new ResizeObserver(() => following.current && toEnd())
    if (box.current) sizes.observe(box.current)
    if (content.current) sizes.observe(content.current)
    return () => sizes.disconnect()
  }, [])

  return { box, content, pinned, toEnd }
}
