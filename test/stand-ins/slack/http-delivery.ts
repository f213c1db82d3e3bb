import { createHmac, randomUUID } from 'node:crypto'
import type { Carrier, Envelope } from './delivery.ts'
import { fields } from './fields.ts'

function encode({ kind, payload }: Envelope): { type: string; body: string } {
  if (kind === 'events_api') return { type: 'application/json', body: JSON.stringify(payload) }
  const form = new URLSearchParams()
  if (kind === 'interactive') form.set('payload', JSON.stringify(payload))
  else for (const [key, value] of Object.entries(payload)) form.set(key, String(value))
  return { type: 'application/x-www-form-urlencoded', body: form.toString() }
}

function retryHeaders({ retry }: Envelope): Record<string, string> {
  return retry ? { 'x-slack-retry-num': String(retry.num), 'x-slack-retry-reason': retry.reason } : {}
}

function readAck(text: string, type: string | null) {
  if (text === '') return {}
  return type?.includes('json') ? fields(JSON.parse(text)) : { text }
}

/**
 * Posts to the app's request URL, signed as docs.slack.dev/authentication/verifying-requests-from-slack says;
 * whatever is not 200 is a failure to the person.
 */
export function httpCarrier(url: string, signingSecret: string): Carrier {
  return async (envelope) => {
    const { type, body } = encode(envelope)
    const timestamp = String(Math.floor(Date.now() / 1000))
    const digest = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex')
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        'content-type': type,
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': `v0=${digest}`,
        'x-slack-request-id': randomUUID(),
        ...retryHeaders(envelope),
      },
    })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`the app answered HTTP ${response.status}`)
    return readAck(text, response.headers.get('content-type'))
  }
}
