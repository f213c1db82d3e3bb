import type { AuditEntry } from '../core/audit.ts'
import { LostLock, Unavailable } from '../core/errors.ts'
import type { ProxmoxWriterPort } from '../core/ports.ts'
import type { ChangeLook, EffectLook } from '../core/worker.ts'
import { pause, until } from './pause.ts'
import type { RunPorts } from './run.ts'
import type { Intent, JobRecord, StoredRun } from './runs.ts'

/** How long a lost answer's task is looked for before the job is given back to the queue, ms. */
const lookForMs = 8000
const lookEveryMs = 500
/** How long a change without a task may take to show: Proxmox waits this long for its locks, ms. */
const showsWithinMs = 10_000
/** Between two nodes' clocks that are read at nearly the same time, seconds. */
const clockSlackSeconds = 2

/** Thrown where a job that has ended would act once more. */
export class MayNotAct extends Error {
  override readonly name = 'MayNotAct'
}

/** What a run does to the cluster: each effect at most once, and none that is not in the audit trail. */
export class Effects {
  readonly #record: JobRecord
  readonly #stored: StoredRun
  readonly #token: string
  readonly #mayAct: boolean
  readonly #proxmox: () => ProxmoxWriterPort
  readonly #signal: AbortSignal
  readonly #ports: RunPorts

  constructor(options: {
    record: JobRecord
    stored: StoredRun
    token: string
    /** False: nothing is sent any more; what was sent is found again. */
    mayAct: boolean
    proxmox: () => ProxmoxWriterPort
    signal: AbortSignal
    ports: RunPorts
  }) {
    this.#record = options.record
    this.#stored = options.stored
    this.#token = options.token
    this.#mayAct = options.mayAct
    this.#proxmox = options.proxmox
    this.#signal = options.signal
    this.#ports = options.ports
  }

