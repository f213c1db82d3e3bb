import type { CardStore } from './outbox.ts'
import { pause } from './pause.ts'
import type { Redis } from './redis.ts'

interface Options {
  redis: Redis
  prefix: string
  outbox: { put(card: Probe): Promise<boolean> }
  cards: Pick<CardStore, 'get'>
  everyMs: number
  /** When each cluster was looked at last, and how often it should be. */
  watched(): Promise<readonly { polledAt: number | undefined; pollMs: number }[]>
  /** Tells whoever waits for it; an error is told by its absence. */
  beat(): Promise<void>
  now(): number
  log: { warn(about: object, text: string): void }
}

interface Probe {
  key: string
  target: string
  message: { title: string; state: 'ok' }
  order: number
}

/** A lane of its own: no chat platform, and no queue of cards before it. */
export const probePlatform = 'probe'
const probe = 'heartbeat'
/** Who sends often is also to fall silent soon. */
const lateFor = (everyMs: number) => Math.min(30_000, 2 * everyMs)

/** What the bot does with a probe: that it came this far is all there is to it. */
export const probeCarrier = {
  platform: probePlatform,
  post: async () => 'delivered',
  edit: async () => {},
}

/**
 * Tells somebody else that all is well, only while it is: every watcher looked lately, a message that went through Redis
 * and the bot's delivery has arrived, Redis answers. The death of any of them, or of this host, is a silence.
 */
export class Heartbeat {
  readonly #o: Options
  readonly #stop = new AbortController()
  #done: Promise<void> | undefined

  constructor(options: Options) {
    this.#o = options
  }

  start(): this {
    this.#done ??= this.#beating()
    return this
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #beating(): Promise<void> {
    const { everyMs, log } = this.#o
    while (!this.#stop.signal.aborted) {
      await this.turn().catch((error: Error) => log.warn({ error: error.message }, 'no heartbeat'))
      await pause(Math.min(everyMs / 4, 5000), this.#stop.signal)
    }
  }

  /** True when it was sent; once a period, whatever the number of workers. */
  async turn(): Promise<boolean> {
    const { redis, prefix, everyMs, beat } = this.#o
    await this.#probe()
    if (!(await this.isWell())) return false
    const turn = await redis.set(`${prefix}:heartbeat`, '1', 'PX', Math.max(1, everyMs - 50), 'NX')
    if (turn !== 'OK') return false
    try {
      await beat()
    } catch (error) {
      // Another try soon, here or in another worker.
      await redis.del(`${prefix}:heartbeat`)
      throw error
    }
    return true
  }

  /** Sends the next probe once the last has arrived. */
  async #probe(): Promise<void> {
    const { outbox, cards, now } = this.#o
    const card = await cards.get(probe)
    if (card && card.sent !== card.version) return
    const at = now()
    const message = { title: String(at), state: 'ok' } as const
    await outbox.put({ key: probe, target: `${probePlatform}:${probe}`, message, order: at })
  }

  async isWell(): Promise<boolean> {
    const { cards, watched, now, everyMs } = this.#o
    const at = now()
    const lateMs = lateFor(everyMs)
    const isLate = ({ polledAt, pollMs }: { polledAt: number | undefined; pollMs: number }) =>
      polledAt === undefined || at - polledAt > Math.max(lateMs, pollMs * 5)
    if ((await watched()).some(isLate)) return false
    const card = await cards.get(probe)
    if (!card || card.sent === 0) return false
    // One that is under way for too long has nobody to deliver it.
    return card.sent === card.version || at - Number(card.message.title) <= lateMs
  }
}
