/**
 * A text that cannot be printed by accident: in a log line, an error, JSON or `util.inspect` it reads `[secret]`.
 * Only `reveal()` gives it away: call it where the bytes leave for the service they are meant for.
 */
export class Secret {
  readonly #text: string

  /** Throws `TypeError` for an empty text and for line breaks, which no header can carry. */
  constructor(text: string) {
    if (text === '') throw new TypeError('a secret must not be empty')
    if (/\p{Cc}/u.test(text)) throw new TypeError('a secret must not hold control characters')
    this.#text = text
  }

  static of(secret: Secret | string): Secret {
    return typeof secret === 'string' ? new Secret(secret) : secret
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
