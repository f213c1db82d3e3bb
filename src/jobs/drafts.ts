import type { Draft, Drafts } from '../core/drafts.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

/** Nobody remembers what a preference was for after that, seconds. */
const keepForSeconds = 30 * 24 * 3600

/** Preferences that wait for their first machine; signed, so that nobody can put one into Redis. */
export class RedisDrafts implements Drafts {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #seal: Seal

  constructor(redis: Redis, prefix: string, seal: Seal) {
    this.#redis = redis
    this.#prefix = prefix
    this.#seal = seal
  }

  #key = (cluster: string) => `${this.#prefix}:ha-drafts:${cluster}`
  #place = (cluster: string, name: string) => `${cluster}/${name}`

  async list(cluster: string): Promise<Draft[]> {
    const kept = Object.entries(await this.#redis.hgetall(this.#key(cluster)))
    return kept
      .flatMap(([name, raw]) => this.#seal.unwrap<Draft>('ha draft', this.#place(cluster, name), raw) ?? [])
      .sort((a, b) => a.name.localeCompare(b.name))
  }

  async keep(cluster: string, draft: Draft): Promise<void> {
    const sealed = this.#seal.wrap('ha draft', this.#place(cluster, draft.name), draft)
    await this.#redis
      .multi()
      .hset(this.#key(cluster), draft.name, sealed)
      .expire(this.#key(cluster), keepForSeconds)
      .exec()
  }

  async forget(cluster: string, name: string): Promise<void> {
    await this.#redis.hdel(this.#key(cluster), name)
  }
}
