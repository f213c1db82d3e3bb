import type { ClusterEvent } from '../ha/event.ts'
import type { ClusterView } from '../ha/view.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

/** The right to watch one cluster; it ends by itself, and whoever takes it next has a higher number. */
export interface Fence {
  token: string
}

/** What the watcher knew after its last look, with its place in the log; only `append` moves on from it. */
export interface Kept<M> {
  memory?: M
  revision: number
  /** Cursor of the last event. */
  last: number
  /** There was a memory, and it is not ours: somebody else wrote it. */
  forged?: true
}

/** One look, whether it changed anything or not. */
export interface Beat {
  /** Milliseconds, wall clock. */
  at: number
  /** Milliseconds watched so far. */
  steady: number
  view: ClusterView
}

export interface LoggedEvent {
  /** Of this event: reading goes on after it. Counts from 1 without a gap. */
  cursor: number
  event: ClusterEvent
}

/** Keeps this many; a consumer that is further behind has other worries. */
const keep = 20_000
/** A wish for the watcher's looks, and each of them, is good for so long. */
const sharedForMs = 20_000
/** How often a waiter looks for itself, should a notice have been lost with a connection. */
const lookAgainMs = 2000

/** KEYS lease counter; ARGV holder ttlMs. The lease's value, or '' when another holds it. */
const takeScript = `
local lease = redis.call('GET', KEYS[1])
if lease then
  if string.sub(lease, -#ARGV[1] - 1) ~= ':' .. ARGV[1] then return '' end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return lease
end
lease = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], lease, 'PX', ARGV[2])
return lease`

const dropScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

/** More than this is never waiting to be told. */
const mostSaid = 100

/**
 * Memory and events, together or not at all; refused when the lease is another's or another has written since. What was
 * announced and is among them waits no more. KEYS lease kept events channel said; ARGV lease revision memory last keep
 * said event…
 */
const appendScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local revision = redis.call('HGET', KEYS[2], 'revision') or '0'
if revision ~= ARGV[2] then return 0 end
local last = tonumber(ARGV[4])
for i = 7, #ARGV do
  last = last + 1
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], last .. '-0', 'sealed', ARGV[i])
end
redis.call('HSET', KEYS[2], 'revision', revision + 1, 'memory', ARGV[3], 'last', last)
if tonumber(ARGV[6]) > 0 then redis.call('LTRIM', KEYS[5], ARGV[6], -1) end
if #ARGV > 6 then redis.call('PUBLISH', KEYS[4], last) end
return 1`

/** A look that changed nothing still tells that somebody looked. KEYS lease beat; ARGV lease beat. */
const beatScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
return 1`

interface Parts {
  redis: Redis
  /** A connection of its own: Redis takes no other commands on one that listens. */
  subscriber: Redis
  prefix: string
  cluster: string
  seal: Seal
}

/**
 * What happened in one cluster, in order, and the memory it was told from. A watcher takes the lease, reads `kept`, looks
 * and appends: memory and events are stored in one step under the lease and under the revision that was read, so that a
 * watcher that was killed or lost its lease leaves nothing half told and nothing told twice. Entries are sealed to their
 * place: who can write to Redis cannot report anything.
 */
export class EventLog<M extends object = object> {
  readonly #redis: Redis
  readonly #seal: Seal
  readonly #base: string
  readonly #onEvent = new Set<() => void>()
  readonly #onWake = new Set<() => void>()

