import { Queue, Worker } from 'bullmq'
import type { Identity, Membership } from '../core/roles.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

const queueName = 'membership'
const purpose = 'membership'
/** A fact is believed this long after its platform told it. */
const believedMs = 5 * 60_000
/** The bot may be restarting; after this nobody gains a group. */
const askWithinMs = 15_000
const lookEveryMs = 200

interface Fact {
  groups: readonly string[]
  /** Milliseconds since the epoch. */
  at: number
}

interface Parts {
  redis: Redis
  prefix: string
  seal: Seal
  now: () => number
}

const keyOf = (prefix: string, identity: Identity) => `${prefix}:member:${identity}`

/**
 * Tells the processes without chat tokens who is in which group: they ask through Redis, this one asks the platform and
 * answers with a signed fact that soon expires.
 */
export function answerMembership({
  redis,
  prefix,
  seal,
  now,
  membership,
  log,
}: Parts & { membership: Membership; log: { warn(about: object, text: string): void } }): Worker {
  const worker = new Worker<{ identity: Identity }>(
    queueName,
    async ({ data: { identity } }) => {
      const groups = await membership.groupsOf(identity)
      const key = keyOf(prefix, identity)
      const fact: Fact = { groups, at: now() }
      await redis.set(key, seal.wrap(purpose, key, fact), 'PX', believedMs)
    },
    { connection: redis as never, prefix, concurrency: 20 },
  )
  worker.on('error', (error) => log.warn({ error: error.message }, 'membership'))
  return worker
}

/** Group membership for a process that holds no chat token: what the bot has told lately, or is asked to tell now. */
export class MembershipFacts implements Membership {
  readonly #parts: Parts
  readonly #queue: Queue
  readonly #platforms: readonly string[]

  /** @param platforms whose groups the bot knows, `slack`, `discord` */
  constructor(parts: Parts, platforms: readonly string[]) {
    this.#parts = parts
    this.#platforms = platforms
    const { redis, prefix } = parts
    this.#queue = new Queue(queueName, {
      connection: redis as never,
      prefix,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 3, backoff: 500 },
    })
    this.#queue.on('error', () => {})
  }

  async groupsOf(identity: Identity): Promise<readonly string[]> {
    if (!this.#platforms.some((platform) => identity.startsWith(`${platform}:`))) return []
    const known = await this.#read(identity)
    if (known) return known.groups
    await this.#queue.add('ask', { identity }, { deduplication: { id: identity } })
    const end = this.#parts.now() + askWithinMs
    while (this.#parts.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
      const told = await this.#read(identity)
      if (told) return told.groups
    }
    return []
  }

  async #read(identity: Identity): Promise<Fact | undefined> {
    const { redis, prefix, seal, now } = this.#parts
    const key = keyOf(prefix, identity)
    const fact = seal.unwrap<Fact>(purpose, key, await redis.get(key))
    return fact && now() - fact.at < believedMs ? fact : undefined
  }

  async close(): Promise<void> {
    await this.#queue.close()
  }
}
