import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Fault, Faults } from '../slack/faults.ts'
import type { Fields } from '../slack/fields.ts'
import { ApiError, type ApiErrorCode } from './api-error.ts'
import type { Handler } from './request.ts'
import { byInteractionToken, findRoute, type Operation } from './routes.ts'
import { specProblems } from './spec.ts'
import type { ApiCall, Transcript } from './transcript.ts'

interface Reply {
  status: number
  headers: Record<string, string>
  body: string
}
type Outcome = Reply | 'hang' | 'drop'

export interface RestParts {
  transcript: Transcript
  faults: Faults
  handlers: Record<Operation, Handler>
  /** False: the token is wrong. */
  accepts: (authorization: string) => boolean
  now: () => number
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  // discord.js parses whatever says it is JSON, an empty 204 too.
  if (body === undefined) return { status: 204, headers, body: '' }
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** The JSON of the body, and the files beside it. */
async function readBody(
  request: IncomingMessage,
): Promise<{ body: unknown; files: { name: string; bytes: Buffer }[] }> {
  const bytes = await buffer(request)
  const type = request.headers['content-type'] ?? ''
  if (bytes.length === 0) return { body: undefined, files: [] }
  if (!type.startsWith('multipart/')) return { body: JSON.parse(bytes.toString()), files: [] }
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData()
  const parts = [...form.values()].filter((part) => typeof part !== 'string')
  const files = await Promise.all(
    parts.map(async (part) => ({ name: part.name, bytes: Buffer.from(await part.arrayBuffer()) })),
  )
  return { body: JSON.parse(String(form.get('payload_json') ?? '{}')), files }
}

function faulty(fault: Fault | undefined): Outcome | undefined {
  if (fault?.kind === 'hang') return 'hang'
  if (fault?.kind === 'fail') return { status: fault.status, headers: {}, body: '' }
  if (fault?.kind === 'error') {
    const error = new ApiError(Number(fault.code) as ApiErrorCode)
    return json(error.toJSON(), error.status)
  }
  if (fault?.kind !== 'rateLimit') return undefined
  const limited = { message: 'You are being rate limited.', retry_after: fault.retryAfterSeconds, global: false }
  return json(limited, 429, { 'retry-after': String(fault.retryAfterSeconds), 'x-ratelimit-scope': 'user' })
}

/** The front of the API: faults, tokens, the OpenAPI's word on the body; then the operation's own answer. */
export function createRest(parts: RestParts) {
  const { transcript } = parts

  function violation(operation: string, says: string): void {
    transcript.violations.push(`${operation}: ${says}`)
  }

  function perform(operation: Operation, call: ApiCall, query: URLSearchParams, files: string[]): Reply {
    const { problems, unknown } = specProblems(operation, call.body)
    transcript.unknown.push(...unknown)
    if (problems.length > 0) throw new ApiError(50035, problems)
    return json(parts.handlers[operation]({ params: call.params, query, body: call.body, files }))
  }

  function refused(operation: string, error: unknown): Reply {
    if (!(error instanceof ApiError)) throw error
    for (const says of error.problems) violation(operation, says)
    return json(error.toJSON(), error.status)
  }

  function answer(operation: Operation, call: ApiCall, request: IncomingMessage, files: string[]): Outcome {
    const fault = parts.faults.take(operation)
    const faultReply = faulty(fault)
    if (faultReply) return faultReply
    if (!byInteractionToken(operation) && !parts.accepts(request.headers.authorization ?? ''))
      return json({ message: '401: Unauthorized', code: 0 }, 401)
    const { searchParams } = new URL(request.url ?? '/', 'http://stand-in')
    try {
      const reply = perform(operation, call, searchParams, files)
      return fault?.kind === 'dropAfterProcessing' ? 'drop' : reply
    } catch (error) {
      return refused(operation, error)
    }
  }

  function outcomeOf(outcome: Outcome): string {
    if (typeof outcome === 'string') return outcome
    if (outcome.status < 300) return 'ok'
    const code = outcome.body === '' ? undefined : (JSON.parse(outcome.body) as Fields).code
    return String(code || outcome.status)
  }

  return async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent((request.url ?? '').split('?')[0]!).replace(/^\/api\/v10/, '')
    const method = request.method ?? 'GET'
    const found = findRoute(method, path)
    const { body, files: attached } = await readBody(request)
    const files = attached.map(({ name }) => name)
    const bytes = attached.map((one) => one.bytes)
    const operation = found?.operation ?? `${method} ${path}`
    const call: ApiCall = {
      operation,
      params: found?.params ?? {},
      body,
      files: bytes,
      atMs: parts.now(),
      outcome: undefined,
    }
    transcript.calls.push(call)
    if (!found) violation(operation, 'no such route in the stand-in')
    const unknown = () => json({ message: '404: Not Found', code: 0 }, 404)
    const outcome = found ? answer(found.operation, call, request, files) : unknown()
    call.outcome = outcomeOf(outcome)
    transcript.changed()
    if (outcome === 'drop') request.socket.resetAndDestroy()
    else if (outcome !== 'hang') response.writeHead(outcome.status, outcome.headers).end(outcome.body)
  }
}
