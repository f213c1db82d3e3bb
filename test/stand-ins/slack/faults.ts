/** What the next calls of a method meet instead of a plain answer. Each fault is used up in the order it was asked for. */
export type Fault =
  | { kind: 'rateLimit'; retryAfterSeconds: number }
  | { kind: 'fail'; status: number }
  | { kind: 'error'; code: string }
  | { kind: 'hang' }
  | { kind: 'dropAfterProcessing' }

export interface FaultControls {
  /** The next `times` calls of `method` get 429 with this Retry-After. */
  rateLimit(method: string, times: number, retryAfterSeconds: number): void
  /** The next call gets this HTTP status and no JSON. */
  fail(method: string, status: number, times?: number): void
  /** The next call gets `{ok: false, error: code}`. */
  error(method: string, code: string, times?: number): void
  /** The next call is taken and never answered; its socket stays open until `close()`. Nothing is done. */
  hang(method: string, times?: number): void
  /** The next call takes effect, then its socket is reset before the answer. */
  dropAfterProcessing(method: string, times?: number): void
}

export interface Faults extends FaultControls {
  take(method: string): Fault | undefined
}

export function createFaults(): Faults {
  const waiting = new Map<string, Fault[]>()
  function add(method: string, times: number, fault: Fault): void {
    waiting.set(method, [...(waiting.get(method) ?? []), ...Array<Fault>(times).fill(fault)])
  }
  return {
    rateLimit: (method, times, retryAfterSeconds) => add(method, times, { kind: 'rateLimit', retryAfterSeconds }),
    fail: (method, status, times = 1) => add(method, times, { kind: 'fail', status }),
    error: (method, code, times = 1) => add(method, times, { kind: 'error', code }),
    hang: (method, times = 1) => add(method, times, { kind: 'hang' }),
    dropAfterProcessing: (method, times = 1) => add(method, times, { kind: 'dropAfterProcessing' }),
    take: (method) => waiting.get(method)?.shift(),
  }
}
