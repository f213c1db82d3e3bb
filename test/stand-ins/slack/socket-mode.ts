import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Carrier } from './delivery.ts'
import { type Fields, fields, string } from './fields.ts'
import { APP_ID } from './workspace.ts'

/** "Up to 10 open connections at the same time" (docs.slack.dev/apis/events-api/using-socket-mode). */
const MAX_SOCKETS = 10
const PING_MS = 10_000

type DisconnectReason = 'warning' | 'refresh_requested' | 'link_disabled' | 'too_many_websockets'

export interface SocketModeControls {
  /** How many sockets can take an envelope now. */
  sockets(): number
  /** Asks sockets (one unless told) to reconnect, as Slack does every few hours; they get no envelope any more. */
  refresh(options?: { reason?: DisconnectReason; count?: number }): void
  /** Cuts the TCP connections without a word. */
  dropSockets(): void
}

export interface SocketMode extends SocketModeControls {
  /** The answer to apps.connections.open: a URL that opens one socket, once. */
  open(): Fields
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  carrier: Carrier
  close(): void
}

export function createSocketMode(port: () => number, changed: () => void): SocketMode {
  const server = new WebSocketServer({ noServer: true })
  const tickets = new Set<string>()
  let live: WebSocket[] = []
  const pending = new Map<string, (ack: Fields) => void>()
  const pings = setInterval(() => {
    for (const ws of live) ws.ping()
  }, PING_MS)

  function send(ws: WebSocket, message: Fields): void {
    ws.send(JSON.stringify(message))
  }

  function leave(ws: WebSocket): void {
    live = live.filter((other) => other !== ws)
    changed()
  }

  function disconnect(ws: WebSocket, reason: DisconnectReason): void {
    send(ws, { type: 'disconnect', reason, debug_info: { host: 'stand-in' } })
    leave(ws)
  }

  function accept(ws: WebSocket): void {
    ws.on('close', () => leave(ws))
    ws.on('error', () => leave(ws))
    ws.on('message', (data) => {
      const message = fields(JSON.parse(String(data)))
      const id = string(message.envelope_id)
      pending.get(id)?.(fields(message.payload))
      pending.delete(id)
    })
    if (live.length >= MAX_SOCKETS) {
      disconnect(ws, 'too_many_websockets')
      return
    }
    live.push(ws)
    const debug_info = { host: 'stand-in', build_number: 1, approximate_connection_time: 18_060 }
    send(ws, { type: 'hello', num_connections: live.length, connection_info: { app_id: APP_ID }, debug_info })
    changed()
  }

  return {
    sockets: () => live.length,
    refresh({ reason = 'refresh_requested', count = 1 } = {}) {
      for (const ws of live.slice(0, count)) disconnect(ws, reason)
    },
    dropSockets() {
      for (const ws of live) ws.terminate()
    },
    open() {
      const ticket = randomUUID()
      tickets.add(ticket)
      return { ok: true, url: `ws://127.0.0.1:${port()}/link/?ticket=${ticket}&app_id=${APP_ID}` }
    },
    upgrade(request, socket, head) {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stand-in')
      const known = pathname === '/link/' && tickets.delete(searchParams.get('ticket') ?? '')
      if (known) server.handleUpgrade(request, socket, head, accept)
      else socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
    },
    carrier({ id, kind, payload, retry }) {
      const ws = live.shift()
      if (!ws) return Promise.reject(new Error('dispatch_failed, no socket is connected'))
      live.push(ws)
      const retried = retry ? { retry_attempt: retry.num, retry_reason: retry.reason } : {}
      send(ws, { envelope_id: id, type: kind, payload, accepts_response_payload: kind !== 'events_api', ...retried })
      return new Promise((resolve) => pending.set(id, resolve))
    },
    close() {
      clearInterval(pings)
      for (const ws of server.clients) ws.terminate()
      server.close()
    },
  }
}
