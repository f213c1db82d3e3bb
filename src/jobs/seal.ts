import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/**
 * Signs what this installation puts into Redis and believes only what it has signed: whoever can write to Redis must not
 * be able to order, approve or report anything. A signature holds for one purpose and one id, so that an entry cannot be
 * moved to another place. It does not hide: nothing secret goes in.
 */
export class Seal {
  readonly #key: Buffer

  /** @param key 32 bytes, `QUORUM_KEY` */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new RangeError('the key must have 32 bytes')
    this.#key = Buffer.from(hkdfSync('sha256', key, '', 'quorum sign v1', 32))
  }

  #mac(purpose: string, id: string, body: string): Buffer {
    // Lengths first, so that no two different triples give the same bytes.
    return createHmac('sha256', this.#key)
      .update(`${purpose.length}:${id.length}:${body.length}:${purpose}${id}${body}`)
      .digest()
  }

  wrap(purpose: string, id: string, value: unknown): string {
    const body = JSON.stringify(value)
    return `${this.#mac(purpose, id, body).toString('base64url')}.${body}`
  }

  /** Undefined for anything that was not wrapped here for this purpose and id. */
  unwrap<T>(purpose: string, id: string, raw: unknown): T | undefined {
    if (typeof raw !== 'string') return undefined
    const dot = raw.indexOf('.')
    if (dot < 0) return undefined
    const body = raw.slice(dot + 1)
    const given = Buffer.from(raw.slice(0, dot), 'base64url')
    const mac = this.#mac(purpose, id, body)
    if (given.length !== mac.length || !timingSafeEqual(given, mac)) return undefined
    return JSON.parse(body) as T
  }

  /** A short name made from any JSON value; keyed, so that nobody else can make it. */
  name(value: unknown): string {
    return this.#mac('name', '', canonical(value)).toString('base64url').replaceAll(/[-_]/g, 'x').slice(0, 20)
  }
}

/** JSON with sorted keys: the same value gives the same text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
    .join(',')}}`
}
