import type { Rendered } from './render.ts'

/** Slack takes five answers within 30 minutes; a card's states after that are not worth waiting for. */
const goodForMs = 29 * 60_000
const uses = 5
const withinMs = 5000

/**
 * The way back to a person who typed a command where the bot may not post: a private channel that it is not in, or a
 * conversation of two people. Kept in this process only: it lasts no longer than half an hour anyway.
 */
export class Responses {
  readonly #now: () => number
  readonly #kept = new Map<string, { url: string; at: number; uses: number }>()

  constructor(now: () => number) {
    this.#now = now
  }

  keep(card: string, url: string): void {
    const now = this.#now()
    for (const [other, { at }] of this.#kept) {
      if (now - at < goodForMs) break
      this.#kept.delete(other)
    }
    this.#kept.set(card, { url, at: now, uses: 0 })
  }

  /** Shows the card to the one who asked, alone. False: there is no way, or no more. */
  async send(card: string, { text, blocks }: Rendered): Promise<boolean> {
    const kept = this.#kept.get(card)
    if (!kept || kept.uses >= uses || this.#now() - kept.at >= goodForMs) return false
    kept.uses += 1
    const reply = await fetch(kept.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ response_type: 'ephemeral', replace_original: false, text, blocks }),
      signal: AbortSignal.timeout(withinMs),
      redirect: 'error',
    }).catch(() => undefined)
    return reply?.ok === true
  }
}
