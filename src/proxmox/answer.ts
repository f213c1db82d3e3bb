import { BadReply, type Call, PveError } from './errors.ts'
import type { Answer } from './exchange.ts'

/** A successful answer. What `data` holds is unknown until it has been parsed (replies.ts). */
export interface Reply extends Call {
  endpoint: string
  data: unknown
  /** Beside `data` in lists that come in pages. */
  total: unknown
  /** Beside `data` in the list of interfaces, while changes wait. */
  changes?: unknown
}

/**
 * Takes an answer apart. Throws `PveError` for every status but 200 (Proxmox knows no other success) and `BadReply` for
 * a 200 that is not Proxmox's JSON. `redact` is applied to every text of theirs that ends up in an error.
 */
export function readAnswer(call: Call, answer: Answer, redact: (text: string) => string): Reply {
  const { method, path } = call
  const body = parseObject(answer.body)
  if (answer.status !== 200) throw refusal(call, answer, body, redact)
  if (!body || !('data' in body)) {
    const bytes = Buffer.byteLength(answer.body)
    throw new BadReply({ method, path }, `${answer.endpoint} answered with ${bytes} bytes of ${kindOf(answer)}`)
  }
  return { method, path, endpoint: answer.endpoint, data: body.data, total: body.total, changes: body.changes }
}

// By content rather than by content type: a proxy in between writes the type its own way.
function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function kindOf(answer: Answer): string {
  const type = answer.contentType.split(';')[0]?.trim() || 'unnamed type'
  return type.includes('json') ? `${type} that is cut or not Proxmox's` : type
}

function refusal(
  call: Call,
  answer: Answer,
  body: Record<string, unknown> | undefined,
  redact: (text: string) => string,
): PveError {
  const message = typeof body?.message === 'string' ? body.message.trimEnd() : ''
  const reason = redact(answer.reason)
  return new PveError(call, {
    endpoint: answer.endpoint,
    status: answer.status,
    reason,
    text: redact(message) || reason || `HTTP ${answer.status}`,
    fields: fieldsOf(body?.errors, redact),
  })
}

function fieldsOf(errors: unknown, redact: (text: string) => string): Record<string, string> {
  if (typeof errors !== 'object' || errors === null) return {}
  return Object.fromEntries(Object.entries(errors).map(([name, text]) => [name, redact(String(text))]))
}
