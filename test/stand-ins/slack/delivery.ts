import { randomUUID } from 'node:crypto'
import { type Fields, fields, string } from './fields.ts'
import type { Transcript } from './transcript.ts'

/** As Socket Mode names them; over HTTP the kind decides the encoding. */
export type DeliveryKind = 'slash_commands' | 'interactive' | 'events_api'

export interface Retry {
  num: number
  reason: string
}

/** What Slack hands to the app: one envelope (socket) or one POST (HTTP). */
export interface Envelope {
  id: string
  kind: DeliveryKind
  payload: Fields
  retry: Retry | undefined
}

/** Brings one envelope to the app and resolves with what it acknowledged; rejects when nobody could take it. */
export type Carrier = (envelope: Envelope) => Promise<Fields>

/** What became of one envelope. */
export interface Delivery {
  kind: DeliveryKind
  payload: Fields
  /** What the app acknowledged with; `{}` for a bare ack, undefined when a person would have seen a failure. */
  ack: Fields | undefined
  elapsedMs: number
}

function nameOf({ kind, payload }: Envelope): string {
  if (kind === 'slash_commands') return `slash command ${string(payload.command)} ${string(payload.text)}`.trim()
  if (kind === 'events_api') return `event ${string(fields(payload.event).type)}`
  const first = fields(Array.isArray(payload.actions) ? payload.actions[0] : payload)
  return `${string(payload.type)} ${string(first.action_id) || string(fields(payload.view).callback_id)}`.trim()
}

/**
 * Delivers and times the answer: nothing within `ackWithinMs`, a late ack and an app that cannot be reached are
 * recorded as violations, because a person would see "did not respond". Never rejects.
 */
export function createDeliverer(carrier: () => Carrier, transcript: Transcript, ackWithinMs: number) {
  const timers = new Set<NodeJS.Timeout>()

  function deliver(kind: DeliveryKind, payload: Fields, retry?: Retry): Promise<Delivery> {
    const envelope: Envelope = { id: randomUUID(), kind, payload, retry }
    const startedMs = performance.now()
    const elapsed = () => Math.round(performance.now() - startedMs)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        transcript.violations.push(`${nameOf(envelope)}: no ack within ${ackWithinMs} ms`)
        finish(undefined)
      }, ackWithinMs)
      timers.add(timer)
      const finish = (ack: Fields | undefined) => {
        clearTimeout(timer)
        timers.delete(timer)
        resolve({ kind, payload, ack, elapsedMs: elapsed() })
        transcript.changed()
      }
      carrier()(envelope).then(
        (ack) => {
          if (elapsed() > ackWithinMs) transcript.violations.push(`${nameOf(envelope)}: ack after ${elapsed()} ms`)
          finish(ack)
        },
        (error: Error) => {
          transcript.violations.push(`${nameOf(envelope)}: ${error.message}`)
          finish(undefined)
        },
      )
    })
  }

  /** Forgets what is still unanswered, without a violation. */
  function stop(): void {
    for (const timer of timers) clearTimeout(timer)
  }

  return { deliver, stop }
}

export type Deliver = ReturnType<typeof createDeliverer>['deliver']
