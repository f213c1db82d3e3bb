import type { Secret } from '../core/secret.ts'

/** What the pager is told; PagerDuty's Events API v2. */
export interface PagerEvent {
  action: 'trigger' | 'acknowledge' | 'resolve'
  dedupKey: string
  summary: string
  source: string
  severity: 'info' | 'warning' | 'critical'
  timestamp: string
  component?: string | undefined
  class: string
}

/** It understood and said no: saying it again changes nothing. */
export class PagerRefused extends Error {
  override readonly name = 'PagerRefused'
}

/** It did not take it; `retryAfterMs` where it says when to come back. */
export class PagerDown extends Error {
  override readonly name = 'PagerDown'
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs?: number) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

const answerWithinMs = 10_000
const longestSummary = 1024

/** Sends one event; resolves when the pager has accepted it. */
export function pagerCall({ url, key }: { url: string; key: Secret }) {
  return async (event: PagerEvent): Promise<void> => {
    const { action, dedupKey, summary, ...rest } = event
    const payload = { summary: summary.slice(0, longestSummary), ...rest }
    const body = {
      routing_key: key.reveal(),
      event_action: action,
      dedup_key: dedupKey,
      ...(action === 'trigger' ? { payload, client: 'Quorum' } : {}),
    }
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(answerWithinMs),
    }).catch((error: Error) => {
      throw new PagerDown(error.name === 'TimeoutError' ? 'no answer' : 'not reached')
    })
    await response.body?.cancel()
    if (response.ok) return
    const { status } = response
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
    if (status === 429 || status === 408 || status >= 500) {
      throw new PagerDown(`HTTP ${status}`, seconds >= 0 ? seconds * 1000 : undefined)
    }
    throw new PagerRefused(`HTTP ${status}`)
  }
}
