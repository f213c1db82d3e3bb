import { type Fields, fields, string } from '../slack/fields.ts'
import { ApiError } from './api-error.ts'
import { botJson, type Channel, type Guild } from './guild.ts'
import { messageProblems } from './message-rules.ts'
import type { Handler } from './request.ts'
import type { Operation } from './routes.ts'
import { type DiscordMessage, newMessage, type Transcript } from './transcript.ts'

/** "Checked for uniqueness in the past few minutes" (docs: message#create-message, enforce_nonce). */
const NONCE_MS = 5 * 60_000

export function messageJson(message: DiscordMessage, botId: string): Fields {
  const { id, channel, content, embeds, components, flags, files, edits } = message
  const at = '2026-01-01T00:00:00.000000+00:00'
  return {
    id,
    channel_id: channel,
    type: message.replyTo ? 19 : 0,
    author: botJson(botId),
    content,
    embeds,
    components,
    flags,
    timestamp: at,
    edited_timestamp: edits > 0 ? at : null,
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: files.map((filename, index) => ({ id: String(index), filename, size: 1, url: '', proxy_url: '' })),
    pinned: false,
    ...(message.replyTo ? { message_reference: { message_id: message.replyTo, channel_id: channel } } : {}),
  }
}

export interface MessagesApiParts {
  guild: Guild
  transcript: Transcript
  newId: () => string
  now: () => number
  /** Told of each new thread. */
  threadCreated: (thread: Fields) => void
}

export function createMessagesApi(parts: MessagesApiParts) {
  const { guild, transcript } = parts
  const nonces = new Map<string, { message: DiscordMessage; atMs: number }>()
  const bot = guild.applicationId

  function channelOf(params: Record<string, string>, needs?: 'send' | 'threads'): Channel {
    const channel = [...guild.channels.values()].find(({ id }) => id === params.channel_id)
    if (!channel) throw new ApiError(10003)
    if (channel.lacks.includes('view')) throw new ApiError(50001)
    if (needs && channel.lacks.includes(needs)) throw new ApiError(channel.type === 1 ? 50007 : 50013)
    return channel
  }

  function messageOf(params: Record<string, string>): DiscordMessage {
    const message = transcript.find(channelOf(params).id, params.message_id ?? '')
    if (!message || message.onlyTo !== undefined) throw new ApiError(10008)
    return message
  }

  function check(body: unknown, before: DiscordMessage | undefined, files: string[]): void {
    const problems = messageProblems(body, { before, mayBeEphemeral: false, files: files.length })
    if (problems.length > 0) throw new ApiError(50035, problems)
  }

  const create: Handler = ({ params, body, files }) => {
    const channel = channelOf(params, 'send')
    check(body, undefined, files)
    const { nonce, enforce_nonce } = fields(body)
    const key = `${channel.id}:${nonce}`
    const earlier = nonces.get(key)
    if (enforce_nonce === true && earlier && parts.now() - earlier.atMs < NONCE_MS)
      return { ...messageJson(earlier.message, bot), nonce }
    const message = transcript.put(newMessage({ id: parts.newId(), channel: channel.id, body: fields(body), files }))
    if (nonce !== undefined) nonces.set(key, { message, atMs: parts.now() })
    return { ...messageJson(message, bot), ...(nonce === undefined ? {} : { nonce }) }
  }

  const update: Handler = ({ params, body, files }) => {
    const message = messageOf(params)
    check(body, message, files)
    transcript.edit(message, fields(body))
    return messageJson(message, bot)
  }

  /** A thread that begins at a message has that message's id (docs: topics/threads). */
  const createThread: Handler = ({ params, body }) => {
    const parent = channelOf(params)
    if (parent.type !== 0) throw new ApiError(50024)
    const { id } = messageOf(params)
    channelOf(params, 'threads')
    if ([...guild.channels.values()].some((channel) => channel.id === id)) throw new ApiError(160004)
    const name = string(fields(body).name)
    const thread = guild.open({ id, name: `${name}#${id}`, type: 11, parentId: parent.id, lacks: parent.lacks })
    const json = { ...guild.channelJson(thread), name }
    parts.threadCreated(json)
    return json
  }

  const createDm: Handler = ({ body }) => {
    const id = string(fields(body).recipient_id)
    const user = [...guild.users.values()].find((one) => one.id === id)
    if (!user) throw new ApiError(50033)
    const name = `dm-${user.name}`
    const lacks = user.takesDms === false ? (['send'] as const) : []
    const dm = guild.channels.get(name) ?? guild.open({ id: parts.newId(), name, type: 1, lacks })
    return { ...guild.channelJson(dm), recipients: [guild.userJson(user)] }
  }

  return {
    create_message: create,
    update_message: update,
    create_thread_from_message: createThread,
    create_dm: createDm,
    get_message: ({ params }) => messageJson(messageOf(params), bot),
    list_messages: ({ params, query }) =>
      transcript
        .messages(channelOf(params).id)
        .slice(-Number(query.get('limit') ?? 50))
        .reverse()
        .map((message) => messageJson(message, bot)),
    delete_message: ({ params }) => void transcript.remove(messageOf(params)),
    get_channel: ({ params }) => guild.channelJson(channelOf(params)),
  } satisfies Partial<Record<Operation, Handler>>
}
