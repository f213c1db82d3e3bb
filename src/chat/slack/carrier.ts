import type { webApi } from '@slack/bolt'
import type { Language } from '../../core/language.ts'
import type { Message, State } from '../../core/message.ts'
import { type Condition, failureOf } from './condition.ts'
import type { Pace } from './pace.ts'
import { pictureOf, upload } from './picture.ts'
import { type Place, placeOf, rootOf, textOf } from './place.ts'
import { render } from './render.ts'
import type { Responses } from './responses.ts'

interface Shown {
  key: string
  target: string
  thread?: string
  onlyTo?: string
  language?: Language
  message: Message
}

export interface SlackCarrierOptions {
  /** For what people wait for, and for edits of what passes. Neither may retry by itself: delivery does. */
  clients: { final: webApi.WebClient; edits: webApi.WebClient }
  pace: Pace
  condition: Condition
  /** The two errors that delivery knows. */
  errors: { throttled(retryAfterMs: number): Error; gone(reason: string): Error }
  /** The way to a person where the bot may not post. */
  responses: Responses
  /** Marks a card: nothing of it happened to a real cluster. */
  simulated?: (card: { target: string; language?: Language }) => string | undefined
}

/** How far back a message whose answer was lost is looked for. */
const lookBack = 50

const passing: readonly State[] = ['queued', 'running', 'stale']

