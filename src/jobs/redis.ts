import { Redis, type RedisOptions } from 'ioredis'
import type { RedisAddress } from '../config/redis-url.ts'

function options(at: RedisAddress): RedisOptions {
  const login: RedisOptions = { db: at.db }
  if (at.username !== undefined) login.username = at.username
  if (at.password !== undefined) login.password = at.password.reveal()
  if (at.kind === 'unix') return { ...login, path: at.path }
  if (at.kind === 'tcp') return { ...login, host: at.host, port: at.port, ...(at.tls ? { tls: {} } : {}) }
  const sentinel: RedisOptions = { ...login, sentinels: at.sentinels, name: at.master }
  if (at.sentinelPassword) sentinel.sentinelPassword = at.sentinelPassword.reveal()
  return at.tls ? { ...sentinel, tls: {}, enableTLSForSentinelMode: true } : sentinel
}

/** Waits 50 ms at first, 2 s at most: a Redis that comes back is used again within two seconds. */
const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2000)

const patient: RedisOptions = { maxRetriesPerRequest: null }
const prompt: RedisOptions = {
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
  commandTimeout: 2000,
  connectTimeout: 2000,
}

/**
 * A connection. `patient` ones keep commands until Redis is back, as BullMQ's workers need it; `prompt` ones fail
 * within two seconds, so that a person in a chat is told at once that nothing was stored.
 */
export function connect(at: RedisAddress, patience: 'patient' | 'prompt', onError: (error: Error) => void): Redis {
  const redis = new Redis(
    Object.assign(options(at), patience === 'patient' ? patient : prompt, { retryStrategy }) as Omit<
      RedisOptions,
      'replyMapping'
    >,
  )
  redis.on('error', onError)
  return redis
}

/** Resolves when the connection takes commands. */
export function ready(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise((resolve) => redis.once('ready', () => resolve()))
}

/**
 * A killed worker's job starts elsewhere after about 9 s (8.6 to 9.4 measured); shorter locks gave false takeovers.
 * Stalls are crashes, not failures: BullMQ must never end a job for them, we do (`keeps-crashing`).
 */
export const takeover = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 1_000_000 } as const

export type { Redis }
