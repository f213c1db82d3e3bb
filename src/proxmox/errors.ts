import { Unavailable } from '../core/errors.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** A call as errors name it: never with its query or body, which may hold secrets. */
export interface Call {
  method: Method
  /** Below `/api2/json`. */
  path: string
}

/** Proxmox answered, and not with 200. `message` reads `POST /nodes/pve1/qemu 400: Parameter verification failed. …`. */
export class PveError extends Error {
  override readonly name: string = 'PveError'
  readonly method: Method
  readonly path: string
  /** The origin that answered. */
  readonly endpoint: string
  readonly status: number
  /** The reason phrase: the first line of the text, or all there is (401, 595 and 596 have no body). */
  readonly reason: string
  /** Proxmox's own words, several lines where it gave several. */
  readonly text: string
  /** Parameter → what is wrong with it; empty unless parameters were refused. */
  readonly fields: Readonly<Record<string, string>>
  /** A write that may have taken effect all the same: it was lost between two nodes, or behind a gateway. */
  readonly sent: boolean

  constructor(
    call: Call,
    answer: {
      endpoint: string
      status: number
      reason: string
      text: string
      fields: Record<string, string>
    },
  ) {
    const wrong = Object.entries(answer.fields).map(([name, text]) => `${name}: ${text.trim()}`)
    const details = wrong.length > 0 ? ` (${wrong.join('; ')})` : ''
    super(`${call.method} ${call.path} ${answer.status}: ${answer.text}${details}`)
    this.method = call.method
    this.path = call.path
    this.endpoint = answer.endpoint
    this.status = answer.status
    this.reason = answer.reason
    this.text = answer.text
    this.fields = answer.fields
    this.sent = call.method !== 'GET' && LOST_BEHIND.has(answer.status)
  }

  /** The node that the call was passed on to did not answer the node that we asked (AnyEvent::HTTP's 595 to 599). */
  get nodeUnreachable(): boolean {
    return this.status >= 595 && this.status <= 599
  }
}

/** 595 comes before anything was passed on; the others leave open how far it got. 502 and 504 are a gateway's. */
const LOST_BEHIND = new Set([502, 504, 596, 597, 598, 599])

/** One endpoint that was tried in vain. */
export interface Attempt {
  endpoint: string
  cause: unknown
}

/** No endpoint answered in time, and whatever was asked has not happened. Safe to try again. */
export class Unreachable extends Unavailable {
  readonly method: Method
  readonly path: string
  readonly attempts: readonly Attempt[]

  constructor(call: Call, cluster: string, attempts: readonly Attempt[], cause: unknown = attempts.at(-1)?.cause) {
    super('proxmox-unreachable', { service: `Proxmox ${cluster}`, cause })
    const tried = attempts.map((attempt) => `${attempt.endpoint} ${whyOf(attempt.cause)}`)
    this.message = `${call.method} ${call.path}: nobody answered: ${tried.join('; ') || whyOf(cause)}`
    this.method = call.method
    this.path = call.path
    this.attempts = attempts
  }
}

/** A write was sent and its answer lost: look for its effect, never send it again. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
  readonly method: Method
  readonly path: string
  readonly endpoint: string
  readonly sent = true

  constructor(call: Call, endpoint: string, cause: unknown) {
    super(`${call.method} ${call.path}: sent to ${endpoint}, the answer was lost: ${whyOf(cause)}`, { cause })
    this.method = call.method
    this.path = call.path
    this.endpoint = endpoint
  }
}

/** The server showed a certificate that is none of the pinned ones. Nothing was sent to it. Waiting does not help. */
export class CertificateMismatch extends Error {
  override readonly name = 'CertificateMismatch'
  readonly endpoint: string
  readonly expected: readonly string[]
  /** SHA-256, `AB:CD:…`; absent if the server showed none. */
  readonly got: string | undefined

  constructor(endpoint: string, expected: readonly string[], got: string | undefined) {
    super(`${endpoint} showed certificate ${got ?? 'none'}, expected ${expected.join(' or ')}`)
    this.endpoint = endpoint
    this.expected = expected
    this.got = got
  }
}

/** An answer of 200 that is not what Proxmox answers: a login page of a proxy, cut JSON, a row of the wrong shape. */
export class BadReply extends Error {
  override readonly name = 'BadReply'
  readonly method: Method
  readonly path: string
  /** Where in the answer, `data.3.vmid`; absent if it could not be read at all. */
  readonly field: string | undefined

  constructor(call: Call, problem: string, field?: string) {
    super(`${call.method} ${call.path}: ${field === undefined ? '' : `${field}: `}${problem}`)
    this.method = call.method
    this.path = call.path
    this.field = field
  }
}

/** The account wants a second factor at login, which no process can give. Use a token, or an account without it. */
export class TfaRequired extends Error {
  override readonly name = 'TfaRequired'
  readonly user: string

  constructor(user: string) {
    super(`${user} has two-factor authentication; use an API token, or an account without a second factor`)
    this.user = user
  }
}

function whyOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const inner = cause instanceof AggregateError ? cause.errors[0] : undefined
  const { code } = cause as { code?: unknown }
  const text = cause.message || (inner instanceof Error ? inner.message : '') || cause.name
  return typeof code === 'string' && !text.includes(code) ? `${code} ${text}` : text
}
