import type { AuditEntry, WriteAudit } from '../core/audit.ts'
import type { DrillGround } from '../core/drills.ts'
import { type Cancelled, type LostLock, Refused, type Unavailable } from '../core/errors.ts'
import { fill, type Values } from '../core/language.ts'
import type { Field, Message } from '../core/message.ts'
import { isForAccess, isForRoot } from '../core/needs.ts'
import type { Outbox } from '../core/outbox.ts'
import type { ProxmoxAccessPort, ProxmoxRootPort, ProxmoxWriterPort, Words } from '../core/ports.ts'
import type { Identity } from '../core/roles.ts'
import type { Secret } from '../core/secret.ts'
import type { Secrets } from '../core/secrets.ts'
import {
  type JobRequest,
  mustRestore,
  partOf,
  type RunContext,
  type StopAsked,
  type TaskEnd,
  type Worker,
  type WorkerWords,
} from '../core/worker.ts'
import { Effects, MayNotAct } from './effects.ts'
import { pause, until } from './pause.ts'
import { RunCard } from './run-card.ts'
import { type JobRecord, orderOf, type Runs, type StoredRun } from './runs.ts'
import type { RedisTaskBoard } from './task-board.ts'

export interface RunPorts {
  runs: Runs
  audit: WriteAudit
  outbox: Outbox
  /** root@pam; absent in a process that holds no password of root's. */
  root?: ProxmoxRootPort
  /** The tokens for managing access. */
  access?: ProxmoxAccessPort
  /** For workers that ask for a secret. */
  secrets?: Secrets
  drills?: DrillGround
  words: { en: Words; es: Words }
  /** The error of a call whose request was sent and whose answer was lost. */
  isOutcomeUnknown(error: unknown): boolean
  explain(error: unknown): Refused | Unavailable | undefined
  /** What the last line of a failed task means, where that is known. */
  explainLine(line: string): { code: string; values?: Values } | undefined
  now(): number
}

/** How often it is looked whether a secret has come, ms. */
const lookEveryMs = 500
/** How long a stopped task may take to end, ms. */
const stopWithinMs = 60_000

/** One run of one job in this process: the context that a worker's `run` gets. */
export class Run {
  readonly record: JobRecord
  readonly card: RunCard
  readonly #effects: Effects
  readonly #stored: StoredRun
  readonly #worker: Worker
  readonly #mayAct: boolean
  readonly #words: WorkerWords
  readonly #open: () => ProxmoxWriterPort
  readonly #board: RedisTaskBoard
  readonly #token: string
  readonly #ports: RunPorts
  readonly #abort = new AbortController()
  #stopCode: string | undefined

  constructor(options: {
    record: JobRecord
    /** What earlier runs of it have stored. */
    stored: StoredRun
    worker: Worker
    /** False: it has ended. What it stored and caused is told again, and nothing is sent nor asked any more. */
    mayAct?: boolean
    /** @throws Refused when the job's cluster is no longer configured; told on the card like any other refusal */
    proxmox: () => ProxmoxWriterPort
    board: RedisTaskBoard
    token: string
    ports: RunPorts
  }) {
    const { record, stored, worker, mayAct = true, proxmox, board, token, ports } = options
    this.record = record
    this.#stored = stored
    this.#worker = worker
    this.#mayAct = mayAct
    this.#words = worker.text[record.language] as WorkerWords
    this.#open = proxmox
    this.#board = board
    this.#token = token
    this.#ports = ports
    this.card = new RunCard(record, this.#words, ports)
    this.#effects = new Effects({ record, stored, token, mayAct, proxmox, signal: this.#abort.signal, ports })
  }

  get #proxmox(): ProxmoxWriterPort {
    return this.#open()
  }

