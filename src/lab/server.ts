/** One HTTPS server for each node, up while the node is. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Api, dispatch, identify } from './dispatch.ts'
import { PveFault } from './fault.ts'
import type { Credentials } from './login.ts'
import { isRunning, type NodeCertificate, type SimNode } from './model.ts'
import { checkMethod, type Format, parseTarget, readParams, sendFault, sendReply } from './wire.ts'

const HOST = '127.0.0.1'

/** pveproxy closes idle connections after this long. */
const IDLE_MS = 5000
/** While another process sits on the port of a host that wants to boot. */
const RETRY_MS = 200

export interface NodeServer {
  port: number
  /**
   * Opens or closes the port, as the node's power has it, and restarts for a new certificate as pveproxy does.
   * Resolves when that is done.
   */
  follow(): Promise<void>
  close(): Promise<void>
}

/**
 * Serves the node at place `index` of the site. Listens on `port`; where that is taken (and not 0), on the next free one.
 */
export async function startNodeServer(api: Api, index: number, port: number): Promise<NodeServer> {
  // A reset puts another node in the same place.
  const current = () => api.sim.nodes[index]!
  const isUp = () => isRunning(current())
  let server: Server | undefined
  let shown: NodeCertificate | undefined
  let closed = false
  let work: Promise<void> = Promise.resolve()
  const open = async () => {
    shown = current().certificate
    server = await listen(() => makeServer(api, current), listener.port)
  }
  const listener: NodeServer = {
    port,
    follow() {
      work = work.then(async () => {
        if (closed) return
        if (server && (!isUp() || shown !== current().certificate)) {
          await shut(server)
          server = undefined
        }
        if (isUp() && !server) await reopen()
      })
      return work
    },
    async close() {
      closed = true
      await work
      await shut(server)
      server = undefined
    },
  }
  async function reopen() {
    while (!closed && isUp()) {
      try {
        return await open()
      } catch (error) {
        if (codeOf(error) !== 'EADDRINUSE') throw error
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref())
      }
    }
  }
  shown = current().certificate
  server = await listenFrom(() => makeServer(api, current), port)
  listener.port = (server.address() as AddressInfo).port
  return listener
}

function makeServer(api: Api, node: () => SimNode): Server {
  const { certificate } = node()
  const server = createServer(
    { key: certificate.key, cert: chainOf(node()), keepAliveTimeout: IDLE_MS },
    (request, response) => void answer(api, node(), request, response),
  )
  // Nobody's business: a client that hangs up in the middle of a handshake.
  server.on('tlsClientError', () => {})
  return server
}

/** The certificate, and who signed it. */
const chainOf = ({ certificate, config }: SimNode) => `${certificate.pem}${config.authority.pem}`

async function listenFrom(make: () => Server, port: number): Promise<Server> {
  for (let candidate = port; ; candidate += 1) {
    try {
      return await listen(make, candidate)
    } catch (error) {
      if (port === 0 || codeOf(error) !== 'EADDRINUSE' || candidate - port > 200) throw error
    }
  }
}

function listen(make: () => Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = make()
    server.once('error', reject)
    server.listen(port, HOST, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function shut(server: Server | undefined): Promise<void> {
  if (!server) return Promise.resolve()
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code

async function answer(api: Api, node: SimNode, request: IncomingMessage, response: ServerResponse) {
  let format: Format = 'json'
  try {
    const method = checkMethod(request)
    const target = parseTarget(request)
    format = target.format
    const call = { method, path: cleanPath(target.path), credentials: credentialsOf(request) }
    const auth = await identify(api, node, call)
    const sent = await readParams(request, method, target.query)
    sendReply(response, format, await dispatch(api, node, call, auth, sent))
  } catch (error) {
    sendFault(response, format, error instanceof PveFault ? error : ourBug(error))
  } finally {
    // A body that nobody read would hold the connection.
    request.resume()
  }
}

/** Double and trailing slashes count for nothing. */
const cleanPath = (path: string) => path.replace(/\/+/g, '/').replace(/\/$/, '')

const credentialsOf = ({ headers }: IncomingMessage): Credentials => ({
  authorization: headers.authorization,
  cookie: headers.cookie,
  csrf: [headers.csrfpreventiontoken].flat()[0],
})

/** Said as Perl would say it, but recognisable: a test that sees it has found a fault of the simulator. */
function ourBug(error: unknown): PveFault {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new PveFault(500, `simulator fault: ${text}`)
}
