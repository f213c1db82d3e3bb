import type { z } from 'zod'
import type { DrillGround } from './drills.ts'
import type { Bilingual, Language, Same, Values } from './language.ts'
import type { Field, Message, Progress } from './message.ts'
import type { Need } from './needs.ts'
import type { Within } from './pools.ts'
import type { ProxmoxAccessPort, ProxmoxPort, ProxmoxRootPort, ProxmoxWriterPort, Words } from './ports.ts'
import type { Identity } from './roles.ts'
import type { Secret } from './secret.ts'

/** `title` of its card; a label for each step in the order they run; `done` when the cluster says so. */
export interface WorkerWords {
  title: string
  steps: Record<string, string>
  done: string
  words?: Record<string, string>
  refusals?: Record<string, { says: string; hint: string }>
}

/** The end of a Proxmox task that ended well. */
export interface TaskEnd {
  upid: string
  /** `OK` or `WARNINGS: n`. */
  exit: string
  log: string[]
  /** Seconds, on the clock of the node that ran it. */
  starttime: number
  endtime?: number
}

/** How to recognise an effect on the cluster that this job may have caused before a crash. */
export interface EffectLook {
  /** The node that runs the task; its clock dates the intent. */
  node: string
  /** Task types, as in a UPID: `qmcreate`, or `qmstart` and, for a guest under HA, `hastart`. */
  types: readonly string[]
  /** The task's id, a VMID for guests; absent: any, then `mine` decides. */
  id?: string
  /** Who makes the call, where it is not the cluster's acting token: root@pam on a host. Its tasks are looked for there. */
  by?: Pick<ProxmoxPort, 'identity' | 'nodeTime' | 'tasks'>
  /** Proof beyond type, id, time and our own token, where there is one: the job's id in the guest's description. */
  mine?: (task: { upid: string; id: string; running: boolean }) => Promise<boolean>
  /** The call itself. Sent at most once for one intent. */
  act: () => Promise<string>
}

export interface RunContext<P, E extends WorkerWords> {
  payload: P
  job: {
    id: string
    cluster: string
    requester: Identity
    language: Language
    attempt: number
    /** The node whose clock dates the order, and its time then, in seconds. */
    ordered: { node: string; at: number }
  }
  proxmox: ProxmoxWriterPort
  /** For jobs that need what is root's alone (`rootOnly` among their needs); throws for the others. */
  root: ProxmoxRootPort
  /** For workers that change who may do what (`token: 'access'` among their needs); throws for the others. */
  access: ProxmoxAccessPort
  /**
   * Runs `work` once and stores what it returned before going on; a job that another worker picks up after a crash
   * gets the stored value. `work` must not change the cluster: that is what `effect` is for. A step that has to be done
   * anew with another outcome (a VMID that somebody took meanwhile) counts its rounds.
   */
  step<T>(name: keyof E['steps'] & string, work: () => Promise<T>, round?: number): Promise<T>
  /**
   * Causes one Proxmox task at most once and returns its UPID: stores the intent, looks whether the task is there
   * already (on every attempt), and only then sends. Throws `LostLock` when another worker owns the job by now, and
   * `Refused` in the house's words for what Proxmox refuses.
   */
  effect(name: keyof E['steps'] & string, look: EffectLook, round?: number): Promise<string>
  /**
   * Makes a change that has no task: looks whether it is so already (`there`: somebody made it, perhaps this job before a
   * crash), else sends it (`made`). A lost answer is looked for and the call never sent again blindly.
   */
  change(name: keyof E['steps'] & string, look: ChangeLook, round?: number): Promise<'made' | 'there'>
  /**
   * Asks the person who ordered the job for a secret, outside of the chat, and waits until it is there. Only memory holds
   * it: after a crash the person is asked again. Throws `Refused('no-secret')` when ten minutes have passed.
   */
  secret(name: keyof E['steps'] & string, ask: { purpose: string; label: string }): Promise<Secret>
  /**
   * Who or what wants this job to end early; for a worker that `restores`, which nobody breaks off. It looks, stops going
   * on, and puts back what it has changed.
   */
  stopAsked(): Promise<StopAsked | undefined>
  /** Takes a name in this cluster for this job alone (`vmid:105`), for some hours; false if another job has it. */
  claim(name: string): Promise<boolean>
  /** Looks every `everyMs` until `look` gives a value, the job is stopped, or `withinMs` have passed (undefined). */
  until<T>(look: () => Promise<T | undefined>, times: { everyMs: number; withinMs: number }): Promise<T | undefined>
  /** Waits for a task's end, showing its percent and log. Throws `Refused('task-failed')` with Proxmox's line. */
  follow(name: keyof E['steps'] & string, upid: string): Promise<TaskEnd>
  /**
   * Does another kind of job as one part of this one, number `n` of `of` (from 1): its steps are stored under its own
   * names, so that a crash anywhere goes on from there. The locks that it needs are this job's to take.
   */
  part(place: { n: number; of: number }, job: JobRequest): Promise<Outcome>
  /** Shows more on the card, such as the VMID once it is chosen. */
  shows(fields: Field[]): Promise<void>
  /** Says something in the thread of its card; the same name again edits that line. */
  says(name: string, message: Message): Promise<void>
  /** The words shared by all, in the language of the job. */
  words: Words
  /** What drills do outside of Proxmox. */
  drills: DrillGround
  say(key: keyof E['words'] & string, values?: Values): string
  signal: AbortSignal
}

