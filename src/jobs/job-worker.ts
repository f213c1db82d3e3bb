import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import type { Catalogue } from '../core/catalogue.ts'
import { Cancelled, LostLock, Refused, Unavailable } from '../core/errors.ts'
import { fill, type Values } from '../core/language.ts'
import type { Message, State } from '../core/message.ts'
import { isForRoot } from '../core/needs.ts'
import { Order } from '../core/outbox.ts'
import type { ProxmoxWriterPort } from '../core/ports.ts'
import { errorOf } from '../core/refusal.ts'
import type { Identity } from '../core/roles.ts'
import type { Outcome, WorkerWords } from '../core/worker.ts'
import { MayNotAct } from './effects.ts'
import { begunOrderLivesMs, type EndedJobs, orderLivesMs } from './ended-jobs.ts'
import { attempts, type JobDesk, jobsQueue } from './job-desk.ts'
import type { Locks } from './locks.ts'
import { type Redis, takeover } from './redis.ts'
import { Run, type RunPorts } from './run.ts'
import { type JobRecord, jobCard } from './runs.ts'
import type { RedisTaskBoard } from './task-board.ts'
import type { ToldEnds } from './told-ends.ts'

export interface JobWorkerOptions {
  redis: Redis
  /** A connection of its own, for the wish to cancel. */
  subscriber: Redis
  prefix: string
  catalogue: Catalogue
  desk: JobDesk
  locks: Locks
  ports: RunPorts
  /** @throws Refused `unknown-cluster` */
  proxmox(cluster: string): ProxmoxWriterPort
  board(cluster: string): RedisTaskBoard
  /** The rights are looked at again: the requester must still hold the role when the job runs. */
  allowed(record: JobRecord): Promise<Refused | undefined>
  explain(error: unknown): Refused | Unavailable | undefined
  report(error: unknown, about: Record<string, unknown>): string
  log: { info(about: object, text: string): void; error(about: object, text: string): void }
  /** What the audit trail tells of the ends of jobs, on all machines; absent: this one alone knows its own. */
  told?: Pick<ToldEnds, 'of' | 'catchUp'>
  /** What has ended on this machine; absent: only Redis knows, and whoever writes to Redis can run a job again. */
  ended?: EndedJobs
  /** How many jobs one process runs side by side; nearly all of their time is waiting for Proxmox. */
  concurrency?: number
}

/** Five starts in a row that got nowhere: something about this job kills its worker. */
const startsAllowed = 5
const lockRetryMs = 1000
const renewEveryMs = 10_000

/** Runs the jobs. A crash is taken up by another worker; a job ends with what the cluster says. */
export class JobWorker {
  readonly bull: Worker
  readonly #o: JobWorkerOptions
  readonly #running = new Map<string, Run>()
  readonly #held = new Map<string, string[]>()
  readonly #renewer: NodeJS.Timeout
  #ending: LostLock | undefined

