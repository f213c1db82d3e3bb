import type { Task, TaskLog, Upid } from './port.ts'
import { percentOf } from './progress.ts'
import { type ParsedUpid, parseUpid } from './upid.ts'

/** What is known of a task. All of it was seen; nothing is guessed. */
export interface TaskState {
  upid: Upid
  /** False without `exit`: the node no longer knows the task. */
  running: boolean
  /** `OK`, `WARNINGS: n`, or the error. */
  exit?: string
  /** Seconds on the clock of the node that runs it. */
  starttime: number
  endtime?: number
  /** 0 to 100, as its log last said; of the disk or guest at hand if there are several. */
  percent?: number
  /** The newest lines, oldest first. */
  logTail: string[]
  logTotal: number
  /** Milliseconds on our clock: since then its node could not be asked, and everything else is as last seen. */
  unknownSince?: number
}

const TAIL_LINES = 20

/** One task that is being followed: turns what Proxmox answers into its state. Does no requests. */
export class FollowedTask {
  readonly parsed: ParsedUpid
  wantsLog = false
  /** Not in its node's list: only its own status can tell. */
  isMissing = false
  /** Its log has its last line, so it should have ended. */
  hasLastLine = false
  #state: TaskState
  /** How many lines there are up to the end of the tail. */
  #tailEnd = 0
  #nextLine = 0
  #readAfterEnd = false

  constructor(upid: Upid) {
    this.parsed = parseUpid(upid)
    this.#state = { upid, running: true, starttime: this.parsed.starttime, logTail: [], logTotal: 0 }
  }

  get state(): TaskState {
    return this.#state
  }

  get isRunning(): boolean {
    return this.#state.running
  }

  get hasEndtime(): boolean {
    return this.#state.endtime !== undefined
  }

  get isUnknown(): boolean {
    return this.#state.unknownSince !== undefined
  }

  /** There may be lines that nobody has read: it runs, or has ended since the last look. */
  get hasUnreadLog(): boolean {
    return this.wantsLog && !this.#readAfterEnd
  }

  seen(task: Task): void {
    const { unknownSince: _, ...known } = this.#state
    this.isMissing = false
    if (task.exit === undefined) {
      this.#state = known // An end that was seen stands; a list may lag behind it.
      return
    }
    const end = task.endtime === undefined ? {} : { endtime: task.endtime }
    this.#state = { ...known, running: false, exit: task.exit, ...end }
  }

  /** The node says that there is no such task. */
  gone(): void {
    const { unknownSince: _, ...known } = this.#state
    this.#state = { ...known, running: false }
    this.#readAfterEnd = true
  }

  unreachable(nowMs: number): void {
    this.#state = { ...this.#state, unknownSince: this.#state.unknownSince ?? nowMs }
  }

  /** Where to read on, counted from 0. The last line is read again: it may not have been complete. */
  get nextLogStart(): number {
    return this.#nextLine
  }

  /** `page` begins at `start`; `wasRunning` when it was asked for. */
  read(page: TaskLog, start: number, wasRunning: boolean): void {
    const end = start + page.lines.length
    const isWhole = page.total <= end
    const before = start === this.#tailEnd - 1 ? this.#state.logTail.slice(0, -1) : []
    const logTail = [...before, ...page.lines].slice(-TAIL_LINES)
    const percent = percentOf(this.parsed.type, page.lines)
    this.#tailEnd = end
    // A log much longer than a page is not read through: the next turn goes near its end.
    this.#nextLine = isWhole ? Math.max(0, page.total - 1) : Math.max(end, page.total - TAIL_LINES)
    this.#state = { ...this.#state, logTail, logTotal: page.total, ...(percent === undefined ? {} : { percent }) }
    this.hasLastLine = isWhole && (logTail.at(-1)?.startsWith('TASK ') ?? false)
    if (isWhole && !wasRunning) this.#readAfterEnd = true
  }

  /** An ended task's log could not be read; its state stands without the last lines. */
  giveUpLog(): void {
    if (!this.#state.running) this.#readAfterEnd = true
  }
}
