import { DelayedError, type Job, Worker } from 'bullmq'
import { type BullOutbox, type CardStore, deliveryQueue, type StoredCard } from './outbox.ts'
import { type Redis, takeover } from './redis.ts'

/** What a chat platform does for delivery. */
export interface Carrier {
  readonly platform: string
  /**
   * Shows a new message and returns the platform's id of it. `again`: an earlier try may have succeeded without our
   * learning of it; look for the message by its key before posting.
   */
  post(card: StoredCard, again: boolean, threadRoot: string | undefined): Promise<string>
  /** Returns the platform's id where it has become another one. */
  edit(card: StoredCard, posted: string, threadRoot: string | undefined): Promise<void> | Promise<string>
  /** Whether this state is only on the way to another: while its edit is `Throttled`, what follows in the lane goes on. */
  passing?(card: StoredCard): boolean
}

/** The platform wants us to wait; nothing else is wrong. */
export class Throttled extends Error {
  override readonly name = 'Throttled'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super(`retry after ${retryAfterMs} ms`)
    this.retryAfterMs = retryAfterMs
  }
}

/** Nobody can see this message any more: deleted, the channel archived, the bot removed. */
export class Gone extends Error {
  override readonly name = 'Gone'
}

export interface DeliveryOptions {
  redis: Redis
  prefix: string
  cards: CardStore
  outbox: BullOutbox
  carrier: Carrier
  /** How much faster than real its waits pass; 1 but where a test plays hours. */
  tempo?: number
  log: { warn(about: object, text: string): void; error(about: object, text: string): void }
}

/** Waits 0.5 s after a first failure, 30 s at most. */
const backoff = (attempts: number) => Math.min(500 * 2 ** Math.min(attempts - 1, 10), 30_000)

/** Delivers one platform's cards: lanes side by side, the cards of one lane in order, each in its newest state. */
export function startDelivery(options: DeliveryOptions): Worker<{ lane: string }> {
  const { cards, carrier, log, outbox, tempo = 1 } = options
  const worker: Worker<{ lane: string }> = new Worker<{ lane: string }>(
    deliveryQueue(carrier.platform),
    async (job, token) => {
      try {
        const heldBack = await deliverLane(job.data.lane, options)
        if (heldBack) await holdPassing(job, token!, heldBack.retryAfterMs, options)
      } catch (error) {
        if (!(error instanceof Throttled)) throw error
        await holdBack(job, token!, error.retryAfterMs / tempo)
      }
    },
    {
      connection: options.redis as never,
      prefix: options.prefix,
      concurrency: 50,
      ...takeover,
      settings: { backoffStrategy: (attempts) => backoff(attempts) / tempo },
    },
  )
  worker.on('failed', (job, error) =>
    log.warn({ lane: job?.data.lane, error: error.message }, 'delivery failed, will be tried again'),
  )
  worker.on('error', (error) => log.error({ error: error.message }, 'delivery worker'))
  // What a crash left between storing a card and waking its lane.
  const sweep = async () => {
    for (const lane of await cards.lanes(carrier.platform)) await outbox.wake(lane)
  }
  const sweeper = setInterval(() => void sweep().catch(() => {}), 5_000)
  sweep().catch(() => {})
  worker.on('closing', () => clearInterval(sweeper))
  return worker
}

async function holdBack(job: Job, token: string, ms: number): Promise<never> {
  await job.moveToDelayed(Date.now() + ms, token)
  throw new DelayedError()
}

/** Waits with a lane where only passing states are left; a final one that comes meanwhile does not wait. */
async function holdPassing(
  job: Job<{ lane: string }>,
  token: string,
  ms: number,
  { cards, carrier, outbox, tempo = 1 }: DeliveryOptions,
) {
  const { lane } = job.data
  await job.moveToDelayed(Date.now() + ms / tempo, token)
  await cards.hold(lane)
  // What was stored before the lane was held has found nothing to hurry.
  for (const key of await cards.waiting(lane)) {
    const card = await cards.get(key)
    if (card && !(card.posted !== undefined && carrier.passing?.(card))) await outbox.hurry(lane, job.id!)
  }
  throw new DelayedError()
}

/** The wait that is left for passing states, if any is. */
async function deliverLane(lane: string, { cards, carrier, log }: DeliveryOptions): Promise<Throttled | undefined> {
  let heldBack: Throttled | undefined
  for (let skipped = 0; ; ) {
    const key = await cards.first(lane, skipped)
    if (key === undefined) break
    const card = await cards.get(key)
    if (!card) {
      log.warn({ card: key }, 'a card waited until Redis had forgotten it, so it is not shown')
      await cards.drop(lane, key)
      continue
    }
    try {
      await deliverCard(card, cards, carrier)
    } catch (error) {
      if (error instanceof Throttled && card.posted !== undefined && carrier.passing?.(card)) {
        heldBack = error
        skipped += 1
        continue
      }
      if (!(error instanceof Gone)) throw error
      log.warn(
        { card: key, target: card.target, reason: error.message },
        'message is gone, its card is not shown any more',
      )
      await cards.gone(card)
    }
  }
  if (!heldBack) await cards.close(lane)
  return heldBack
}

async function deliverCard(card: StoredCard, cards: CardStore, carrier: Carrier): Promise<void> {
  const root = card.thread === undefined ? undefined : (await cards.get(card.thread))?.posted
  if (card.posted !== undefined) {
    const posted = await carrier.edit(card, card.posted, root)
    return cards.sent(card, posted ?? card.posted)
  }
  if (!card.posting) await cards.posting(card.key)
  await cards.sent(card, await carrier.post(card, card.posting, root))
}
