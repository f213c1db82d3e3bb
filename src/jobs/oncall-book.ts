import { randomUUID } from 'node:crypto'
import type { WriteAudit } from '../core/audit.ts'
import type { Oncall, OncallPlan, Swap, Window } from '../core/oncall.ts'
import type { Identity } from '../core/roles.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

/** What ended is remembered so long: incidents that it held back may still be open. */
const rememberMs = 7 * 24 * 3600_000

interface Options {
  redis: Redis
  prefix: string
  seal: Seal
  plan: OncallPlan
  audit: WriteAudit
  now(): number
}

/** Swaps and windows, sealed: who can write to Redis can hold back no page and call nobody. */
export class OncallBook implements Oncall {
  readonly plan: OncallPlan
  readonly #o: Options

  constructor(options: Options) {
    this.#o = options
    this.plan = options.plan
  }

  swaps(): Promise<Swap[]> {
    return this.#all<Swap>('swap')
  }

  async addSwap(swap: Omit<Swap, 'id'>): Promise<Swap> {
    const all = await this.swaps()
    // The newest comes last among those that begin at once: it is the one that holds.
    const id = `s-${String(all.length).padStart(4, '0')}${randomUUID().slice(0, 6)}`
    const added = { ...swap, id }
    await this.#keep('swap', added, `oncall swap ${swap.person}`, swap.by)
    return added
  }

  windows(): Promise<Window[]> {
    return this.#all<Window>('window')
  }

  async openWindow(window: Omit<Window, 'id'>): Promise<Window> {
    const opened = { ...window, id: `w-${randomUUID().slice(0, 6)}` }
    await this.#keep('window', opened, `oncall maintenance ${window.node ?? window.cluster}`, window.by)
    return opened
  }

  async endWindow(id: string, by: Identity, afterMs = 0): Promise<boolean> {
    const now = this.#o.now()
    const window = (await this.windows()).find((one) => one.id === id && one.until > now)
    if (!window) return false
    await this.#keep(
      'window',
      { ...window, until: Math.min(window.until, now + afterMs) },
      `oncall maintenance end:${id}`,
      by,
    )
    return true
  }

  #key = (kind: string) => `${this.#o.prefix}:oncall:${kind}`

  async #keep(kind: 'swap' | 'window', one: Swap | Window, line: string, who: Identity): Promise<void> {
    const { audit, redis, seal } = this.#o
    const cluster = 'cluster' in one ? { cluster: one.cluster } : {}
    await audit({ kind: 'asked', who, line, path: line.split(' ').slice(0, 2).join(' '), ...cluster })
    await redis.hset(this.#key(kind), one.id, seal.wrap(`oncall-${kind}`, one.id, one))
  }

  async #all<T extends { id: string; from: number; until: number }>(kind: 'swap' | 'window'): Promise<T[]> {
    const { redis, seal, now } = this.#o
    const rows = Object.entries(await redis.hgetall(this.#key(kind)))
    const all = rows.flatMap(([id, raw]) => seal.unwrap<T>(`oncall-${kind}`, id, raw) ?? [])
    const old = all.filter(({ until }) => until < now() - rememberMs).map(({ id }) => id)
    if (old.length > 0) await redis.hdel(this.#key(kind), ...old)
    return all.filter(({ id }) => !old.includes(id)).sort((a, b) => a.from - b.from || (a.id < b.id ? -1 : 1))
  }
}
