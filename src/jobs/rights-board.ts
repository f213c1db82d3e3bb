import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

/** Three reports may be lost before one is forgotten. */
const keepSeconds = 20 * 60
export const reportEveryMs = 5 * 60_000

const purpose = 'rights'

export type Holder = 'act' | 'access' | 'root'

/**
 * What the processes that hold tokens have seen of them, for the one that does not: signed, so that nobody else can
 * make the doctor say that all is well, and forgotten when nobody renews it. `holder` is `act`, `access` or `root`.
 */
export class RightsBoard {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #seal: Seal

  constructor(redis: Redis, prefix: string, seal: Seal) {
    this.#redis = redis
    this.#prefix = prefix
    this.#seal = seal
  }

  async post(cluster: string, holder: Holder, report: unknown): Promise<void> {
    const key = this.#key(cluster, holder)
    await this.#redis.set(key, this.#seal.wrap(purpose, key, report), 'EX', keepSeconds)
  }

  /** Undefined where nobody has reported lately, and for what was not signed here. */
  async read<T>(cluster: string, holder: Holder): Promise<T | undefined> {
    const key = this.#key(cluster, holder)
    return this.#seal.unwrap<T>(purpose, key, await this.#redis.get(key))
  }

  #key(cluster: string, holder: string): string {
    return `${this.#prefix}:rights:${holder}:${cluster}`
  }
}
