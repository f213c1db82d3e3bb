/** Resolves after `ms`, or at once, without an error, when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}

/** Looks every `everyMs` until `look` gives a value or `withinMs` have passed (undefined); throws when the signal aborts. */
export async function until<T>(
  look: () => Promise<T | undefined>,
  times: { everyMs: number; withinMs: number },
  { signal, now }: { signal: AbortSignal; now: () => number },
): Promise<T | undefined> {
  const end = now() + times.withinMs
  for (;;) {
    signal.throwIfAborted()
    const value = await look()
    if (value !== undefined || now() >= end) return value
    await pause(times.everyMs, signal)
  }
}
