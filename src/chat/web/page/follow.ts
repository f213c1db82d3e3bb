import { errorOf, listMessages, streamUrl } from './api.ts'
import type { ApiError, Listed } from './wire.ts'

export type Link = 'connecting' | 'live' | 'reconnecting'

interface Listener {
  /** New messages and new revisions, oldest first. `first` is true for what was there before we came. */
  listed(messages: Listed[], first: boolean): void
  link(link: Link): void
  /** undefined: what was wrong is right again. */
  fault(error: ApiError | undefined): void
}

const retryMs = { first: 500, most: 8000 }

/**
 * Follows a channel until the returned function is called. Nothing is missed: each time the stream opens, what changed
 * since the last message seen is fetched, and what streams in meanwhile waits for it, so the order holds. The browser
 * itself resumes a broken stream with Last-Event-ID; one that the server refused is opened anew, ever less often.
 * While the page is hidden it holds no stream: a browser has only six connections to a server, for all its tabs.
 */
export function follow(channel: string, listener: Listener): () => void {
  let stopped = false
  let lastSeq = 0
  let first = true
  let waiting: Listed[] | undefined = []
  let waitMs = retryMs.first
  let timer: ReturnType<typeof setTimeout> | undefined
  let source = open()
  document.addEventListener('visibilitychange', look)

  function open(): EventSource {
    const opened = new EventSource(streamUrl(channel))
    opened.addEventListener('open', () => void catchUp(opened))
    opened.addEventListener('message', (event) => hear(JSON.parse(event.data)))
    opened.addEventListener('error', () => lost(opened))
    return opened
  }

  function look(): void {
    clearTimeout(timer)
    source.close()
    if (document.visibilityState === 'visible') source = open()
  }

  async function catchUp(opened: EventSource): Promise<void> {
    waiting ??= []
    try {
      const { messages } = await listMessages(channel, lastSeq)
      if (stopped || source !== opened) return
      take([...messages, ...(waiting ?? [])])
      waiting = undefined
      waitMs = retryMs.first
      listener.fault(undefined)
      if (opened.readyState === EventSource.OPEN) listener.link('live')
    } catch (thrown) {
      if (stopped || source !== opened) return
      listener.fault(errorOf(thrown))
      if (opened.readyState === EventSource.OPEN) again(() => void catchUp(opened))
    }
  }

  function hear(message: Listed): void {
    if (waiting) waiting.push(message)
    else take([message])
  }

  function take(messages: Listed[]): void {
    lastSeq = Math.max(lastSeq, ...messages.map((message) => message.seq))
    listener.listed(messages, first)
    first = false
  }

  function lost(opened: EventSource): void {
    listener.link('reconnecting')
    if (opened.readyState !== EventSource.CLOSED) return
    void catchUp(opened) // for the reason, which EventSource does not give
    again(() => {
      source = open()
    })
  }

  function again(act: () => void): void {
    clearTimeout(timer)
    timer = setTimeout(act, waitMs)
    waitMs = Math.min(waitMs * 2, retryMs.most)
  }

  return () => {
    stopped = true
    document.removeEventListener('visibilitychange', look)
    clearTimeout(timer)
    source.close()
  }
}
