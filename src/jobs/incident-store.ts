import type { Incident } from '../core/incidents.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

const keepSeconds = 180 * 24 * 3600
/** What ended longer ago takes nothing in any more. */
const aftermathMs = 30 * 60_000
/** So many of the newest are looked through for a list. */
const listed = 500

/**
 * Stores incidents and, with events, how far they were read: all of it or nothing. Refused (0) when somebody else has
 * changed one of them, or read on, since.
 * KEYS seq order all live due from cursor, one for each; ARGV cursorBefore cursorAfter now seconds, seven for each:
 * id versionBefore version sealed learntMs marks lastShown
 */
const commitScript = `
if ARGV[1] ~= '-' and (redis.call('GET', KEYS[7]) or '') ~= ARGV[1] then return 0 end
for i = 8, #KEYS do
  local a = 5 + (i - 8) * 7
  if (redis.call('HGET', KEYS[i], 'version') or '0') ~= ARGV[a + 1] then return 0 end
end
for i = 8, #KEYS do
  local a = 5 + (i - 8) * 7
  local id, marks = ARGV[a], ARGV[a + 5]
  redis.call('HSET', KEYS[i], 'version', ARGV[a + 2], 'sealed', ARGV[a + 3])
  redis.call('EXPIRE', KEYS[i], ARGV[4])
  if string.find(marks, 'q') == nil then
    redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[1]), id)
    redis.call('ZADD', KEYS[3], ARGV[a + 4], id)
  end
  redis.call('SADD', KEYS[4], id)
  redis.call('ZADD', KEYS[5], ARGV[3], id)
  redis.call('HSETNX', KEYS[6], id, ARGV[a + 6])
end
if ARGV[1] ~= '-' then redis.call('SET', KEYS[7], ARGV[2]) end
return 1`

/** KEYS one due from; ARGV id version. Its card is shown, unless it has changed meanwhile. */
const shownScript = `
if redis.call('HGET', KEYS[1], 'version') == ARGV[2] then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
end
return 1`

/** How far the events of a cluster have been taken in. */
export interface Place {
  cursor: number
  /** As Redis has it. */
  raw: string
  /** It was not ours: somebody else wrote it. */
  forged?: true
}

/** Incidents in Redis, signed, each with its version beside it so that Redis can compare. */
export class IncidentStore {
  readonly #redis: Redis
  readonly #base: string
  readonly #seal: Seal

  constructor(redis: Redis, prefix: string, seal: Seal) {
    this.#redis = redis
    this.#base = `${prefix}:incidents`
    this.#seal = seal
  }

  #key = (name: string) => `${this.#base}:${name}`
  #one = (id: string) => this.#key(`one:${id}`)

  async get(id: string): Promise<Incident | undefined> {
    return this.#seal.unwrap<Incident>('incident', id, await this.#redis.hget(this.#one(id), 'sealed'))
  }

  async some(ids: readonly string[]): Promise<Incident[]> {
    return (await Promise.all(ids.map((id) => this.get(id)))).filter((one) => one !== undefined)
  }

  /** Those of a cluster that still take something in. */
  async live(cluster: string): Promise<Incident[]> {
    return this.some(await this.#redis.smembers(this.#key(`live:${cluster}`)))
  }

  /** Lets go of what has ended for good. */
  async settle(cluster: string, incidents: readonly Incident[], now: number): Promise<void> {
    const over = incidents.filter((one) => isOver(one, now)).map(({ id }) => id)
    if (over.length > 0) await this.#redis.srem(this.#key(`live:${cluster}`), ...over)
  }

  async place(cluster: string): Promise<Place> {
    const raw = (await this.#redis.get(this.#key(`cursor:${cluster}`))) ?? ''
    if (raw === '') return { cursor: 0, raw }
    const kept = this.#seal.unwrap<{ cursor: number }>('incident-cursor', cluster, raw)
    return kept ? { ...kept, raw } : { cursor: 0, raw, forged: true }
  }

  /** @param read with the events that made the changes: where reading began, and how far it has come now */
  async commit(
    cluster: string,
    changes: readonly { before: Incident | undefined; after: Incident }[],
    now: number,
    read?: { from: Place; to: number },
  ): Promise<boolean> {
    const shared = ['seq', 'order', 'all', `live:${cluster}`, 'due', 'from', `cursor:${cluster}`].map(this.#key)
    const rows = changes.flatMap(({ before, after }) => [
      after.id,
      before?.version ?? 0,
      after.version,
      this.#seal.wrap('incident', after.id, after),
      Date.parse(after.learntAt),
      after.quiet ? 'q' : '-',
      before?.timeline.at(-1)?.seq ?? 0,
    ])
    const keys = [...shared, ...changes.map(({ after }) => this.#one(after.id))]
    const next = read ? this.#seal.wrap('incident-cursor', cluster, { cursor: read.to }) : ''
    const head = [read ? read.from.raw : '-', next, now, keepSeconds]
    return (await this.#redis.eval(commitScript, keys.length, ...keys, ...head, ...rows)) === 1
  }

  /** Newest first. */
  async newest(): Promise<Incident[]> {
    return this.some(await this.#redis.zrevrange(this.#key('all'), 0, listed - 1))
  }

  async changed(after: number, most: number): Promise<{ seq: number; incidents: Incident[] }> {
    const rows = await this.#redis.zrangebyscore(
      this.#key('order'),
      `(${after}`,
      '+inf',
      'WITHSCORES',
      'LIMIT',
      0,
      most,
    )
    const ids = rows.filter((_, i) => i % 2 === 0)
    return { seq: Number(rows.at(-1) ?? after), incidents: await this.some(ids) }
  }

  /** Ids whose cards have not been shown since before `ms`. */
  async due(ms: number): Promise<string[]> {
    return this.#redis.zrangebyscore(this.#key('due'), '-inf', ms)
  }

  /** Up to which line of its timeline people have been shown everything. */
  async shownUpTo(id: string): Promise<number> {
    return Number((await this.#redis.hget(this.#key('from'), id)) ?? 0)
  }

  async shown({ id, version }: Incident): Promise<void> {
    await this.#redis.eval(shownScript, 3, this.#one(id), this.#key('due'), this.#key('from'), id, version)
  }

  /** Nothing can be shown of it. */
  async drop(id: string): Promise<void> {
    await this.#redis.zrem(this.#key('due'), id)
  }
}

const isOver = ({ state, quiet, resolved, learntAt, troubles }: Incident, now: number): boolean =>
  (state === 'resolved' || quiet === true) &&
  now - Date.parse(resolved?.at ?? learntAt) > aftermathMs &&
  (resolved?.by === undefined || troubles.every(({ over }) => over !== undefined))
