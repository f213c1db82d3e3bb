import type { Fields } from '../slack/fields.ts'

/** Discord's JSON error codes that the stand-in answers with, their HTTP status and text (topics/opcodes-and-status-codes). */
const TEXTS = {
  0: [404, '404: Not Found'],
  10003: [404, 'Unknown Channel'],
  10004: [404, 'Unknown Guild'],
  10007: [404, 'Unknown Member'],
  10008: [404, 'Unknown Message'],
  10013: [404, 'Unknown User'],
  10015: [404, 'Unknown Webhook'],
  10062: [404, 'Unknown interaction'],
  40060: [400, 'Interaction has already been acknowledged.'],
  50001: [403, 'Missing Access'],
  50007: [403, 'Cannot send messages to this user'],
  50013: [403, 'Missing Permissions'],
  50024: [400, 'Cannot execute action on this channel type'],
  50027: [401, 'Invalid Webhook Token'],
  50033: [400, 'Invalid Recipient(s)'],
  50035: [400, 'Invalid Form Body'],
  160004: [400, 'A thread has already been created for this message'],
  160006: [400, 'Maximum number of active threads reached'],
} as const satisfies Record<number, readonly [status: number, message: string]>

export type ApiErrorCode = keyof typeof TEXTS

/** What Discord answers instead of doing it. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: number
  readonly status: number
  /** What is wrong with the body, each with its path. */
  readonly problems: string[]

  constructor(code: ApiErrorCode, problems: string[] = []) {
    super(TEXTS[code][1])
    this.code = code
    this.status = TEXTS[code][0]
    this.problems = problems
  }

  toJSON(): Fields {
    if (this.problems.length === 0) return { message: this.message, code: this.code }
    const errors = { _errors: this.problems.map((message) => ({ code: 'INVALID', message })) }
    return { message: this.message, code: this.code, errors }
  }
}
