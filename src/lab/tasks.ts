/**
 * Worker tasks as Proxmox runs them: a UPID at once, then log lines and an end.
 * Formats and key differences between the lists: test/recordings/task.jsonl.gz and tasks.jsonl.gz.
 */
import type { SimCluster, SimNode } from './model.ts'
import { emit, logToCluster, takePid } from './model.ts'

export interface TaskRecord {
  upid: string
  node: string
  pid: number
  /** Hundredths of a second since the node booted, as the kernel counts. */
  pstart: number
  starttime: number
  type: string
  id: string
  /** Without a token's name. */
  user: string
  tokenid?: string
  lines: string[]
  warnings: number
  endtime?: number
  exitstatus?: string
  /** 0-100, for the lab's picture only; Proxmox has no such thing. */
  percent?: number
  tag: string
  stop: AbortController
}

export interface TaskSpec {
  type: string
  /** Mostly a VMID; may be empty. */
  id?: string
  user: string
  tokenid?: string | undefined
  /** The daemon that starts it, for the cluster log; `pvedaemon` unless the HA stack does. */
  tag?: string
}

/** What a running task may do. Everything it awaits should go through `sleep`, so that it can be stopped. */
export interface TaskHandle {
  readonly upid: string
  readonly node: SimNode
  log(line: string): void
  /** A `WARN: ` line; the task then ends with `WARNINGS: n`. */
  warn(text: string): void
  progress(percent: number): void
  /** Simulated seconds. Rejects when the task is stopped or its node dies. */
  sleep(seconds: number): Promise<void>
  readonly signal: AbortSignal
}

/** Thrown into a task's `sleep`. */
export class TaskStopped extends Error {}

/** Proxmox keeps this many finished tasks in the index of a node; older ones can still be read by UPID in reality. */
const KEPT_TASKS = 1000

/**
 * Starts a task on a node. `run` begins before this returns, up to its first await; a text thrown there ends the task
 * (status 200 for the caller nevertheless). What must be refused at once is thrown before calling this.
 */
export function startTask(
  sim: SimCluster,
  node: SimNode,
  spec: TaskSpec,
  run: (task: TaskHandle) => Promise<void> | void,
): TaskRecord {
  const record = newRecord(sim, node, spec)
  node.tasks.push(record)
  forgetOldTasks(node)
  logTask(sim, node, record, `starting task ${record.upid}`)
  emit(sim, { kind: 'task', node, task: record })
  void execute(sim, node, record, run)
  return record
}

function newRecord(sim: SimCluster, node: SimNode, spec: TaskSpec): TaskRecord {
  const now = sim.clock.now()
  const pid = takePid(node)
  const pstart = Math.floor((now - node.bootedAt) * 100)
  const starttime = Math.floor(now)
  const owner = spec.tokenid === undefined ? spec.user : `${spec.user}!${spec.tokenid}`
  const id = spec.id ?? ''
  return {
    upid: `UPID:${node.name}:${hex8(pid)}:${hex8(pstart)}:${hex8(starttime)}:${spec.type}:${id}:${owner}:`,
    node: node.name,
    pid,
    pstart,
    starttime,
    type: spec.type,
    id,
    user: spec.user,
    ...(spec.tokenid === undefined ? {} : { tokenid: spec.tokenid }),
    lines: [],
    warnings: 0,
    tag: spec.tag ?? 'pvedaemon',
    stop: new AbortController(),
  }
}

async function execute(
  sim: SimCluster,
  node: SimNode,
  record: TaskRecord,
  run: (task: TaskHandle) => Promise<void> | void,
) {
  const { signal } = record.stop
  const handle: TaskHandle = {
    upid: record.upid,
    node,
    signal,
    log: (line) => void record.lines.push(...line.split('\n')),
    warn(text) {
      record.warnings += 1
      record.lines.push(`WARN: ${text}`)
    },
    progress: (percent) => {
      record.percent = percent
    },
    sleep: (seconds) => sim.clock.sleep(seconds, signal),
  }
  try {
    await run(handle)
    finishTask(sim, node, record, record.warnings === 0 ? 'OK' : `WARNINGS: ${record.warnings}`)
  } catch (error) {
    finishTask(sim, node, record, error instanceof Error ? error.message : String(error))
  }
}

