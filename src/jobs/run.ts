import type { AuditEntry, WriteAudit } from '../core/audit.ts'
import type { DrillGround } from '../core/drills.ts'
import { type Cancelled, LostLock, Refused, Unavailable } from '../core/errors.ts'
import { fill, type Values } from '../core/language.ts'
import type { Field, Message, Progress } from '../core/message.ts'
import { isForRoot } from '../core/needs.ts'
import { Order, type Outbox } from '../core/outbox.ts'
import type { ProxmoxRootPort, ProxmoxWriterPort, Words } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import type { Secrets } from '../core/secrets.ts'
import {
  type ChangeLook,
  type EffectLook,
  type JobRequest,
  partOf,
  type RunContext,
  type TaskEnd,
  type Worker,
  type WorkerWords,
} from '../core/worker.ts'
import type { TaskState } from '../proxmox/task-poller.ts'
import { pause } from './pause.ts'
import { type Intent, type JobRecord, jobCard, orderOf, type Runs, type StoredRun } from './runs.ts'
import type { RedisTaskBoard } from './task-board.ts'

export interface RunPorts {
  runs: Runs
  audit: WriteAudit
  outbox: Outbox
  /** root@pam; absent in a process that holds no password of root's. */
  root?: ProxmoxRootPort
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

/** How long a lost answer's task is looked for before the job is given back to the queue, ms. */
const lookForMs = 8000
const lookEveryMs = 500
/** How long a change without a task may take to show: Proxmox waits this long for its locks, ms. */
const showsWithinMs = 10_000
/** A card changes at most this often while its job runs, ms; the platform's own rates come on top. */
const showEveryMs = 400
/** Between two nodes' clocks that are read at nearly the same time, seconds. */
const clockSlackSeconds = 2
/** How long a stopped task may take to end, ms. */
const stopWithinMs = 60_000

/** Thrown where a job that has ended would act once more. */
export class MayNotAct extends Error {
  override readonly name = 'MayNotAct'
}

/** One run of one job in this process: the context that a worker's `run` gets, and the card that people see. */
export class Run {
  readonly record: JobRecord
  readonly #stored: StoredRun
  readonly #worker: Worker
  readonly #mayAct: boolean
  readonly #words: WorkerWords
  readonly #open: () => ProxmoxWriterPort
  readonly #board: RedisTaskBoard
  readonly #token: string
  readonly #ports: RunPorts
  readonly #abort = new AbortController()
  readonly #stepNames: string[]
  readonly #extra = new Map<string, string>()
  #part: { n: number; of: number; words: WorkerWords; steps: string[] } | undefined
  #progress: Progress | undefined
  #log: string[] = []
  #note: string | undefined
  #shownAt = 0
  #showing: NodeJS.Timeout | undefined
  #ended = false

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
    this.record = options.record
    this.#stored = options.stored
    this.#worker = options.worker
    this.#mayAct = options.mayAct ?? true
    this.#words = options.worker.text[options.record.language] as WorkerWords
    this.#open = options.proxmox
    this.#board = options.board
    this.#token = options.token
    this.#ports = options.ports
    this.#stepNames = Object.keys(this.#words.steps)
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

  /** Ends the run at its next safe point: `Cancelled` stops its Proxmox task, `LostLock` touches nothing more. */
  abort(reason: Cancelled | LostLock): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(reason)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Why it was aborted: that counts, whatever the work made of it. */
  get stopped(): Cancelled | LostLock | undefined {
    return this.#abort.signal.reason as Cancelled | LostLock | undefined
  }

  /** @throws LostLock unless this process still owns the job: only the owner tells how it ended */
  async fence(): Promise<void> {
    await this.#ports.runs.fence(this.record.id, this.#token, 0)
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
      step: (name, work, round) => this.#step(name, work, round),
      effect: (name, look, round) => this.#effect(name, look, round),
      change: (name, look, round) => this.#change(name, look, round),
      secret: (name, ask) => this.#secret(name, ask),
      // For all runs of one order: what a failed run had claimed, its retry may have.
      claim: (name) => this.#ports.runs.claim(record.cluster, name, orderOf(record.id)),
      until: (look, times) => this.#until(look, times),
      follow: (name, upid) => this.#follow(name, upid),
      part: (place, job) => this.#runPart(attempt, place, job),
      shows: async (fields) => this.#shows(fields),
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
    this.#part = { n, of, words, steps: Object.keys(words.steps) }
    const context = this.#context(attempt, job)
    const own = (name: string) => `${n}/${name}`
    const outcome = await worker.run({
      ...context,
      job: { ...context.job, id: partOf(this.record.id, n) },
      step: (name, work, round) => context.step(own(name), work, round),
      effect: (name, look, round) => context.effect(own(name), look, round),
      change: (name, look, round) => context.change(own(name), look, round),
      secret: (name, ask) => context.secret(own(name), ask),
      follow: (name, upid) => context.follow(own(name), upid),
      says: (name, message) => context.says(own(name), message),
      say: (key, values) => fill(words.words?.[key] ?? `{${key}}`, values),
    })
    this.#part = undefined
    return outcome
  }

