import type { Language } from './language.ts'
import type { Field, Target } from './message.ts'
import type { Identity } from './roles.ts'

/** How a node is to go, in a drill that is run again and again. */
export interface DrillOrder {
  node: string
  kind: string
  /** Which one the node loses, where it loses a storage. */
  storage?: string | undefined
  accept: string[]
  expectsNothing: boolean
}

/** What a drill was foretold to do when it was approved; one that would do more is not run. */
export interface Consequences {
  /** Guests that it touches, and where it was foretold that they start. */
  fates: { sid: string; name: string; outcome: string; code?: string; to?: string }[]
  /** What was not quite as wanted, by code. */
  warnings: string[]
}

/** A drill that comes again, as it was approved. Sealed where it is kept; it ends by itself. */
export interface DrillSchedule {
  id: string
  cluster: string
  /** As it was said, and as cron has it. */
  when: string
  pattern: string
  /** IANA name. */
  tz: string
  order: DrillOrder
  /** How long before it is announced, and can be vetoed. */
  noticeMs: number
  /** How long after its time it may still begin, should something be against it. */
  withinMs: number
  approved: Consequences
  /** The job that scheduled it: the audit trail has who ordered and approved that. */
  job: string
  line: string
  requester: Identity
  approvedBy: Identity[]
  approvedIn?: Record<Identity, Target>
  target: Target
  language: Language
  /** Milliseconds, our clock. */
  createdAt: number
  endsAt: number
  /** Who ended it before its time. */
  removedBy?: Identity
}

export const skipCodes = [
  'missed',
  'unannounced',
  'unclear',
  'trail',
  'unproven',
  'rights',
  'changed',
  'margin',
  'busy',
  'jobs',
  'incidents',
  'maintenance',
  'unseen',
  'gate',
] as const
export type SkipCode = (typeof skipCodes)[number]

/** Why it does not begin: by code, and what exactly. */
export interface Against {
  code: SkipCode
  about: string
}

/** What became of one time of a schedule. It is decided once. */
export type TickEnd =
  | { how: 'ran'; job: string; title: string; shows: Field[]; node: string; since: number }
  | { how: 'skipped'; against: Against[] }
  | { how: 'vetoed'; by: Identity }

/** One time of a schedule; milliseconds, our clock. */
export interface Tick {
  at: number
  announcedAt?: number
  end?: TickEnd
  /** People know how it ended. */
  told?: true
}

/** The card that announces it begins with this; in each channel another. */
export const noticeOf = ({ id }: Pick<DrillSchedule, 'id'>, at: number): string => `drill-${id}.${at}`

/** The schedule and the time that a card announces; undefined for any other card. */
export function announcedBy(card: string): { id: string; at: number } | undefined {
  const [, id, at] = /^drill-([a-z0-9]+)\.(\d{1,15})(?:~|$)/.exec(card) ?? []
  return id === undefined ? undefined : { id, at: Number(at) }
}

/** Schedules as commands see them. */
export interface DrillCalendar {
  /** Those that go on, the one that comes next first. */
  schedules(cluster: string): Promise<DrillSchedule[]>
  /** When a pattern next comes after `after`; undefined: never, or it is no pattern. Milliseconds. */
  next(of: Pick<DrillSchedule, 'pattern' | 'tz'>, after: number): number | undefined
  /** The time that is next to be decided. */
  pending(schedule: DrillSchedule): Promise<number | undefined>
  /** Decided ones, newest first. */
  past(schedule: DrillSchedule): Promise<Tick[]>
  /** Leaves out the time that is next, or the one that is named; undefined: it has been decided already. */
  veto(schedule: DrillSchedule, by: Identity, at?: number): Promise<number | undefined>
  /** False: somebody else has removed it. */
  unschedule(schedule: DrillSchedule, by: Identity): Promise<boolean>
}
