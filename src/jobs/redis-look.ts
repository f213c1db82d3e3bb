import type { Redis } from './redis.ts'

/** What a Redis says of itself: `INFO`, and of `CONFIG` what it lets us see (hosted ones often refuse it). */
export interface RedisLook {
  info: Readonly<Record<string, string>>
  config: Readonly<Record<string, string>>
}

/** Rejects when Redis does not answer. */
export async function lookAtRedis(redis: Redis): Promise<RedisLook> {
  const info = parseInfo(await redis.info())
  const config = await redis.config('GET', 'appendfsync').catch(() => [])
  const pairs = config as string[]
  return {
    info,
    config: Object.fromEntries(pairs.flatMap((key, i) => (i % 2 === 0 ? [[key, pairs[i + 1] ?? '']] : []))),
  }
}

const parseInfo = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(/\r?\n/)
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  )