/** A change that Proxmox makes at once, without a task: there is no UPID to find again, only the state that it leaves. */
export interface ChangeLook {
  /** The call, as the audit trail has it: `POST /cluster/ha/resources`. */
  call: string
  /** What it is about: `vm:100`. */
  id?: string
  /** Whether the cluster is as wanted. Asked on every attempt before anything is sent. */
  isSo: () => Promise<boolean>
  /** The call itself. Sent at most once, unless the cluster shows that an earlier one did not arrive. */
  act: () => Promise<unknown>
  /** How long a change that an earlier attempt may have sent can take to show. @default 10_000 */
  showsWithinMs?: number
}

/** A person's wish, or why the job would not be begun any more: rights that were taken away since. */
export type StopAsked = { by: Identity } | { code: string }

/** What a finished job says: values for `done`, fields for its card. */
export interface Outcome {
  values?: Values
  fields?: Field[]
  warnings?: string[]
}

export interface Worker<S extends z.ZodType = z.ZodType, E extends WorkerWords = WorkerWords> {
  payload: S
  /** What its calls ask of the acting token, beyond what every job does; `quorum doctor` looks for them. */
  needs?: readonly Need[]
  /** Its Proxmox tasks, begun, are left to end also when the job is cancelled: broken off they would do more harm. */
  unstoppable?: true
  /** The jobs that one of these is made of, in their order; each keeps its own rules: who may run it, what may be stopped. */
  parts?(payload: z.output<S>): readonly JobRequest[]
  /** Once begun it is never broken off: a wish to cancel is `stopAsked`, and it ends when all is put back. */
  restores?: true
  /** Names of what only one job may touch at a time: `guest:100`, `cluster`. */
  locks(payload: z.output<S>): string[]
  text: Bilingual<E>
  /** Values for `title`. */
  titled?(payload: z.output<S>): Values
  run(context: RunContext<z.output<S>, E>): Promise<Outcome>
  /** What exists on the cluster because of a job that did not end well; asked after a failure or a cancel. */
  leftovers?(
    context: Pick<RunContext<z.output<S>, E>, 'payload' | 'job' | 'proxmox' | 'say'> & { results: Results },
  ): Promise<string[]>
  /** A request for this worker. Made of plain JSON; never a secret. */
  job(payload: z.input<S>): JobRequest
}

/** A part of a job, as it marks what it makes: no part's mark begins another's. */
export const partOf = (job: string, n: number): string => `${job}.${String(n).padStart(3, '0')}`

/** What the steps of a job have stored so far, by name (`choose`, and `choose#2` for a second round). */
export type Results = Readonly<Record<string, unknown>>

export interface JobRequest {
  worker: Worker
  payload: unknown
}

/** Whether a job, or a part of it, must put things back before it ends. */
export const mustRestore = ({ worker, payload }: JobRequest): boolean =>
  worker.restores === true || (worker.parts?.(payload).some(mustRestore) ?? false)

/**
 * Defines one kind of job. Its file's name is the job's name. A wrong payload, a missing language or a step without a
 * label is a compile error.
 */
export function defineWorker<S extends z.ZodType, const E extends WorkerWords>(
  worker: Omit<Worker<S, E>, 'job' | 'text'> & { text: { en: E; es: Same<NoInfer<E>> } },
): Worker<S, E> {
  const defined = {
    ...worker,
    job: (payload: z.input<S>): JobRequest => ({
      worker: defined as unknown as Worker,
      payload: worker.payload.parse(payload),
    }),
  } as unknown as Worker<S, E>
  return defined
}

/** Where a job stands, as a card shows it. */
export interface JobView {
  id: string
  worker: string
  title: string
  cluster: string
  requester: Identity
  state: 'queued' | 'waiting-for-lock' | 'running' | 'retrying' | 'ok' | 'warning' | 'failed' | 'cancelled'
  progress?: Progress
  /** 1 = next. */
  position?: number
  /** Locks it holds or waits for, and the job in front. */
  locks: { name: string; owner?: string }[]
  error?: { code: string; values: Values; raw?: string }
  /** Where it acts, for roles that are limited to pools. */
  within?: Within
  /** Milliseconds since the epoch, our own clock. */
  createdAt: number
  endedAt?: number
  upids: string[]
}
