import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'

export interface Seen {
  /** Milliseconds of this process's `performance.now()`. */
  at: number
  method: string
  /** Without /api2/json and without the query. */
  path: string
  /** When the answer was written; absent while it is not. */
  answeredAt?: number
}

/** Published by Node itself (documented under diagnostics_channel): a request's headers are parsed, its answer is written. */
const started = 'http.server.request.start'
const finished = 'http.server.response.finish'

/**
 * Calls back for every request that reaches the nodes of a simulator in THIS process, before the simulator looks at it:
 * nothing stands in between that would cost the request any time. Returns what ends that.
 */
export function onRequests(endpoints: readonly string[], seen: (request: Seen) => void): () => void {
  const ports = new Set(endpoints.map((endpoint) => Number(new URL(endpoint).port)))
  const open = new WeakMap<IncomingMessage, Seen>()
  const onStart = (message: unknown) => {
    const at = performance.now()
    const { request } = message as { request: IncomingMessage }
    if (!ports.has(request.socket.localPort ?? 0)) return
    const path = (request.url ?? '').replace(/^\/api2\/json/, '').replace(/\?.*$/s, '')
    const one = { at, method: request.method ?? '', path }
    open.set(request, one)
    seen(one)
  }
  const onFinish = (message: unknown) => {
    const one = open.get((message as { request: IncomingMessage }).request)
    if (one) one.answeredAt = performance.now()
  }
  subscribe(started, onStart)
  subscribe(finished, onFinish)
  return () => {
    unsubscribe(started, onStart)
    unsubscribe(finished, onFinish)
  }
}

/** How long the simulator was at work on any of these requests before `until`, ms. */
export function answering(requests: readonly Seen[], until: number): number {
  let busyMs = 0
  let end = 0
  for (const { at, answeredAt = until } of requests) {
    busyMs += Math.max(0, Math.min(answeredAt, until) - Math.max(at, end))
    end = Math.max(end, answeredAt)
  }
  return busyMs
}
