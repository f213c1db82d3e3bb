import { EventSource } from 'undici'
import type { Listed } from '../crew.ts'

export interface Arrival {
  /** Milliseconds of `performance.now()`. */
  at: number
  listed: Listed
}

/** A channel as a browser follows it: what comes over the stream, in the moment it comes. */
export class ChatStream {
  readonly #source: EventSource
  readonly #arrivals: Arrival[] = []
  #waiting: (() => void) | undefined

  private constructor(source: EventSource) {
    this.#source = source
    source.addEventListener('message', ({ data }: { data: string }) => {
      this.#arrivals.push({ at: performance.now(), listed: JSON.parse(data) as Listed })
      this.#waiting?.()
    })
  }

  static async open(url: string, channel: string): Promise<ChatStream> {
    const source = new EventSource(`${url}/api/stream?channel=${channel}`)
    await new Promise((resolve) => source.addEventListener('open', resolve, { once: true }))
    return new ChatStream(source)
  }

  /** The first arrival that fits, come or to come; it and those before it are forgotten. */
  async next(fits: (listed: Listed) => boolean, withinMs: number): Promise<Arrival> {
    const giveUpAt = performance.now() + withinMs
    for (;;) {
      const place = this.#arrivals.findIndex(({ listed }) => fits(listed))
      const found = this.#arrivals[place]
      if (found) {
        this.#arrivals.splice(0, place + 1)
        return found
      }
      const leftMs = giveUpAt - performance.now()
      if (leftMs <= 0) throw new Error(`nothing that fits came over the stream within ${withinMs} ms`)
      await this.#news(leftMs)
    }
  }

  #news(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      this.#waiting = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  close(): void {
    this.#source.close()
  }
}
