import { useEffect, useState } from 'preact/hooks'
import type { Language } from '../../../core/language.ts'

export type Theme = 'system' | 'light' | 'dark'

/** What this browser remembers. */
export interface Settings {
  user: string
  channel: string
  channels: string[]
  language: Language
  theme: Theme
  /** What was typed, oldest first. */
  history: string[]
}

const key = 'quorum'
const historyLength = 100

/** The remembered settings, and a change to some of them. */
export function useSettings(): [Settings, (change: Partial<Settings>) => void] {
  const [settings, set] = useState(read)
  useEffect(() => write(settings), [settings])
  return [settings, (change) => set((before) => ({ ...before, ...change }))]
}

/** The history with one more line: the newest last, no line twice in a row. */
export function remember(history: string[], line: string): string[] {
  return history.at(-1) === line ? history : [...history, line].slice(-historyLength)
}

function read(): Settings {
  const stored = parse()
  const channels = stored.channels?.length ? stored.channels : ['general']
  return {
    user: stored.user || 'operator',
    channel: stored.channel || channels[0] || 'general',
    channels,
    language: stored.language ?? browserLanguage(),
    theme: stored.theme ?? 'system',
    history: stored.history ?? [],
  }
}

/** Storage may be forbidden, or hold what another program left there: then nothing is remembered. */
function parse(): Partial<Settings> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    return typeof stored === 'object' && stored !== null ? stored : {}
  } catch {
    return {}
  }
}

function write(settings: Settings): void {
  try {
    localStorage.setItem(key, JSON.stringify(settings))
  } catch {
    // Forbidden or full: the page works without.
  }
}

function browserLanguage(): Language {
  return navigator.languages
    .find((tag) => /^(es|en)\b/i.test(tag))
    ?.toLowerCase()
    .startsWith('es')
    ? 'es'
    : 'en'
}
