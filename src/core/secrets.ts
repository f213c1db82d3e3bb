import type { Language } from './language.ts'
import type { Target } from './message.ts'
import type { Identity } from './roles.ts'
import type { Secret } from './secret.ts'

/** What a person is asked for. `label` names it for them, in `language`: `root's password of pve3`. */
export interface SecretAsk {
  /** What it is for, in code: `root-password`. Part of what the sealed secret is bound to. */
  purpose: string
  person: Identity
  job?: string
  step?: string
  label: string
  language: Language
  /** Where the person is told, alone. */
  target: Target
  thread?: string
}

/** Secrets that a person hands over outside of the chat. None is ever in a message, a log line, or readable in Redis. */
export interface Secrets {
  /**
   * Asks the person, in a card for them alone: with a public URL by a link and a six-digit code, good for ten minutes and
   * five tries; else by `cli`, to be typed on the bot's machine.
   */
  request(ask: SecretAsk): Promise<{ handle: string; url?: string; cli: string }>
  /** `given`: it waits to be taken. `gone`: never asked for, expired, ended by wrong codes, or taken. */
  state(handle: string): Promise<'asked' | 'given' | 'gone'>
  /** Gives the secret once, to the job and step it was asked for, and forgets it. Undefined while it is not there. */
  take(handle: string, by: { job?: string; step?: string }): Promise<Secret | undefined>
}
