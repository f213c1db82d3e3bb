import type { AuditTrail, WriteAudit } from './audit.ts'
import type { Blueprints } from './blueprint.ts'
import type { Catalogue } from './catalogue.ts'
import type { ApprovalClass } from './command.ts'
import type { Desk } from './desk.ts'
import type { Doctor } from './doctor.ts'
import type { Drafts } from './drafts.ts'
import type { Drills } from './drills.ts'
import type { Refused, Unavailable } from './errors.ts'
import type { House, Jobs, KnownHost, Preferences } from './house.ts'
import type { Incidents } from './incidents.ts'
import type { Installs } from './install.ts'
import type { Language, Values } from './language.ts'
import type { ActionId, Field, Target } from './message.ts'
import type { Oncall } from './oncall.ts'
import type { Outbox } from './outbox.ts'
import type { Within } from './pools.ts'
import type { ProxmoxPort, Words } from './ports.ts'
import type { Access, Identity, Role } from './roles.ts'

/** Something a person typed. */
export interface Said {
  /** The chat's own id of the event: the same for a redelivery, so that it does nothing twice. */
  event: string
  identity: Identity
  target: Target
  /** The card in whose thread it was said. */
  thread?: string
  text: string
  /** Language tags that the platform knows of this person, most wanted first. */
  locales: string[]
}

/** A button pressed or a form sent. */
export interface Clicked {
  event: string
  identity: Identity
  target: Target
  card: string
  action: ActionId
  values?: Record<string, string>
  locales: string[]
}

/** A job as it is ordered: what to do, for whom, and where to tell of it. */
export interface OrderedJob {
  id: string
  worker: string
  payload: unknown
  /** What it asks of its requester beyond the command's role. */
  role?: Role
  title: string
  path: string
  /** As it was typed. */
  line: string
  cluster: string
  requester: Identity
  approvedBy: Identity[]
  /** Where each of them decided. */
  approvedIn?: Record<Identity, Target>
  /** Where it acts, for roles that are limited to pools. */
  within?: Within
  card: string
  target: Target
  thread?: string
  language: Language
  node: string
  /** The node's clock, seconds, when the plan was made. */
  since: number
  /** Added to the order of the job's card. */
  orderBase: number
  shows: Field[]
}

/** Hands a job over; the same id twice is one job. */
export type Enqueue = (job: OrderedJob) => Promise<{ added: boolean; position: number }>

export interface DispatchPorts {
  catalogue: Catalogue
  access: Access
  words: Record<Language, Words>
  clusters: { names: readonly string[]; get(name: string): ProxmoxPort }
  hosts: readonly KnownHost[]
  channels: {
    clusterOf(target: Target): string | undefined
    languageOf(target: Target): Language | undefined
    /** Undefined: commands are taken everywhere. */
    taken(): readonly Target[] | undefined
    /** Where what concerns this cluster is posted. */
    posts(cluster: string): readonly Target[]
  }
  preferences: Preferences
  jobs: Jobs
  doctor: Doctor
  enqueue: Enqueue
  /** What people want and decide is written down before anything comes of it. */
  audit: WriteAudit
  trail: AuditTrail
  drafts: Drafts
  blueprints: Blueprints
  installs: Installs
  incidents: Incidents
  oncall: Oncall
  drills: Drills
  outbox: Outbox
  desk: Desk
  /** How many other people must approve a command of this class. */
  approvals(of: ApprovalClass): number
  /** How far apart one person who has nobody to ask confirms twice; absent: another person must agree. */
  soloMs?: number | undefined
  ownTokens: House['ownTokens']
  lookAtHosts: House['lookAtHosts']
  /** What a client's error means to a person; undefined: it is a fault of ours. */
  explain(error: unknown): Refused | Unavailable | undefined
  /** What a line of a task's log means, where that is known. */
  explainLine(line: string): { code: string; values?: Values } | undefined
  /** Notes a fault of ours and returns the id under which the log has it. */
  report(error: unknown, about: Record<string, unknown>): string
  hash(value: unknown): string
  now(): number
  defaultTz: string
  /** Milliseconds that a confirmation or approval stays open. */
  decideWithinMs: number
}