  constructor(options: JobWorkerOptions) {
    this.#o = options
    this.bull = new Worker(jobsQueue, (job, token) => this.#process(job, token!), {
      connection: options.redis as never,
      prefix: options.prefix,
      concurrency: options.concurrency ?? 400,
      ...takeover,
      settings: { backoffStrategy: (made, _type, error) => waitBefore(made, error) },
    })
    this.bull.on('error', (error) => options.log.error({ error: error.message }, 'job worker'))
    this.bull.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.#running.get(id)?.abort(new LostLock(`job ${id}`))
    })
    options.subscriber.subscribe(`${options.prefix}:cancel`).catch(() => {})
    options.subscriber.on('message', (channel: string, id: string) => {
      if (channel === `${options.prefix}:cancel`) this.#cancelled(id).catch(() => {})
    })
    // What was wished while the connection was down is looked up when it is back.
    options.subscriber.on('ready', () => {
      for (const id of this.#running.keys()) this.#cancelled(id).catch(() => {})
    })
    this.#renewer = setInterval(() => this.#renew(), renewEveryMs)
  }

  /** Ends this process's part: jobs in the middle are left for the next process, which finds what they did. */
  async close(): Promise<void> {
    clearInterval(this.#renewer)
    this.#ending = new LostLock('this process is ending')
    for (const run of this.#running.values()) run.abort(this.#ending)
    await this.bull.close()
  }

  #renew(): void {
    for (const [id, names] of this.#held) {
      for (const name of names) this.#o.locks.renew(name, id).catch(() => {})
    }
  }

  async #cancelled(id: string): Promise<void> {
    const run = this.#running.get(id)
    // A notice anybody could publish; only a signed wish counts.
    if (!run || !(await this.#o.ports.runs.read<Identity>(id, 'cancel'))) return
    if (!(await this.#mustRestore(run))) run.abort(new Cancelled(id))
  }

  /** Broken off, it would leave something broken: its worker looks for the wish and puts everything back. */
  async #mustRestore({ restores, record }: Run): Promise<boolean> {
    return restores && (await this.#o.ports.runs.hasBegun(record.id))
  }

  async #process(job: Job, token: string): Promise<void> {
    const { runs } = this.#o.ports
    const id = job.id!
    const [stored] = await Promise.all([runs.open(id), this.#o.told?.catchUp()])
    const { record } = stored
    const worker = record && this.#o.catalogue.worker(record.worker)
    if (!record || !worker) {
      this.#o.log.error({ job: id }, 'a job in the queue was not signed by this installation, or is of no known kind')
      await this.#o.ports.audit({ kind: 'forged', job: id, result: 'forged-job' })
      throw new UnrecoverableError('not ours')
    }
    if (stored.hasEnded) return
    const toldEnd = await this.#o.told?.of(id)
    const run = new Run({
      record,
      stored,
      // Its end is in the trail: a crash came before all was told, or somebody wants it done twice.
      mayAct: toldEnd === undefined,
      worker,
      proxmox: () => this.#o.proxmox(record.cluster),
      board: this.#o.board(record.cluster),
      token,
      ports: this.#o.ports,
    })
    if (isForRoot({ worker, payload: record.payload }) && !this.#o.ports.root) return this.#leaveToRoot(job, token, run)
    const endedAs = await this.#o.ended?.of(id)
    if (endedAs !== undefined) return this.#endedBefore(run, endedAs)
    // Taken in one order by all jobs, so that no two can each hold what the other waits for.
    const names = worker
      .locks(record.payload)
      .map((name) => `${record.cluster}:${name}`)
      .sort()
    if (!(await this.#takeLocks(names, record, run))) {
      await job.moveToDelayed(Date.now() + lockRetryMs, token)
      throw new DelayedError()
    }
    this.#running.set(id, run)
    this.#held.set(id, names)
    if (this.#ending) run.abort(this.#ending)
    if (toldEnd === 'cancelled') run.abort(new Cancelled(id))
    try {
      await this.#attempt(job, run)
      await this.#rememberEnd(id)
      await this.#freeLocks(names, id)
    } catch (error) {
      if (error instanceof LostLock) await this.#giveBack(job, token)
      throw error
    } finally {
      run.card.end()
      // This process may have taken its own job over, after it was frozen: the new run stays.
      if (this.#running.get(id) === run) {
        this.#running.delete(id)
        this.#held.delete(id)
      }
    }
  }

  /** Put back for a process that holds root's password. */
  async #leaveToRoot(job: Job, token: string, run: Run): Promise<never> {
    const { say, actions } = this.#o.ports.words[run.record.language]
    run.card.end()
    const cancel = [{ id: 'cancel' as const, label: actions.cancel }]
    await this.#show(run, Order.queued, 'queued', { text: say.waitingForRoot, actions: cancel })
    await job.moveToDelayed(Date.now() + lockRetryMs, token)
    throw new DelayedError()
  }

  async #rememberEnd(id: string): Promise<void> {
    const { state } = await this.#o.ports.runs.view(id)
    await this.#o.ended?.add(id, state ?? 'ended').catch((error) => this.#o.report(error, { job: id }))
  }

  /** Redis has forgotten the end of a job: set back to an older state, or by somebody who wants it done twice. */
  async #endedBefore(run: Run, state: string): Promise<void> {
    const { record } = run
    this.#o.log.error({ job: record.id, state }, 'an ended job was queued again; it was not run')
    await this.#o.ports.audit({ kind: 'forged', job: record.id, result: 'ended-before' })
    run.card.end()
    const text = this.#o.ports.words[record.language].say.endedBefore
    // Behind the card of its end, where that is still there.
    const isGood = state === 'ok' || state === 'warning'
    const shown = isGood ? state : state === 'cancelled' || state === 'ended' ? 'warning' : 'failed'
    await this.#show(run, Order.final - 1, shown, { text })
    await this.#o.ports.runs.setView(record.id, {
      state: state === 'cancelled' ? 'cancelled' : shown,
      endedAt: this.#o.ports.now(),
    })
  }

  async #tooOld({ id, createdAt }: JobRecord): Promise<Refused | undefined> {
    const { runs, now } = this.#o.ports
    const age = now() - createdAt
    if (age <= orderLivesMs) return undefined
    const livesMs = (await runs.upids(id)).length > 0 ? begunOrderLivesMs : orderLivesMs
    return age > livesMs ? new Refused('order-too-old', { hours: livesMs / 3600_000, job: id }) : undefined
  }

  /**
   * Puts a job that is still ours back to the front of the queue, for the next process. That a process ends is no
   * failure of the job: no attempt is counted, nor a start.
   */
  async #giveBack(job: Job, token: string): Promise<never> {
    const isOurs = await job.moveToWait(token).then(
      () => true,
      () => false,
    )
    if (isOurs) await this.#o.ports.runs.moved(job.id!)
    this.#o.log.info({ job: job.id }, isOurs ? 'given back to the queue' : 'this process no longer owns the job')
    throw new WaitingError()
  }

  /** One lock after the other; the card names the job in the way. */
  async #takeLocks(names: string[], record: JobRecord, run: Run): Promise<boolean> {
    for (const name of names) {
      const inTheWay = await this.#o.locks.take(name, record.id, record.createdAt)
      if (inTheWay === undefined) continue
      await this.#forgetDead(name, inTheWay)
      const words = this.#o.ports.words[record.language]
      const text = fill(words.say.waitingFor, { owner: inTheWay, lock: name.slice(record.cluster.length + 1) })
      await this.#o.ports.runs.setView(record.id, { state: 'waiting-for-lock' })
      await this.#show(run, Order.queued, 'queued', { text, actions: [{ id: 'cancel', label: words.actions.cancel }] })
      return false
    }
    return true
  }

  /** A job that was removed, or that ended in a process that died before giving back, must not hold up the others. */
  async #forgetDead(name: string, owner: string): Promise<void> {
    const view = await this.#o.ports.runs.view(owner)
    const job = await this.#o.desk.queue.getJob(owner)
    if (view.endedAt !== undefined || !job) await this.#o.locks.free(name, owner)
  }

  async #freeLocks(names: string[], id: string): Promise<void> {
    for (const name of names) await this.#o.desk.wakeNext(await this.#o.locks.free(name, id))
  }

  async #attempt(job: Job, run: Run): Promise<void> {
    const { runs } = this.#o.ports
    const { record } = run
    try {
      run.signal.throwIfAborted()
      const [{ starts, cancelledBy }, tooOld, notAllowed] = await Promise.all([
        runs.started(record.id),
        this.#tooOld(record),
        this.#o.allowed(record),
      ])
      const mustRestore = await this.#mustRestore(run)
      if (cancelledBy !== undefined && !mustRestore) throw new Cancelled(record.id)
      if (starts > startsAllowed) {
        const left = await this.#left(run)
        throw new Refused('keeps-crashing', { starts: startsAllowed, left, job: record.id })
      }
      const refused = tooOld ?? notAllowed
      if (refused && !mustRestore) throw refused
      if (refused) run.askStop(refused.code)
      await run.audit('started')
      const outcome = await run.work(job.attemptsMade + 1)
      await this.#ended(run, outcome)
    } catch (thrown) {
      await this.#failed(job, run, thrown)
    }
  }

  async #ended(run: Run, outcome: Outcome): Promise<void> {
    const { record } = run
    const text = this.#words(record)
    const warnings = outcome.warnings ?? []
    const state: State = warnings.length > 0 ? 'warning' : 'ok'
    const shared = this.#o.ports.words[record.language]
    run.card.end()
    await run.fence()
    await this.#auditEnd(run, state)
    await this.#show(run, Order.final, state, {
      title: fill(text.done, (outcome.values ?? {}) as Values),
      fields: [...run.card.fields(outcome.fields), ...warnings.map((value) => ({ name: shared.say.warning, value }))],
    })
    await this.#o.ports.runs.setView(record.id, { state, endedAt: this.#o.ports.now() })
  }

  async #failed(job: Job, run: Run, thrown: unknown): Promise<void> {
    const { record } = run
    const reason = run.stopped ?? thrown
    if (reason instanceof LostLock) throw reason
    await run.fence()
    if (reason instanceof Cancelled) return this.#stopped(run)
    if (reason instanceof MayNotAct) return this.#endedBefore(run, (await this.#o.told?.of(record.id)) ?? '')
    const error =
      reason instanceof Refused || reason instanceof Unavailable
        ? reason
        : (this.#o.explain(reason) ??
          new Refused('internal', { incident: this.#o.report(reason, { job: record.id, worker: record.worker }) }))
    const context = { job: record.id, command: record.path, line: record.path }
    const said = errorOf(this.#o.ports.words[record.language], run.card.refusals, error, context)
    const words = this.#o.ports.words[record.language]
    if (error instanceof Unavailable && job.attemptsMade + 1 < attempts) {
      const text = fill(words.say.retrying, {
        attempt: job.attemptsMade + 2,
        of: attempts,
        attempts,
        reason: said.says,
      })
      await this.#o.ports.runs.setView(record.id, { state: 'retrying' })
      await this.#show(run, Order.running, 'running', {
        text,
        actions: [{ id: 'cancel', label: words.actions.cancel }],
      })
      throw error
    }
    const left = await this.#left(run)
    run.card.end()
    await this.#auditEnd(run, error.code)
    await this.#show(run, Order.final, 'failed', {
      fields: [...run.card.fields(), { name: words.say.left, value: left }],
      error: said,
      actions: [
        { id: 'retry', label: words.actions.retry, style: 'primary' },
        { id: 'log', label: words.actions.log },
      ],
    })
    await this.#o.ports.runs.setView(record.id, {
      state: 'failed',
      endedAt: this.#o.ports.now(),
      error: {
        code: error.code,
        values: error instanceof Refused ? error.values : { service: error.service },
        ...(said.raw === undefined ? {} : { raw: said.raw }),
      },
    })
  }

  async #stopped(run: Run): Promise<void> {
    const { record } = run
    const { runs } = this.#o.ports
    const words = this.#o.ports.words[record.language]
    const by = await runs.read<Identity>(record.id, 'cancel')
    const trouble = await this.#stopTasks(run)
    const left = [...trouble, await this.#left(run)].join('\n')
    run.card.end()
    await run.fence()
    await this.#auditEnd(run, 'cancelled', by)
    await this.#show(run, Order.final, 'warning', {
      title: fill(words.say.droppedTitle, { title: record.title }),
      text: fill(words.say.stopped, { who: by ?? words.say.unknown }),
      fields: [...run.card.fields(), { name: words.say.left, value: left }],
      actions: [{ id: 'log', label: words.actions.log }],
    })
    await runs.setView(record.id, { state: 'cancelled', endedAt: this.#o.ports.now() })
  }

  /** The end is told whether or not it could be written down: what happened has happened. */
  async #auditEnd(run: Run, result: string, by: Identity = run.record.requester): Promise<void> {
    const { id } = run.record
    try {
      await run.audit('ended', { who: by, result, upids: await this.#o.ports.runs.upids(id) })
    } catch (error) {
      this.#o.report(error, { job: id, result })
    }
  }

  /** Why its tasks could not be stopped, in words; empty when they were. */
  async #stopTasks(run: Run): Promise<string[]> {
    try {
      await run.stopTasks()
      return []
    } catch (error) {
      if (error instanceof LostLock) throw error
      const words = this.#o.ports.words[run.record.language].say
      return [fill(words.leftUnknown, { reason: error instanceof Error ? error.message : String(error) })]
    }
  }

  /** What exists on the cluster because of this job, in words. */
  async #left(run: Run): Promise<string> {
    const { record } = run
    const words = this.#o.ports.words[record.language].say
    const worker = this.#o.catalogue.worker(record.worker)
    if (!worker?.leftovers) return words.nothingLeft
    try {
      const left = await worker.leftovers({
        payload: record.payload,
        job: {
          id: record.id,
          cluster: record.cluster,
          requester: record.requester,
          language: record.language,
          attempt: 0,
          ordered: { node: record.node, at: record.since },
        },
        say: (key, values) => run.say(key, values),
        proxmox: this.#o.proxmox(record.cluster),
        results: await this.#o.ports.runs.results(record.id),
      })
      return left.length > 0 ? left.join('\n') : words.nothingLeft
    } catch (error) {
      return fill(words.leftUnknown, { reason: error instanceof Error ? error.message : String(error) })
    }
  }

  #words = (record: JobRecord) => this.#o.catalogue.worker(record.worker)!.text[record.language] as WorkerWords

  async #show(run: Run, order: number, state: State, more: Partial<Message>): Promise<void> {
    const message: Message = { title: run.record.title, state, fields: run.card.fields(), ...more }
    if (run.card.progress && state === 'running') message.progress = run.card.progress
    await this.#o.ports.outbox.put(jobCard(run.record, order, message))
  }
}

/** 2, 4, 8, 16 s; or what the service asked for. */
function waitBefore(made: number, error: Error | undefined): number {
  const asked = error instanceof Unavailable ? error.retryAfterMs : undefined
  return asked ?? 1000 * 2 ** made
}
