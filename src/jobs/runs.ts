import { LostLock } from '../core/errors.ts'
import type { OrderedJob } from '../core/events.ts'
import type { Message } from '../core/message.ts'
import type { Card } from '../core/outbox.ts'
import type { Identity } from '../core/roles.ts'
import type { JobView } from '../core/worker.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

/** A job as it was ordered; signed, and never changed afterwards. */
export interface JobRecord extends OrderedJob {
  /** Milliseconds, our own clock: the order of asking. */
  createdAt: number
}

/** The order that a run belongs to: retries run under ids of their own. */
export const orderOf = (id: string): string => id.replace(/-r\d+$/, '')

/** The card of a job in one of its states. */
export const jobCard = (record: JobRecord, order: number, message: Message): Card => ({
  key: record.card,
  target: record.target,
  ...(record.thread === undefined ? {} : { thread: record.thread }),
  language: record.language,
  order: record.orderBase + order,
  message: { ...message, job: record.id, ...(record.thread === undefined ? {} : { thread: record.thread }) },
})

export interface Intent {
  /** Seconds on the node's clock, read just before the effect. */
  at: number
  /** It was sent and its answer was lost: it may only be looked for. */
  unanswered?: true
}

/** What lists show of a job beside its record. */
export type View = Pick<Partial<JobView>, 'state' | 'progress' | 'error' | 'endedAt'>

const viewFields = ['state', 'progress', 'error', 'endedAt'] as const

/** Long enough for the longest task; a VMID that was not used in the end is free again after it. */
const claimForSeconds = 12 * 3600
const keepForSeconds = 30 * 24 * 3600
/** How many jobs `list` can look back on. */
const keepJobs = 5000

/** KEYS run index cardJob; ARGV record createdAt id keepJobs keepForSeconds. All of it for the first, nothing for others. */
const createScript = `
local created = redis.call('HSETNX', KEYS[1], 'record', ARGV[1])
if created == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[5])
  redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[3])
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[4])
  redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[5])
end
return created`

/** KEYS run; ARGV field value … An ended job's view stays as it is. */
const viewScript = `
if redis.call('HEXISTS', KEYS[1], 'view:endedAt') == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1`

type RunField = `step:${string}` | `intent:${string}` | `upid:${string}`

/** A job as it was stored when it was opened; what was not signed here is not found. */
export interface StoredRun {
  record: JobRecord | undefined
  hasEnded: boolean
  read<T>(field: RunField): T | undefined
}

