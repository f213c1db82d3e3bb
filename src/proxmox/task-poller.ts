import { PveError } from './errors.ts'
import { FollowedTask, type TaskState } from './followed-task.ts'
import type { Proxmox, Upid } from './port.ts'
import { Turns } from './turns.ts'

export type { TaskState }

export interface TrackedTask {
  upid: Upid
  /** Someone looks at its card, so its log and percent are worth reading. */
  wantsLog: boolean
}

/** Where all processes meet: they put tasks on it, one of them follows the tasks and puts their states back. */
export interface TaskBoard {
  /** Takes or keeps the lead for so long. False: another process has it. */
  lead(ttlMs: number): Promise<boolean>
  tracked(): Promise<TrackedTask[]>
  /** Called whenever something about a task has changed, and every few seconds, should the board have lost it. */
  publish(upid: Upid, state: TaskState): Promise<void>
  /** Calls back soon after a task was put on the board by any process. Returns what ends that. */
  onTracked(callback: () => void): () => void
}

export interface PollerClock {
  /** Milliseconds. */
  now(): number
  /** Resolves early, without an error, when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export interface TaskPollerOptions {
  proxmox: Pick<Proxmox, 'tasks' | 'task' | 'taskLog'>
  board: TaskBoard
  clock: PollerClock
  /** Between two rounds, at least 1000. @default 1000 */
  intervalMs?: number
  /** Over all tasks together. @default 2 */
  logsPerSecond?: number
  /** For tasks whose node's list cannot tell, and to see ends early. @default 1 */
  statusesPerSecond?: number
  /** Failures of the board, and bugs. What Proxmox refuses is in the states. */
  onError?: (error: unknown) => void
}

/** A node that must be asked through another one answers 595 after 3 s. */
const PATIENCE_MS = 5_000
const LOG_PAGE_LINES = 500
/** A leader that died is replaced after so many intervals. */
const LEASE_INTERVALS = 5
/** How long the same state is not published again. */
const REPEAT_MS = 3_000
const NO_SUCH_TASK = /no such task|unable to parse/
/** In a node's list the running tasks come first, then the latest to end; a few that are not ours lie between. */
const SPARE_LINES = 50

/**
 * Follows all tasks of a cluster for all processes. Each round asks each node with unfinished tasks once, whatever their
 * number, reads a few logs in turn, and asks a few tasks for their own status: at most nodes + 3 requests a second.
 * Proxmox's list may show an ended task as running for some seconds; its own status, asked in turn, does not.
 */
export class TaskPoller {
  readonly #o: Required<Omit<TaskPollerOptions, 'onError'>> & Pick<TaskPollerOptions, 'onError'>
  readonly #tasks = new Map<Upid, FollowedTask>()
  readonly #published = new Map<Upid, { text: string; atMs: number }>()
  readonly #busyNodes = new Set<string>()
  readonly #statusTurns = new Turns<FollowedTask>()
  readonly #logTurns = new Turns<FollowedTask>()
  #running: { stop: AbortController; ended: Promise<void> } | undefined

