import { Queue } from 'bullmq'
import type { Language } from '../core/language.ts'
import type { Message, State } from '../core/message.ts'
import type { Card, Outbox } from '../core/outbox.ts'
import type { Redis } from './redis.ts'

/** A card as it is stored: its newest state, and how much of it people have seen. */
export interface StoredCard extends Card {
  /** Raised with each new state. */
  version: number
  /** The version that was last sent; 0: none. */
  sent: number
  /** The platform's own id of the message, once it is posted. */
  posted?: string
  /** Someone began to post it and may have succeeded without learning the id. */
  posting: boolean
}

const keepForSeconds = 30 * 24 * 3600

/**
 * Stores a card's state unless the stored one is further on, or the same; queues the card in its lane behind those
 * already waiting there.
 * KEYS card lane lanes counter; ARGV key target thread message order onlyTo laneName seconds language
 */
const putScript = `
local order = redis.call('HGET', KEYS[1], 'order')
if order and tonumber(order) > tonumber(ARGV[5]) then return 0 end
if redis.call('HGET', KEYS[1], 'message') == ARGV[4] then
  redis.call('HSET', KEYS[1], 'order', ARGV[5])
  return 1
end
redis.call('HSET', KEYS[1], 'key', ARGV[1], 'target', ARGV[2], 'thread', ARGV[3], 'message', ARGV[4], 'order', ARGV[5], 'onlyTo', ARGV[6], 'language', ARGV[9])
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('EXPIRE', KEYS[1], ARGV[8])
redis.call('ZADD', KEYS[2], 'NX', redis.call('INCR', KEYS[4]), ARGV[1])
redis.call('SADD', KEYS[3], ARGV[7])
return 2`

/** KEYS card lane; ARGV key version posted. Notes what was sent; the card leaves its lane only if nothing newer came. */
const sentScript = `
redis.call('HSET', KEYS[1], 'sent', ARGV[2], 'posted', ARGV[3])
redis.call('HDEL', KEYS[1], 'posting')
if redis.call('HGET', KEYS[1], 'version') == ARGV[2] then redis.call('ZREM', KEYS[2], ARGV[1]) end`

const passing: readonly State[] = ['queued', 'running', 'stale']

const laneOf = (card: Pick<Card, 'key' | 'target' | 'thread'>) => `${card.target}|${card.thread ?? card.key}`
export const platformOf = (target: string) => target.slice(0, target.indexOf(':'))
export const deliveryQueue = (platform: string) => `deliver-${platform}`