/** KEYS bullLock run; ARGV token field value. Writes only while this process owns the job. */
const fencedScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3], 'starts', '0')
return 1`

/**
 * What a job has done so far, in Redis beside BullMQ's own record: stored steps, intents, UPIDs, the wish to cancel, the
 * view that lists show. Writes of a running job are fenced by BullMQ's lock: a process that lost it writes nothing.
 */
export class Runs {
  readonly redis: Redis
  readonly prefix: string
  readonly #seal: Seal

  constructor(redis: Redis, prefix: string, seal: Seal) {
    this.redis = redis
    this.prefix = prefix
    this.#seal = seal
  }

  #run = (id: string) => `${this.prefix}:run:${id}`
  #bullLock = (id: string) => `${this.prefix}:jobs:${id}:lock`
  #index = () => `${this.prefix}:runs`
  #cardJob = (card: string) => `${this.prefix}:card-job:${card}`

  /** True for the first to create it; everyone after finds it there. */
  async create(record: JobRecord): Promise<boolean> {
    const created = await this.redis.eval(
      createScript,
      3,
      this.#run(record.id),
      this.#index(),
      this.#cardJob(record.card),
      this.#seal.wrap('record', record.id, record),
      record.createdAt,
      record.id,
      keepJobs,
      keepForSeconds,
    )
    return created === 1
  }

  async record(id: string): Promise<JobRecord | undefined> {
    return this.#seal.unwrap<JobRecord>('record', id, await this.redis.hget(this.#run(id), 'record'))
  }

  /** Everything stored of a job, in one look: for the process that takes it up. */
  async open(id: string): Promise<StoredRun> {
    const fields = await this.redis.hgetall(this.#run(id))
    return {
      record: this.#seal.unwrap<JobRecord>('record', id, fields.record),
      hasEnded: fields['view:endedAt'] !== undefined,
      read: <T>(field: RunField) => this.#seal.unwrap<{ value: T }>(`run ${field}`, id, fields[field])?.value,
    }
  }

  /** The newest job that this card shows; one that was ordered for another card is not believed. */
  async ofCard(card: string): Promise<string | undefined> {
    const id = await this.redis.get(this.#cardJob(card))
    return id !== null && (await this.record(id))?.card === card ? id : undefined
  }

  /** Newest first. */
  async ids(most: number): Promise<string[]> {
    return this.redis.zrevrange(this.#index(), 0, most - 1)
  }

  async view(id: string): Promise<View> {
    const raw = await this.redis.hmget(this.#run(id), ...viewFields.map((field) => `view:${field}`))
    const known = viewFields.flatMap((field, i) => (raw[i] ? [[field, JSON.parse(raw[i])] as const] : []))
    return Object.fromEntries(known)
  }

  /** Changes what is given and leaves the rest; nothing changes any more once the job has ended. */
  async setView(id: string, view: View): Promise<void> {
    const given = Object.entries(view).flatMap(([field, value]) => [`view:${field}`, JSON.stringify(value)])
    await this.redis.eval(viewScript, 1, this.#run(id), ...given)
  }

  /** Counts a start: those in a row without a new stored step or a moved task, and who wants it to stop, if anyone. */
  async started(id: string): Promise<{ starts: number; cancelledBy: Identity | undefined }> {
    const script = `return {redis.call('HINCRBY', KEYS[1], 'starts', 1), redis.call('HGET', KEYS[1], 'cancel') or ''}`
    const [starts, cancel] = (await this.redis.eval(script, 1, this.#run(id))) as [number, string]
    return { starts, cancelledBy: this.#seal.unwrap<{ value: Identity }>('run cancel', id, cancel)?.value }
  }

  async moved(id: string): Promise<void> {
    await this.redis.hset(this.#run(id), 'starts', '0')
  }

  async hasBegun(id: string): Promise<boolean> {
    return (await this.redis.hkeys(this.#run(id))).some((field) => /^(step|intent|upid):/.test(field))
  }

  /** A stored value of this job; forged ones are not found. */
  async read<T>(id: string, field: RunField | 'cancel'): Promise<T | undefined> {
    const raw = await this.redis.hget(this.#run(id), field)
    return raw === null ? undefined : this.#seal.unwrap<{ value: T }>(`run ${field}`, id, raw)?.value
  }

  /** @throws LostLock when another process owns the job by now */
  async write(id: string, token: string, field: RunField, value: unknown) {
    const sealed = this.#seal.wrap(`run ${field}`, id, { value })
    const done = await this.redis.eval(fencedScript, 2, this.#bullLock(id), this.#run(id), token, field, sealed)
    if (done !== 1) throw new LostLock(`job ${id} is run by another process`)
  }

  /** @throws LostLock unless this process owns the job and will for at least `leftMs` */
  async fence(id: string, token: string, leftMs = 3000): Promise<void> {
    const [owner, left] = (await this.redis.eval(
      `return {redis.call('GET', KEYS[1]) or '', redis.call('PTTL', KEYS[1])}`,
      1,
      this.#bullLock(id),
    )) as [string, number]
    if (owner !== token || left < leftMs) throw new LostLock(`job ${id} is run by another process`)
  }

  /** All stored steps, by name. */
  async results(id: string): Promise<Record<string, unknown>> {
    const fields = (await this.redis.hkeys(this.#run(id))).filter((field) => field.startsWith('step:'))
    const entries = await Promise.all(
      fields.map(async (field) => [field.slice(5), await this.read(id, field as `step:${string}`)] as const),
    )
    return Object.fromEntries(entries)
  }

  async upids(id: string): Promise<string[]> {
    return (await this.tasks(id)).map(({ upid }) => upid)
  }

  /** The Proxmox tasks that this job has caused, each with its step. */
  async tasks(id: string): Promise<{ step: string; upid: string }[]> {
    const fields = (await this.redis.hkeys(this.#run(id))).filter((field) => field.startsWith('upid:'))
    const found = fields.map(async (field) => {
      const upid = await this.read<string>(id, field as `upid:${string}`)
      return upid === undefined ? [] : [{ step: field.slice('upid:'.length), upid }]
    })
    return (await Promise.all(found)).flat()
  }

  async askToCancel(id: string, by: Identity): Promise<void> {
    await this.redis.hset(this.#run(id), 'cancel', this.#seal.wrap('run cancel', id, { value: by }))
    await this.redis.publish(`${this.prefix}:cancel`, id)
  }

  /** Claims a name for one job: two jobs never take the same VMID. */
  async claim(cluster: string, name: string, id: string, forSeconds = claimForSeconds): Promise<boolean> {
    const key = `${this.prefix}:claim:${cluster}:${name}`
    const owner = await this.redis.set(key, id, 'EX', forSeconds, 'NX', 'GET')
    return owner === null || owner === id
  }

  /** Claims a task as the effect of one job, for as long as the job can be retried: a retry must not take it for its own. */
  async claimTask(cluster: string, upid: string, id: string): Promise<boolean> {
    return this.claim(cluster, upid, id, keepForSeconds)
  }
}
