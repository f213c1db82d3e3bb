import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'

export interface Seen {
  /** Milliseconds of this process's `performance.now()`. */
  at: number
  method: string
  /** Without /api2/json and without the query. */
  path: string
}

/** Published by Node itself (documented under diagnostics_channel) when the headers of a request have been parsed. */
const channel = 'http.server.request.start'

/**
 * Calls back for every request that reaches the nodes of a simulator in THIS process, before the simulator looks at it:
 * nothing stands in between that would cost the request any time. Returns what ends that.
 */
export function onRequests(endpoints: readonly string[], seen: (request: Seen) => void): () => void {
  const ports = new Set(endpoints.map((endpoint) => Number(new URL(endpoint).port)))
  const listener = (message: unknown) => {
    const at = performance.now()
    const { request } = message as { request: IncomingMessage }
    if (!ports.has(request.socket.localPort ?? 0)) return
    const path = (request.url ?? '').replace(/^\/api2\/json/, '').replace(/\?.*$/s, '')
    seen({ at, method: request.method ?? '', path })
  }
  subscribe(channel, listener)
  return () => unsubscribe(channel, listener)
}
