import type { Language } from './language.ts'

const steps = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

/** `3 d 4 h`, `2 min 4 s`: the two largest units, the same in every language. */
export function formatDuration(seconds: number): string {
  let left = Math.max(0, Math.round(seconds))
  const parts: string[] = []
  for (const [unit, length] of steps) {
    const count = Math.floor(left / length)
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
    left -= count * length
    if (parts.length === 2) break
  }
  return parts.join(' ') || '0 s'
}

/** A moment (milliseconds since the epoch) in the reader's zone, with the zone's name. */
export function formatTime(ms: number, reader: { language: Language; tz: string }): string {
  return new Intl.DateTimeFormat(reader.language === 'es' ? 'es-419' : 'en-GB', {
    timeZone: reader.tz,
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(ms)
}

/** The day of a moment in the reader's zone: `3 Mar 2026`. */
export function formatDay(ms: number, reader: { language: Language; tz: string }): string {
  return new Intl.DateTimeFormat(reader.language === 'es' ? 'es-419' : 'en-GB', {
    timeZone: reader.tz,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  }).format(ms)
}
