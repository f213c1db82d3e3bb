import { Queue, Worker } from 'bullmq'
import type { LoneLook } from '../core/house.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

const queueName = 'host-looks'
const purpose = 'host look'
/** A look is shown again for this long. */
const freshMs = 10_000
/** Whoever types waits for it; a worker that may look is there, or none is. */
const withinMs = 2500
const lookEveryMs = 50

interface Parts {
  redis: Redis
  prefix: string
  seal: Seal
  now: () => number
}

interface Asked {
  cluster: string
  names: readonly string[]
  key: string
}

/** Looks for the processes that hold no password: they ask through Redis, and are answered with what is signed. */
export function answerHostLooks({
  redis,
  prefix,
  seal,
  now,
  look,
  log,
}: Parts & {
  look(cluster: string, names: readonly string[]): Promise<LoneLook>
  log: { warn(about: object, text: string): void }
}): { close(): Promise<void> } {
  const worker = new Worker<Asked>(
    queueName,
    async ({ data: { cluster, names, key }, timestamp }) => {
      // Nobody waits for it any more.
      if (now() - timestamp > withinMs) return
      const told = { at: now(), look: await look(cluster, names) }
      await redis.set(key, seal.wrap(purpose, key, told), 'PX', freshMs)
    },
    { connection: redis as never, prefix, concurrency: 4 },
  )
  worker.on('error', (error) => log.warn({ error: error.message }, 'host looks'))
  return { close: () => worker.close(true) }
}

/** Asks the worker that may log in on hosts what they are like. */
export class HostLooks {
  readonly #parts: Parts
  readonly #queue: Queue<Asked>

  constructor(parts: Parts) {
    this.#parts = parts
    this.#queue = new Queue(queueName, {
      connection: parts.redis as never,
      prefix: parts.prefix,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    })
    this.#queue.on('error', () => {})
  }

  readonly ask = async (
    cluster: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<LoneLook | undefined> => {
    const { prefix, seal, now } = this.#parts
    const key = `${prefix}:host-look:${seal.name([cluster, names])}`
    const known = await this.#read(key)
    if (known) return known
    await this.#queue.add('look', { cluster, names, key }, { deduplication: { id: key.replaceAll(':', '-') } })
    const end = now() + withinMs
    while (now() < end && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
      const told = await this.#read(key)
      if (told) return told
    }
    return undefined
  }

  async #read(key: string): Promise<LoneLook | undefined> {
    const { redis, seal, now } = this.#parts
    const told = seal.unwrap<{ at: number; look: LoneLook }>(purpose, key, await redis.get(key))
    return told && now() - told.at < freshMs ? told.look : undefined
  }

  close = (): Promise<void> => this.#queue.close()
}