  constructor({ redis, subscriber, prefix, cluster, seal }: Parts) {
    this.#redis = redis
    this.#seal = seal
    this.#base = `${prefix}:watch:${cluster}`
    const listeners = new Map([
      [this.#key('events'), this.#onEvent],
      [this.#key('wake'), this.#onWake],
    ])
    subscriber.subscribe(...listeners.keys()).catch(() => {})
    subscriber.on('message', (from: string) => {
      for (const callback of listeners.get(from) ?? []) callback()
    })
    // What was said while the connection was down is looked for when it is back.
    subscriber.on('ready', () => {
      for (const callback of this.#onEvent) callback()
    })
  }

  #key = (name: string) => `${this.#base}:${name}`

  /** Takes or keeps the lease; undefined while another process has it. */
  async take(holder: string, ttlMs: number): Promise<Fence | undefined> {
    const lease = await this.#redis.eval(takeScript, 2, this.#key('lease'), this.#key('leases'), holder, ttlMs)
    return lease === '' ? undefined : { token: lease as string }
  }

  /** Gives the lease back, so that the next watcher need not wait. */
  async drop(fence: Fence): Promise<void> {
    await this.#redis.eval(dropScript, 1, this.#key('lease'), fence.token)
  }

  async kept(): Promise<Kept<M>> {
    const [revision, sealed, last] = await this.#redis.hmget(this.#key('kept'), 'revision', 'memory', 'last')
    const place = { revision: Number(revision ?? 0), last: Number(last ?? 0) }
    if (!sealed) return place
    const memory = this.#seal.unwrap<M>('watch-memory', this.#place(place.revision, place.last), sealed)
    return memory ? { ...place, memory } : { ...place, forged: true }
  }

  /** Stores both in one step; undefined, and nothing stored, when the fence is no longer ours or `kept` is not the newest. */
  async append(
    fence: Fence,
    kept: Kept<M>,
    memory: M,
    events: readonly ClusterEvent[],
    said = 0,
  ): Promise<Kept<M> | undefined> {
    const next = { memory, revision: kept.revision + 1, last: kept.last + events.length }
    const sealed = this.#seal.wrap('watch-memory', this.#place(next.revision, next.last), memory)
    const entries = events.map((event, i) => this.#seal.wrap('watch-event', this.#place(kept.last + i + 1), event))
    const keys = ['lease', 'kept', 'stream', 'events', 'said'].map(this.#key)
    const { revision, last } = kept
    const stored = await this.#redis.eval(
      appendScript,
      keys.length,
      ...keys,
      fence.token,
      revision,
      sealed,
      last,
      keep,
      said,
      ...entries,
    )
    return stored === 1 ? next : undefined
  }

  /** Hands in an event that nobody can see at the cluster: the watcher tells it at its next look. */
  async announce(event: ClusterEvent): Promise<void> {
    await this.#redis.rpush(this.#key('said'), this.#seal.wrap('watch-said', this.#key('said'), event))
    await this.#redis.ltrim(this.#key('said'), -mostSaid, -1)
    await this.wake()
  }

  /** What was announced and not told yet; `count` of them go with the next `append`. And whether looks are to be shared. */
  async said(): Promise<{ events: ClusterEvent[]; count: number; isWanted: boolean }> {
    const [raw, wanted] = await Promise.all([
      this.#redis.lrange(this.#key('said'), 0, -1),
      this.#redis.exists(this.#key('wanted')),
    ])
    const place = this.#key('said')
    const events = raw.flatMap((one) => this.#seal.unwrap<ClusterEvent>('watch-said', place, one) ?? [])
    return { events, count: raw.length, isWanted: wanted === 1 }
  }

  /** Shares what the watcher saw with whoever wants it. */
  async share(look: object): Promise<void> {
    await this.#redis.set(this.#key('look'), this.#seal.wrap('watch-look', this.#base, look), 'PX', sharedForMs)
  }

  /** The watcher's last look, shared for as long as somebody goes on asking: nobody asks the cluster the same twice. */
  async shared<L>(): Promise<L | undefined> {
    const [raw] = await Promise.all([
      this.#redis.get(this.#key('look')),
      this.#redis.set(this.#key('wanted'), '1', 'PX', sharedForMs),
    ])
    return this.#seal.unwrap<L>('watch-look', this.#base, raw)
  }

  /** The events after a cursor (0: all that are kept), oldest first. One that is not ours is passed over. */
  async read(after: number, most = 100): Promise<LoggedEvent[]> {
    for (let from = `${after}-0`; ; ) {
      const rows = await this.#redis.xrange(this.#key('stream'), `(${from}`, '+', 'COUNT', most)
      const ours = rows.flatMap(([id, fields]) => {
        const cursor = Number(id.split('-')[0])
        const event = this.#seal.unwrap<ClusterEvent>('watch-event', this.#place(cursor), fields[1])
        return event ? [{ cursor, event }] : []
      })
      if (ours.length > 0 || rows.length < most) return ours
      from = rows.at(-1)![0]
    }
  }

  /** Until there may be something after the cursor: at once, on a notice, or when the signal aborts. */
  async wait(after: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let wake = () => {}
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      const timer = setTimeout(wake, lookAgainMs)
      this.#onEvent.add(wake)
      signal.addEventListener('abort', wake)
      try {
        if (Number((await this.#redis.hget(this.#key('kept'), 'last')) ?? 0) > after) return
        await woken
      } finally {
        clearTimeout(timer)
        this.#onEvent.delete(wake)
        signal.removeEventListener('abort', wake)
      }
    }
  }

  /** Notes that the watcher looked, and how well it saw. False: the lease is another's. */
  async beat(fence: Fence, beat: Beat): Promise<boolean> {
    const sealed = this.#seal.wrap('watch-beat', this.#base, beat)
    return (await this.#redis.eval(beatScript, 2, this.#key('lease'), this.#key('beat'), fence.token, sealed)) === 1
  }

  /** The last look; undefined: there was none, so far as is known. */
  async lastBeat(): Promise<Beat | undefined> {
    return this.#seal.unwrap('watch-beat', this.#base, await this.#redis.get(this.#key('beat')))
  }

  /** When the watcher last looked, whatever it saw; milliseconds. Undefined: never, so far as is known. */
  async lastPolledAt(): Promise<number | undefined> {
    return (await this.lastBeat())?.at
  }

  /** How well the cluster was seen at the last look. */
  async view(): Promise<ClusterView | undefined> {
    return (await this.lastBeat())?.view
  }

  /** Lets the watcher look early, wherever it runs. */
  async wake(): Promise<void> {
    await this.#redis.publish(this.#key('wake'), '')
  }

  /** Calls back when somebody wants an early look; returns the way to stop. */
  onWake(callback: () => void): () => void {
    this.#onWake.add(callback)
    return () => this.#onWake.delete(callback)
  }

  #place = (...numbers: number[]) => `${this.#base}#${numbers.join('.')}`
}
