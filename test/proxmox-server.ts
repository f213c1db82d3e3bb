import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { generate } from 'selfsigned'

/** Real HTTPS servers on 127.0.0.1 that stand in for the nodes of a cluster, each with a certificate of its own. */

export interface Hit {
  method: string
  /** With its query. */
  url: string
  headers: IncomingMessage['headers']
  body: string
  socket: Duplex
}

export type Handler = (hit: Hit, response: ServerResponse) => void

export interface TestNode {
  url: string
  fingerprint: string
  /** Requests that got through TLS, as soon as their headers and body are in. */
  hits: Hit[]
  /** Resolves when there are that many. */
  reached(count: number): Promise<void>
  answer(handler: Handler): void
  close(): Promise<void>
}

export interface Authority {
  ca: string
  key: string
}

const serverUse = [
  { name: 'basicConstraints' as const, cA: false },
  { name: 'extKeyUsage' as const, serverAuth: true },
]

export async function createAuthority(): Promise<Authority> {
  const made = await generate([{ name: 'commonName', value: 'Test Cluster CA' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { ca: made.cert, key: made.private }
}

/** A node that answers `{"data":null}` until told otherwise. `ip` is the one its certificate is for. */
export async function startNode(authority: Authority, o: { ip?: string; handler?: Handler } = {}): Promise<TestNode> {
  const made = await generate([{ name: 'commonName', value: 'pve1' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { cert: authority.ca, key: authority.key },
    extensions: [...serverUse, { name: 'subjectAltName', altNames: [{ type: 7, ip: o.ip ?? '127.0.0.1' }] }],
  })
  const hits: Hit[] = []
  const sockets = new Set<Duplex>()
  let waiting: { count: number; done: () => void }[] = []
  let handler: Handler = o.handler ?? ((_, response) => json(response, 200, { data: null }))
  const server = createServer({ key: made.private, cert: made.cert }, async (request, response) => {
    const hit = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      socket: request.socket,
    }
    const whole = { ...hit, body: await text(request) }
    hits.push(whole)
    handler(whole, response)
    waiting = waiting.filter(({ count, done }) => hits.length < count || done())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    fingerprint: new X509Certificate(made.cert).fingerprint256,
    hits,
    reached: (count) =>
      hits.length >= count ? Promise.resolve() : new Promise((done) => void waiting.push({ count, done })),
    answer(next) {
      handler = next
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** An address where nobody listens. */
export async function deadAddress(authority: Authority): Promise<string> {
  const node = await startNode(authority)
  await node.close()
  return node.url
}

/** Answers as pveproxy does. */
export function json(response: ServerResponse, status: number, body: unknown, reason?: string): void {
  if (reason !== undefined) response.statusMessage = reason
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' }).end(JSON.stringify(body))
}

async function text(request: IncomingMessage): Promise<string> {
  let all = ''
  try {
    for await (const chunk of request) all += chunk
  } catch {
    // The client gave up while sending.
  }
  return all
}

/** What a promise failed with; a promise that did not fail is the test's failure. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure')
}
