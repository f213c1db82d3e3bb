import { type Fields, fields, list, string } from '../slack/fields.ts'
import { textsIn, withIds } from './components.ts'
import { Flag, pingsOf } from './message-rules.ts'

/** One message as it stands now; the object follows later edits. */
export interface DiscordMessage {
  id: string
  channel: string
  content: string
  embeds: Fields[]
  /** With the ids that Discord gives to each. */
  components: Fields[]
  flags: number
  /** Names of the files it came with. */
  files: string[]
  /** Who alone sees it; undefined: everybody. */
  onlyTo: string | undefined
  /** The message that it answers. */
  replyTo: string | undefined
  /** `@everyone`, `<@1>`…: whom it woke. */
  pings: string[]
  /** How often it was edited. */
  edits: number
  deleted: boolean
}

export interface ApiCall {
  /** Discord's own name of the operation, or `METHOD path` of a route that the stand-in does not have. */
  operation: string
  params: Record<string, string>
  body: unknown
  /** The bytes of the files that came along. */
  files: Buffer[]
  atMs: number
  /** `ok`, Discord's error code, an HTTP status, or how the connection ended; undefined while under way. */
  outcome: string | undefined
}

/** Everything that came of the bot's calls, and a way to wait for more of it. */
export interface Transcript {
  calls: ApiCall[]
  violations: string[]
  /** Keys of bodies that Discord's OpenAPI does not know and would ignore. */
  unknown: string[]
  messages(channel: string): DiscordMessage[]
  find(channel: string, id: string): DiscordMessage | undefined
  put(message: DiscordMessage): DiscordMessage
  edit(message: DiscordMessage, body: Fields): void
  remove(message: DiscordMessage): void
  ephemerals(user: string): DiscordMessage[]
  changed(): void
  until<T>(check: () => T | undefined | null | false, timeoutMs?: number): Promise<T>
}

/** What people read of a message, line by line. */
export const textOf = (message: Pick<DiscordMessage, 'content' | 'components'>): string =>
  [message.content, ...textsIn(message.components)].filter((text) => text !== '').join('\n')

export function newMessage(at: {
  id: string
  channel: string
  body: Fields
  files?: string[]
  onlyTo?: string | undefined
}): DiscordMessage {
  const { id, channel, body, files = [], onlyTo } = at
  return {
    id,
    channel,
    content: string(body.content),
    embeds: list(body.embeds).map(fields),
    components: withIds(body.components),
    flags: Number(body.flags ?? 0),
    files,
    onlyTo,
    replyTo: string(fields(body.message_reference).message_id) || undefined,
    pings: pingsOf(body),
    edits: 0,
    deleted: false,
  }
}

function change(message: DiscordMessage, body: Fields): void {
  if (body.content !== undefined) message.content = string(body.content)
  if (body.embeds !== undefined) message.embeds = list(body.embeds).map(fields)
  if (body.components !== undefined) message.components = withIds(body.components)
  if (typeof body.flags === 'number') message.flags = (message.flags & Flag.ephemeral) | body.flags
  message.flags &= ~Flag.loading
  message.pings.push(...pingsOf({ ...body, allowed_mentions: body.allowed_mentions ?? { parse: [] } }))
  message.edits += 1
}

export function createTranscript(): Transcript {
  const all = new Map<string, DiscordMessage>()
  const calls: ApiCall[] = []
  const violations: string[] = []
  const waiting = new Set<() => void>()
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
  const shown = () => [...all.values()].filter(({ deleted }) => !deleted)
  return {
    calls,
    violations,
    unknown: [],
    changed,
    messages: (channel) => shown().filter((message) => message.channel === channel && message.onlyTo === undefined),
    ephemerals: (user) => shown().filter(({ onlyTo }) => onlyTo === user),
    find(channel, id) {
      const found = all.get(id)
      return found?.channel === channel && !found.deleted ? found : undefined
    },
    put(message) {
      all.set(message.id, message)
      changed()
      return message
    },
    edit(message, body) {
      change(message, body)
      changed()
    },
    remove(message) {
      message.deleted = true
      changed()
    },
    until: (check, timeoutMs = 40_000) => waitFor({ check, timeoutMs, waiting, calls, violations }),
  }
}

function waitFor<T>(parts: {
  check: () => T | undefined | null | false
  timeoutMs: number
  waiting: Set<() => void>
  calls: ApiCall[]
  violations: string[]
}): Promise<T> {
  const { check, timeoutMs, waiting, calls, violations } = parts
  return new Promise((resolve, reject) => {
    const end = (finish: () => void) => {
      clearTimeout(timer)
      clearInterval(again)
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
      const last = calls.slice(-12).map((call) => `${call.operation} → ${call.outcome ?? 'under way'}`)
      const told = `last calls: ${last.join(', ')}\nviolations: ${violations.join('; ')}`
      end(() => reject(new Error(`not true after ${timeoutMs} ms: ${check}\n${told}`)))
    }, timeoutMs)
    // What a test waits for may be the bot's own doing, of which the stand-in hears nothing.
    const again = setInterval(() => look(), 20)
    waiting.add(look)
    look()
  })
}
