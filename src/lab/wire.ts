/**
 * Proxmox's HTTP dialect in both directions: what of a request is refused before anybody looks at its meaning, how
 * parameters travel, how answers and refusals look. Seen in test/recordings/wire.jsonl.gz and err.jsonl.gz.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PveFault } from './fault.ts'
import { type Json, type Method, Reply } from './router.ts'
import type { Encoding } from './schema/verify.ts'
import { readUpload, type Upload } from './upload.ts'

export type Format = 'json' | 'extjs'

export interface Target {
  format: Format
  /** After /api2/FORMAT, without the query. */
  path: string
  query: URLSearchParams
}

export interface Sent {
  params: Record<string, unknown>
  encoding: Encoding
  upload?: Upload
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE'])
const LARGEST_BODY = 512 * 1024

/** Throws what the HTTP server itself refuses, whoever asks. */
export function checkMethod(request: IncomingMessage): Method {
  const method = request.method ?? ''
  if (!METHODS.has(method)) throw new PveFault(501, `method '${method}' not available`, { bare: true })
  if (request.headers['transfer-encoding'] !== undefined) {
    throw new PveFault(501, 'chunked transfer encoding not supported', { bare: 'text' })
  }
  return method as Method
}

export function parseTarget(request: IncomingMessage): Target {
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const [, format, rest = ''] = /^\/+api2\/+([^/]*)(\/.*)?$/.exec(path) ?? []
  if (format === undefined) throw new PveFault(500, `no such file '${path}'\n`, { bare: 'text' })
  if (format !== 'json' && format !== 'extjs') throw new PveFault(501, 'no such uri', { bare: 'text' })
  return { format, path: rest, query }
}

/** The parameters of query and body together. Throws for bodies that the HTTP server does not take. */
export async function readParams(request: IncomingMessage, method: Method, query: URLSearchParams): Promise<Sent> {
  const fromQuery = fromForm(query)
  const length = Number(request.headers['content-length'] ?? 0)
  if (length === 0) return { params: fromQuery, encoding: 'none' }
  if (method !== 'POST' && method !== 'PUT') {
    throw new PveFault(501, `Unexpected content for method '${method}'`, { bare: 'text' })
  }
  const type = request.headers['content-type'] ?? ''
  if (/^multipart\/form-data;/i.test(type)) {
    const { fields, upload } = await readUpload(request, type)
    // The file's own name is the parameter, whatever its part was called.
    const named = upload && { filename: upload.filename }
    return { params: { ...fromQuery, ...fields, ...named }, encoding: 'form', ...(upload && { upload }) }
  }
  const isJson = /^application\/json(;|$)/i.test(type)
  if (!isJson && !/^application\/x-www-form-urlencoded(;|$)/i.test(type)) {
    throw new PveFault(506, `upload 'Content-Type '${type}' not implemented`, { bare: 'text' })
  }
  if (length > LARGEST_BODY) throw new PveFault(501, 'for data too large', { bare: 'text' })
  const body = await readBody(request)
  if (isJson) return { params: { ...fromQuery, ...fromJson(body) }, encoding: 'json' }
  return { params: { ...fromQuery, ...fromForm(new URLSearchParams(body)) }, encoding: 'form' }
}

/** A name given twice becomes a list. */
function fromForm(form: URLSearchParams): Record<string, unknown> {
  const params: Record<string, unknown> = {}
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name)
    params[name] = values.length === 1 ? values[0] : values
  }
  return params
}

const PERL = 'at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line'

function fromJson(body: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch (error) {
    throw new PveFault(500, `${perlJsonFault(body, error)} ${PERL} 975.\n`, { bare: 'text' })
  }
  if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)) return { ...parsed }
  throw new PveFault(500, `Not a HASH reference ${PERL} 978.\n`, { bare: 'text' })
}

/** JSON::XS says where it stumbled; we know the place from V8's own message. */
function perlJsonFault(body: string, error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  const offset = Number(/position (\d+)/.exec(message)?.[1] ?? body.length)
  const rest = body.slice(offset, offset + 20)
  const before = rest === '' ? '(end of string)' : rest.length < 20 ? rest : `${rest}...`
  const what =
    rest === ''
      ? 'unexpected end of string while parsing JSON string'
      : 'malformed JSON string, neither tag, array, object, number, string or atom'
  return `${what}, at character offset ${offset} (before "${before}")`
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const COMMON_HEADERS = {
  'Cache-Control': 'max-age=0',
  Pragma: 'no-cache',
  Server: 'pve-api-daemon/3.0',
}
const JSON_TYPE = 'application/json;charset=UTF-8'

export function sendReply(response: ServerResponse, format: Format, reply: Reply) {
  if (reply.text !== undefined) return send(response, 200, 'OK', 'text/plain', reply.text)
  const body = { ...reply.extra, data: reply.data, ...(format === 'extjs' ? { success: 1 } : {}) }
  send(response, 200, 'OK', JSON_TYPE, JSON.stringify(body))
}

export function sendFault(response: ServerResponse, format: Format, fault: PveFault) {
  const reason = fault.message.split('\n', 1)[0] ?? ''
  if (fault.bare === 'text') return send(response, fault.status, reason, undefined, fault.message)
  if (fault.bare) return send(response, fault.status, reason, undefined, '')
  const body: Record<string, Json> = { data: null, message: messageOf(fault) }
  if (fault.errors) body.errors = fault.errors
  if (format === 'json') return send(response, fault.status, reason, JSON_TYPE, JSON.stringify(body))
  send(response, 200, 'OK', JSON_TYPE, JSON.stringify({ ...body, success: 0, status: fault.status }))
}

/** What Perl died of ends with a newline; what its dispatcher says does not. */
const messageOf = (fault: PveFault) =>
  fault.status === 501 || fault.status === 424 ? fault.message : `${fault.message}\n`

function send(response: ServerResponse, status: number, reason: string, type: string | undefined, body: string) {
  const bytes = Buffer.from(body)
  response.writeHead(status, latin1(reason), {
    ...COMMON_HEADERS,
    ...(type === undefined ? {} : { 'Content-Type': type }),
    'Content-Length': bytes.length,
  })
  response.end(bytes)
}

/** A reason phrase is bytes; Perl puts UTF-8 there. Control characters would break the line. */
const latin1 = (reason: string) =>
  Buffer.from([...reason].map((char) => ((char.codePointAt(0) ?? 0) < 0x20 ? ' ' : char)).join(''), 'utf8').toString(
    'latin1',
  )

/** `undefined` is null, a bare value is `data`. */
export const toReply = (answer: unknown): Reply =>
  answer instanceof Reply ? answer : new Reply((answer ?? null) as Json)
