import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Fields, fields, string } from '../slack/fields.ts'

const Op = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  resume: 6,
  reconnect: 7,
  invalidSession: 9,
  hello: 10,
  ack: 11,
} as const
const SAYS: Record<number, string> = { [Op.heartbeat]: 'heartbeat', [Op.identify]: 'identify', [Op.resume]: 'resume' }
/** Intents that Discord grants on request only: GuildMembers, GuildPresences, MessageContent. */
const PRIVILEGED = (1 << 1) | (1 << 8) | (1 << 15)

interface Session {
  id: string
  seq: number
  /** Every event sent since it identified, for replay. */
  events: Fields[]
  socket: WebSocket | undefined
}

export interface GatewayControls {
  /** How many sockets take events now. */
  sockets(): number
  /** Asks the bot to reconnect (op 7), as Discord does now and then; it resumes. */
  reconnect(): void
  /** Cuts the TCP connections without a word. `replay`: the resumed session repeats that many events already seen. */
  dropSockets(options?: { replay?: number }): void
  /** Ends the session (op 9); the bot must identify anew unless it may resume. */
  invalidSession(options?: { resumable?: boolean }): void
  /** What the sockets did: `identify`, `resume`, `heartbeat`, `close 4004`. */
  gatewayLog: string[]
}

export interface Gateway extends GatewayControls {
  dispatch(type: string, data: Fields): void
  /** 4004 from now on, at once and at every attempt. */
  revoke(): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): void
}

export interface GatewayParts {
  token: string
  url: () => string
  heartbeatMs: number
  ready: () => Fields
  /** The events that follow READY. */
  guilds: () => Fields[]
  changed: () => void
  violations: string[]
}

export function createGateway(parts: GatewayParts): Gateway {
  const server = new WebSocketServer({ noServer: true })
  const gatewayLog: string[] = []
  let session: Session | undefined
  let overlap = 0
  let isRevoked = false

  const send = (socket: WebSocket | undefined, message: Fields) => socket?.send(JSON.stringify(message))
  const log = (entry: string) => {
    gatewayLog.push(entry)
    parts.changed()
  }

  function dispatch(type: string, data: Fields): void {
    if (!session) return
    session.seq += 1
    const event = { op: Op.dispatch, t: type, s: session.seq, d: data }
    session.events.push(event)
    send(session.socket, event)
  }

  function close(socket: WebSocket, code: number): void {
    log(`close ${code}`)
    socket.close(code)
  }

  /** Why this token or these intents are not let in. */
  function refusal(data: Fields): number | undefined {
    if (isRevoked || data.token !== parts.token) return 4004
    if ((Number(data.intents ?? 0) & PRIVILEGED) === 0) return undefined
    parts.violations.push(`identify asks for privileged intents: ${data.intents}`)
    return 4014
  }

  function identify(socket: WebSocket): void {
    session = { id: randomUUID(), seq: 0, events: [], socket }
    dispatch('READY', { ...parts.ready(), session_id: session.id, resume_gateway_url: parts.url() })
    for (const guild of parts.guilds()) dispatch('GUILD_CREATE', guild)
  }

  function resume(socket: WebSocket, data: Fields): void {
    if (!session || session.id !== data.session_id) {
      send(socket, { op: Op.invalidSession, d: false })
      return
    }
    session.socket = socket
    const seen = Number(data.seq) - overlap
    overlap = 0
    for (const event of session.events) if (Number(event.s) > seen && event.t !== 'READY') send(socket, event)
    dispatch('RESUMED', {})
  }

  function receive(socket: WebSocket, { op, d }: Fields): void {
    if (op === Op.heartbeat) send(socket, { op: Op.ack })
    log(SAYS[Number(op)] ?? `op ${op}`)
    if (op !== Op.identify && op !== Op.resume) return
    const code = refusal(fields(d))
    if (code !== undefined) close(socket, code)
    else if (op === Op.identify) identify(socket)
    else resume(socket, fields(d))
    parts.changed()
  }

  function accept(socket: WebSocket): void {
    const leave = () => {
      if (session?.socket === socket) session.socket = undefined
      parts.changed()
    }
    socket.on('close', leave)
    socket.on('error', leave)
    socket.on('message', (data) => receive(socket, fields(JSON.parse(String(data)))))
    send(socket, { op: Op.hello, d: { heartbeat_interval: parts.heartbeatMs } })
  }

  return {
    gatewayLog,
    dispatch,
    sockets: () => (session?.socket === undefined ? 0 : 1),
    reconnect: () => void send(session?.socket, { op: Op.reconnect, d: null }),
    dropSockets({ replay = 0 } = {}) {
      overlap = replay
      for (const socket of server.clients) socket.terminate()
    },
    invalidSession({ resumable = false } = {}) {
      const { socket } = session ?? {}
      if (!resumable) session = undefined
      send(socket, { op: Op.invalidSession, d: resumable })
    },
    revoke() {
      isRevoked = true
      for (const socket of server.clients) close(socket, 4004)
    },
    upgrade(request, socket, head) {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stand-in')
      const fits = string(searchParams.get('v')) === '10' && searchParams.get('encoding') === 'json'
      if (pathname === '/gateway' && fits) server.handleUpgrade(request, socket, head, accept)
      else socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
    },
    close() {
      for (const socket of server.clients) socket.terminate()
      server.close()
    },
  }
}
