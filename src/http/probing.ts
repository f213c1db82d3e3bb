import { type Sample, silenceOf } from '../core/silence.ts'

const everyMs = 250

/** Asks each of them four times a second until it is stopped; the silence of each, as `now` counts. */
export function probing(sids: readonly string[], now: () => number, ask: (sid: string) => Promise<boolean>) {
  const samples = new Map(sids.map((sid) => [sid, [] as Sample[]]))
  const timer = setInterval(() => {
    for (const [sid, all] of samples) {
      const at = now()
      ask(sid).then(
        (ok) => all.push({ at, ok }),
        () => all.push({ at, ok: false }),
      )
    }
  }, everyMs)
  timer.unref()
  return {
    stop(): Record<string, number> {
      clearInterval(timer)
      return Object.fromEntries([...samples].map(([sid, all]) => [sid, silenceOf(all)]))
    },
  }
}
