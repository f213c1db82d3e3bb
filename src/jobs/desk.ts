import type { Desk, Pending } from '../core/desk.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

const keepForSeconds = 7 * 24 * 3600

/** KEYS entry; ARGV version next seconds. The version stands beside the sealed entry so that Redis can compare it. */
const keepScript = `
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'sealed', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1`

const takeScript = `
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/** What waits for a click, in Redis, signed. */
export class RedisDesk implements Desk {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #seal: Seal

  constructor(redis: Redis, prefix: string, seal: Seal) {
    this.#redis = redis
    this.#prefix = prefix
    this.#seal = seal
  }

  #key = (card: string) => `${this.#prefix}:pending:${card}`

  async find(card: string): Promise<Pending | undefined> {
    return this.#seal.unwrap<Pending>('pending', card, await this.#redis.hget(this.#key(card), 'sealed'))
  }

  async keep(card: string, pending: Pending, version: number): Promise<boolean> {
    const sealed = this.#seal.wrap('pending', card, pending)
    const done = await this.#redis.eval(
      keepScript,
      1,
      this.#key(card),
      version,
      pending.version,
      sealed,
      keepForSeconds,
    )
    return done === 1
  }

  async take(card: string, version: number): Promise<boolean> {
    return (await this.#redis.eval(takeScript, 1, this.#key(card), version)) === 1
  }
}
