import { blockProblems } from './block-limits.ts'
import { type Fields, fields, list, string } from './fields.ts'

/** `refusal` is the error Slack would answer; without it Slack takes the message, and only a person would mind. */
export interface MessageProblem {
  says: string
  refusal?: string
}

const TEXT = 40_000
const UPDATE_BYTES = 4000
const ATTACHMENTS = 100

/** chat.update counts the bytes of the escaped text (gitlab.com/gitlab-org/gitlab, merge request 258898). */
function escapedBytes(text: string): number {
  const escaped = text
    .replace(/&(?!amp;|lt;|gt;)/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
  return Buffer.byteLength(escaped)
}

function refusalOf(problem: string): string {
  return /: (only_one_table_allowed|msg_blocks_too_long):/.exec(problem)?.[1] ?? 'invalid_blocks'
}

function blockFindings(blocks: unknown): MessageProblem[] {
  return blockProblems(blocks).map((says) => ({ says, refusal: refusalOf(says) }))
}

function textFindings(method: string, body: Fields): MessageProblem[] {
  const text = string(body.text)
  const found: MessageProblem[] = []
  const rich = list(body.blocks).length > 0 || list(body.attachments).length > 0
  if (rich && text.trim() === '') found.push({ says: 'no top-level text beside blocks: notifications would be empty' })
  if (text.length > TEXT) found.push({ says: `text: ${text.length} characters, Slack cuts it at ${TEXT}` })
  if (method === 'chat.update' && escapedBytes(text) > UPDATE_BYTES)
    found.push({ says: `text: more than ${UPDATE_BYTES} bytes in an update`, refusal: 'msg_too_long' })
  return found
}

/** What is wrong with the body of a message; `method` is the Web API method, or `response_url`, or `ack`. */
export function messageProblems(method: string, body: Fields): MessageProblem[] {
  const found = textFindings(method, body)
  if (body.blocks !== undefined && body.blocks !== null) found.push(...blockFindings(body.blocks))
  const attachments = list(body.attachments)
  if (attachments.length > ATTACHMENTS)
    found.push({ says: `${attachments.length} attachments, at most ${ATTACHMENTS}`, refusal: 'too_many_attachments' })
  for (const attachment of attachments.map(fields))
    if (attachment.blocks !== undefined) found.push(...blockFindings(attachment.blocks))
  return found
}
