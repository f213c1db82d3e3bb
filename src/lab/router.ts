/** Which handler answers which endpoint, and what a handler is given. */
import { PveFault } from './fault.ts'
import type { ClusterConfig, SimCluster, SimNode } from './model.ts'
import { isQuorate, viewOf } from './model.ts'
import type { Auth } from './permissions.ts'
import { authorise, hasPrivileges } from './permissions.ts'
import type { TaskHandle, TaskSpec } from './tasks.ts'
import { startTask } from './tasks.ts'
import type { Upload } from './upload.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Verified parameters, those of the path included. Booleans are 0 and 1, arrays only where the schema says array. */
export type Params = Record<string, string | number | string[]>

/** What goes over the wire; booleans never do (Proxmox says 0 and 1). */
export type Json = null | string | number | Json[] | { [key: string]: Json | undefined }

export interface Context {
  sim: SimCluster
  /** The node that carries the call out (after proxying). */
  node: SimNode
  /** The node whose port took the call. */
  entry: SimNode
  /** /etc/pve as `node` reads it: frozen while it is cut off. */
  config: ClusterConfig
  params: Params
  auth: Auth
  /** Simulated seconds. */
  now: number
  /** Throws 403 unless the caller holds ALL the privileges (or, with `any`, one of them) on the path. */
  check(path: string, privs: string[], o?: { any?: boolean }): void
  can(path: string, ...privs: string[]): boolean
  /** Whether the caller is root@pam in person; its tokens are not. */
  isRoot: boolean
  /** The file of a multipart call. */
  upload?: Upload
  /** Starts a task as the caller and returns its UPID. */
  task(spec: Omit<TaskSpec, 'user' | 'tokenid'>, run: (task: TaskHandle) => Promise<void> | void): string
}

export type Handler = (ctx: Context) => Answer | Promise<Answer>
// biome-ignore lint/suspicious/noConfusingVoidType: handlers that only change something return nothing, which is `data: null`
export type Answer = Json | Reply | undefined | void

/** An answer with something beside `data`, or one that is not JSON. */
export class Reply {
  readonly data: Json
  /** Further keys of the envelope: `total` of paged lists, `changes` of the network list. */
  readonly extra: Record<string, Json>
  /** A text file instead of the envelope (task log with download=1). */
  readonly text: string | undefined

  constructor(data: Json, extra: Record<string, Json> = {}, text?: string) {
    this.data = data
    this.extra = extra
    this.text = text
  }
}

/** `path` is the schema's template, such as `/nodes/{node}/tasks/{upid}/log`. */
export interface Route {
  method: Method
  path: string
  handler: Handler
}

export type Routes = ReadonlyMap<string, Route>

/** Throws on a doubled route: two families would answer one endpoint. */
export function routeTable(...families: Route[][]): Routes {
  const table = new Map<string, Route>()
  for (const route of families.flat()) {
    const key = `${route.method} ${route.path}`
    if (table.has(key)) throw new Error(`two handlers for ${key}`)
    table.set(key, route)
  }
  return table
}

export function makeContext(o: {
  sim: SimCluster
  node: SimNode
  entry: SimNode
  params: Params
  auth: Auth
}): Context {
  const { sim, node, entry, params, auth } = o
  const config = viewOf(node)
  const now = sim.clock.now()
  return {
    sim,
    node,
    entry,
    config,
    params,
    auth,
    now,
    check: (path, privs, options = {}) => authorise(config, auth, now, path, privs, options),
    can: (path, ...privs) => hasPrivileges(config, auth, now, path, privs),
    isRoot: auth.userid === 'root@pam' && auth.tokenid === undefined,
    task: (spec, run) => startTask(sim, node, { ...spec, user: auth.userid, tokenid: auth.tokenid }, run).upid,
  }
}

/** A parameter as text; throws (our bug) when the schema lets it be absent and it is. */
export function str(ctx: Context, name: string): string {
  const value = ctx.params[name]
  if (value === undefined) throw new Error(`parameter ${name} is absent`)
  return String(value)
}

export function optStr(ctx: Context, name: string): string | undefined {
  const value = ctx.params[name]
  return value === undefined ? undefined : String(value)
}

export function optNum(ctx: Context, name: string): number | undefined {
  const value = ctx.params[name]
  return value === undefined ? undefined : Number(value)
}

/** Absent is false. */
export const flag = (ctx: Context, name: string) => Number(ctx.params[name] ?? 0) === 1

/** Proxmox's lists in one text: separated by commas, semicolons or white space. */
export const splitList = (text: string) => text.split(/[,;\s\0]+/).filter((part) => part !== '')

/** What most changing calls do first: 500 at once where /etc/pve cannot be written. */
export function checkQuorum(ctx: Context) {
  if (!isQuorate(ctx.sim, ctx.node)) throw new PveFault(500, 'cluster not ready - no quorum?')
}

/**
 * Runs `change` under one of pmxcfs's locks. Without quorum it gives up after about ten seconds with
 * `PREFIXcfs-lock 'NAME' error: no quorum!`; a fault inside is prefixed as well, as the real one's `lock_…_config` does.
 */
export async function withCfsLock<T>(
  ctx: Context,
  lock: string,
  prefix: string,
  change: () => T | Promise<T>,
): Promise<T> {
  if (!isQuorate(ctx.sim, ctx.node)) {
    await ctx.sim.clock.pause(9.9)
    throw new PveFault(500, `${prefix}cfs-lock '${lock}' error: no quorum!`)
  }
  try {
    return await change()
  } catch (error) {
    if (error instanceof PveFault) throw new PveFault(500, prefix + nested(error))
    throw error
  }
}

/** How Proxmox writes a refusal inside the text of another: `400 Rule 'x' is invalid.` and a line for each field. */
function nested(fault: PveFault): string {
  if (fault.status === 500) return fault.message
  const fields = Object.entries(fault.errors ?? {}).map(([name, text]) => `${name}: ${text}`)
  return [`${fault.status} ${fault.message}`, ...fields].join('\n')
}

/** The answer of a folder of the API: its children, each under `key`. */
export const index =
  (key: string, ...names: string[]): Handler =>
  () =>
    names.map((name) => ({ [key]: name }))

/** Leaves out what is undefined, empty texts kept: optional keys of an answer. */
export function compact(fields: Record<string, Json | undefined>): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined))
}

/** Proxmox's booleans. */
export const bit = (value: boolean) => (value ? 1 : 0)
