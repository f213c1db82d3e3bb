import type { Target } from './message.ts'
import type { Identity } from './roles.ts'

export type IncidentState = 'open' | 'acknowledged' | 'resolved'
export type IncidentSeverity = 'info' | 'warning' | 'critical'

/** What has happened, as `src/ha/event.ts` has it; core names no kinds. */
export interface IncidentEvent {
  kind: string
  cluster: string
  key: string
  severity: IncidentSeverity
  /** ISO 8601, Proxmox's clock. */
  at: string
  node?: string
  guest?: string
  from?: string
  to?: string
  storage?: string
  planned?: boolean
  cause?: string
  raw?: string
  upid?: string
  downSeconds?: number
  uncertaintySeconds?: number
  values?: Record<string, string | number>
}

/** `recovered`: nothing is wrong any more, as observed. `expired`: an acknowledgement that nobody renewed. */
export const actKinds = ['ack', 'note', 'resolve', 'expired', 'recovered'] as const
export type ActKind = (typeof actKinds)[number]

/** What a person did to the incident, or time. */
export interface Act {
  kind: ActKind
  /** Absent: nobody, it came about by itself. */
  by?: Identity
  /** Of a note, or the reason of a resolve. */
  text?: string
  /** ISO 8601: when an acknowledgement ends. */
  until?: string
  /** Of the click or line that asked for it: once more is done already. */
  once?: string
}

/** Somebody was told of it outside of the card: proof of delivery, or that there is none. */
export interface Told {
  how: 'person' | 'pager' | 'channel'
  /** Whom or where, as people know it. */
  to: string
  result: 'sent' | 'delivered' | 'failed'
  detail?: string
  /** The same again is told once. */
  once: string
}

/** One line of the timeline. */
export interface Entry {
  /** 1, 2, 3… in this incident. */
  seq: number
  /** ISO 8601: an event's own time on Proxmox's clock; of people and time, ours. */
  at: string
  /** The line in the thread that tells it: its own `seq`, or in a storm of one kind the `seq` of the first of them. */
  line: number
  /** How many share the line, this one included; absent: it has its line for itself. */
  crowd?: number
  event?: IncidentEvent
  act?: Act
  told?: Told
}

/** A guest that the incident is about. */
export interface Affected {
  /** As HA names it: `vm:100`. */
  guest: string
  name?: string
  /** Nobody but a person starts it elsewhere. */
  alone?: true
  /** `fine`: it has been seen to be well again. */
  state: 'hit' | 'fine'
  /** Where it ran when it began, and where it was last seen. */
  from?: string
  node?: string
  downSeconds?: number
}

/** Something that is wrong until it is seen to be well. */
export interface Trouble {
  /** `node pve1`, `guest vm:100`, `quorum`. */
  key: string
  kind: string
  at: string
  node?: string
  /** Nothing that can be read ends it: a person does. */
  byHand?: true
  /** When it was seen to be over. */
  over?: string
}

/** One episode of trouble in one cluster, from its beginning until it is over. Plain JSON. */
export interface Incident {
  /** `i-4f2a9c`: made of the cluster and the event that began it. */
  id: string
  cluster: string
  /** What it is about: `node pve1`, `quorum`, `storage nas`… One incident of a subject is open at a time. */
  subject: string
  /** The event that began it. */
  kind: string
  node?: string
  /** The worst so far. */
  severity: IncidentSeverity
  state: IncidentState
  /** A burst of events that nobody must do anything about: told on one card, never alerted, not listed. */
  quiet?: true
  /** Somebody asked for the node to go down. */
  planned?: true
  /** The announced work that it comes from: it pages nobody. Kept when it is over. */
  announced?: { id: string; until: string; why?: string }
  /** Raised by every change; a writer that has seen an older one must look again. */
  version: number
  /**
   * Raised each time people must be told anew: at the beginning, for new damage after an acknowledgement, when it gets
   * worse, when an acknowledgement expires.
   */
  alerts: number
  /** ISO 8601, our clock: when `alerts` was last raised. */
  alertedAt: string
  /** ISO 8601, Proxmox's clock: of the first event. */
  openedAt: string
  /** ISO 8601, our clock: when we learnt of it. */
  learntAt: string
  /** Of the newest event, Proxmox's clock. */
  lastAt: string
  troubles: Trouble[]
  affected: Affected[]
  /** The acknowledgement that holds, or held last. */
  ack?: { by: Identity; at: string; until: string }
  /** ISO 8601, our clock: the first acknowledgement, for MTTA. */
  firstAckAt?: string
  /** Without `by`: it was seen to be over. `at`: our clock. */
  resolved?: { at: string; by?: Identity }
  /** ISO 8601: since when what it shows could not be read again. */
  staleSince?: string
  /** Oldest first; the middle of a very long one is left out, and `left` says how many. */
  timeline: Entry[]
  left?: number
}

/** What a person can do. `forMs`: how long an acknowledgement holds. */
export type PersonsAct = { by: Identity; once?: string } & (
  | { kind: 'ack'; forMs?: number }
  | { kind: 'note'; text: string }
  | { kind: 'resolve'; text?: string }
)

/**
 * First wins. `acknowledged`: somebody else has it, and `incident.ack` says who and until when. `resolved`: it is over;
 * nothing opens it again. Notes are always taken.
 */
export type Acted =
  | { done: true; incident: Incident }
  | { done: false; why: 'acknowledged' | 'resolved'; incident: Incident }
  | { done: false; why: 'unknown' }

/** Incidents as commands, clicks and on-call see them. */
export interface Incidents {
  /** Newest first; quiet ones are none. `live`: those that are not resolved. */
  list(filter: { cluster?: string; live?: boolean; most: number }): Promise<Incident[]>
  get(id: string): Promise<Incident | undefined>
  /** The incident that this card shows. */
  ofCard(card: string): Promise<Incident | undefined>
  /**
   * Compared and set on the version, written to the audit trail before. Acknowledging again what one holds oneself
   * renews it.
   */
  act(id: string, act: PersonsAct, where: { target?: Target | undefined; card?: string | undefined }): Promise<Acted>
  /** Adds a proof of delivery to the timeline. False: no such incident. */
  tell(id: string, told: Told): Promise<boolean>
  /**
   * What has changed since `after` (0 = ever), each incident once in its newest state, oldest change first; quiet ones
   * are left out. Ask again with `seq`. State, not history: compare `alerts`, `state`, `ack` with what you did last.
   */
  changed(after: number, most: number): Promise<{ seq: number; incidents: Incident[] }>
}