  /** The UPID of the one task that this effect is; `adopted`: it was on the cluster already. */
  async cause(field: string, look: EffectLook): Promise<{ upid: string; adopted: boolean }> {
    const { runs } = this.#ports
    const { id, cluster } = this.#record
    const stored = this.#stored.read<string>(`upid:${field}`)
    if (stored) return { upid: stored, adopted: false }
    const [intent, found] = await Promise.all([this.#intend(field, look), this.#find(look, undefined)])
    const there = found ?? (intent.fresh ? undefined : await this.#find(look, intent.at))
    if (there === undefined && intent.unanswered) throw this.#outcomeUnknown()
    const upid = there ?? (await this.#act(look, field, intent.at))
    await runs.claimTask(cluster, upid, id)
    const written = this.audit('upid', { upids: [upid], effect: effectOf(field, look) })
    await Promise.all([runs.write(id, this.#token, `upid:${field}`, upid), written])
    return { upid, adopted: there !== undefined }
  }

  /** Makes what has no task so, or finds that it is. */
  async change(field: string, look: ChangeLook): Promise<'made' | 'there'> {
    const { runs } = this.#ports
    const { id, node } = this.#record
    if (await look.isSo()) return 'there'
    const before = this.#stored.read<Intent>(`intent:${field}`)
    if (before && (await this.#showsUp(look))) return 'there'
    if (before?.unanswered) throw this.#outcomeUnknown()
    const intent: Intent = before ?? { at: await this.#proxmox().nodeTime(node) }
    await runs.write(id, this.#token, `intent:${field}`, intent)
    await this.#announce({ effect: { step: field, node, types: [look.call], id: look.id } })
    try {
      await look.act()
    } catch (error) {
      if (!this.#ports.isOutcomeUnknown(error)) throw this.#ports.explain(error) ?? error
      await runs.write(id, this.#token, `intent:${field}`, { ...intent, unanswered: true })
      if (!(await this.#showsUp(look))) throw this.#outcomeUnknown(error)
    }
    return 'made'
  }

  /** Asks Proxmox to stop a task of this job; a job that was cancelled may still do that. */
  async stop(upid: string): Promise<void> {
    const [, node = ''] = upid.split(':')
    await this.#announce({ effect: { step: 'stop', node, types: [] }, upids: [upid] }, true)
    await this.#proxmox().stopTask(upid)
  }

  /** Writes down what this job does; its plan and its approvals stand with its order. */
  audit(kind: AuditEntry['kind'], more: Partial<AuditEntry> = {}): Promise<void> {
    const { id, cluster, requester, path } = this.#record
    return this.#ports.audit({ kind, who: requester, cluster, path, job: id, ...more })
  }

  /** Whether a change that was sent shows within its time. */
  async #showsUp(look: ChangeLook): Promise<boolean> {
    const isSo = async () => ((await look.isSo().catch(() => false)) ? true : undefined)
    const withinMs = look.showsWithinMs ?? showsWithinMs
    const within = { signal: this.#signal, now: this.#ports.now }
    return (await until(isSo, { everyMs: lookEveryMs, withinMs }, within)) === true
  }

  /** Stores what is about to be done, dated by the clock of the node that will do it. */
  async #intend(field: string, { node, by = this.#proxmox() }: EffectLook): Promise<Intent & { fresh: boolean }> {
    const { runs } = this.#ports
    const before = this.#stored.read<Intent>(`intent:${field}`)
    if (before) return { ...before, fresh: false }
    const intent = { at: await by.nodeTime(node) }
    await runs.write(this.#record.id, this.#token, `intent:${field}`, intent)
    return { ...intent, fresh: true }
  }

  /**
   * A task of this job that is there already. Looked for since the job was ordered (that date came through Redis with
   * the order itself), so that also an intent that Redis has lost finds its effect.
   */
  async #find(look: EffectLook, intendedAt: number | undefined): Promise<string | undefined> {
    const { runs } = this.#ports
    const { by = this.#proxmox() } = look
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
    const others = tasks.length > 0 ? await runs.upids(this.#record.id) : []
    for (const task of tasks) {
      const ours = task.user === mine.user && (mine.tokenid === undefined || task.tokenid === mine.tokenid)
      const fits = look.types.includes(task.type) && (look.id === undefined || task.id === look.id)
      if (!ours || !fits || others.includes(task.upid)) continue
      const proof = { upid: task.upid, id: task.id, running: task.endtime === undefined }
      if (look.mine && !(await look.mine(proof))) continue
      if (await runs.claimTask(this.#record.cluster, task.upid, this.#record.id)) return task.upid
    }
    return undefined
  }

  /** When the job was ordered, by this node's clock: another one's is compared with it now, a little to be safe. */
  async #orderedAt(node: string, by: Pick<ProxmoxWriterPort, 'nodeTime'>): Promise<number> {
    const { node: dated, since } = this.#record
    if (node === dated) return since
    const [there, here] = await Promise.all([this.#proxmox().nodeTime(dated), by.nodeTime(node)])
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
      await runs.write(this.#record.id, this.#token, `intent:${field}`, intent)
      // Goes on, at the same pace, when it has been cancelled: what cannot be found cannot be stopped.
      const patience = AbortSignal.timeout(lookForMs)
      do {
        await pause(lookEveryMs, patience)
        const found = await this.#find(look, intendedAt).catch(() => undefined)
        if (found !== undefined) return found
      } while (!patience.aborted && !(this.#signal.reason instanceof LostLock))
      throw this.#outcomeUnknown(error)
    }
  }

  /** Nothing is sent that is not in the audit trail: no audit, no effect. And nothing by a process that lost the job. */
  async #announce(what: Partial<AuditEntry>, evenIfCancelled = false): Promise<void> {
    if (!evenIfCancelled) this.#signal.throwIfAborted()
    if (!this.#mayAct && !evenIfCancelled) throw new MayNotAct()
    await this.audit('effect', what)
    try {
      await this.#ports.runs.fence(this.#record.id, this.#token)
      if (!evenIfCancelled) this.#signal.throwIfAborted()
    } catch (error) {
      await this.audit('unsent', what).catch(() => {})
      throw error
    }
  }

  #outcomeUnknown = (cause?: unknown) =>
    new Unavailable('outcome-unknown', { service: `Proxmox ${this.#record.cluster}`, cause })
}

const effectOf = (step: string, { node, types, id }: EffectLook) => ({ step, node, types, id })
