import { randomUUID } from 'node:crypto'
import { type Fields, fields, string } from './fields.ts'
import { messageProblems } from './message-limits.ts'
import { type Act, ephemeral } from './recorder.ts'
import type { EphemeralMessage, SlackMessage, Transcript } from './transcript.ts'

const USES = 5
const LIFETIME_MS = 30 * 60_000

/** Who acted, where, and on which message if any. */
interface ResponseUrlSource {
  user: string
  channel: string
  of?: SlackMessage | EphemeralMessage
}

export interface ResponseUrls {
  issue(source: ResponseUrlSource): string
  /** Answers one POST to `/response/ID`: 404 once it was used 5 times or is 30 minutes old. */
  handle(id: string, body: Fields): Promise<{ status: number; body: string }>
  /** Shows what an ack or a response_url carried, to the person or to the channel. */
  show(via: 'ack' | 'response_url', source: ResponseUrlSource, body: Fields): Promise<string | undefined>
}

export function createResponseUrls(parts: {
  transcript: Transcript
  act: Act
  now: () => number
  publicUrl: () => string
}): ResponseUrls {
  const { transcript, act } = parts
  const issued = new Map<string, { source: ResponseUrlSource; uses: number; atMs: number }>()

  async function remove(of: SlackMessage | EphemeralMessage): Promise<void> {
    if (of.kind === 'message') await act('chat.delete', { channel: of.channel, ts: of.ts })
    else transcript.ephemerals.splice(transcript.ephemerals.indexOf(of), 1)
  }

  async function replace(of: SlackMessage | EphemeralMessage, body: Fields): Promise<void> {
    if (of.kind === 'message') await act('chat.update', { ...body, channel: of.channel, ts: of.ts })
    else Object.assign(of, ephemeral(of.via, of, body), { threadTs: of.threadTs })
  }

  async function show(via: 'ack' | 'response_url', source: ResponseUrlSource, body: Fields) {
    const found = messageProblems(via, body)
    for (const { says } of found) transcript.violations.push(`${via}: ${says}`)
    const refused = found.find(({ refusal }) => refusal !== undefined)?.refusal
    if (refused) return refused
    const { of } = source
    if (of && body.delete_original === true) await remove(of)
    else if (of && body.replace_original === true) await replace(of, body)
    else if (body.response_type === 'in_channel') await act('chat.postMessage', { ...body, channel: source.channel })
    else transcript.ephemerals.push(ephemeral(via, source, of ? body : { ...body, thread_ts: undefined }))
    transcript.changed()
    return undefined
  }

  return {
    show,
    issue(source) {
      const id = randomUUID()
      issued.set(id, { source, uses: 0, atMs: parts.now() })
      return `${parts.publicUrl()}/response/${id}`
    },
    async handle(id, body) {
      const known = issued.get(id)
      const gone = (error: string) => ({ status: 404, body: JSON.stringify({ ok: false, error }) })
      if (!known || parts.now() - known.atMs > LIFETIME_MS) return gone('expired_url')
      if (known.uses >= USES) return gone('used_url')
      known.uses += 1
      const refused = await show('response_url', known.source, fields(body))
      return refused ? { status: 400, body: string(refused) } : { status: 200, body: 'ok' }
    },
  }
}