  /** Throws `RangeError` for an interval under a second: the limits are per second. */
  constructor(options: TaskPollerOptions) {
    this.#o = { intervalMs: 1_000, logsPerSecond: 2, statusesPerSecond: 1, ...options }
    if (this.#o.intervalMs < 1_000) throw new RangeError('the interval of a task poller is at least 1000 ms')
  }

  start(): void {
    if (this.#running) return
    const stop = new AbortController()
    this.#running = { stop, ended: this.#rounds(stop.signal) }
  }

  /** Begins no further round. Answers that are still under way are published. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    running?.stop.abort()
    await running?.ended
  }

  /** One round; resolves when its answers are published, with the number of requests it made. */
  async round(): Promise<number> {
    return this.#round(async () => {})
  }

  /** `halfway` parts the requests of a round, so that two rounds close together stay within the limit of a second. */
  async #round(halfway: () => Promise<void>): Promise<number> {
    const { board, intervalMs } = this.#o
    if (!(await board.lead(LEASE_INTERVALS * intervalMs))) {
      this.#tasks.clear()
      this.#published.clear()
      return 0
    }
    this.#follow(await board.tracked())
    if (this.#tasks.size === 0) return 0
    const settled = this.#all((task) => !task.isRunning).map((task) => this.#publish(task))
    const lists = this.#askNodes()
    const early = Promise.all([...settled, ...lists])
    early.catch(() => {}) // Awaited below; until then nobody listens.
    await halfway()
    const own = [...this.#askTasks(), ...this.#readLogs()]
    await Promise.all([early, ...own])
    return lists.length + own.length
  }

  async #rounds(stop: AbortSignal): Promise<void> {
    let isIdle = false
    let nap = new AbortController()
    stop.addEventListener('abort', () => nap.abort(), { once: true })
    const unsubscribe = this.#o.board.onTracked(() => {
      if (isIdle) nap.abort()
    })
    while (!stop.aborted) {
      nap = new AbortController()
      isIdle = false
      // Not waited for: a node that is slow to answer must not hold up the others.
      void this.#round(() => this.#o.clock.wait(this.#o.intervalMs / 2, stop)).then(
        (requests) => {
          isIdle = requests === 0
        },
        (error) => this.#o.onError?.(error),
      )
      await this.#o.clock.wait(this.#o.intervalMs, nap.signal)
    }
    unsubscribe()
  }

  #follow(tracked: readonly TrackedTask[]): void {
    const wanted = new Set(tracked.map(({ upid }) => upid))
    for (const [upid, task] of this.#tasks) {
      if (wanted.has(upid) || (!task.isRunning && task.hasUnreadLog)) continue
      this.#tasks.delete(upid)
      this.#published.delete(upid)
    }
    for (const { upid, wantsLog } of tracked) {
      const task = this.#tasks.get(upid) ?? new FollowedTask(upid)
      task.wantsLog = wantsLog
      this.#tasks.set(upid, task)
    }
  }

  #askNodes(): Promise<void>[] {
    const nodes = new Set(this.#all((task) => task.isRunning).map((task) => task.parsed.node))
    return [...nodes].filter((node) => !this.#busyNodes.has(node)).map((node) => this.#askNode(node))
  }

  async #askNode(node: string): Promise<void> {
    const tasks = this.#all((task) => task.parsed.node === node && (task.isRunning || !task.hasEndtime))
    const since = Math.min(...tasks.map((task) => task.parsed.starttime))
    this.#busyNodes.add(node)
    try {
      const filter = { source: 'all', since, limit: tasks.length + SPARE_LINES } as const
      const list = await this.#o.proxmox.tasks(node, filter, { timeoutMs: PATIENCE_MS })
      const found = new Map(list.map((task) => [task.upid, task]))
      for (const task of tasks) {
        const line = found.get(task.state.upid)
        if (line) task.seen(line)
        else task.isMissing = true
      }
    } catch {
      for (const task of tasks) task.unreachable(this.#o.clock.now())
    } finally {
      this.#busyNodes.delete(node)
    }
    await Promise.all(tasks.map((task) => this.#publish(task)))
  }

  #askTasks(): Promise<void>[] {
    const doubtful = this.#all((task) => task.isRunning && !task.isUnknown)
    const chosen = this.#statusTurns.pick(
      doubtful,
      this.#o.statusesPerSecond,
      (task) => task.hasLastLine || task.isMissing,
    )
    return chosen.map((task) => this.#statusTurns.take(task, () => this.#askTask(task)))
  }

  async #askTask(task: FollowedTask): Promise<void> {
    try {
      task.seen(await this.#o.proxmox.task(task.state.upid, { timeoutMs: PATIENCE_MS }))
    } catch (error) {
      if (error instanceof PveError && NO_SUCH_TASK.test(error.fields.upid ?? '')) task.gone()
      else task.unreachable(this.#o.clock.now())
    }
    await this.#publish(task)
  }

  #readLogs(): Promise<void>[] {
    const unread = this.#all((task) => task.hasUnreadLog && !task.isUnknown)
    const chosen = this.#logTurns.pick(unread, this.#o.logsPerSecond, (task) => !task.isRunning)
    return chosen.map((task) => this.#logTurns.take(task, () => this.#readLog(task)))
  }

  async #readLog(task: FollowedTask): Promise<void> {
    const wasRunning = task.isRunning
    const start = task.nextLogStart
    try {
      const page = { start, limit: LOG_PAGE_LINES }
      task.read(await this.#o.proxmox.taskLog(task.state.upid, page, { timeoutMs: PATIENCE_MS }), start, wasRunning)
    } catch {
      task.giveUpLog()
    }
    await this.#publish(task)
  }

  async #publish(task: FollowedTask): Promise<void> {
    const { state } = task
    const text = JSON.stringify(state)
    const atMs = this.#o.clock.now()
    const last = this.#published.get(state.upid)
    if (this.#tasks.get(state.upid) !== task || (last?.text === text && atMs - last.atMs < REPEAT_MS)) return
    this.#published.set(state.upid, { text, atMs })
    try {
      await this.#o.board.publish(state.upid, state)
    } catch (error) {
      this.#published.delete(state.upid)
      throw error
    }
  }

  #all(wanted: (task: FollowedTask) => boolean): FollowedTask[] {
    return [...this.#tasks.values()].filter(wanted)
  }
}
