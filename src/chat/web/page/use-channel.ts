import { useEffect, useState } from 'preact/hooks'
import { follow, type Link } from './follow.ts'
import { merge, type Timeline } from './timeline.ts'
import type { ApiError, Listed } from './wire.ts'

export interface Channel {
  timeline: Timeline
  link: Link
  fault: ApiError | undefined
  /** The newest message or change of state that arrived while we were looking, to be read aloud. */
  news: Listed | undefined
}

const nothing: Channel = { timeline: new Map(), link: 'connecting', fault: undefined, news: undefined }

export function useChannel(channel: string): Channel {
  const [state, set] = useState(nothing)
  useEffect(() => {
    set(nothing)
    return follow(channel, {
      listed: (messages, first) =>
        set((before) => ({
          ...before,
          timeline: merge(before.timeline, messages),
          news: first
            ? undefined
            : (messages.filter((message) => isNews(message, before.timeline)).at(-1) ?? before.news),
        })),
      link: (link) => set((before) => ({ ...before, link })),
      fault: (fault) => set((before) => ({ ...before, fault })),
    })
  }, [channel])
  return state
}

function isNews(message: Listed, timeline: Timeline): boolean {
  return message.author === 'quorum' && timeline.get(message.id)?.message.state !== message.message.state
}
