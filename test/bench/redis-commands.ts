import { parseRedisUrl } from '../../src/config.ts'
import { connect } from '../../src/jobs/redis.ts'
import { until } from '../crew.ts'
import type { Stage } from './stage.ts'

/** A worker's waiting for jobs and the making of connections: not part of the way of a job. */
const background = /^(bzpopmin|ping|info|client|subscribe)$/i

interface Command {
  /** Milliseconds of this process's `performance.now()`. */
  at: number
  words: string[]
}

/** Lists what Redis is told, from now on. Redis gives each command its time; those inside of scripts are left out. */
export async function watchRedis(url: string, stage: Stage) {
  const redis = connect(parseRedisUrl(url), 'patient', () => {})
  const monitor = await redis.monitor()
  const commands: Command[] = []
  monitor.on('monitor', (time: string, words: string[], source: string) => {
    if (source !== 'lua') commands.push({ at: Number(time) * 1000 - performance.timeOrigin, words })
  })
  stage.defer(async () => {
    monitor.disconnect()
    redis.disconnect()
  })
  return {
    /** How many commands on keys with this prefix came after the first instant and before the second. */
    async between(from: number, to: number, prefix: string): Promise<number> {
      await until(async () => {
        await redis.ping()
        return (commands.at(-1)?.at ?? 0) >= to
      }, 'Redis to tell its commands')
      const inTime = commands.filter(({ at }) => at > from && at < to)
      const ours = inTime.filter(({ words }) => words.some((word) => word.startsWith(prefix)))
      return ours.filter(({ words: [name] }) => !background.test(name ?? '')).length
    },
  }
}
