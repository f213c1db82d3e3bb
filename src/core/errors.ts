import type { Values } from './language.ts'

/**
 * The person can act on it: wrong input, missing right, something on the cluster in the way.
 * Never retried, told without a stack. The words live by `code`, as `{says, hint}`, beside the command or worker that
 * refuses, or in the shared words. `raw` is the line that Proxmox itself gave.
 */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string
  readonly values: Values
  readonly raw: string | undefined

  constructor(code: string, values: Values = {}, options: { raw?: string | undefined; cause?: unknown } = {}) {
    super(`${code} ${JSON.stringify(values)}`, { cause: options.cause })
    this.code = code
    this.values = values
    this.raw = options.raw
  }
}

/** A service did not answer, or answered that it cannot now. Retried with backoff; the card says which retry it is. */
export class Unavailable extends Error {
  override readonly name: string = 'Unavailable'
  readonly code: string
  /** What did not answer, in words a person knows: `Proxmox main`, `Redis`. */
  readonly service: string
  readonly retryAfterMs: number | undefined

  constructor(code: string, options: { service: string; retryAfterMs?: number | undefined; cause?: unknown }) {
    super(`${code}: ${options.service}`, { cause: options.cause })
    this.code = code
    this.service = options.service
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Someone asked for the job to stop, and it has stopped. `left` names what exists on the cluster because of it. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

/** This process no longer owns the job: another one has taken it over. Nothing more may be written by this one. */
export class LostLock extends Error {
  override readonly name = 'LostLock'
}
