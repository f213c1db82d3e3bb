import { useLayoutEffect, useRef } from 'preact/hooks'

interface Place {
  node: string
  left: number
  top: number
}

const moveMs = 900

/**
 * Lets a guest that changed its node travel there: it is drawn at its new place and slides in from the old one.
 * Places are relative to the picture, so scrolling is no movement. Nothing slides for people who asked for less motion.
 */
export function useGuestMoves(picture: { current: HTMLElement | null }): void {
  const before = useRef(new Map<string, Place>())
  useLayoutEffect(() => {
    const after = places(picture.current)
    for (const [element, sid, place] of after) {
      const old = before.current.get(sid)
      if (old && old.node !== place.node) slide(element, old.left - place.left, old.top - place.top)
    }
    before.current = new Map(after.map(([, sid, place]) => [sid, place]))
  })
}

function places(picture: HTMLElement | null): [HTMLElement, string, Place][] {
  if (!picture) return []
  const origin = picture.getBoundingClientRect()
  return [...picture.querySelectorAll<HTMLElement>('[data-sid]')].map((element) => {
    const { left, top } = element.getBoundingClientRect()
    const place = { node: element.dataset.on ?? '', left: left - origin.left, top: top - origin.top }
    return [element, element.dataset.sid ?? '', place]
  })
}

function slide(element: HTMLElement, x: number, y: number): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
  const from = { transform: `translate(${x}px, ${y}px)`, zIndex: 2 }
  element.animate([from, { transform: 'none', zIndex: 2 }], { duration: moveMs, easing: 'cubic-bezier(.4, 0, .2, 1)' })
}
