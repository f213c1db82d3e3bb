import { useEffect, useState } from 'preact/hooks'
import type { Completion } from './wire.ts'

const pauseMs = 80

/**
 * Completions of what is typed, asked for after a short pause; an answer that comes after the text changed is dropped.
 * `text` undefined asks for nothing. A failure only means no suggestions: the line itself can still be sent.
 */
export function useCompletion(
  text: string | undefined,
  ask: (text: string, signal: AbortSignal) => Promise<{ items: Completion[] }>,
): Completion[] {
  const [found, setFound] = useState<{ text: string; items: Completion[] }>({ text: '', items: [] })
  useEffect(() => {
    if (!text?.trim()) return
    const abort = new AbortController()
    const timer = setTimeout(() => {
      ask(text, abort.signal)
        .then(({ items }) => setFound({ text, items }))
        .catch(() => undefined)
    }, pauseMs)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [text])
  return found.text === text ? found.items : []
}
