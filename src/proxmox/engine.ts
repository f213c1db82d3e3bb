import type { ApiRequestable } from 'proxmox-api'
import { type Reply, readAnswer } from './answer.ts'
import { type Auth, blot, type Credentials, createCredentials, type Pass } from './credentials.ts'
import { type Deadline, startDeadline } from './deadline.ts'
import type { Endpoints, Preference } from './endpoints.ts'
import { BadReply, type Call, type Method, OutcomeUnknown, TfaRequired, Unreachable } from './errors.ts'
import { encodeParams } from './params.ts'
import { escapePath } from './paths.ts'
import type { TlsTrust } from './tls.ts'
import { createTransport, type Outgoing, type Transport } from './transport.ts'

export interface EngineOptions {
  cluster: string
  endpoints: Endpoints
  auth: Auth
  tls: TlsTrust
  now: () => number
  readTimeoutMs: number
  writeTimeoutMs: number
  connectTimeoutMs: number
}

export interface RequestOptions extends Preference {
  signal?: AbortSignal | undefined
  timeoutMs?: number | undefined
}

const API = '/api2/json'
const METHODS: ReadonlySet<string> = new Set<Method>(['GET', 'POST', 'PUT', 'DELETE'])

/**
 * Sends the calls of proxmox-api's typed proxy. Takes the place of that package's own engine, which repeats writes,
 * cannot verify a private certificate, has no failover and no deadline over the body.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #transport: Transport
  readonly #credentials: Credentials

  constructor(options: EngineOptions) {
    this.#options = options
    this.#transport = createTransport(options)
    this.#credentials = createCredentials(options.auth, (params) => this.#logIn(params), options.now)
  }

  get identity(): Credentials['identity'] {
    return this.#credentials.identity
  }

  /** What proxmoxApi() takes, with the options of one call. Its promises resolve to `Reply`, not to the bare data. */
  with(options: RequestOptions = {}): ApiRequestable {
    return {
      doRequest: async (method, path, template, params) =>
        this.#request(method.toUpperCase(), path, escapePath(path, template), params, options),
    }
  }

  async #request(
    method: string,
    path: string,
    url: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options: RequestOptions,
  ): Promise<Reply> {
    if (!METHODS.has(method)) throw new TypeError(`Proxmox knows no method ${method}`)
    const call = { method: method as Method, path: path.slice(API.length) || '/' }
    const usualMs = call.method === 'GET' ? this.#options.readTimeoutMs : this.#options.writeTimeoutMs
    const target = { call, url, form: encodeParams(params) }
    const deadline = startDeadline(options.timeoutMs ?? usualMs, options.signal)
    try {
      return await this.#requestAs(await this.#pass(call, deadline), target, deadline, options)
    } finally {
      deadline.end()
    }
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #requestAs(
    pass: Pass,
    target: Target,
    deadline: Deadline,
    options: RequestOptions,
    isSecondTry = false,
  ): Promise<Reply> {
    const { call } = target
    const outgoing = outgoingFor(target, pass.headers(call.method), call.method === 'GET')
    const answer = await this.#transport.send(outgoing, deadline, options)
    // A ticket ends early when the cluster's key changes. 401 comes before anything is done, so writes may try again too.
    if (answer.status === 401 && !isSecondTry && this.#credentials.refused(pass)) {
      const next = await this.#pass(call, deadline)
      return this.#requestAs(next, target, deadline, options, true)
    }
    try {
      return readAnswer(call, answer, (text) => this.#credentials.redact(text))
    } catch (error) {
      if (call.method !== 'GET' && error instanceof BadReply) throw new OutcomeUnknown(call, answer.endpoint, error)
      throw error
    }
  }

  /** A login is shared by all who wait for it, so it has a deadline of its own and nobody's signal. */
  async #pass(call: Call, deadline: Deadline): Promise<Pass> {
    try {
      return await deadline.race(this.#credentials.pass())
    } catch (error) {
      if (!deadline.signal.aborted || deadline.isCancelled || error instanceof TfaRequired) throw error
      throw new Unreachable(call, this.#options.cluster, [], error)
    }
  }

  async #logIn(params: { username: string; password: string }): Promise<Reply> {
    const call: Call = { method: 'POST', path: '/access/ticket' }
    const target = { call, url: `${API}${call.path}`, form: encodeParams(params) }
    const deadline = startDeadline(this.#options.readTimeoutMs)
    try {
      const answer = await this.#transport.send(outgoingFor(target, {}, true), deadline)
      return readAnswer(call, answer, (text) => blot(text, [params.password]))
    } finally {
      deadline.end()
    }
  }
}

/** A call, and what of it goes onto the wire. */
interface Target {
  call: Call
  /** Escaped, with /api2/json. */
  url: string
  form: string
}

function outgoingFor({ call, url, form }: Target, auth: Record<string, string>, repeatable: boolean): Outgoing {
  // Proxmox refuses a body with DELETE (501) and chunked bodies; undici sends the length of a text.
  const isInBody = call.method === 'POST' || call.method === 'PUT'
  const headers = { accept: 'application/json', ...auth }
  if (!isInBody) return { ...call, url: form === '' ? url : `${url}?${form}`, repeatable, headers }
  const formHeaders = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
  return { ...call, url, repeatable, headers: formHeaders, body: form }
}
