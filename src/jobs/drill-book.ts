import type { DrillReport } from '../core/drills.ts'
import type { Identity } from '../core/roles.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

/** So many are kept for each cluster. */
const keep = 200
const wishSeconds = 24 * 3600

/** Reports of drills, and who has seen to a node; sealed, so that nobody who writes to Redis proves or ends anything. */
export class DrillBook {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #seal: Seal

  constructor(redis: Redis, prefix: string, seal: Seal) {
    this.#redis = redis
    this.#prefix = prefix
    this.#seal = seal
  }

  #key = (cluster: string) => `${this.#prefix}:drills:${cluster}`
  #asked = (id: string) => `${this.#prefix}:drill-asked:${id}`
  #seenTo = (id: string) => `${this.#prefix}:drill-seen-to:${id}`

  async keep(report: DrillReport): Promise<void> {
    const { id, cluster } = report
    await this.#redis.hset(this.#key(cluster), id, this.#seal.wrap('drill', `${cluster}/${id}`, report))
    const old = (await this.list(cluster)).slice(keep).map((one) => one.id)
    if (old.length > 0) await this.#redis.hdel(this.#key(cluster), ...old)
  }

  async list(cluster: string): Promise<DrillReport[]> {
    const rows = Object.entries(await this.#redis.hgetall(this.#key(cluster)))
    return rows
      .flatMap(([id, raw]) => this.#seal.unwrap<DrillReport>('drill', `${cluster}/${id}`, raw) ?? [])
      .sort((a, b) => b.startedAt - a.startedAt)
  }

  /** A person has been asked to see to its node. */
  async asks(id: string): Promise<void> {
    await this.#redis.set(this.#asked(id), this.#seal.wrap('drill-asked', id, true), 'EX', wishSeconds)
  }

  /** False: nobody has been asked yet, so it is not noted. */
  async seenTo(id: string, by: Identity): Promise<boolean> {
    const isAsked = this.#seal.unwrap<true>('drill-asked', id, await this.#redis.get(this.#asked(id)))
    if (!isAsked) return false
    await this.#redis.set(this.#seenTo(id), this.#seal.wrap('drill-seen-to', id, by), 'EX', wishSeconds)
    return true
  }

  async seenToBy(id: string): Promise<Identity | undefined> {
    return this.#seal.unwrap<Identity>('drill-seen-to', id, await this.#redis.get(this.#seenTo(id)))
  }
}