  /** Handed to root's own jobs, and to root's own parts of others, alone. */
  #rootFor(job: JobRequest): ProxmoxRootPort {
    const { root } = this.#ports
    if (root && isForRoot(job)) return root
    const none = () => {
      throw new Error(`${this.record.worker} is no job for root`)
    }
    return new Proxy({} as ProxmoxRootPort, { get: none })
  }

  /** Handed to the jobs that change who may do what, and to no others. */
  #accessFor({ worker }: JobRequest): ProxmoxAccessPort {
    const { access } = this.#ports
    if (access && isForAccess(worker)) return access
    const none = () => {
      throw new Error(`${this.record.worker} is no job that changes rights`)
    }
    return { get: none, own: none }
  }

  /** Ends the run at its next safe point: `Cancelled` stops its Proxmox task, `LostLock` touches nothing more. */
  abort(reason: Cancelled | LostLock): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(reason)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Its worker puts everything back at its own pace; whoever else would be cut off here. */
  get restores(): boolean {
    return mustRestore({ worker: this.#worker, payload: this.record.payload })
  }

  /** It was begun and would not be begun any more: it puts back what it has changed. */
  askStop(code: string): void {
    this.#stopCode = code
  }

  async #stopAsked(): Promise<StopAsked | undefined> {
    if (this.#stopCode !== undefined) return { code: this.#stopCode }
    const by = await this.#ports.runs.read<Identity>(this.record.id, 'cancel')
    return by === undefined ? undefined : { by }
  }

  /** Why it was aborted: that counts, whatever the work made of it. */
  get stopped(): Cancelled | LostLock | undefined {
    return this.#abort.signal.reason as Cancelled | LostLock | undefined
  }

  /** @throws LostLock unless this process still owns the job: only the owner tells how it ended */
  async fence(): Promise<void> {
    await this.#ports.runs.fence(this.record.id, this.#token, 0)
  }

  /** Writes down what this job does. */
  audit(kind: AuditEntry['kind'], more: Partial<AuditEntry> = {}): Promise<void> {
    return this.#effects.audit(kind, more)
  }

  async work(attempt: number) {
    return this.#worker.run(this.#context(attempt, { worker: this.#worker, payload: this.record.payload }))
  }

  #context(attempt: number, job: JobRequest): RunContext<unknown, WorkerWords> {
    const { record } = this
    const { payload } = job
    return {
      payload,
      job: {
        id: record.id,
        cluster: record.cluster,
        requester: record.requester,
        language: record.language,
        attempt,
        ordered: { node: record.node, at: record.since },
      },
      proxmox: this.#proxmox,
      root: this.#rootFor(job),
      access: this.#accessFor(job),
      step: (name, work, round) => this.#step(name, work, round),
      effect: async (name, look, round) => {
        this.#enter(name)
        const { upid, adopted } = await this.#effects.cause(inRound(name, round), look)
        if (adopted) this.card.note = this.#ports.words[record.language].say.adopted
        return upid
      },
      change: (name, look, round) => this.#step(name, () => this.#effects.change(inRound(name, round), look), round),
      secret: (name, ask) => this.#secret(name, ask),
      stopAsked: () => this.#stopAsked(),
      // For all runs of one order: what a failed run had claimed, its retry may have.
      claim: (name) => this.#ports.runs.claim(record.cluster, name, orderOf(record.id)),
      until: (look, times) => until(look, times, { signal: this.#abort.signal, now: this.#ports.now }),
      follow: (name, upid) => this.#follow(name, upid),
      part: (place, job) => this.#runPart(attempt, place, job),
      shows: async (fields) => this.card.shows(fields),
      says: (name, message) => this.#says(name, message),
      words: this.#ports.words[record.language],
      drills: this.#ports.drills as DrillGround,
      say: (key, values) => this.say(key, values),
      signal: this.#abort.signal,
    }
  }

  async #runPart(attempt: number, { n, of }: { n: number; of: number }, job: JobRequest) {
    const { worker } = job
    const words = worker.text[this.record.language] as WorkerWords
    this.card.part = { n, of, words }
    const context = this.#context(attempt, job)
    const own = (name: string) => `${n}/${name}`
    const numbered = (fields: Field[]) => fields.map(({ name, value }) => ({ name: `${n}. ${name}`, value }))
    const outcome = await worker.run({
      ...context,
      job: { ...context.job, id: partOf(this.record.id, n) },
      step: (name, work, round) => context.step(own(name), work, round),
      effect: (name, look, round) => context.effect(own(name), look, round),
      change: (name, look, round) => context.change(own(name), look, round),
      secret: (name, ask) => context.secret(own(name), ask),
      follow: (name, upid) => context.follow(own(name), upid),
      shows: (fields) => context.shows(numbered(fields)),
      says: (name, message) => context.says(own(name), message),
      say: (key, values) => fill(words.words?.[key] ?? `{${key}}`, values),
    })
    this.card.settle(numbered(outcome.fields ?? []))
    this.card.part = undefined
    return outcome
  }

  /** The worker's own words in the language of the job. */
  say(key: string, values?: Values): string {
    return fill((this.#words.words as Record<string, string> | undefined)?.[key] ?? `{${key}}`, values)
  }

  #enter(name: string): void {
    this.#abort.signal.throwIfAborted()
    this.card.enter(name)
  }

  async #step<T>(name: string, work: () => Promise<T>, round?: number): Promise<T> {
    this.#enter(name)
    const field = inRound(name, round)
    const stored = this.#stored.read<{ result: T }>(`step:${field}`)
    if (stored) return stored.result
    const result = await work()
    this.#abort.signal.throwIfAborted()
    await this.#ports.runs.write(this.record.id, this.#token, `step:${field}`, { result })
    return result
  }

  async #secret(name: string, ask: { purpose: string; label: string }): Promise<Secret> {
    this.#enter(name)
    const { secrets, words } = this.#ports
    if (!secrets) throw new Error('this process can ask nobody for a secret')
    if (!this.#mayAct) throw new MayNotAct()
    const handle = await this.#askedFor(name, ask, secrets)
    const before = this.card.note
    this.card.note = fill(words[this.record.language].pages.cardTitle, { label: ask.label })
    for (;;) {
      this.#abort.signal.throwIfAborted()
      const secret = await secrets.take(handle, { job: this.record.id, step: name })
      if (secret) {
        this.card.note = before
        return secret
      }
      if ((await secrets.state(handle)) === 'gone')
        throw new Refused('no-secret', { label: ask.label, job: this.record.id })
      await pause(lookEveryMs, this.#abort.signal)
    }
  }

  /** The handle that this step has asked under already, while it is good; else a new one. */
  async #askedFor(step: string, ask: { purpose: string; label: string }, secrets: Secrets): Promise<string> {
    const { runs } = this.#ports
    const { id, requester, language, target, thread, card } = this.record
    const before = this.#stored.read<{ result: string }>(`step:secret ${step}`)
    if (before && (await secrets.state(before.result)) !== 'gone') return before.result
    const told = { person: requester, language, target, thread: thread ?? card }
    const { handle } = await secrets.request({ ...ask, ...told, job: id, step })
    await runs.write(id, this.#token, `step:secret ${step}`, { result: handle })
    return handle
  }

  async #follow(name: string, upid: string): Promise<TaskEnd> {
    this.#enter(name)
    const end = await this.#board.follow(upid, this.#abort.signal, ({ exit, percent, logTail }) =>
      this.card.seen(name, exit === undefined ? Math.min(percent ?? 0, 99) : 100, logTail),
    )
    const type = upid.split(':')[5] ?? ''
    if (end.exit === undefined) throw new Refused('task-vanished', { upid })
    if (end.exit !== 'OK' && !end.exit.startsWith('WARNINGS')) {
      const cause = this.#ports.explainLine(end.exit)
      const values = { type, job: this.record.id, vmid: upid.split(':')[6], cluster: this.record.cluster }
      throw new Refused(cause?.code ?? 'task-failed', { ...values, ...cause?.values }, { raw: end.exit })
    }
    return {
      upid,
      exit: end.exit,
      log: end.logTail,
      starttime: end.starttime,
      ...(end.endtime === undefined ? {} : { endtime: end.endtime }),
    }
  }

  /** Stops what this job still has running, whichever process began it, and waits, so that what is left can be told. */
  async stopTasks(): Promise<void> {
    const parts = this.#worker.parts?.(this.record.payload) ?? []
    for (const { step, upid } of await this.#ports.runs.tasks(this.record.id)) {
      const worker = parts[Number(/^(\d+)\//.exec(step)?.[1]) - 1]?.worker ?? this.#worker
      if (worker.unstoppable) continue
      if ((await this.#proxmox.task(upid)).exit !== undefined) continue
      await this.#effects.stop(upid)
      await this.#board.follow(upid, AbortSignal.timeout(stopWithinMs), () => {}).catch(() => {})
    }
  }

  /** In the thread of the card, or in the one that the card itself is in. */
  async #says(name: string, message: Message): Promise<void> {
    const { id, card, target, thread = card, language } = this.record
    await this.#ports.outbox.put({
      key: `${card}.${id}.${name}`,
      target,
      thread,
      language,
      order: this.#ports.now(),
      message: { ...message, job: id, thread },
    })
  }
}

const inRound = (name: string, round = 1) => (round === 1 ? name : `${name}#${round}`)
