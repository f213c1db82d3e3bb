import type { Language } from './language.ts'
import type { Message, Target } from './message.ts'
import type { Identity } from './roles.ts'

/** One message that edits itself: its newest state is what people see. */
export interface Card {
  /** Made from what caused it (the chat's event id, a job id), so that doing it again changes nothing. */
  key: string
  target: Target
  /** The key of the card whose thread it belongs to. */
  thread?: string
  message: Message
  /**
   * Where in its life the card is; a state older than the stored one is dropped, so that a late or repeated writer
   * never takes a card back. Use `Order`.
   */
  order: number
  /** The language of its words; absent: that of its channel. */
  language?: Language
  /** Shown to this person alone where the platform can. */
  onlyTo?: Identity
}

/** Steps of a card's life; each run of a job (a retry) adds `Order.run` to its own. */
export const Order = { interim: -1, waiting: 0, decided: 10, queued: 20, running: 30, final: 40, run: 100 } as const

/**
 * Says things to people at least once, and shows each once: stored before it is sent, in order per thread, only the
 * newest state of a card, within the platform's rates. `put` returns when it is stored, not when it is seen.
 */
export interface Outbox {
  /** False when the stored state of that card is further on. */
  put(card: Card): Promise<boolean>
}
