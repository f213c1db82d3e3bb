import { pause } from './pause.ts'
import type { Redis } from './redis.ts'

/** A Redis that restarts or fails over is back sooner. */
const patienceMs = 8_000
const lookEveryMs = 1_000
/** What is done is done again after so long: a node takes its time to boot. */
const actEveryMs = 15_000

interface Parts {
  redis: Pick<Redis, 'status' | 'ping'>
  about: object
  /** Without Redis nothing of a job can be stored, so this must be harmless to do twice. */
  act(): Promise<void>
  log: { warn(about: object, text: string): void }
}

/**
 * Acts by itself while Redis is silent for longer than a restart takes: a job that has broken something cannot go on then,
 * in this process or in another. Held by memory alone. Let go of, it stays until Redis answers.
 */
export function deadMan({ redis, about, act, log }: Parts): () => void {
  let isHeld = true
  const never = new AbortController().signal
  const watch = async () => {
    let silentSince: number | undefined
    let actedAt: number | undefined
    for (;;) {
      // Closed by ourselves: this process is ending.
      if (redis.status === 'end') return
      const now = performance.now()
      if (await answers(redis)) {
        if (actedAt !== undefined) log.warn(about, 'Redis answers again: the job goes on')
        if (!isHeld) return
        silentSince = actedAt = undefined
      } else {
        silentSince ??= now
        if (now - silentSince >= patienceMs && (actedAt === undefined || now - actedAt >= actEveryMs)) {
          if (actedAt === undefined) log.warn(about, 'Redis is silent: what was broken is put back without it')
          actedAt = now
          await act().catch((error) => log.warn({ ...about, error: String(error) }, 'putting back'))
        }
      }
      await pause(lookEveryMs, never)
    }
  }
  void watch()
  return () => {
    isHeld = false
  }
}

/** One that hangs does not answer either. */
async function answers(redis: Parts['redis']): Promise<boolean> {
  if (redis.status !== 'ready') return false
  const late = new Promise<false>((resolve) => setTimeout(resolve, 2000, false).unref())
  return Promise.race([
    redis.ping().then(
      () => true,
      () => false,
    ),
    late,
  ])
}
