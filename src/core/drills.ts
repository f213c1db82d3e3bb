import type { Consequences, DrillCalendar, DrillOrder, DrillSchedule } from './drill-schedule.ts'
import type { Identity } from './roles.ts'

/** How a node can be cut off, and how it comes back. */
export interface DrillMeans {
  /** Its power can be cut. */
  power: boolean
  /** Its network can be cut. */
  network: boolean
  /** A storage can be taken from it. */
  storage: boolean
  /** Who starts it again: the lab, a power device, another node by Wake-on-LAN, or a person. */
  restore: 'lab' | 'webhook' | 'wake' | 'person'
}

/** One guest in a drill: what was foretold, and what was seen. Times are seconds on Proxmox's clock. */
export interface DrillGuest {
  sid: string
  name: string
  from: string
  predicted: { outcome: string; to?: string; home?: string; within?: number }
  /** Where it ran again before its node was back. */
  to?: string
  /** When it went down; and ran again, here or there. */
  downAt?: number
  upAt?: number
  downSeconds?: number
  /** How far that may be off. */
  uncertaintySeconds?: number
  /** What its users saw: seconds in which its probe got no answer. */
  probeSeconds?: number
  /** Its probe did not answer even before: it says nothing. */
  probeSilent?: true
  /** Where it was at the end. */
  end?: string
  /** When a storage went: `in-place`: not moved, no probe; `went-on`: it did not stand still; `hit`: it did, unforetold. */
  verdict: 'as-predicted' | 'elsewhere' | 'late' | 'not-back' | 'untouched' | 'unknown' | 'in-place' | 'went-on' | 'hit'
}

export interface DrillReport {
  id: string
  cluster: string
  node: string
  kind: string
  /** What the node lost, where that was a storage. */
  storage?: string
  by: Identity
  startedAt: number
  endedAt: number
  verdict: 'passed' | 'failed' | 'stopped'
  /** Why it was stopped early. */
  stop?: string
  /** What is not as it was, and who has to do what: a command, or a hand's action. */
  left?: string[]
  guests: DrillGuest[]
  /** Everything was as before at the end. */
  settled: boolean
  timeline: { at: number; what: string }[]
  /** The incidents that it brought about, and how long each of them waited for somebody; seconds, our clock. */
  answered?: { incident: string; ackSeconds?: number }[]
  /** Of those that were acknowledged. */
  mttaSeconds?: number
  /** When the node was seen to be gone, and back. */
  lostAt?: number
  backAt?: number
}

/** Drills as commands see them. */
export interface Drills extends DrillCalendar {
  means(node: string): DrillMeans
  /** Newest first. */
  list(cluster: string): Promise<DrillReport[]>
  /** Somebody has seen to the node of a drill that waits for it: it is not waited for any longer. False: nobody was asked to. */
  seenTo(id: string, by: Identity): Promise<boolean>
  /** A picture as a `data:` address; undefined where it could not be drawn. */
  draw(picture: Picture): Promise<string | undefined>
  /** How old a proof may be before it is overdue. */
  readonly provenWithinMs: number
}

export interface WantedSchedule {
  order: DrillOrder
  when: string
  pattern: string
  tz: string
  noticeMs: number
  withinMs: number
  approved: Consequences
}

/** One look of the watcher's, as far as it tells drills something. */
export interface SeenLook {
  quorate: boolean
  online: readonly string[]
  /** Guests under HA: where the manager has them, and their state. */
  services: Readonly<Record<string, { node: string; state: string }>>
  tasks?: readonly SeenTask[]
  /** How old it is, ms. */
  ageMs?: number
}

export interface SeenTask {
  type: string
  id: string
  node: string
  starttime: number
  endtime?: number
  exit?: string
}

/** And as their worker needs them: what is outside of Proxmox. */
export interface DrillGround extends Drills {
  /** A person is asked to see to its node: from now on somebody may say that it is done. */
  asks(id: string): Promise<void>
  seenToBy(id: string): Promise<Identity | undefined>
  /** Keeps a drill that comes again, as it was ordered and approved; the same job twice is one schedule. */
  schedule(job: string, wanted: WantedSchedule): Promise<DrillSchedule>
  power(node: string, to: 'on' | 'off'): Promise<void>
  network(node: string, to: 'cut' | 'up'): Promise<void>
  /** Takes a storage from one node, and gives it back. */
  storage(node: string, storage: string, to: 'cut' | 'up'): Promise<void>
  /** What the watcher saw last, while that is fresh: what it has asked, nobody asks again. */
  sees(cluster: string): Promise<SeenLook | undefined>
  /** How often a drill asks the cluster something of its own, ms; and whether the cluster's clock is no simulated one. */
  readonly tempo: { paceMs: number; isReal: boolean }
  /** Which of these guests have a probe, and whether it answers now. */
  answers(sids: readonly string[]): Promise<Record<string, boolean>>
  /** Asks their probes four times a second until it is stopped; the silence of each, as `now` counts. */
  probing(sids: readonly string[], now: () => number): { stop(): Record<string, number> }
  keep(report: DrillReport): Promise<void>
  /** Announces work on the node, so that what it is expected to break calls nobody; ends by itself. */
  quiet(about: {
    cluster: string
    node: string
    /** All that it is expected to lose; absent: it goes itself. */
    storages?: string[]
    by: Identity
    forMs: number
    why: string
  }): Promise<string>
  /** Ends that, now or a little later. */
  loud(window: string, by: Identity, afterMs?: number): Promise<void>
  /**
   * The dead-man switch: where Redis falls silent nobody can go on with a job, and `act` is called now and then until it
   * answers again. Returns what lets go of it.
   */
  guard(about: { cluster: string; node: string; drill: string }, act: () => Promise<void>): () => void
  /** Told to the cluster's channels, with the watcher's own events. */
  tell(event: {
    kind: 'drill.started' | 'drill.ended'
    cluster: string
    node: string
    drill: string
    at: number
  }): Promise<void>
  /** The incidents that began in this time (seconds, Proxmox's clock), and how soon somebody had each of them. */
  answered(cluster: string, from: number, until: number): Promise<NonNullable<DrillReport['answered']>>
}

/** What a picture shows: a row for each node and machine, coloured by what it was at each moment. Plain data. */
export interface Bands {
  title: string
  subtitle?: string
  /** Milliseconds; the left edge is second 0. */
  from: number
  to: number
  rows: BandRow[]
  /** Moments worth a line: the poweroff, the fence. */
  marks: { at: number; label: string }[]
  legend: Record<BandState, string>
  /** What the axis counts. */
  axis: string
}

export interface BandRow {
  name: string
  /** At its end: `down 58 s`. */
  note?: string
  spans: { from: number; to: number; state: BandState }[]
}

export type BandState = 'up' | 'leaving' | 'down' | 'fenced' | 'moving' | 'unknown'

/** Bars of one figure each: how long machines were down in the drills so far. */
export interface Trend {
  title: string
  axis: string
  /** A label may have several lines. */
  bars: { label: string; seconds: number; ok: boolean }[]
  /** Lines across: what others have measured. */
  lines: { seconds: number; label: string }[]
}

export type Picture = { kind: 'bands'; bands: Bands } | { kind: 'trend'; trend: Trend }
