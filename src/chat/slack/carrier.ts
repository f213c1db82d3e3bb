import type { webApi } from '@slack/bolt'
import type { Message } from '../../core/message.ts'
import { render } from './render.ts'

interface Shown {
  key: string
  target: string
  thread?: string
  onlyTo?: string
  message: Message
}

/** Why Slack will not show this message any more, however often it is tried. */
const gone = new Set(['channel_not_found', 'is_archived', 'message_not_found', 'not_in_channel', 'cant_update_message'])

/** How far back a message whose answer was lost is looked for. */
const lookBack = 50

/**
 * Shows cards in Slack by the bot's token: posted once, edited in place by `channel/ts`. `errors` makes the two errors
 * that delivery knows; the client must not retry by itself, since a post whose answer is lost may have happened.
 */
export function slackCarrier(
  client: webApi.WebClient,
  errors: { throttled(retryAfterMs: number): Error; gone(reason: string): Error },
) {
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      const { code, retryAfter, data } = error as { code?: string; retryAfter?: number; data?: { error?: string } }
      if (code === 'slack_webapi_rate_limited_error') throw errors.throttled((retryAfter ?? 1) * 1000)
      if (data?.error !== undefined && gone.has(data.error)) throw errors.gone(data.error)
      throw error
    }
  }
  const channelOf = (card: Shown) => card.target.slice('slack:'.length)
  const tsOf = (posted: string | undefined) => posted?.slice(posted.indexOf('/') + 1)

  /** The message that carries this card's key, should an earlier try have posted it. */
  async function find(card: Shown, thread: string | undefined): Promise<string | undefined> {
    const channel = channelOf(card)
    const page = { channel, limit: lookBack, include_all_metadata: true }
    const { messages } = await call(() =>
      thread === undefined ? client.conversations.history(page) : client.conversations.replies({ ...page, ts: thread }),
    )
    type Marked = { ts?: string; metadata?: { event_payload?: { key?: string } } }
    const found = (messages as Marked[] | undefined)?.find(({ metadata }) => metadata?.event_payload?.key === card.key)
    return found?.ts === undefined ? undefined : `${channel}/${found.ts}`
  }

  return {
    platform: 'slack',
    async post(card: Shown, again: boolean, root: string | undefined): Promise<string> {
      const channel = channelOf(card)
      const { text, blocks } = render(card.message, card.key)
      const thread = tsOf(root)
      const where = thread === undefined ? { channel, text, blocks } : { channel, text, blocks, thread_ts: thread }
      if (card.onlyTo?.startsWith('slack:')) {
        const user = card.onlyTo.slice('slack:'.length)
        const { message_ts } = await call(() => client.chat.postEphemeral({ ...where, user }))
        return `${channel}/${message_ts}`
      }
      const earlier = again ? await find(card, thread) : undefined
      if (earlier !== undefined) return earlier
      const metadata = { event_type: 'quorum_card', event_payload: { key: card.key } }
      const { ts } = await call(() => client.chat.postMessage({ ...where, metadata, unfurl_links: false }))
      return `${channel}/${ts}`
    },
    async edit(card: Shown, posted: string): Promise<void> {
      if (card.onlyTo !== undefined) return
      const { text, blocks } = render(card.message, card.key)
      await call(() => client.chat.update({ channel: channelOf(card), ts: tsOf(posted)!, text, blocks }))
    },
  }
}
