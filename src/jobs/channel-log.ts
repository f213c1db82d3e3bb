import type { ListedMessage, Message } from '../core/message.ts'
import type { Redis } from './redis.ts'

const keep = 2000

/**
 * Writes a message or its new state; the same state again takes no new number.
 * KEYS counter order bodies revisions times; ARGV id body keep now
 */
const writeScript = `
if redis.call('HGET', KEYS[3], ARGV[1]) == ARGV[2] then return 0 end
local seq = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[4], ARGV[1], 1)
redis.call('ZADD', KEYS[2], seq, ARGV[1])
redis.call('HSETNX', KEYS[5], ARGV[1], ARGV[4])
local old = redis.call('ZRANGE', KEYS[2], 0, -1 - tonumber(ARGV[3]))
for _, id in ipairs(old) do
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
  redis.call('HDEL', KEYS[4], id)
  redis.call('HDEL', KEYS[5], id)
end
return seq`

/** KEYS order bodies revisions times; ARGV after most. Flat: id seq revision body time … */
const readScript = `
local rows = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local out = {}
for i = 1, #rows, 2 do
  out[#out + 1] = rows[i]
  out[#out + 1] = rows[i + 1]
  out[#out + 1] = redis.call('HGET', KEYS[3], rows[i])
  out[#out + 1] = redis.call('HGET', KEYS[2], rows[i])
  out[#out + 1] = redis.call('HGET', KEYS[4], rows[i])
end
return out`

/** The web chat's channels: every message and every edit takes the channel's next number. Keeps the newest 2,000. */
export class ChannelLog {
  readonly #redis: Redis
  readonly #subscriber: Redis
  readonly #prefix: string
  readonly #now: () => number
  readonly #listeners = new Map<string, Set<() => void>>()

  /** @param subscriber a connection of its own: Redis takes no other commands on one that listens */
  constructor(redis: Redis, subscriber: Redis, prefix: string, now: () => number) {
    this.#now = now
    this.#redis = redis
    this.#subscriber = subscriber
    this.#prefix = prefix
    this.#subscriber.subscribe(`${prefix}:chan`).catch(() => {})
    this.#subscriber.on('message', (_channel: string, name: string) => {
      for (const listener of this.#listeners.get(name) ?? []) listener()
    })
    // What was said while the connection was down is fetched when it is back.
    this.#subscriber.on('ready', () => {
      for (const listeners of this.#listeners.values()) for (const listener of listeners) listener()
    })
  }

  #keys = (channel: string) => {
    const base = `${this.#prefix}:chan:${channel}`
    return {
      counter: `${base}:seq`,
      order: `${base}:order`,
      bodies: `${base}:bodies`,
      revisions: `${base}:revisions`,
      times: `${base}:times`,
    }
  }

  async write(
    channel: string,
    entry: { id: string; author: string; threadId?: string; onlyTo?: string; message: Message },
  ): Promise<void> {
    const { counter, order, bodies, revisions, times } = this.#keys(channel)
    const { id, ...body } = entry
    const seq = await this.#redis.eval(
      writeScript,
      5,
      counter,
      order,
      bodies,
      revisions,
      times,
      id,
      JSON.stringify(body),
      keep,
      this.#now(),
    )
    if (seq !== 0) await this.#redis.publish(`${this.#prefix}:chan`, channel)
  }

  async has(channel: string, id: string): Promise<boolean> {
    return (await this.#redis.zscore(this.#keys(channel).order, id)) !== null
  }

  /** Each message that changed after `seq`, once, in its newest state, oldest change first; all there are unless told. */
  async after(channel: string, seq: number, most = keep): Promise<ListedMessage[]> {
    const { order, bodies, revisions, times } = this.#keys(channel)
    const flat = (await this.#redis.eval(readScript, 4, order, bodies, revisions, times, seq, most)) as string[]
    const messages: ListedMessage[] = []
    for (let i = 0; i < flat.length; i += 5) {
      const body = JSON.parse(flat[i + 3]!) as Pick<ListedMessage, 'author' | 'threadId' | 'onlyTo' | 'message'>
      messages.push({
        id: flat[i]!,
        seq: Number(flat[i + 1]),
        channel,
        revision: Number(flat[i + 2]),
        at: new Date(Number(flat[i + 4])).toISOString(),
        ...body,
      })
    }
    return messages
  }

  /** Calls back whenever the channel may have something new; returns the way to stop. */
  listen(channel: string, changed: () => void): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners.add(changed))
    return () => {
      listeners.delete(changed)
      if (listeners.size === 0) this.#listeners.delete(channel)
    }
  }
}
