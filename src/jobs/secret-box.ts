import { fill } from '../core/language.ts'
import type { Field, Message } from '../core/message.ts'
import { Order, type Outbox } from '../core/outbox.ts'
import type { Words } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import type { SecretAsk, Secrets } from '../core/secrets.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

/** How long the link, the code and `quorum secret set` are good. */
const askedForMs = 10 * 60_000
/** How long a secret waits for its job, which may wait for a lock. */
const keptForMs = 60 * 60_000
const triesAllowed = 5
export const longestSecret = 4096

/** KEYS entry; ARGV tries. Counts a try before it is judged; the entry ends with the one after the last. */
const tryScript = `
if redis.call('HEXISTS', KEYS[1], 'request') == 0 or redis.call('HEXISTS', KEYS[1], 'secret') == 1 then return 0 end
local tries = redis.call('HINCRBY', KEYS[1], 'tries', 1)
if tries > tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) return 0 end
return tries`

/** KEYS entry. Ends a request that had its last try, unless somebody handed the secret over meanwhile. */
const endScript = `if redis.call('HEXISTS', KEYS[1], 'secret') == 0 then return redis.call('DEL', KEYS[1]) end return 0`

/** KEYS entry; ARGV secret keptForMs. Only the first secret is kept. */
const giveScript = `
if redis.call('HEXISTS', KEYS[1], 'request') == 0 or redis.call('HSETNX', KEYS[1], 'secret', ARGV[1]) == 0 then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`

/** KEYS entry. Read and forgotten in one, so that it is given once. */
const takeScript = `
local secret = redis.call('HGET', KEYS[1], 'secret')
if secret then redis.call('DEL', KEYS[1]) end
return secret`

interface Request extends SecretAsk {
  /** Of the code, keyed: without the key, not even six digits can be tried out on it. */
  code?: string
  until: number
}

/** What the page says before anything is typed. */
export type Asked = Pick<SecretAsk, 'label' | 'job' | 'step' | 'language'>
export type Given = 'given' | 'gone' | 'unfit' | { triesLeft: number }

/**
 * Secrets on their way from a person to a job: asked for and told of here, kept in Redis under AES-256-GCM bound to handle,
 * purpose, job, step and person, deleted as they are taken. The request is signed, so that Redis cannot move it.
 */
export class SecretBox implements Secrets {
  readonly #o: Options

  constructor(options: Options) {
    this.#o = options
  }

  #key = (handle: string) => `${this.#o.prefix}:secret:${handle}`