/** Shows cards in Slack by the bot's token: posted once, edited in place, refusals to the asker alone. */
export function slackCarrier({ clients, pace, condition, errors, responses, simulated }: SlackCarrierOptions) {
  const channelOf = (card: Shown) => card.target.slice('slack:'.length)

  async function call<T>(kind: 'post' | 'edit', method: string, channel: string, work: () => Promise<T>): Promise<T> {
    try {
      return await condition.watch(method, channel, work)
    } catch (error) {
      const { retryAfterMs, isGone, code } = failureOf(error)
      if (retryAfterMs !== undefined) {
        pace.pause(kind, channel, retryAfterMs)
        throw errors.throttled(retryAfterMs)
      }
      if (isGone) throw errors.gone(code!)
      throw error
    }
  }

  /** Where the bot may not post, the one who asked still learns what came of it. */
  async function orAlone<T>(card: Shown, post: () => Promise<T>): Promise<T> {
    try {
      return await post()
    } catch (error) {
      if (error instanceof Error && error.name === 'Gone') await responses.send(card.key, drawn(card))
      throw error
    }
  }

  const drawn = (card: Shown) => render(card.message, card.key, simulated?.(card))

  /** Slack posts to a person by their id, but shows what it posted only by the id of the direct messages with them. */
  async function historyOf(card: Shown): Promise<string> {
    const to = channelOf(card)
    if (!isPerson(to)) return to
    const open = () => clients.final.conversations.open({ users: to })
    return (await condition.watch('conversations.open', undefined, open)).channel!.id!
  }

  /** The message that carries this card's key, should an earlier try have posted it. */
  async function find(card: Shown, thread: string | undefined): Promise<Pick<Place, 'channel' | 'ts'> | undefined> {
    const { conversations } = clients.final
    try {
      const channel = await historyOf(card)
      const page = { channel, limit: lookBack, include_all_metadata: true }
      const { messages } = await (thread === undefined
        ? condition.watch('conversations.history', channel, () => conversations.history(page))
        : condition.watch('conversations.replies', channel, () => conversations.replies({ ...page, ts: thread })))
      type Marked = { ts?: string; metadata?: { event_payload?: { key?: string } } }
      const marked = messages as Marked[] | undefined
      const ts = marked?.find(({ metadata }) => metadata?.event_payload?.key === card.key)?.ts
      return ts === undefined ? undefined : { channel, ts }
    } catch (error) {
      const { retryAfterMs, code } = failureOf(error)
      if (retryAfterMs !== undefined) throw errors.throttled(retryAfterMs)
      // Where we may post but not read, a message twice is better than none.
      if (code === 'missing_scope' || code === 'not_in_channel' || code === 'channel_not_found') return undefined
      throw error
    }
  }

  function turn(waitMs: number): void {
    if (waitMs > 0) throw errors.throttled(waitMs)
  }

  /** To one person. Slack shows it in a thread only where somebody has answered already, so it goes to the channel. */
  async function whisper(card: Shown, user: string): Promise<Place> {
    const channel = channelOf(card)
    const root = card.thread?.startsWith('slack-ts:') ? rootOf(card.thread, undefined) : undefined
    const { text, blocks } = drawn(card)
    const { message_ts } = await call('post', 'chat.postEphemeral', channel, () =>
      clients.final.chat.postEphemeral({
        channel,
        user,
        text,
        blocks,
        ...(root === undefined ? {} : { thread_ts: root }),
      }),
    )
    return { channel, ts: message_ts!, root, isPrivate: true, hasPicture: false }
  }

  async function say(card: Shown, again: boolean, thread: string | undefined): Promise<Place> {
    const channel = channelOf(card)
    const earlier = again ? await find(card, thread) : undefined
    const place = { channel, root: thread, isPrivate: false, hasPicture: false }
    if (earlier !== undefined) return { ...place, ...earlier }
    turn(pace.post(card.key, channel))
    const { text, blocks } = drawn(card)
    const metadata = { event_type: 'quorum_card', event_payload: { key: card.key } }
    const posted = await call('post', 'chat.postMessage', channel, () =>
      clients.final.chat.postMessage({
        channel,
        text,
        blocks,
        metadata,
        unfurl_links: false,
        unfurl_media: false,
        ...(thread === undefined ? {} : { thread_ts: thread }),
      }),
    )
    // A person's is in the direct messages with them, and only there can it be changed.
    return { ...place, channel: posted.channel ?? channel, ts: posted.ts! }
  }

  /** Puts the card's picture into its thread, once. */
  async function withPicture(card: Shown, place: Place): Promise<Place> {
    const picture = place.hasPicture || place.isPrivate ? undefined : pictureOf(card.message.image)
    if (!picture) return place
    await call('post', 'files.uploadV2', place.channel, () =>
      upload(clients.final, picture, { channel: place.channel, thread: place.root ?? place.ts }),
    )
    return { ...place, hasPicture: true }
  }

  return {
    platform: 'slack',
    /** Whether a card's state is only on the way to another: its edit may wait while final ones go. */
    passing: ({ message }: Shown) => passing.includes(message.state),
    async post(card: Shown, again: boolean, rootPosted: string | undefined): Promise<string> {
      const user = personOf(card)
      if (user !== undefined) return textOf(await orAlone(card, () => whisper(card, user)))
      const place = await orAlone(card, () => say(card, again, rootOf(card.thread, rootPosted)))
      return textOf(await withPicture(card, place))
    },
    async edit(card: Shown, posted: string, rootPosted: string | undefined): Promise<string> {
      const place = placeOf(posted)
      const user = personOf(card)
      if (place.isPrivate) {
        return user === undefined ? textOf(await say(card, false, rootOf(card.thread, rootPosted))) : posted
      }
      const { channel, ts } = place
      if (user !== undefined) {
        // It began for everybody ("reading…") and ends as a refusal, which is the asker's alone.
        await remove(channel, ts)
        return textOf(await whisper(card, user))
      }
      const isPassing = passing.includes(card.message.state)
      turn(pace.edit(card.key, isPassing))
      const { text, blocks } = drawn(card)
      const client = isPassing ? clients.edits : clients.final
      await call('edit', 'chat.update', channel, () => client.chat.update({ channel, ts, text, blocks }))
      return textOf(await withPicture(card, place))
    },
  }

  async function remove(channel: string, ts: string): Promise<void> {
    await clients.final.chat.delete({ channel, ts }).catch((error: unknown) => {
      const { code } = failureOf(error)
      if (code !== 'message_not_found' && code !== 'cant_delete_message') throw error
    })
  }
}

const isPerson = (id: string) => /^[UW]/.test(id)

const personOf = ({ onlyTo }: Shown) => (onlyTo?.startsWith('slack:') ? onlyTo.slice('slack:'.length) : undefined)
