import type { Redis } from './redis.ts'

/** A lock's owner dies with its process; whoever takes the job over is the same owner and goes on at once. */
const holdMs = 30_000

/**
 * Takes the lock if it is free (or ours) and nobody asked before us.
 * KEYS lock waiters; ARGV owner askedAt holdMs. Returns the owner in the way, or '' when taken.
 */
const takeScript = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[1])
  return owner
end
if not owner then
  local head = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if head and head ~= ARGV[1] then
    local mine = redis.call('ZSCORE', KEYS[2], ARGV[1])
    if not mine then redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1]) end
    head = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
    if head ~= ARGV[1] then return head end
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1])
return ''`

const freeScript = `
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return redis.call('ZRANGE', KEYS[2], 0, 0)[1] or ''`

const renewScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0`

/** Locks by name (`main:guest:100`, `main:cluster`) whose owners are jobs: one after another, in the order they asked. */
export class Locks {
  readonly #redis: Redis
  readonly #prefix: string

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis
    this.#prefix = prefix
  }

  #keys = (name: string): [string, string] => [`${this.#prefix}:lock:${name}`, `${this.#prefix}:waiters:${name}`]

  /** Notes the order of asking before a worker has looked at the job. */
  async announce(name: string, owner: string, askedAt: number): Promise<void> {
    await this.#redis.zadd(this.#keys(name)[1], 'NX', askedAt, owner)
  }

  /** Undefined when taken, else the job that has it or is in front. */
  async take(name: string, owner: string, askedAt: number): Promise<string | undefined> {
    const inTheWay = (await this.#redis.eval(takeScript, 2, ...this.#keys(name), owner, askedAt, holdMs)) as string
    return inTheWay === '' ? undefined : inTheWay
  }

  async renew(name: string, owner: string): Promise<boolean> {
    return (await this.#redis.eval(renewScript, 2, ...this.#keys(name), owner, holdMs)) === 1
  }

  /** Gives it back, or stops waiting for it; the next in line, if any. */
  async free(name: string, owner: string): Promise<string | undefined> {
    const next = (await this.#redis.eval(freeScript, 2, ...this.#keys(name), owner)) as string
    return next === '' ? undefined : next
  }

  async owner(name: string): Promise<string | undefined> {
    return (await this.#redis.get(this.#keys(name)[0])) ?? undefined
  }
}
