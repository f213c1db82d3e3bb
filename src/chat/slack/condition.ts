/** Why Slack will not show this message any more, however often it is tried. */
const gone = new Set([
  'channel_not_found',
  'is_archived',
  'message_not_found',
  'thread_not_found',
  'not_in_channel',
  'cant_update_message',
  'edit_window_closed',
  'user_not_in_channel',
  'restricted_action',
])

/** Slack no longer takes the token. */
const revoked = new Set(['invalid_auth', 'token_revoked', 'token_expired', 'account_inactive', 'not_authed'])

/** One message or one dialog less is nothing to repair. */
const harmless = new Set([
  'message_not_found',
  'thread_not_found',
  'user_not_found',
  'user_not_visible',
  'user_not_in_channel',
  'expired_trigger_id',
  'exchanged_trigger_id',
  'ratelimited',
])

/** What Slack's refusals are to us. */
export interface Failure {
  /** Slack's own code, `missing_scope`; absent when it was not Slack that refused. */
  code?: string
  retryAfterMs?: number
  isGone: boolean
  isRevoked: boolean
  /** The scope that is missing. */
  needed?: string
}

export function failureOf(error: unknown): Failure {
  const { code, retryAfter, data } = error as {
    code?: string
    retryAfter?: number
    data?: { error?: string; needed?: string }
  }
  const says = data?.error
  return {
    ...(says === undefined ? {} : { code: says }),
    ...(code === 'slack_webapi_rate_limited_error' ? { retryAfterMs: (retryAfter ?? 1) * 1000 } : {}),
    isGone: says !== undefined && gone.has(says),
    isRevoked: says !== undefined && revoked.has(says),
    ...(data?.needed === undefined ? {} : { needed: data.needed }),
  }
}

interface Log {
  error(about: object, text: string): void
  info(about: object, text: string): void
}

/** How Slack takes our calls: what it refuses is logged once, and told by `troubles` until it works again. */
export class Condition {
  readonly #log: Log
  readonly #troubles = new Map<string, string>()
  #revoked = false

  constructor(log: Log) {
    this.#log = log
  }

  /** False while Slack does not take our token. */
  get isTrusted(): boolean {
    return !this.#revoked
  }

  /** One line each: `chat.postMessage in C1: is_archived`. */
  troubles(): string[] {
    return [...this.#troubles.values()]
  }

  /** Runs a call, and notes what Slack holds against it. `where`: the channel, if it is about one. */
  async watch<T>(method: string, where: string | undefined, call: () => Promise<T>): Promise<T> {
    const key = `${method} ${where ?? ''}`
    try {
      const answer = await call()
      this.#revoked = false
      if (this.#troubles.delete(key)) this.#log.info({ method, channel: where }, 'Slack takes this again')
      return answer
    } catch (error) {
      this.#note(key, method, where, failureOf(error))
      throw error
    }
  }

  #note(key: string, method: string, where: string | undefined, failure: Failure): void {
    if (failure.isRevoked) this.#revoked = true
    const { code, needed } = failure
    if (code === undefined || harmless.has(code)) return
    const at = where === undefined ? '' : ` in ${where}`
    const says = `${method}${at}: ${code}${needed === undefined ? '' : ` (${needed})`}`
    if (this.#troubles.get(key) === says) return
    this.#troubles.set(key, says)
    this.#log.error({ method, channel: where, code, needed }, remedy(failure))
  }
}

function remedy({ code, needed, isRevoked }: Failure): string {
  if (isRevoked) return 'Slack does not take the bot token any more: install the app again and give the new token'
  if (code === 'missing_scope') {
    return `the Slack app lacks the scope ${needed ?? ''}: take the manifest of "quorum register slack" and install it again`
  }
  if (code === 'is_archived') return 'the Slack channel is archived: nothing is shown there any more'
  if (code === 'not_in_channel' || code === 'channel_not_found') {
    return 'the bot is not in that Slack channel: /invite it there'
  }
  return 'Slack refuses this'
}
