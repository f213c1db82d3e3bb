/** Where a card stands in Slack; kept as text in the card's `posted`. */
export interface Place {
  channel: string
  ts: string
  /** The message whose thread it is in. */
  root?: string | undefined
  /** One person alone saw it, and it cannot be changed. */
  isPrivate: boolean
  /** Its picture has been uploaded. */
  hasPicture: boolean
}

export function placeOf(posted: string): Place {
  const [channel = '', ts = '', root, marks = ''] = posted.split('/')
  return { channel, ts, root: root || undefined, isPrivate: marks.includes('p'), hasPicture: marks.includes('i') }
}

export function textOf({ channel, ts, root, isPrivate, hasPicture }: Place): string {
  const marks = `${isPrivate ? 'p' : ''}${hasPicture ? 'i' : ''}`
  const parts = [channel, ts, ...(root !== undefined || marks ? [root ?? ''] : []), ...(marks ? [marks] : [])]
  return parts.join('/')
}

/** Names the thread of a message that is none of our cards. */
export const threadKey = (channel: string, ts: string): string => `slack-ts:${channel}/${ts}`

/** The message that a thread hangs on, from its key or from where its card stands. */
export function rootOf(thread: string | undefined, posted: string | undefined): string | undefined {
  if (thread?.startsWith('slack-ts:')) return thread.slice(thread.indexOf('/') + 1)
  if (posted === undefined) return undefined
  const { ts, root } = placeOf(posted)
  return root ?? ts
}
