import type { Preferences } from '../core/house.ts'
import { type Language, spoken } from '../core/language.ts'
import type { Access, Identity } from '../core/roles.ts'
import type { Redis } from './redis.ts'

/** What people have set for themselves, kept per human where the configuration knows the human. */
export class RedisPreferences implements Preferences {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #access: Access

  constructor(redis: Redis, prefix: string, access: Access) {
    this.#redis = redis
    this.#prefix = prefix
    this.#access = access
  }

  #who = (identity: Identity) => {
    const person = this.#access.person(identity)
    return person ? `person:${person.name}` : identity
  }

  async language(identity: Identity): Promise<Language | undefined> {
    return spoken((await this.#redis.hget(`${this.#prefix}:languages`, this.#who(identity))) ?? undefined)
  }

  async setLanguage(identity: Identity, language: Language): Promise<void> {
    await this.#redis.hset(`${this.#prefix}:languages`, this.#who(identity), language)
  }
}
