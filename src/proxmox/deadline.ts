import { setMaxListeners } from 'node:events'
/** One limit over all that a call does. `end` must be called, or the timer keeps the process alive. */
export interface Deadline {
  /** Aborts with the caller's reason, or with a `TimeoutError` when time is up. */
  readonly signal: AbortSignal
  readonly isCancelled: boolean
  remainingMs(): number
  /** `work`, given up (not stopped) when the signal aborts. */
  race<T>(work: Promise<T>): Promise<T>
  end(): void
}

// Not AbortSignal.timeout with AbortSignal.any: their timers cannot be cleared, and Node 20 loses track of signals that
// only such a chain holds.
export function startDeadline(timeoutMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  const { signal } = controller
  const until = performance.now() + timeoutMs
  const timer = setTimeout(
    () => controller.abort(new DOMException(`no answer within ${Math.round(timeoutMs)} ms`, 'TimeoutError')),
    timeoutMs,
  )
  const cancel = () => controller.abort(outer?.reason)
  if (outer?.aborted) cancel()
  else if (outer) {
    // Many calls of one plan listen to it at once.
    setMaxListeners(0, outer)
    outer.addEventListener('abort', cancel, { once: true })
  }
  return {
    signal,
    get isCancelled() {
      return outer?.aborted ?? false
    },
    remainingMs: () => Math.max(0, until - performance.now()),
    race: (work) => race(work, signal),
    end() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', cancel)
    },
  }
}

async function race<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {}) // its failure is told to whoever still waits for it
  signal.throwIfAborted()
  let onAbort = () => {}
  const gaveUp = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, gaveUp])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
