import type { z } from 'zod'
import type { Bilingual, Language, Same, Values } from './language.ts'
import type { Field, Message } from './message.ts'
import type { Need } from './needs.ts'
import type { ProxmoxPort } from './ports.ts'
import type { Identity, Needed, Role } from './roles.ts'
import type { JobRequest, Worker } from './worker.ts'

/**
 * `reads` answers at once; `changes` shows the plan and runs; `endangers` wants a confirmation;
 * `destroys` wants a confirmation and an approval.
 */
export type Risk = 'reads' | 'changes' | 'endangers' | 'destroys'

export interface CommandWords {
  summary: string
  args: Record<string, string>
  /** The command's own sentences, with `{places}`. */
  words?: Record<string, string>
  /** Why it refuses, by code: what, and the next step. */
  refusals?: Record<string, { says: string; hint: string }>
}

export interface Example {
  say: string
  /** The worker that the plan hands the job to. */
  plans?: string
  /** The code it refuses with. */
  refuses?: string
  /** It answers at once. */
  answers?: true
  /** It opens a form for the arguments that are missing. */
  asks?: true
}

/** What a command answers with instead of a job. The state is `info` unless said. */
export type Answer = Partial<Message> & { title: string }

/** The same thing by hand: shown by `--explain`, so that students learn and auditors can read. */
export interface Explanation {
  /** As `qm`, `pvesh`, `pvecm`, `ha-manager` would be called. */
  shell: string[]
  /** As clicks in the web interface, one step a line. */
  clicks: string[]
}

export interface RunPlan {
  kind: 'run'
  job: JobRequest
  /** What will happen, in one line. */
  title: string
  /** The plan's values, defaults included. */
  shows: Field[]
  warnings: string[]
  explain: Explanation
  /** The node that will do it: its clock dates the job. */
  node: string
  /** What the plan was computed from; a confirmation or approval holds only while it stays the same. */
  state: unknown
  /** What this plan risks beyond its command's risk. It adds to what is asked of people, and never takes away. */
  risk?: Risk
  /** What this plan asks of its requester beyond its command's role. */
  role?: Role
}

/** Something small that the house does itself at once: no job, nothing sent to a cluster by this command. */
export interface ActPlan {
  kind: 'act'
  title: string
  shows: Field[]
  warnings: string[]
  explain: Explanation
  /** What this plan risks beyond its command's risk: it then waits for people as a job would, and the last click does it. */
  risk?: Risk
  /** Of one that waits: what it was computed from. */
  state?: unknown
  /**
   * Does it and tells what became of it. Not called for `--explain`. The state is `ok` unless said. A bot that is killed
   * in the middle does it again: `once` is the same then.
   */
  act(once: string): Promise<Answer>
}

export type Plan = { kind: 'answer'; answer: Answer } | ActPlan | RunPlan

export const answer = (message: Answer): Plan => ({ kind: 'answer', answer: message })

export const run = (
  job: JobRequest,
  plan: Omit<RunPlan, 'kind' | 'job' | 'warnings' | 'state'> & { warnings?: string[]; state?: unknown },
): Plan => ({ kind: 'run', job, warnings: [], state: null, ...plan })

/** For commands whose risk is `reads` or `changes`: nothing asks before it, unless the plan itself says that it risks more. */
export const act = (plan: Omit<ActPlan, 'kind' | 'warnings'> & { warnings?: string[] }): Plan => ({
  kind: 'act',
  warnings: [],
  ...plan,
})

export interface Asker {
  identity: Identity
  role: Role | undefined
  /** Its role is limited to these pools; absent: it is not. */
  pools?: readonly string[] | undefined
  language: Language
  /** IANA time zone; times are shown in it. */
  tz: string
}

export interface PlanContext<A, E extends CommandWords> {
  args: A
  /** Absent for commands with `cluster: false`. */
  proxmox: ProxmoxPort
  cluster: string
  asker: Asker
  channel: string
  /** The command as it was found: `ct start` runs the file of `vm start`. */
  path: string
  /** The command's own words in the asker's language. */
  say: (key: keyof E['words'] & string, values?: Values) => string
  /** What the house offers to commands that speak of it: jobs, help, people. */
  house: House
  signal: AbortSignal
}

/** Added to by core's own parts; see `house.ts`. */
export type House = import('./house.ts').House

export interface Command<S extends z.ZodObject = z.ZodObject, E extends CommandWords = CommandWords> {
  /** Other groups that this command stands in too: `vm start` is also `ct start`. */
  also?: readonly string[]
  role: Needed
  risk: Risk
  /**
   * Whose approvals it wants beside those of its risk: `drill` breaks something on purpose, `access` gives or takes rights.
   * It then waits for a confirmation and as many approvals as are configured, one unless said, whatever its risk.
   */
  approval?: 'drill' | 'access'
  /** False: the command asks nothing of a cluster. */
  cluster?: false
  /**
   * How far a role that is limited to pools reaches with it. The arguments that say where it acts, all of them: the pools of
   * those guests and the pools that are named must be the role's. `shown`: it shows only what lies in those pools. Absent:
   * such a role does not reach it.
   */
  pools?: 'shown' | readonly (keyof z.output<S> & string)[]
  /** What its plan asks of the reading token. What its jobs ask of the acting one, their workers say. */
  needs?: readonly Need[]
  /** Who its plan hands jobs to, where no example of a running cluster can show it. */
  workers?: readonly Pick<Worker, 'needs'>[]
  args: S
  /** Arguments that may be given without their name, in order; at most two. */
  positionals?: readonly (keyof z.output<S> & string)[]
  /**
   * Arguments that others make necessary: an NFS storage wants a server. `values` is what was typed. The form asks for them
   * as for any that is missing, and leaves out those that `values` make meaningless.
   */
  wants?(values: Readonly<Record<string, string>>): Wants<keyof z.output<S> & string>
  text: Bilingual<E>
  examples: readonly Example[]
  /** A read-only look at the cluster: answers, throws `Refused`, or returns the job. Chat wants it well within 3 s. */
  plan(context: PlanContext<z.output<S>, E>): Promise<Plan> | Plan
}

export interface Wants<Name extends string = string> {
  must: readonly Name[]
  never: readonly Name[]
}

/** What the configuration counts approvals for. */
export type ApprovalClass = 'drill' | 'destroys' | 'endangers' | 'access'

/**
 * The classes that a command belongs to: by its risk, by that of the plan at hand, and the one that it declares. None: it
 * begins at once.
 */
export function approvalClasses(
  { risk, approval }: Pick<Command, 'risk' | 'approval'>,
  plan?: Pick<RunPlan, 'risk'>,
): ApprovalClass[] {
  const byRisk = [risk, plan?.risk].filter((one) => one === 'endangers' || one === 'destroys')
  return [...new Set(approval === undefined ? byRisk : [...byRisk, approval])]
}

/**
 * Defines one chat command. Its file's path is its name. The Spanish words must have the keys of the English ones, and
 * `text.args` must name each argument: both are compile errors otherwise.
 */
export function defineCommand<
  S extends z.ZodObject,
  const E extends CommandWords & { args: Record<keyof z.output<S> & string, string> },
>(command: Omit<Command<S, E>, 'text'> & { text: { en: E; es: Same<NoInfer<E>> } }): Command {
  return command as unknown as Command
}

/** What a folder of commands is about: `commands/GROUP/group.ts`. */
export interface Group {
  text: Bilingual<{ summary: string }>
}

export const defineGroup = (group: { text: { en: { summary: string }; es: { summary: string } } }): Group => group
