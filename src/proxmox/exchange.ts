import type { Dispatcher } from 'undici'

/** What came back, whatever its status. */
export interface Answer {
  /** The origin that gave it. */
  endpoint: string
  status: number
  /** The reason phrase, in which Proxmox puts the first line of its refusal. */
  reason: string
  contentType: string
  body: string
}

/** No whole answer came. `sent`: the request, or a part of it, may have reached the server. */
export class Broken extends Error {
  readonly sent: boolean

  constructor(sent: boolean, cause: unknown) {
    super('no answer', { cause })
    this.sent = sent
  }
}

/** Far above any answer of Proxmox; a server that sends on for ever must not fill the memory. */
const MOST_BODY_BYTES = 64 * 1024 * 1024

/**
 * One request and its whole answer. Rejects with `Broken`, at once when `signal` aborts, even while the connection is
 * still being made; a request that was given up before it was connected is never written.
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions & { origin: string },
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const handler = new AnswerHandler(options.origin, signal, resolve, reject)
    if (!signal.aborted) dispatcher.dispatch(options, handler)
  })
}

/** undici's own `request` does not say whether a request got onto the wire, and does not give up while connecting. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #answer: Answer
  readonly #signal: AbortSignal
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: Broken) => void
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #controller: Dispatcher.DispatchController | undefined

  constructor(
    endpoint: string,
    signal: AbortSignal,
    resolve: (answer: Answer) => void,
    reject: (error: Broken) => void,
  ) {
    this.#answer = { endpoint, status: 0, reason: '', contentType: '', body: '' }
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    if (signal.aborted) this.#giveUp()
    else signal.addEventListener('abort', this.#giveUp, { once: true })
  }

  /** undici calls it with the connection ready, right before it writes. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#signal.aborted) controller.abort(this.#signal.reason)
    else this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    reason = '',
  ): void {
    this.#answer.status = status
    this.#answer.reason = reason
    this.#answer.contentType = String(headers['content-type'] ?? '')
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > MOST_BODY_BYTES) controller.abort(new Error('the answer is larger than 64 MiB'))
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener('abort', this.#giveUp)
    this.#resolve({ ...this.#answer, body: Buffer.concat(this.#chunks).toString('utf8') })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#signal.removeEventListener('abort', this.#giveUp)
    this.#reject(new Broken(this.#controller !== undefined, error))
  }

  readonly #giveUp = (): void => {
    this.#reject(new Broken(this.#controller !== undefined, this.#signal.reason))
    this.#controller?.abort(this.#signal.reason)
  }
}
