import type { Window } from '../core/install.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

/** How long after it was served an installation may take to say that it is done, ms. */
const installedWithinMs = 6 * 3600_000

/** KEYS served window. The first to serve; and the window stays for the machine's last word. */
const serveScript = `
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1`

/** KEYS opened window served refusals; ARGV window ms. A wish that was heard before changes nothing. */
const openScript = `
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[3]) then return 0 end
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1`

/** KEYS window served. */
const closeScript = `return redis.call('DEL', KEYS[1], KEYS[2])`

/** What the prepared medium carries: the same as long as the key is, and in Redis never. */
export const installToken = (seal: Seal, name: string): string => seal.name(['install', name])

export type State = { window: Window; served: boolean }

/**
 * Windows in which one machine may fetch its answer file, in Redis: signed, so that nobody who writes there can open one,
 * and ended by the time that stands in what is signed.
 */
export class InstallWindows {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #seal: Seal
  readonly #now: () => number

  constructor(options: { redis: Redis; prefix: string; seal: Seal; now: () => number }) {
    this.#redis = options.redis
    this.#prefix = options.prefix
    this.#seal = options.seal
    this.#now = options.now
  }

  #window = (name: string) => `${this.#prefix}:install:${name}`
  #refusals = (name: string) => `${this.#prefix}:install-refused:${name}`
  #served = (name: string) => `${this.#prefix}:install-served:${name}`

  tokenOf = (name: string): string => installToken(this.#seal, name)

  async open(name: string, window: Window, once: string): Promise<void> {
    const left = Math.max(1, window.until - this.#now())
    const keys = [`${this.#prefix}:install-once:${once}`, this.#window(name), this.#served(name), this.#refusals(name)]
    const sealed = this.#seal.wrap('install window', name, window)
    await this.#redis.eval(openScript, keys.length, ...keys, sealed, left, installedWithinMs)
  }

  /** Open now, or served and not done yet. */
  async state(name: string): Promise<State | undefined> {
    const [raw, served] = await this.#redis.mget(this.#window(name), this.#served(name))
    const window = this.#seal.unwrap<Window>('install window', name, raw ?? undefined)
    if (!window) return undefined
    const wasServed = served !== null
    return wasServed || window.until > this.#now() ? { window, served: wasServed } : undefined
  }

  /** True for exactly one asker in each window. */
  async serve(name: string): Promise<boolean> {
    const done = await this.#redis.eval(serveScript, 2, this.#served(name), this.#window(name), installedWithinMs)
    return done === 1
  }

  /** How often somebody was refused in this window, this time included. */
  async refused(name: string): Promise<number> {
    const key = this.#refusals(name)
    const [[, count] = []] = (await this.#redis.multi().incr(key).pexpire(key, installedWithinMs).exec()) ?? []
    return Number(count ?? 1)
  }

  async close(name: string): Promise<void> {
    await this.#redis.eval(closeScript, 2, this.#window(name), this.#served(name))
  }
}
