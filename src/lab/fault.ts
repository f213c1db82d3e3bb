/**
 * A refusal as Proxmox words it. `message` without a final newline; several lines are allowed: the first becomes the
 * HTTP reason phrase, all of them the body's `message`.
 */
export class PveFault extends Error {
  readonly status: number
  readonly errors: Record<string, string> | undefined
  /** No JSON: an empty body (401, 595, 596, unknown methods), or the text alone (refusals of the HTTP server). */
  readonly bare: boolean | 'text'

  constructor(status: number, message: string, o: { errors?: Record<string, string>; bare?: boolean | 'text' } = {}) {
    super(message)
    this.status = status
    this.errors = o.errors
    this.bare = o.bare ?? false
  }
}

/** 500: what nearly all run-time refusals are. */
export const fail = (message: string) => new PveFault(500, message)

/** 400 with a text for each parameter. */
export const badParams = (errors: Record<string, string>) =>
  new PveFault(400, 'Parameter verification failed.', { errors })

/** 403; `what` is the inside of the brackets, such as `/vms/100, VM.Audit`. */
export const forbidden = (what: string) =>
  new PveFault(403, `Permission check failed${what === '' ? '' : ` (${what})`}`)
