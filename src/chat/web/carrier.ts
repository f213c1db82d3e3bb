import type { Message } from '../../core/message.ts'

interface Shown {
  key: string
  target: string
  thread?: string
  onlyTo?: string
  message: Message
}

/** Shows cards in the web chat. The card's key is the message's id, so that showing one twice changes nothing. */
export function webCarrier(channels: {
  write(
    channel: string,
    entry: { id: string; author: string; threadId?: string; onlyTo?: string; message: Message },
  ): Promise<void>
}) {
  const show = async ({ key, target, thread, onlyTo, message }: Shown) => {
    await channels.write(target.slice('web:'.length), {
      id: key,
      author: 'quorum',
      ...(thread === undefined ? {} : { threadId: thread }),
      ...(onlyTo === undefined ? {} : { onlyTo }),
      message,
    })
    return key
  }
  return {
    platform: 'web',
    post: (card: Shown) => show(card),
    edit: async (card: Shown) => {
      await show(card)
    },
  }
}