  async request(ask: SecretAsk) {
    const { redis, seal, publicUrl, now } = this.#o
    const handle = `s-${this.#o.random(16).toString('hex')}`
    const code = String(this.#o.random(6).readUIntBE(0, 6) % 1_000_000).padStart(6, '0')
    const byLink = publicUrl !== undefined
    const request: Request = {
      ...ask,
      until: now() + askedForMs,
      ...(byLink ? { code: this.#codeName(handle, code) } : {}),
    }
    const key = this.#key(handle)
    await redis
      .multi()
      .hset(key, 'request', seal.wrap('secret request', handle, request))
      .pexpire(key, askedForMs)
      .exec()
    const made = {
      handle,
      cli: `quorum secret set ${handle}`,
      ...(byLink ? { url: secretUrl(publicUrl, handle) } : {}),
    }
    const { cardByLink, cardByHand } = this.#o.words[ask.language].pages
    const text = fill(byLink ? cardByLink : cardByHand, { ...made, code, minutes: askedForMs / 60_000 })
    await this.#show(handle, request, Order.waiting, 'waiting', text)
    return made
  }

  #codeName = (handle: string, code: string) => this.#o.seal.name(['secret code', handle, code])

  async #read(handle: string): Promise<{ request: Request; given: boolean } | undefined> {
    if (!/^s-[\da-f]{32}$/.test(handle)) return undefined
    const [raw, hidden] = await this.#o.redis.hmget(this.#key(handle), 'request', 'secret')
    const request = this.#o.seal.unwrap<Request>('secret request', handle, raw)
    return request && { request, given: typeof hidden === 'string' }
  }

  async #open(handle: string): Promise<Request | undefined> {
    const found = await this.#read(handle)
    return found && !found.given && found.request.until > this.#o.now() ? found.request : undefined
  }

  async state(handle: string): Promise<'asked' | 'given' | 'gone'> {
    const found = await this.#read(handle)
    if (found?.given) return 'given'
    return found && found.request.until > this.#o.now() ? 'asked' : 'gone'
  }

  /** What is asked for, if it still is; uses nothing up. */
  async look(handle: string): Promise<Asked | undefined> {
    return this.#open(handle)
  }

  /** From the page: the code counts as tried before it is looked at. */
  async give(handle: string, code: string, text: string): Promise<Given> {
    const request = await this.#open(handle)
    if (request?.code === undefined) return 'gone'
    if (!isFit(text)) return 'unfit'
    const tries = (await this.#o.redis.eval(tryScript, 1, this.#key(handle), triesAllowed)) as number
    if (tries === 0) return 'gone'
    if (request.code === this.#codeName(handle, code)) return this.#keep(handle, request, text)
    if (tries < triesAllowed) return { triesLeft: triesAllowed - tries }
    await this.#o.redis.eval(endScript, 1, this.#key(handle))
    return 'gone'
  }

  /** From the bot's machine, where whoever types holds the key itself. */
  async put(handle: string, text: string): Promise<Exclude<Given, object>> {
    const request = await this.#open(handle)
    if (!request) return 'gone'
    return isFit(text) ? this.#keep(handle, request, text) : 'unfit'
  }

  async #keep(handle: string, request: Request, text: string): Promise<'given' | 'gone'> {
    const { redis, seal, now, words } = this.#o
    const kept = JSON.stringify({ text, until: now() + keptForMs })
    const hidden = seal.encrypt('secret', boundTo(handle, request), kept)
    if ((await redis.eval(giveScript, 1, this.#key(handle), hidden, keptForMs)) !== 1) return 'gone'
    await this.#show(handle, request, Order.final, 'ok', words[request.language].pages.cardGiven)
    return 'given'
  }

  async take(handle: string, by: { job?: string; step?: string }): Promise<Secret | undefined> {
    const found = await this.#read(handle)
    if (!found?.given || found.request.job !== by.job || found.request.step !== by.step) return undefined
    const hidden = await this.#o.redis.eval(takeScript, 1, this.#key(handle))
    const kept = this.#o.seal.decrypt('secret', boundTo(handle, { ...found.request, ...by }), hidden)
    if (kept === undefined) return undefined
    const { text, until } = JSON.parse(kept) as { text: string; until: number }
    return until > this.#o.now() ? new Secret(text) : undefined
  }

  async #show(handle: string, request: Request, order: number, state: Message['state'], text: string) {
    const words = this.#o.words[request.language]
    const fields: Field[] = request.job === undefined ? [] : [{ name: words.say.job, value: request.job }]
    const title = fill(words.pages.cardTitle, { label: request.label })
    await this.#o.outbox.put({
      key: `secret-${handle}`,
      language: request.language,
      order,
      ...alone(request, { title, state, text, fields }),
    })
  }
}

interface Options {
  redis: Redis
  prefix: string
  seal: Seal
  outbox: Outbox
  words: { en: Words; es: Words }
  /** Without it there is no link, and secrets are typed on the bot's machine. */
  publicUrl: string | undefined
  now: () => number
  random: (bytes: number) => Buffer
}

/** Discord shows something to one person alone only as the answer to a click, so there it is a direct message. */
function alone({ person, target, thread }: Request, message: Message) {
  if (person.startsWith('discord:')) return { target: person, message }
  const threaded = thread === undefined ? {} : { thread }
  return { target, ...threaded, onlyTo: person, message: { ...message, ...threaded } }
}

const secretUrl = (publicUrl: string, handle: string) => `${publicUrl}/secret/${handle}`

const boundTo = (handle: string, { purpose, job, step, person }: SecretAsk) => ({ handle, purpose, job, step, person })

const isFit = (text: string) => text !== '' && text.length <= longestSecret && !/\p{Cc}/u.test(text)