function finishTask(sim: SimCluster, node: SimNode, record: TaskRecord, exit: string) {
  if (record.endtime !== undefined) return
  record.endtime = Math.floor(sim.clock.now())
  record.exitstatus = exit.trimEnd().replaceAll('\n', ' ')
  record.lines.push(hasFailed(record) ? `TASK ERROR: ${record.exitstatus}` : `TASK ${record.exitstatus}`)
  logTask(sim, node, record, `end task ${record.upid} ${record.exitstatus}`, hasFailed(record) ? 3 : 6)
  emit(sim, { kind: 'task', node, task: record })
}

/** DELETE on a task: it ends with `received interrupt`; a finished one stays as it is. */
export function stopTask(record: TaskRecord) {
  if (record.endtime === undefined) record.stop.abort(new TaskStopped('received interrupt'))
}

/** The workers of a host that lost its power: no end in the log, `unexpected status` once somebody looks. */
export function killTasks(sim: SimCluster, node: SimNode) {
  for (const record of node.tasks) {
    if (record.endtime !== undefined) continue
    record.endtime = Math.floor(sim.clock.now())
    record.exitstatus = 'unexpected status'
    emit(sim, { kind: 'task', node, task: record })
    record.stop.abort(new TaskStopped('unexpected status'))
  }
}

/** Neither `OK` nor `WARNINGS: n`; false while it runs. */
export const hasFailed = (record: TaskRecord) =>
  record.exitstatus !== undefined && record.exitstatus !== 'OK' && !record.exitstatus.startsWith('WARNINGS: ')

export const isTaskRunning = (record: TaskRecord) => record.endtime === undefined

/** `root@pam` or `root@pam!bot`. */
export const taskOwner = (record: TaskRecord) =>
  record.tokenid === undefined ? record.user : `${record.user}!${record.tokenid}`

export function findTask(node: SimNode, upid: string): TaskRecord | undefined {
  return node.tasks.findLast((record) => record.upid === upid)
}

const UPID =
  /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s]+):([^:\s]*):([^:\s]+):$/

export interface UpidParts {
  node: string
  pid: number
  pstart: number
  starttime: number
  type: string
  id: string
  user: string
  tokenid?: string
}

/** Undefined for what is no UPID. */
export function parseUpid(upid: string): UpidParts | undefined {
  const [, node, pid, pstart, starttime, type, id, owner] = UPID.exec(upid) ?? []
  if (!node || !pid || !pstart || !starttime || !type || id === undefined || !owner) return undefined
  const [user = '', tokenid] = owner.split('!')
  return {
    node,
    pid: Number.parseInt(pid, 16),
    pstart: Number.parseInt(pstart, 16),
    starttime: Number.parseInt(starttime, 16),
    type,
    id,
    user,
    ...(tokenid === undefined ? {} : { tokenid }),
  }
}

const hex8 = (n: number) => n.toString(16).toUpperCase().padStart(8, '0')

function logTask(sim: SimCluster, node: SimNode, record: TaskRecord, msg: string, pri = 6) {
  if (node.frozen) return
  const entry = { node: node.name, time: Math.floor(sim.clock.now()), pri, tag: record.tag, pid: record.pid }
  logToCluster(node.config, { ...entry, user: taskOwner(record), msg })
}

function forgetOldTasks(node: SimNode) {
  if (node.tasks.length <= KEPT_TASKS) return
  const oldest = node.tasks.findIndex((record) => !isTaskRunning(record))
  if (oldest !== -1) node.tasks.splice(oldest, 1)
}
