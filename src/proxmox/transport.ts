import { Agent } from 'undici'
import { type Deadline, startDeadline } from './deadline.ts'
import type { Endpoints, Preference } from './endpoints.ts'
import { type Attempt, type Call, CertificateMismatch, OutcomeUnknown, Unreachable } from './errors.ts'
import { type Answer, Broken, exchange } from './exchange.ts'
import { NotConnected, type TlsTrust, trustingConnector } from './tls.ts'

export interface Outgoing extends Call {
  /** With its query. */
  url: string
  headers: Record<string, string>
  body?: string
  /** May be sent to several endpoints, one after another: reading, and logging in. */
  repeatable: boolean
}

export interface Transport {
  /**
   * Sends to the best endpoint, and on failure to the next. What is not repeatable moves on only when nothing can have
   * been sent. Throws `Unreachable`, `CertificateMismatch`, `OutcomeUnknown`, or the reason of the caller's signal.
   */
  send(outgoing: Outgoing, deadline: Deadline, preference?: Preference): Promise<Answer>
  close(): Promise<void>
}

/** pveproxy closes idle connections after 5 s; a request must not meet that. */
const KEEP_ALIVE_MS = 3_000
const MOST_CONNECTIONS = 24

export function createTransport(o: {
  cluster: string
  endpoints: Endpoints
  tls: TlsTrust
  connectTimeoutMs: number
}): Transport {
  const common = {
    connect: trustingConnector(o.tls, o.connectTimeoutMs),
    connections: MOST_CONNECTIONS,
    // Ours is one deadline over everything.
    headersTimeout: 0,
    bodyTimeout: 0,
  }
  const repeatables = new Agent({ ...common, keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS })
  // A write that meets a connection which the server is just closing would be lost without a trace of whether it
  // arrived, so each has a connection of its own (0 is undici's word for no keep-alive).
  const writes = new Agent({ ...common, pipelining: 0 })

  async function attempt(outgoing: Outgoing, endpoint: string, deadline: Deadline): Promise<Answer> {
    const options = {
      origin: endpoint,
      path: outgoing.url,
      method: outgoing.method,
      headers: outgoing.headers,
      body: outgoing.body ?? null,
    }
    const answer = await exchange(outgoing.repeatable ? repeatables : writes, options, deadline.signal)
    o.endpoints.answered(endpoint)
    return answer
  }

  async function send(outgoing: Outgoing, deadline: Deadline, preference?: Preference): Promise<Answer> {
    const attempts: Attempt[] = []
    const line = o.endpoints.order(preference)
    let triedAgain = false
    for (let next = line.shift(); next !== undefined; next = line.shift()) {
      const part = outgoing.repeatable && line.length > 0 ? halfOf(deadline) : deadline
      try {
        return await attempt(outgoing, next, part)
      } catch (error) {
        const { sent, cause } = lost(error)
        if (!outgoing.repeatable && sent) throw new OutcomeUnknown(outgoing, next, cause)
        if (deadline.isCancelled) throw deadline.signal.reason
        o.endpoints.failed(next)
        attempts.push({ endpoint: next, cause })
        if (deadline.signal.aborted) break
        // A kept connection may have died unnoticed; one fresh try tells that from a dead node.
        if (sent && !part.signal.aborted && !triedAgain) {
          triedAgain = true
          line.push(next)
        }
      } finally {
        if (part !== deadline) part.end()
      }
    }
    throw verdict(outgoing, o.cluster, attempts)
  }

  return {
    send,
    async close() {
      await Promise.all([repeatables.destroy(), writes.destroy()])
    },
  }
}

/** While others are left, a silent endpoint gets half of the time. */
function halfOf(deadline: Deadline): Deadline {
  return startDeadline(deadline.remainingMs() / 2, deadline.signal)
}

function lost(error: unknown): { sent: boolean; cause: unknown } {
  if (!(error instanceof Broken)) throw error
  return { sent: error.sent, cause: error.cause instanceof NotConnected ? error.cause.cause : error.cause }
}

function verdict(call: Call, cluster: string, attempts: readonly Attempt[]): Error {
  // Of several failures the wrong certificate is the one to tell: the others may pass by themselves.
  const mismatch = attempts.find(({ cause }) => cause instanceof CertificateMismatch)
  return mismatch ? (mismatch.cause as CertificateMismatch) : new Unreachable(call, cluster, attempts)
}