/** Cards in Redis. Putting is for every process; delivering for the one that holds the chat connection. */
export class CardStore {
  readonly #redis: Redis
  readonly #prefix: string

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis
    this.#prefix = prefix
  }

  #card = (key: string) => `${this.#prefix}:card:${key}`
  #lane = (lane: string) => `${this.#prefix}:lane:${lane}`
  get #held(): string {
    return `${this.#prefix}:lanes-held`
  }

  #lanes = (platform: string) => `${this.#prefix}:lanes:${platform}`

  /** The lane that now has something to deliver; undefined when there is nothing new. `stored`: false = out of date. */
  async put(card: Card): Promise<{ stored: boolean; lane?: string }> {
    const lane = laneOf(card)
    const platform = platformOf(card.target)
    const done = await this.#redis.eval(
      putScript,
      4,
      this.#card(card.key),
      this.#lane(lane),
      this.#lanes(platform),
      `${this.#prefix}:lane-counter`,
      card.key,
      card.target,
      card.thread ?? '',
      JSON.stringify(card.message),
      card.order,
      card.onlyTo ?? '',
      lane,
      keepForSeconds,
      card.language ?? '',
    )
    return done === 0 ? { stored: false } : done === 1 ? { stored: true } : { stored: true, lane }
  }

  async get(key: string): Promise<StoredCard | undefined> {
    const hash = await this.#redis.hgetall(this.#card(key))
    if (!hash.key) return undefined
    return {
      key: hash.key,
      target: hash.target!,
      ...(hash.thread ? { thread: hash.thread } : {}),
      message: JSON.parse(hash.message!) as Message,
      order: Number(hash.order),
      ...(hash.onlyTo ? { onlyTo: hash.onlyTo } : {}),
      ...(hash.language ? { language: hash.language as Language } : {}),
      version: Number(hash.version),
      sent: Number(hash.sent ?? 0),
      ...(hash.posted ? { posted: hash.posted } : {}),
      posting: hash.posting === '1',
    }
  }

  /** The card that has waited longest in this lane, but for the first `skipped`. */
  async first(lane: string, skipped = 0): Promise<string | undefined> {
    return (await this.#redis.zrange(this.#lane(lane), String(skipped), String(skipped)))[0]
  }

  async waiting(lane: string): Promise<string[]> {
    return this.#redis.zrange(this.#lane(lane), '0', '-1')
  }

  /** Notes that this lane waits with passing states only, so that a final one may end the wait. */
  async hold(lane: string): Promise<void> {
    await this.#redis.sadd(this.#held, lane)
  }

  /** True for the one who ends the wait. */
  async letGo(lane: string): Promise<boolean> {
    return (await this.#redis.srem(this.#held, lane)) === 1
  }

  async lanes(platform: string): Promise<string[]> {
    return this.#redis.smembers(this.#lanes(platform))
  }

  /** Forgets an empty lane. */
  async close(lane: string): Promise<void> {
    const script = `if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[1]) end`
    const platform = platformOf(lane)
    await this.#redis.eval(script, 2, this.#lane(lane), this.#lanes(platform), lane)
  }

  async posting(key: string): Promise<void> {
    await this.#redis.hset(this.#card(key), 'posting', '1')
  }

  async sent(card: StoredCard, posted: string): Promise<void> {
    await this.#redis.eval(
      sentScript,
      2,
      this.#card(card.key),
      this.#lane(laneOf(card)),
      card.key,
      String(card.version),
      posted,
    )
  }

  /** Takes a card that is no longer stored out of its lane. */
  async drop(lane: string, key: string): Promise<void> {
    const script = `if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[2], ARGV[1]) end`
    await this.#redis.eval(script, 2, this.#card(key), this.#lane(lane), key)
  }

  /** Nobody can see this card any more (deleted message, archived channel): its lane goes on without it. */
  async gone(card: StoredCard): Promise<void> {
    await this.#redis.zrem(this.#lane(laneOf(card)), card.key)
  }
}

/** Puts cards and wakes their lane's delivery. */
export class BullOutbox implements Outbox {
  readonly #cards: CardStore
  readonly #queues = new Map<string, Queue>()
  readonly #redis: Redis
  readonly #prefix: string

  constructor(redis: Redis, prefix: string) {
    this.#cards = new CardStore(redis, prefix)
    this.#redis = redis
    this.#prefix = prefix
  }

  async put(card: Card): Promise<boolean> {
    const { stored, lane } = await this.#cards.put(card)
    if (lane !== undefined) {
      const job = await this.wake(lane)
      if (!passing.includes(card.message.state)) await this.hurry(lane, job)
    }
    return stored
  }

  /** At most one delivery of a lane runs and one waits, whatever the number of new states. The id of that delivery. */
  async wake(lane: string): Promise<string> {
    const queue = this.#queue(platformOf(lane))
    const { id } = await queue.add('lane', { lane }, { deduplication: { id: lane, keepLastIfActive: true } })
    return id!
  }

  /** Ends the wait of a delivery that was held back for passing states. */
  async hurry(lane: string, id: string): Promise<void> {
    if (!(await this.#cards.letGo(lane))) return
    const job = await this.#queue(platformOf(lane)).getJob(id)
    // It may have begun by itself meanwhile.
    await job?.promote().catch(() => {})
  }

  #queue(platform: string): Queue {
    let queue = this.#queues.get(platform)
    if (!queue) {
      queue = new Queue(deliveryQueue(platform), {
        connection: this.#redis as never,
        prefix: this.#prefix,
        defaultJobOptions: {
          removeOnComplete: true,
          removeOnFail: true,
          // An outage of hours is waited out: the cards stay stored, and the newest state of each is sent afterwards.
          attempts: 100_000,
          backoff: { type: 'delivery' },
        },
      })
      queue.on('error', () => {})
      this.#queues.set(platform, queue)
    }
    return queue
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()))
  }
}
