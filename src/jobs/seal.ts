import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { canonical } from '../core/canonical.ts'

/**
 * Signs what this installation puts into Redis and believes only what it has signed: whoever can write to Redis must not
 * be able to order, approve or report anything. A signature holds for one purpose and one id, so that an entry cannot be
 * moved to another place. `wrap` does not hide: nothing secret goes in. `encrypt` does.
 */
export class Seal {
  readonly #root: Buffer
  readonly #key: Buffer

  /** @param key 32 bytes, `QUORUM_KEY` */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new RangeError('the key must have 32 bytes')
    this.#root = key
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
    // Compared as text: base64url has several spellings of the same bytes, and only ours counts.
    const given = Buffer.from(raw.slice(0, dot))
    const mac = Buffer.from(this.#mac(purpose, id, body).toString('base64url'))
    if (given.length !== mac.length || !timingSafeEqual(given, mac)) return undefined
    return JSON.parse(body) as T
  }

  /**
   * Hides a text by AES-256-GCM under a key that is made for this purpose and this one text (HKDF with a fresh salt).
   * @param about what the text belongs to; the same must be given to read it
   */
  encrypt(purpose: string, about: unknown, text: string): string {
    const salt = randomBytes(saltLength)
    const iv = randomBytes(ivLength)
    const cipher = createCipheriv('aes-256-gcm', this.#cipherKey(purpose, salt), iv).setAAD(aad(purpose, about))
    const hidden = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([salt, iv, cipher.getAuthTag(), hidden]).toString('base64url')
  }

  /** Undefined for anything that was not encrypted here for this purpose and this place, or was altered since. */
  decrypt(purpose: string, about: unknown, hidden: unknown): string | undefined {
    if (typeof hidden !== 'string') return undefined
    const bytes = Buffer.from(hidden, 'base64url')
    if (bytes.length < headLength || bytes.toString('base64url') !== hidden) return undefined
    const salt = bytes.subarray(0, saltLength)
    const iv = bytes.subarray(saltLength, saltLength + ivLength)
    const decipher = createDecipheriv('aes-256-gcm', this.#cipherKey(purpose, salt), iv, { authTagLength: tagLength })
    decipher.setAAD(aad(purpose, about)).setAuthTag(bytes.subarray(saltLength + ivLength, headLength))
    try {
      return Buffer.concat([decipher.update(bytes.subarray(headLength)), decipher.final()]).toString('utf8')
    } catch {
      return undefined
    }
  }

  #cipherKey(purpose: string, salt: Buffer): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#root, salt, `quorum encrypt v1 ${purpose}`, 32))
  }

  /** A short name made from any JSON value; keyed, so that nobody else can make it. */
  name(value: unknown): string {
    return this.#mac('name', '', canonical(value)).toString('base64url').replaceAll(/[-_]/g, 'x').slice(0, 20)
  }
}

const saltLength = 16
const ivLength = 12
const tagLength = 16
const headLength = saltLength + ivLength + tagLength

const aad = (purpose: string, about: unknown): Buffer => Buffer.from(canonical([purpose, about]))
