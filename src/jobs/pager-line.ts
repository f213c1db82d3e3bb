import { DelayedError, Queue, Worker } from 'bullmq'
import type { Incident, Incidents } from '../core/incidents.ts'
import { type Redis, takeover } from './redis.ts'
import type { Seal } from './seal.ts'

type State = { alerts: number; state: 'triggered' | 'acknowledged' | 'resolved'; keys?: number }
type Action = 'trigger' | 'acknowledge' | 'resolve'
type Due = { action: Action; keys: number[]; leaves: State } | undefined
type Place = { redis: Redis; prefix: string; seal: Seal }

const placeOf = (prefix: string, id: string) => `${prefix}:oncall:pager:${id}`

/** What the pager has been told of an incident; undefined: nothing. */
const sentOf = async ({ redis, prefix, seal }: Place, id: string): Promise<State | undefined> =>
  seal.unwrap<State>('pager', id, await redis.get(placeOf(prefix, id)))

/** The newest of the keys that the pager knows an incident by: 1, 2, 3… */
export const newestKey = async (place: Place, id: string): Promise<number> => (await sentOf(place, id))?.keys ?? 1

interface Options<C> {
  redis: Redis
  prefix: string
  seal: Seal
  incidents: Incidents
  /** The pure part, from `src/ha`. */
  due(incident: Incident, sent: State | undefined, context: C): Due
  context(): Promise<C>
  /**
   * Resolves when the pager has accepted it; an error with `name: 'PagerRefused'` is its last word. `key`: 1 for the
   * incident, 2, 3… for what came after an acknowledgement.
   */
  call(action: Action, incident: Incident, key: number): Promise<void>
  /** How much faster than real its waits pass; 1 but where a test plays hours. */
  tempo?: number
}

const backoff = (attempts: number) => Math.min(500 * 2 ** Math.min(attempts - 1, 10), 30_000)
const keepSeconds = 180 * 24 * 3600

/**
 * Keeps the pager as the incidents are: one line for each incident, its actions in order, each tried until accepted. What
 * has become needless meanwhile is left out. A crash between "accepted" and "noted" says it again under the same dedup
 * key, which tells nobody twice.
 */
export class PagerLine<C> {
  readonly #o: Options<C>
  readonly #queue: Queue
  readonly #worker: Worker<{ incident: string }>

  constructor(options: Options<C>) {
    this.#o = options
    const { redis, prefix, tempo = 1 } = options
    const connection = redis as never
    this.#queue = new Queue('pager', {
      connection,
      prefix,
      defaultJobOptions: {
        removeOnComplete: true,
        removeOnFail: true,
        attempts: 100_000,
        backoff: { type: 'pager' },
      },
    })
    this.#queue.on('error', () => {})
    this.#worker = new Worker<{ incident: string }>(
      'pager',
      async (job, token) => {
        try {
          await this.#catchUp(job.data.incident)
        } catch (error) {
          const { retryAfterMs } = error as { retryAfterMs?: number }
          if (retryAfterMs === undefined) throw error
          await job.moveToDelayed(Date.now() + retryAfterMs / tempo, token)
          throw new DelayedError()
        }
      },
      {
        connection,
        prefix,
        concurrency: 10,
        ...takeover,
        settings: { backoffStrategy: (attempts) => backoff(attempts) / tempo },
      },
    )
    this.#worker.on('error', () => {})
  }

  /** Wakes the incident's line where something is due. */
  async wake(incident: Incident, context: C): Promise<void> {
    if (!this.#o.due(incident, await sentOf(this.#o, incident.id), context)) return
    await this.#queue.add('pager', { incident: incident.id }, { deduplication: { id: incident.id } })
  }

  async #note(id: string, state: State): Promise<void> {
    const { redis, prefix, seal } = this.#o
    await redis.set(placeOf(prefix, id), seal.wrap('pager', id, state), 'EX', keepSeconds)
  }

  async #catchUp(id: string): Promise<void> {
    const { incidents, due, context, call } = this.#o
    for (;;) {
      const incident = await incidents.get(id)
      const next = incident && due(incident, await sentOf(this.#o, id), await context())
      if (!next) return
      const once = `pager.${next.leaves.alerts}.${next.action}`
      const tell = (result: 'delivered' | 'failed', detail: string) =>
        incidents.tell(id, { how: 'pager', to: 'pager', result, detail, once: `${once}.${result}` })
      try {
        for (const key of next.keys) await call(next.action, incident, key)
      } catch (error) {
        const { name, message } = error as Error
        await tell('failed', `${next.action}: ${message}`)
        if (name !== 'PagerRefused') throw error
        await this.#note(id, next.leaves)
        continue
      }
      await this.#note(id, next.leaves)
      await tell('delivered', next.action)
    }
  }

  async close(): Promise<void> {
    await this.#worker.close(true)
    await this.#queue.close()
  }
}
