/** An interaction that was just answered: for a while, something can be shown to this one person by its token. */
export interface Opening {
  token: string
  /** `reply`: it was answered with "is thinking…", which stands until something takes its place. `update`: silently. */
  kind: 'reply' | 'update'
  /** Whether Discord took that answer. */
  acknowledged: Promise<boolean>
}

/** Discord's own limit is 15 minutes. */
const livesMs = 14.5 * 60_000

/** Interaction tokens by the card that will answer them. In memory only: a token speaks for the person who clicked. */
export class InteractionTokens {
  readonly #open = new Map<string, Opening & { until: number }>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  keep(card: string, opening: Opening): void {
    for (const [key, { until }] of this.#open) {
      if (until > this.#now()) break
      this.#open.delete(key)
    }
    this.#open.delete(card)
    this.#open.set(card, { ...opening, until: this.#now() + livesMs })
  }

  /** Its "is thinking…" is gone; what comes now stands beside nothing. */
  settled(card: string): void {
    const found = this.#open.get(card)
    if (found) found.kind = 'update'
  }

  find(card: string): Opening | undefined {
    const found = this.#open.get(card)
    return found && found.until > this.#now() ? found : undefined
  }
}
