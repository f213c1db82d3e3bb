import type { TaskBoard, TaskState } from '../proxmox/task-poller.ts'
import type { Redis } from './redis.ts'

interface Tracked {
  upid: string
  wantsLog: boolean
}

const leaseScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

/** How often a waiter looks for itself, should a notice have been lost with a connection. */
const lookAgainMs = 2000

/**
 * The tasks of one cluster that any process waits for, and what the one poller saw of them. Any process may track; the
 * process that holds the lease polls.
 */
export class RedisTaskBoard implements TaskBoard {
  readonly #redis: Redis
  readonly #base: string
  readonly #holder: string
  readonly #waiters = new Map<string, Set<() => void>>()
  readonly #onTracked = new Set<() => void>()

  /** @param holder names this process; @param subscriber a connection of its own */
  constructor(options: { redis: Redis; subscriber: Redis; prefix: string; cluster: string; holder: string }) {
    this.#redis = options.redis
    this.#base = `${options.prefix}:tasks:${options.cluster}`
    this.#holder = options.holder
    const channel = `${this.#base}:notice`
    options.subscriber.subscribe(channel).catch(() => {})
    options.subscriber.on('message', (from: string, notice: string) => {
      if (from !== channel) return
      if (notice === 'tracked') for (const callback of this.#onTracked) callback()
      else for (const callback of this.#waiters.get(notice) ?? []) callback()
    })
  }

  async lead(ttlMs: number): Promise<boolean> {
    return (await this.#redis.eval(leaseScript, 1, `${this.#base}:lease`, this.#holder, ttlMs)) === 1
  }

  async tracked(): Promise<Tracked[]> {
    const all = await this.#redis.hgetall(`${this.#base}:tracked`)
    return Object.entries(all).map(([upid, wantsLog]) => ({ upid, wantsLog: wantsLog === '1' }))
  }

  async publish(upid: string, state: TaskState): Promise<void> {
    // A task that nobody waits for any more leaves no state behind.
    const script = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return redis.call('PUBLISH', KEYS[3], ARGV[1])`
    const keys = [`${this.#base}:tracked`, `${this.#base}:states`, `${this.#base}:notice`]
    await this.#redis.eval(script, 3, ...keys, upid, JSON.stringify(state))
  }

  onTracked(callback: () => void): () => void {
    this.#onTracked.add(callback)
    return () => this.#onTracked.delete(callback)
  }

  /**
   * Waits until the poller has seen the task's end and returns it (without `exit` if the node no longer knows the task);
   * `seen` gets every state on the way.
   * Rejects with the signal's reason when that aborts; the task is untracked either way.
   */
  async follow(upid: string, signal: AbortSignal, seen: (state: TaskState) => void): Promise<TaskState> {
    await this.#track(upid)
    let wake = () => {}
    const callback = () => wake()
    const waiters = this.#waiters.get(upid) ?? new Set()
    this.#waiters.set(upid, waiters.add(callback))
    let last = ''
    try {
      for (;;) {
        signal.throwIfAborted()
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        const raw = await this.#redis.hget(`${this.#base}:states`, upid)
        if (raw && raw !== last) {
          last = raw
          const state = JSON.parse(raw) as TaskState
          seen(state)
          if (!state.running) return state
        }
        const isNews = await pause(woken, lookAgainMs, signal)
        // A process that was frozen while we took over its job takes the task off the board when it thaws.
        if (!isNews) await this.#track(upid)
      }
    } finally {
      waiters.delete(callback)
      if (waiters.size === 0) {
        this.#waiters.delete(upid)
        await this.#untrack(upid).catch(() => {})
      }
    }
  }

  async #track(upid: string): Promise<void> {
    const isNew = await this.#redis.hset(`${this.#base}:tracked`, upid, '1')
    if (isNew === 1) await this.#redis.publish(`${this.#base}:notice`, 'tracked')
  }

  async #untrack(upid: string): Promise<void> {
    await this.#redis.multi().hdel(`${this.#base}:tracked`, upid).hdel(`${this.#base}:states`, upid).exec()
  }
}

/** Until woken (true), aborted, or `ms` later. */
function pause(woken: Promise<void>, ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isNews: boolean) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      resolve(isNews)
    }
    const abort = () => end(false)
    const timer = setTimeout(() => end(false), ms)
    signal.addEventListener('abort', abort)
    woken.then(() => end(true))
  })
}
