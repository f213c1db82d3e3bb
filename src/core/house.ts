import type { AuditTrail } from './audit.ts'
import type { Blueprints } from './blueprint.ts'
import type { Catalogue } from './catalogue.ts'
import type { Doctor } from './doctor.ts'
import type { Drafts } from './drafts.ts'
import type { Drills } from './drills.ts'
import type { Incidents } from './incidents.ts'
import type { Installs } from './install.ts'
import type { Language, Values } from './language.ts'
import type { Oncall } from './oncall.ts'
import type { Words } from './ports.ts'
import type { Access, Identity } from './roles.ts'
import type { JobView } from './worker.ts'

/** Jobs as commands see them. */
export interface Jobs {
  /** Newest first. */
  list(filter: { cluster?: string; live?: boolean; most: number }): Promise<JobView[]>
  get(id: string): Promise<JobView | undefined>
  /** The newest job that this card shows. */
  ofCard(card: string): Promise<JobView | undefined>
  /** The lines of its Proxmox tasks, oldest first, at most the last `most`. */
  log(id: string, most: number): Promise<string[]>
  /**
   * Asks a job to stop. `left-queue`: it had not begun and never will. `stopping`: its worker has been told and stops
   * the Proxmox task. `ended`: too late.
   */
  cancel(id: string, by: Identity): Promise<'left-queue' | 'stopping' | 'ended'>
  /**
   * Runs a job that ended badly once more, under a new id; undefined while it runs, or when it ended well.
   * @param once the id of the event that asks: delivered again, it finds what it has started
   * @throws Refused `decide-again` for what wants a confirmation or an approval
   */
  retry(id: string, by: Identity, once?: string): Promise<{ id: string } | undefined>
}

/** What a person has told us about themselves. */
export interface Preferences {
  language(identity: Identity): Promise<Language | undefined>
  setLanguage(identity: Identity, language: Language): Promise<void>
}

/** What was measured of hosts that are alone. */
export interface LoneLook {
  /** As `readHosts` has them; of one that could not be measured, why. */
  hosts: readonly unknown[]
  /** Node → its time, of all that were asked at the same moment: nodes of the cluster too. */
  clocks: readonly Readonly<Record<string, number>>[]
}

export interface KnownHost {
  name: string
  /** `https://host:port`. */
  endpoint: string
}

/** What core offers to the commands that speak of the house itself. */
export interface House {
  catalogue: Catalogue
  access: Access
  jobs: Jobs
  preferences: Preferences
  doctor: Doctor
  trail: AuditTrail
  drafts: Drafts
  blueprints: Blueprints
  installs: Installs
  /** What a line of a task's log means, where that is known. */
  explainLine(line: string): { code: string; values?: Values } | undefined
  incidents: Incidents
  oncall: Oncall
  drills: Drills
  clusters: readonly string[]
  /**
   * The tokens that this installation uses on a cluster (`user@realm!name`), as far as its processes have told lately.
   * `access`: the one for managing access, where a worker has told of it.
   */
  ownTokens(cluster: string): Promise<{ all: string[]; access?: string }>
  /**
   * Measures hosts of the configuration that are in no cluster, by whoever may log in there. Undefined: nobody who may has
   * answered in time.
   */
  lookAtHosts(cluster: string, names: readonly string[], signal: AbortSignal): Promise<LoneLook | undefined>
  /** Installed machines that the configuration names, in a cluster or not yet. */
  hosts: readonly KnownHost[]
  words: Record<Language, Words>
}
