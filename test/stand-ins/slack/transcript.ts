import { type Block, blockList, type Fields, fields, list, string } from './fields.ts'

/** One message as it stands now; the object follows later edits and replies. */
export interface SlackMessage {
  kind: 'message'
  ts: string
  channel: string
  user: string
  text: string
  blocks: Block[]
  attachments: Fields[]
  metadata: Fields | undefined
  files: Fields[]
  threadTs: string | undefined
  /** How often it was edited. */
  edits: number
  replies: SlackMessage[]
}

/** What one person alone was shown. `via` tells how: the Web API, a response_url, or the text of an ack. */
export interface EphemeralMessage {
  kind: 'ephemeral'
  ts: string
  channel: string
  /** Who sees it. */
  user: string
  text: string
  blocks: Block[]
  threadTs: string | undefined
  via: 'chat.postEphemeral' | 'response_url' | 'ack'
}

export interface ApiCall {
  method: string
  args: Fields
  atMs: number
  /** What was answered: `ok`, Slack's error code, an HTTP status, or how the connection ended; undefined while under way. */
  outcome: string | undefined
}

/** Everything that came of the bot's calls, and a way to wait for more of it. */
export interface Transcript {
  calls: ApiCall[]
  violations: string[]
  ephemerals: EphemeralMessage[]
  messages(channel: string): SlackMessage[]
  find(channel: string, ts: string): SlackMessage | undefined
  put(channel: string, message: Fields): void
  edited(channel: string, ts: string, message: Fields): void
  removed(channel: string, ts: string): void
  changed(): void
  until<T>(check: () => T | undefined | null | false, timeoutMs?: number): Promise<T>
}

function read(channel: string, message: Fields): SlackMessage {
  return {
    kind: 'message',
    ts: string(message.ts),
    channel,
    user: string(message.user),
    text: string(message.text),
    blocks: blockList(message.blocks),
    attachments: list(message.attachments).map(fields),
    metadata: message.metadata === undefined ? undefined : fields(message.metadata),
    files: list(message.files).map(fields),
    threadTs: string(message.thread_ts) || undefined,
    edits: 0,
    replies: [],
  }
}

export function createTranscript(): Transcript {
  const byChannel = new Map<string, Map<string, SlackMessage>>()
  const calls: ApiCall[] = []
  const violations: string[] = []
  const waiting = new Set<() => void>()
  const all = (channel: string) => byChannel.get(channel) ?? new Map<string, SlackMessage>()
  const find = (channel: string, ts: string) => all(channel).get(ts)
  let isTold = false
  /** Tells the waiting once per turn, so that they never see a call half done. */
  const changed = () => {
    if (isTold) return
    isTold = true
    setImmediate(() => {
      isTold = false
      for (const look of waiting) look()
    })
  }
  return {
    calls,
    violations,
    ephemerals: [],
    messages: (channel) => [...all(channel).values()].filter((m) => !m.threadTs || m.threadTs === m.ts),
    find,
    put(channel, message) {
      const read_ = read(channel, message)
      byChannel.set(channel, all(channel).set(read_.ts, read_))
      if (read_.threadTs && read_.threadTs !== read_.ts) find(channel, read_.threadTs)?.replies.push(read_)
      changed()
    },
    edited(channel, ts, message) {
      const known = find(channel, ts)
      if (known) Object.assign(known, read(channel, message), { edits: known.edits + 1, replies: known.replies })
      changed()
    },
    removed(channel, ts) {
      const parent = find(channel, find(channel, ts)?.threadTs ?? '')
      if (parent) parent.replies = parent.replies.filter((reply) => reply.ts !== ts)
      all(channel).delete(ts)
      changed()
    },
    changed,
    until(check, timeoutMs = 40_000) {
      return new Promise((resolve, reject) => {
        const end = (finish: () => void) => {
          clearTimeout(timer)
          waiting.delete(look)
          finish()
        }
        const look = () => {
          try {
            const found = check()
            if (found) end(() => resolve(found))
          } catch (error) {
            end(() => reject(error))
          }
        }
        const timer = setTimeout(() => {
          const last = calls.slice(-12).map((call) => `${call.method} → ${call.outcome ?? 'under way'}`)
          end(() =>
            reject(
              new Error(
                `not true after ${timeoutMs} ms: ${check}\nlast calls: ${last.join(', ')}\nviolations: ${violations.join('; ')}`,
              ),
            ),
          )
        }, timeoutMs)
        waiting.add(look)
        look()
      })
    },
  }
}
