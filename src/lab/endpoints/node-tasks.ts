/** A node's tasks: lists, end, log, stop. Key differences between the lists: recordings tasks.jsonl.gz, task.jsonl.gz. */
import { badParams, fail } from '../fault.ts'
import {
  type Context,
  compact,
  flag,
  index,
  type Json,
  optNum,
  optStr,
  Reply,
  type Route,
  splitList,
  str,
} from '../router.ts'
import { findTask, isTaskRunning, parseUpid, stopTask, type TaskRecord, taskOwner } from '../tasks.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/nodes/{node}/tasks', handler: list },
  { method: 'GET', path: '/nodes/{node}/tasks/{upid}', handler: index('name', 'log', 'status') },
  { method: 'GET', path: '/nodes/{node}/tasks/{upid}/status', handler: status },
  { method: 'GET', path: '/nodes/{node}/tasks/{upid}/log', handler: log },
  { method: 'DELETE', path: '/nodes/{node}/tasks/{upid}', handler: stop },
]

const DEFAULT_LIMIT = 50

/** A token sees its own tasks, a user those of all its tokens as well. */
const owns = (ctx: Context, task: { user: string; tokenid?: string }) =>
  task.user === ctx.auth.userid && (ctx.auth.tokenid === undefined || ctx.auth.tokenid === task.tokenid)

function list(ctx: Context) {
  const source = optStr(ctx, 'source') ?? 'archive'
  const found = ctx.node.tasks.filter((task) => isListed(ctx, source, task)).sort(newestFirst)
  const start = optNum(ctx, 'start') ?? 0
  const limit = optNum(ctx, 'limit') ?? DEFAULT_LIMIT
  const page = found.slice(start, start + limit).map(show)
  return new Reply(page, found.length === 0 ? {} : { total: found.length })
}

/** Running ones first; finished ones by their end, as the index is written. */
function newestFirst(a: TaskRecord, b: TaskRecord) {
  const [endA, endB] = [a.endtime ?? Number.POSITIVE_INFINITY, b.endtime ?? Number.POSITIVE_INFINITY]
  if (endA !== endB) return endB - endA
  return b.starttime - a.starttime || b.pid - a.pid
}

function isListed(ctx: Context, source: string, task: TaskRecord) {
  const running = isTaskRunning(task)
  if (source === 'archive' && running) return false
  if (source === 'active' && !running) return false
  if (!ctx.can(`/nodes/${ctx.node.name}`, 'Sys.Audit') && !owns(ctx, task)) return false
  return passesFilters(ctx, task)
}

function passesFilters(ctx: Context, task: TaskRecord) {
  const vmid = optNum(ctx, 'vmid')
  const type = optStr(ctx, 'typefilter')
  const user = optStr(ctx, 'userfilter')
  const states = optStr(ctx, 'statusfilter')
  const tests = [
    vmid === undefined || task.id === String(vmid),
    type === undefined || task.type === type,
    user === undefined || taskOwner(task).toLowerCase().includes(user.toLowerCase()),
    states === undefined || splitList(states).includes(normalState(task) ?? ''),
    !flag(ctx, 'errors') || (task.exitstatus !== undefined && task.exitstatus !== 'OK'),
    task.starttime >= (optNum(ctx, 'since') ?? 0),
    task.starttime <= (optNum(ctx, 'until') ?? Number.POSITIVE_INFINITY),
  ]
  return tests.every(Boolean)
}

function normalState({ exitstatus }: TaskRecord) {
  if (exitstatus === undefined) return undefined
  if (exitstatus === 'OK') return 'ok'
  if (exitstatus === 'unexpected status') return 'unknown'
  return /^WARNINGS: \d+$/.test(exitstatus) ? 'warning' : 'error'
}

function show(task: TaskRecord): Json {
  const { upid, node, pid, pstart, starttime, type, id, user, tokenid } = task
  const base = { upid, node, pid, pstart, starttime, type, id }
  if (isTaskRunning(task)) return { ...base, user: taskOwner(task), status: 'RUNNING', saved: '0' }
  return compact({ ...base, user, tokenid, endtime: task.endtime, status: task.exitstatus })
}

/** Checks the form of the UPID and the caller's right to it; the task itself may not exist. */
function openTask(ctx: Context, privilege = 'Sys.Audit'): TaskRecord | undefined {
  const upid = str(ctx, 'upid')
  const parts = parseUpid(upid)
  if (!parts) throw badParams({ upid: 'unable to parse worker upid' })
  if (!owns(ctx, parts)) ctx.check(`/nodes/${ctx.node.name}`, [privilege])
  return findTask(ctx.node, upid)
}

function existing(task: TaskRecord | undefined): TaskRecord {
  if (!task) throw badParams({ upid: 'no such task' })
  return task
}

function status(ctx: Context) {
  const task = existing(openTask(ctx))
  const { upid, node, pid, pstart, starttime, type, id, user, tokenid, exitstatus } = task
  const state = isTaskRunning(task) ? 'running' : 'stopped'
  return compact({ upid, node, pid, pstart, starttime, type, id, user, tokenid, status: state, exitstatus })
}

function log(ctx: Context) {
  const task = openTask(ctx)
  if (flag(ctx, 'download')) return download(ctx, task)
  if (!task) return new Reply([{ n: 1, t: 'unable to open file - No such file or directory' }], { total: 1 })
  if (task.lines.length === 0) return new Reply([{ n: 1, t: 'no content' }], { total: 1 })
  const start = optNum(ctx, 'start') ?? 0
  const limit = optNum(ctx, 'limit') ?? DEFAULT_LIMIT
  const page = task.lines.slice(start, limit === 0 ? undefined : start + limit)
  return new Reply(
    page.map((t, i) => ({ n: start + i + 1, t })),
    { total: task.lines.length },
  )
}

function download(ctx: Context, task: TaskRecord | undefined) {
  if (ctx.params.start !== undefined || ctx.params.limit !== undefined) {
    throw fail("'download' cannot be used together with 'start' or 'limit' parameters")
  }
  return new Reply(
    null,
    {},
    existing(task)
      .lines.map((line) => `${line}\n`)
      .join(''),
  )
}

function stop(ctx: Context) {
  stopTask(existing(openTask(ctx, 'Sys.Modify')))
}