  /** Why it refuses, in the words of the part that was at work. */
  get refusals(): WorkerWords['refusals'] {
    return { ...this.#words.refusals, ...this.#part?.words.refusals }
  }

  /** The worker's own words in the language of the job. */
  say(key: string, values?: Values): string {
    return fill((this.#words.words as Record<string, string> | undefined)?.[key] ?? `{${key}}`, values)
  }

  #enter(name: string): void {
    this.#abort.signal.throwIfAborted()
    const progress = this.#at(name, 0)
    if (this.#progress?.label !== progress.label) this.#log = []
    this.#progress = progress
    this.#show()
  }

  /** Where the whole job stands, `within` percent of this step being done. */
  #at(name: string, within: number): Progress {
    const part = this.#part
    const [steps, words] = part ? [part.steps, part.words] : [this.#stepNames, this.#words]
    const own = part ? name.slice(name.indexOf('/') + 1) : name
    const index = steps.indexOf(own)
    const share = (index + within / 100) / steps.length
    const label = words.steps[own] ?? own
    if (!part) return { step: index + 1, of: steps.length, percent: Math.round(share * 100), label }
    return { step: part.n, of: part.of, percent: Math.round(((part.n - 1 + share) / part.of) * 100), label }
  }

  async #until<T>(
    look: () => Promise<T | undefined>,
    times: { everyMs: number; withinMs: number },
  ): Promise<T | undefined> {
    const end = this.#ports.now() + times.withinMs
    for (;;) {
      this.#abort.signal.throwIfAborted()
      const value = await look()
      if (value !== undefined || this.#ports.now() >= end) return value
      await pause(times.everyMs, this.#abort.signal)
    }
  }

  async #step<T>(name: string, work: () => Promise<T>, round = 1): Promise<T> {
    this.#enter(name)
    const { runs } = this.#ports
    const field = inRound(name, round)
    const stored = this.#stored.read<{ result: T }>(`step:${field}`)
    if (stored) return stored.result
    const result = await work()
    this.#abort.signal.throwIfAborted()
    await runs.write(this.record.id, this.#token, `step:${field}`, { result })
    return result
  }

  async #secret(name: string, ask: { purpose: string; label: string }): Promise<Secret> {
    this.#enter(name)
    const { secrets, words } = this.#ports
    if (!secrets) throw new Error('this process can ask nobody for a secret')
    if (!this.#mayAct) throw new MayNotAct()
    const handle = await this.#askedFor(name, ask, secrets)
    const before = this.#note
    this.#note = fill(words[this.record.language].pages.cardTitle, { label: ask.label })
    this.#show()
    for (;;) {
      this.#abort.signal.throwIfAborted()
      const secret = await secrets.take(handle, { job: this.record.id, step: name })
      this.#note = secret ? before : this.#note
      if (secret) return secret
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

  async #effect(name: string, look: EffectLook, round = 1): Promise<string> {
    this.#enter(name)
    const { runs } = this.#ports
    const { id, cluster } = this.record
    const field = inRound(name, round)
    const stored = this.#stored.read<string>(`upid:${field}`)
    if (stored) return stored
    const [intent, found] = await Promise.all([this.#intend(field, look), this.#find(look, undefined)])
    const there = found ?? (intent.fresh ? undefined : await this.#find(look, intent.at))
    if (there === undefined && intent.unanswered) throw this.#outcomeUnknown()
    const upid = there ?? (await this.#act(look, field, intent.at))
    await runs.claimTask(cluster, upid, id)
    const written = this.audit('upid', { upids: [upid], effect: effectOf(field, look) })
    await Promise.all([runs.write(id, this.#token, `upid:${field}`, upid), written])
    if (there !== undefined) this.#note = this.#ports.words[this.record.language].say.adopted
    return upid
  }

  async #change(name: string, look: ChangeLook, round = 1): Promise<'made' | 'there'> {
    return this.#step(
      name,
      async () => {
        const { runs } = this.#ports
        const { id, node } = this.record
        const field = inRound(name, round)
        if (await look.isSo()) return 'there' as const
        const before = this.#stored.read<Intent>(`intent:${field}`)
        if (before && (await this.#showsUp(look))) return 'there' as const
        if (before?.unanswered) throw this.#outcomeUnknown()
        const intent: Intent = before ?? { at: await this.#proxmox.nodeTime(node) }
        await runs.write(id, this.#token, `intent:${field}`, intent)
        await this.#announce({ effect: { step: field, node, types: [look.call], id: look.id } })
        try {
          await look.act()
        } catch (error) {
          if (!this.#ports.isOutcomeUnknown(error)) throw this.#ports.explain(error) ?? error
          await runs.write(id, this.#token, `intent:${field}`, { ...intent, unanswered: true })
          if (!(await this.#showsUp(look))) throw this.#outcomeUnknown(error)
        }
        return 'made' as const
      },
      round,
    )
  }

  /** Whether a change that was sent shows within its time. */
  async #showsUp(look: ChangeLook): Promise<boolean> {
    const isSo = async () => ((await look.isSo().catch(() => false)) ? true : undefined)
    const withinMs = look.showsWithinMs ?? showsWithinMs
    return (await this.#until(isSo, { everyMs: lookEveryMs, withinMs })) === true
  }

  /** Stores what is about to be done, dated by the clock of the node that will do it. */
  async #intend(field: string, { node, by = this.#proxmox }: EffectLook): Promise<Intent & { fresh: boolean }> {
    const { runs } = this.#ports
    const before = this.#stored.read<Intent>(`intent:${field}`)
    if (before) return { ...before, fresh: false }
    const intent = { at: await by.nodeTime(node) }
    await runs.write(this.record.id, this.#token, `intent:${field}`, intent)
    return { ...intent, fresh: true }
  }

  /**
   * A task of this job that is there already. Looked for since the job was ordered (that date came through Redis with
   * the order itself), so that also an intent that Redis has lost finds its effect.
   */
  async #find(look: EffectLook, intendedAt: number | undefined): Promise<string | undefined> {
    const { runs } = this.#ports
    const { by = this.#proxmox } = look
    const since = await this.#orderedAt(look.node, by).catch(() => intendedAt)
    if (since === undefined) return undefined
    const mine = by.identity
    const lists = look.types.map((type) =>
      by.tasks(look.node, {
        source: 'all',
        since: Math.floor(since),
        typefilter: type,
        limit: 500,
        // Proxmox filters by guests alone; a file's name is compared below.
        ...(/^\d+$/.test(look.id ?? '') ? { vmid: Number(look.id) } : {}),
      }),
    )
    const tasks = (await Promise.all(lists)).flat()
    // What another step or an earlier round of this job has caused is not this effect.
    const others = tasks.length > 0 ? await runs.upids(this.record.id) : []
    for (const task of tasks) {
      const ours = task.user === mine.user && (mine.tokenid === undefined || task.tokenid === mine.tokenid)
      const fits = look.types.includes(task.type) && (look.id === undefined || task.id === look.id)
      if (!ours || !fits || others.includes(task.upid)) continue
      const proof = { upid: task.upid, id: task.id, running: task.endtime === undefined }
      if (look.mine && !(await look.mine(proof))) continue
      if (await runs.claimTask(this.record.cluster, task.upid, this.record.id)) return task.upid
    }
    return undefined
  }

  /** When the job was ordered, by this node's clock: another one's is compared with it now, a little to be safe. */
  async #orderedAt(node: string, by: Pick<ProxmoxWriterPort, 'nodeTime'>): Promise<number> {
    const { node: dated, since } = this.record
    if (node === dated) return since
    const [there, here] = await Promise.all([this.#proxmox.nodeTime(dated), by.nodeTime(node)])
    return since + here - there - clockSlackSeconds
  }

  async #act(look: EffectLook, field: string, intendedAt: number): Promise<string> {
    const { runs } = this.#ports
    await this.#announce({ effect: effectOf(field, look) })
    try {
      return await look.act()
    } catch (error) {
      if (!this.#ports.isOutcomeUnknown(error)) throw this.#ports.explain(error) ?? error
      const intent: Intent = { at: intendedAt, unanswered: true }
      await runs.write(this.record.id, this.#token, `intent:${field}`, intent)
      // Goes on, at the same pace, when it has been cancelled: what cannot be found cannot be stopped.
      const patience = AbortSignal.timeout(lookForMs)
      do {
        await pause(lookEveryMs, patience)
        const found = await this.#find(look, intendedAt).catch(() => undefined)
        if (found !== undefined) return found
      } while (!patience.aborted && !(this.stopped instanceof LostLock))
      throw this.#outcomeUnknown(error)
    }
  }

  /** Nothing is sent that is not in the audit trail: no audit, no effect. And nothing by a process that lost the job. */
  async #announce(what: Partial<AuditEntry>, evenIfCancelled = false): Promise<void> {
    if (!evenIfCancelled) this.#abort.signal.throwIfAborted()
    if (!this.#mayAct && !evenIfCancelled) throw new MayNotAct()
    await this.audit('effect', what)
    try {
      await this.#ports.runs.fence(this.record.id, this.#token)
      if (!evenIfCancelled) this.#abort.signal.throwIfAborted()
    } catch (error) {
      await this.audit('unsent', what).catch(() => {})
      throw error
    }
  }

  /** Writes down what this job does; its plan and its approvals stand with its order. */
  audit(kind: AuditEntry['kind'], more: Partial<AuditEntry> = {}): Promise<void> {
    const { id, cluster, requester, path } = this.record
    return this.#ports.audit({ kind, who: requester, cluster, path, job: id, ...more })
  }

  #outcomeUnknown = (cause?: unknown) =>
    new Unavailable('outcome-unknown', { service: `Proxmox ${this.record.cluster}`, cause })

  async #follow(name: string, upid: string): Promise<TaskEnd> {
    this.#enter(name)
    const end = await this.#board.follow(upid, this.#abort.signal, (state) => this.#seen(name, state))
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
      const [, node = ''] = upid.split(':')
      await this.#announce({ effect: { step: 'stop', node, types: [] }, upids: [upid] }, true)
      await this.#proxmox.stopTask(upid)
      await this.#board.follow(upid, AbortSignal.timeout(stopWithinMs), () => {}).catch(() => {})
    }
  }

  #seen(name: string, state: TaskState): void {
    const before = this.#progress?.percent
    this.#progress = this.#at(name, state.exit === undefined ? Math.min(state.percent ?? 0, 99) : 100)
    this.#log = state.logTail.slice(-5)
    if (this.#progress.percent !== before) this.#ports.runs.moved(this.record.id).catch(() => {})
    this.#show()
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

  #shows(fields: Field[]): void {
    for (const { name, value } of fields) this.#extra.set(name, value)
    this.#show()
  }

  /** The card's fields: the plan's, those the run added, changed ones in place. */
  fields(more: Field[] = []): Field[] {
    const fields = new Map(this.record.shows.map(({ name, value }) => [name, value]))
    for (const [name, value] of this.#extra) fields.set(name, value)
    for (const { name, value } of more) fields.set(name, value)
    return [...fields].map(([name, value]) => ({ name, value }))
  }

  get progress(): Progress | undefined {
    return this.#progress
  }

  /** Shows the run's state now or a little later, never more often than people can read. */
  #show(): void {
    if (this.#ended || this.#showing) return
    const wait = Math.max(0, this.#shownAt + showEveryMs - this.#ports.now())
    this.#showing = setTimeout(() => {
      this.#showing = undefined
      if (this.#ended) return
      this.#shownAt = this.#ports.now()
      this.#putRunning().catch(() => {})
    }, wait)
  }

  async #putRunning(): Promise<void> {
    const words = this.#ports.words[this.record.language]
    const message: Message = {
      title: this.record.title,
      state: 'running',
      fields: this.fields(),
      actions: [{ id: 'cancel', label: words.actions.cancel }],
    }
    if (this.#note !== undefined) message.text = this.#note
    if (this.#progress) message.progress = this.#progress
    if (this.#log.length > 0) message.log = this.#log
    await this.#ports.runs.setView(this.record.id, {
      state: 'running',
      ...(this.#progress ? { progress: this.#progress } : {}),
    })
    await this.#ports.outbox.put(jobCard(this.record, Order.running, message))
  }

  /** Nothing of this run is shown any more, whatever was still to come. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#showing)
  }
}

const effectOf = (step: string, { node, types, id }: EffectLook) => ({ step, node, types, id })

const inRound = (name: string, round: number) => (round === 1 ? name : `${name}#${round}`)
