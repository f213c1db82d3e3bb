interface Rate {
  everyMs: number
  /** As many may go at once after a rest. */
  atOnce: number
}

/**
 * What Slack takes (docs.slack.dev/apis/web-api/rate-limits): chat.update 50 a minute and workspace (Tier 3), one
 * message a second and channel. 48 a minute and two at once are never more than 50 in any minute.
 */
const editRate: Rate = { everyMs: 1250, atOnce: 2 }
const postRate: Rate = { everyMs: 1000, atOnce: 2 }
const longestWaitMs = 30_000

/** Turns for calls that share one limit of Slack's: each is given once, and kept by who was told to wait for it. */
class Turns {
  readonly #rate: Rate
  readonly #kept = new Map<string, number>()
  /** When the next call is due if all come evenly, ms. */
  due = 0

  constructor(rate: Rate) {
    this.#rate = rate
  }

  get #leeway(): number {
    return (this.#rate.atOnce - 1) * this.#rate.everyMs
  }

  /** Milliseconds until `who` may go; 0: now, and it counts as gone. */
  take(who: string, now: number): number {
    const kept = this.#kept.get(who)
    if (kept !== undefined && kept > now) return kept - now
    this.#kept.delete(who)
    if (kept !== undefined) return 0
    const at = this.due - this.#leeway
    this.due = Math.max(this.due, now) + this.#rate.everyMs
    if (at <= now) return 0
    this.#kept.set(who, at)
    return at - now
  }

  pause(until: number): void {
    const first = Math.min(until, ...this.#kept.values())
    for (const [who, at] of this.#kept) this.#kept.set(who, at + until - first)
    this.due = Math.max(this.due + until - first, until + this.#leeway)
  }

  isIdle(now: number): boolean {
    return this.#kept.size === 0 && this.due <= now
  }
}

/**
 * Spreads calls over time, so that Slack need not refuse any. A final state takes the next free turn and keeps it; a
 * passing one goes only when no final state waits.
 */
export class Pace {
  readonly #now: () => number
  readonly #edits = new Turns(editRate)
  readonly #posts = new Map<string, Turns>()
  readonly #passing = new Map<string, number>()
  #passingDue = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Milliseconds until this card may be edited; 0: now, and it counts as done. */
  edit(card: string, passing: boolean): number {
    const now = this.#now()
    if (!passing) {
      this.#passing.delete(card)
      return this.#edits.take(card, now)
    }
    const turn = this.#passing.get(card) ?? this.#passingDue
    if (this.#edits.due <= now && turn <= now) {
      this.#passing.delete(card)
      this.#edits.take(card, now)
      this.#passingDue = Math.max(this.#passingDue, this.#edits.due)
      return 0
    }
    if (turn > now && this.#passing.has(card)) return turn - now
    const at = Math.max(this.#edits.due, this.#passingDue)
    this.#passing.set(card, at)
    this.#passingDue = Math.min(at + editRate.everyMs, now + longestWaitMs)
    return Math.max(1, at - now)
  }

  /** Milliseconds until this card may be posted to its channel; 0: now, and it counts as done. */
  post(card: string, channel: string): number {
    return this.#channel(channel).take(card, this.#now())
  }

  /** Slack said to wait: nobody's turn comes earlier. */
  pause(kind: 'edit' | 'post', channel: string, ms: number): void {
    const turns = kind === 'edit' ? this.#edits : this.#channel(channel)
    turns.pause(this.#now() + ms)
  }

  #channel(channel: string): Turns {
    const now = this.#now()
    const known = this.#posts.get(channel)
    if (known) return known
    for (const [other, turns] of this.#posts) if (turns.isIdle(now)) this.#posts.delete(other)
    const turns = new Turns(postRate)
    this.#posts.set(channel, turns)
    return turns
  }
}
