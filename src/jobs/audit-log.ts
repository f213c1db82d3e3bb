import type { AuditEntry, Head } from '../core/audit.ts'
import { Unavailable } from '../core/errors.ts'
import type { Redis } from './redis.ts'

/** An entry as Redis has it, byte by byte. */
interface Kept {
  entry: Buffer
  prev: Buffer
  mac: Buffer
}

interface Options {
  redis: Redis
  prefix: string
  /** Makes the next entry of the chain, whose head is `head`. */
  link(entry: AuditEntry, at: string, head: Head): { entry: string; prev: string; mac: string }
  /** Milliseconds. */
  now(): number
}

const beginning: Head = '0.start'
/** What is written while another write is under way goes out together, so many at most. */
const mostAtOnce = 200
const readAtOnce = 500
/** How far back a write whose answer was lost is looked for. */
const lookBack = 200

/**
 * Adds entries if the chain still ends where the writer believes: two processes at once make one chain, the slower
 * one links anew. Also says when these very entries are there already: the answer to an earlier try was lost.
 * KEYS stream head; ARGV expected next lookBack, then entry prev mac of each. Returns '' when done, else the head.
 */
const addScript = `
local head = redis.call('GET', KEYS[2]) or '${beginning}'
if head ~= ARGV[1] then
  local mine = ARGV[#ARGV]
  for _, row in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[3])) do
    if row[2][6] == mine then return '' end
  end
  return head
end
for i = 4, #ARGV, 3 do
  redis.call('XADD', KEYS[1], '*', 'entry', ARGV[i], 'prev', ARGV[i + 1], 'mac', ARGV[i + 2])
end
redis.call('SET', KEYS[2], ARGV[2])
return ''`

interface Waiting {
  entry: AuditEntry
  at: string
  done(): void
  failed(error: unknown): void
}

/** The audit trail in a Redis stream. One round trip for an entry, or for as many as were handed over meanwhile. */
export class AuditLog {
  readonly #o: Options
  readonly #keys: { stream: string; head: string; floor: string }
  readonly #waiting: Waiting[] = []
  #head: Head | undefined
  #writing = false

  constructor(options: Options) {
    this.#o = options
    const base = `${options.prefix}:audit`
    this.#keys = { stream: base, head: `${base}:head`, floor: `${base}:floor` }
  }

  /**
   * Resolves when Redis has the entry, behind all those that this process handed over before.
   * @throws Unavailable `audit-gone` when Redis refuses it
   */
  append = (entry: AuditEntry): Promise<void> =>
    new Promise((done, failed) => {
      this.#waiting.push({ entry, at: new Date(this.#o.now()).toISOString(), done, failed })
      if (!this.#writing) this.#write()
    })

  async #write(): Promise<void> {
    this.#writing = true
    try {
      while (this.#waiting.length > 0) {
        const some = this.#waiting.splice(0, mostAtOnce)
        const error = await this.#add(some).then(
          () => undefined,
          (error: unknown) => error,
        )
        for (const { done, failed } of some) error ? failed(error) : done()
      }
    } finally {
      this.#writing = false
    }
  }

  async #add(some: readonly Waiting[]): Promise<void> {
    const { redis } = this.#o
    const { stream, head } = this.#keys
    this.#head ??= await this.head().catch(gone)
    for (;;) {
      const before: Head = this.#head
      const { rows, next } = this.#linked(some, before)
      const now = String(await redis.eval(addScript, 2, stream, head, before, next, lookBack, ...rows).catch(gone))
      this.#head = now === '' ? next : sound(now)
      if (now === '') return
      // A head that is none was put there by somebody else; the chain begins anew behind it, and that is found.
      if (this.#head !== now) await redis.eval(mendScript, 1, head, now, this.#head).catch(gone)
    }
  }

  #linked(some: readonly Waiting[], from: Head): { rows: string[]; next: Head } {
    let next = from
    const rows = some.flatMap(({ entry, at }) => {
      const link = this.#o.link(entry, at, next)
      next = `${Number(next.split('.')[0]) + 1}.${link.mac}`
      return [link.entry, link.prev, link.mac]
    })
    return { rows, next }
  }

  /** Where the chain ends now. */
  async head(): Promise<Head> {
    return sound((await this.#o.redis.get(this.#keys.head)) ?? beginning)
  }

  /** The signed head of what was let go; what stands there unsigned is for the reader to refuse. */
  async floor(): Promise<string | undefined> {
    return (await this.#o.redis.get(this.#keys.floor)) ?? undefined
  }

  /** All entries, or those behind `after` in the stream, oldest first. */
  async *entries(after?: string): AsyncGenerator<Kept & { id: string }> {
    for (let from = after === undefined ? '-' : `(${after}`; ; ) {
      const rows = await this.#o.redis.xrangeBuffer(this.#keys.stream, from, '+', 'COUNT', readAtOnce)
      for (const row of rows) yield keptOf(row)
      if (rows.length < readAtOnce) return
      from = `(${rows.at(-1)![0]}`
    }
  }

  /** All entries, newest first. */
  async *newest(): AsyncGenerator<Kept> {
    for (let from = '+'; ; ) {
      const rows = await this.#o.redis.xrevrangeBuffer(this.#keys.stream, from, '-', 'COUNT', readAtOnce)
      for (const row of rows) yield keptOf(row)
      if (rows.length < readAtOnce) return
      from = `(${rows.at(-1)![0]}`
    }
  }

  /** Lets go of everything up to and with the entry `id`; `floor` is its head, signed. */
  async trim(id: string, floor: string): Promise<void> {
    const { stream, floor: key } = this.#keys
    const [ms, n] = id.split('-')
    await this.#o.redis
      .multi()
      .set(key, floor)
      .xtrim(stream, 'MINID', `${ms}-${Number(n) + 1}`)
      .exec()
  }

  /** True for the first of all processes to ask for this name; forgotten after two days. */
  async first(name: string): Promise<boolean> {
    return (await this.#o.redis.set(`${this.#keys.stream}:once:${name}`, '1', 'EX', 2 * 24 * 3600, 'NX')) === 'OK'
  }
}

const gone = (cause: unknown): never => {
  throw new Unavailable('audit-gone', { service: 'Redis', cause })
}

/** KEYS head; ARGV wrong right. */
const mendScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
return 1`

const sound = (head: string): Head => (/^\d{1,15}\.([\w-]{43}|start)$/.test(head) ? head : beginning)

/** An entry that somebody else wrote may have any fields; what is not there is empty, and is refused for it. */
function keptOf([id, fields]: [id: Buffer, fields: Buffer[]]): Kept & { id: string } {
  const values = new Map<string, Buffer>()
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i]!.toString(), fields[i + 1]!)
  const of = (name: string) => values.get(name) ?? Buffer.alloc(0)
  // More fields than ours are a change too.
  const entry = fields.length === 6 ? of('entry') : Buffer.alloc(0)
  return { id: id.toString(), entry, prev: of('prev'), mac: of('mac') }
}
