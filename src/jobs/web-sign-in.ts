import type { Identity } from '../core/roles.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

export interface Session {
  identity: Identity
  /** Milliseconds since the epoch. */
  until: number
}

const linkLivesMs = 10 * 60_000
const sessionLivesMs = 12 * 3600_000
/** Wrong secrets that one link takes before it ends. */
const triesPerLink = 5
/** Links that nobody made, from everybody together, before they are answered with a wait. */
const strayPerMinute = 30

/** KEYS link tries; ARGV most seconds. Counts a wrong secret and ends a link that had too many. */
const wrongScript = `
local tries = redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
if tries >= tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
return tries`

/** `gone`: never made, used, expired, or tried too often. `slow`: too many of those lately. */
export type NoLink = 'gone' | 'slow'

/**
 * One-time links and the sessions they open. Redis holds neither a link nor a cookie: of a link only a keyed hash, signed
 * with the identity it is for; of a session only that it has not ended. So nobody who reads or writes Redis can sign in.
 */
export class WebSignIn {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #seal: Seal
  readonly #now: () => number
  readonly #random: (bytes: number) => Buffer

  constructor(options: {
    redis: Redis
    prefix: string
    seal: Seal
    now: () => number
    random: (bytes: number) => Buffer
  }) {
    this.#redis = options.redis
    this.#prefix = options.prefix
    this.#seal = options.seal
    this.#now = options.now
    this.#random = options.random
  }

  #link = (id: string) => `${this.#prefix}:web-link:${id}`
  #tries = (id: string) => `${this.#prefix}:web-link-tries:${id}`
  #session = (id: string) => `${this.#prefix}:web-session:${this.#seal.name(['web-session', id])}`
  #hash = (id: string, secret: string) => this.#seal.name(['web-link', id, secret])

  /** A link's token, good once and for ten minutes. */
  async issue(identity: Identity): Promise<string> {
    const id = this.#random(8).toString('hex')
    const secret = this.#random(32).toString('hex')
    const link: Link = { identity, hash: this.#hash(id, secret), until: this.#now() + linkLivesMs }
    await this.#redis.set(this.#link(id), this.#seal.wrap('web-link', id, link), 'PX', linkLivesMs)
    return `${id}.${secret}`
  }

  /** Who a token is for; uses nothing up. */
  async look(token: string): Promise<{ identity: Identity } | NoLink> {
    const [id = '', secret = ''] = token.split('.')
    if (!/^[\da-f]{16}\.[\da-f]{64}$/.test(token)) return this.#stray()
    const link = this.#seal.unwrap<Link>('web-link', id, await this.#redis.get(this.#link(id)))
    if (!link || link.until <= this.#now()) return this.#stray()
    if (link.hash === this.#hash(id, secret)) return { identity: link.identity }
    await this.#redis.eval(wrongScript, 2, this.#link(id), this.#tries(id), triesPerLink, linkLivesMs / 1000)
    return this.#stray()
  }

  /** Uses a token up and opens its session; of several at once exactly one succeeds. */
  async redeem(token: string): Promise<(Session & { cookie: string }) | NoLink> {
    const found = await this.look(token)
    if (typeof found === 'string') return found
    if ((await this.#redis.del(this.#link(token.split('.')[0]!))) !== 1) return 'gone'
    return this.#open(found.identity)
  }

  /** A good link works however many bad ones others send: whoever floods us must not keep people out. */
  async #stray(): Promise<NoLink> {
    const key = `${this.#prefix}:web-link-strays:${Math.floor(this.#now() / 60_000)}`
    const strays = await this.#redis.incr(key)
    if (strays === 1) await this.#redis.expire(key, 120)
    return strays > strayPerMinute ? 'slow' : 'gone'
  }

  async #open(identity: Identity): Promise<Session & { cookie: string }> {
    const ticket: Ticket = {
      id: this.#random(16).toString('hex'),
      identity,
      until: this.#now() + sessionLivesMs,
    }
    await this.#redis.set(this.#session(ticket.id), '1', 'PX', sessionLivesMs)
    const [mac, body] = halves(this.#seal.wrap('web-session', '', ticket))
    return { identity, until: ticket.until, cookie: `${mac}.${Buffer.from(body).toString('base64url')}` }
  }

  /** Undefined for a cookie that is forged, altered, expired, or signed out. */
  async who(cookie: string | undefined): Promise<Session | undefined> {
    const ticket = this.#read(cookie)
    if (!ticket || (await this.#redis.exists(this.#session(ticket.id))) !== 1) return undefined
    return { identity: ticket.identity, until: ticket.until }
  }

  async end(cookie: string | undefined): Promise<void> {
    const ticket = this.#read(cookie)
    if (ticket) await this.#redis.del(this.#session(ticket.id))
  }

  #read(cookie: string | undefined): Ticket | undefined {
    if (cookie === undefined) return undefined
    const [mac, encoded] = halves(cookie)
    const body = Buffer.from(encoded, 'base64url')
    if (body.toString('base64url') !== encoded) return undefined
    const ticket = this.#seal.unwrap<Ticket>('web-session', '', `${mac}.${body}`)
    return ticket && ticket.until > this.#now() ? ticket : undefined
  }
}

interface Link {
  identity: Identity
  /** Of the token's secret half. */
  hash: string
  until: number
}

interface Ticket extends Session {
  id: string
}

/** What stands before the first dot, and after it. */
function halves(text: string): [string, string] {
  const dot = text.indexOf('.')
  return dot < 0 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)]
}
