import { randomUUID } from 'node:crypto'
import { type Fields, fields, string } from '../slack/fields.ts'
import { choiceProblems, fitProblems, modalProblems, Response } from './answer-rules.ts'
import { ApiError } from './api-error.ts'
import { Flag, messageProblems } from './message-rules.ts'
import { type DiscordMessage, newMessage, type Transcript } from './transcript.ts'

/** An interaction token works this long. */
const TOKEN_MS = 15 * 60_000

/** What became of one interaction. */
export interface Delivery {
  payload: Fields
  /** The body of the bot's first response; undefined when a person would have seen "did not respond". */
  response: Fields | undefined
  elapsedMs: number
}

/** An open modal, as one person has it in front. */
export interface Modal {
  title: string
  customId: string
  components: Fields[]
  /** The message whose button opened it. */
  from: DiscordMessage | undefined
  channel: string
}

export interface Entry {
  id: string
  token: string
  type: number
  user: string
  channel: string
  /** The message whose button was pressed. */
  message: DiscordMessage | undefined
  issuedAtMs: number
  answered: Fields | undefined
  /** What `@original` means: the first answer, or the message of the button. */
  original: DiscordMessage | undefined
  followUps: DiscordMessage[]
  settle: (response: Fields | undefined) => void
}

export interface InteractionParts {
  transcript: Transcript
  now: () => number
  newId: () => string
  ackWithinMs: number
  dispatch: (payload: Fields) => void
}

export interface Interactions {
  modals: Map<string, Modal>
  /** Sends it to the bot and waits for its first response, or until nobody would wait any more. Never rejects. */
  deliver(entry: Pick<Entry, 'type' | 'user' | 'channel' | 'message'>, payload: Fields): Promise<Delivery>
  respond(params: Record<string, string>, body: Fields, files: string[]): void
  /** The interaction of a webhook call. */
  byToken(token: string): Entry
  stop(): void
}

const nameOf = (payload: Fields) => {
  const data = fields(payload.data)
  return `interaction ${string(data.name) || string(data.custom_id)}`
}

export function createInteractions(parts: InteractionParts): Interactions {
  const { transcript, now } = parts
  const entries = new Map<string, Entry>()
  const timers = new Set<NodeJS.Timeout>()
  const modals = new Map<string, Modal>()

  function show(entry: Entry, body: Fields, files: string[]): DiscordMessage {
    const flags = Number(body.flags ?? 0)
    const onlyTo = (flags & Flag.ephemeral) === 0 ? undefined : entry.user
    return transcript.put(newMessage({ id: parts.newId(), channel: entry.channel, body, files, onlyTo }))
  }

  function check(problems: string[]): void {
    if (problems.length > 0) throw new ApiError(50035, problems)
  }

  /** Does what the first response says (docs: receiving-and-responding#interaction-response-object). */
  const effects: Record<number, (entry: Entry, data: Fields, files: string[]) => void> = {
    [Response.message](entry, data, files) {
      check(messageProblems(data, { mayBeEphemeral: true, files: files.length }))
      entry.original = show(entry, data, files)
    },
    [Response.deferred](entry, data, files) {
      entry.original = show(entry, { flags: Number(data.flags ?? 0) | Flag.loading }, files)
    },
    [Response.deferredUpdate](entry) {
      entry.original = entry.message
    },
    [Response.update](entry, data, files) {
      check(messageProblems(data, { before: entry.message, mayBeEphemeral: true, files: files.length }))
      entry.original = entry.message
      if (entry.message) transcript.edit(entry.message, data)
    },
    [Response.choices]: (_, data) => check(choiceProblems(data)),
    [Response.modal](entry, data) {
      check(modalProblems(data))
      const { title, custom_id, components } = data
      const opened = { title: string(title), customId: string(custom_id), components: components as Fields[] }
      modals.set(entry.user, { ...opened, from: entry.message, channel: entry.channel })
    },
  }

  return {
    modals,
    deliver(about, payload) {
      const startedMs = performance.now()
      const id = string(payload.id)
      const rest = { answered: undefined, original: undefined, followUps: [], issuedAtMs: now() }
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          transcript.violations.push(`${nameOf(payload)}: no response within ${parts.ackWithinMs} ms`)
          settle(undefined)
        }, parts.ackWithinMs)
        timers.add(timer)
        const settle = (response: Fields | undefined) => {
          clearTimeout(timer)
          timers.delete(timer)
          resolve({ payload, response, elapsedMs: Math.round(performance.now() - startedMs) })
        }
        entries.set(id, { ...about, ...rest, id, token: string(payload.token), settle })
        parts.dispatch(payload)
      })
    },
    respond({ interaction_id, interaction_token }, body, files) {
      const entry = entries.get(interaction_id ?? '')
      if (entry?.token !== interaction_token || !entry) throw new ApiError(10062)
      if (entry.answered) throw new ApiError(40060)
      if (now() - entry.issuedAtMs > parts.ackWithinMs) throw new ApiError(10062)
      check(fitProblems(entry.type, Number(body.type), entry.message !== undefined))
      effects[Number(body.type)]?.(entry, fields(body.data), files)
      entry.answered = body
      entry.settle(body)
      transcript.changed()
    },
    byToken(token) {
      const entry = [...entries.values()].find((one) => one.token === token)
      if (!entry) throw new ApiError(10015)
      if (now() - entry.issuedAtMs > TOKEN_MS) throw new ApiError(50027)
      if (!entry.answered) throw new ApiError(10015)
      return entry
    },
    stop() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

export const newToken = (): string => `aW50ZXJhY3Rpb24${randomUUID().replaceAll('-', '')}`
