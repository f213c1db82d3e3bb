/**
 * Plays recorded calls of a real Proxmox VE against the simulated one and tells how the answers differ.
 *
 * How to use it for a family of endpoints: start a simulator in the situation of the recordings (`startRecordedSim` in
 * recorded-site.ts, then change its model), make a `Player`, and `play` the recordings in the order of `seq`; each
 * yields the differences, none if all is well. UPIDs that a call returns are kept under the recorded ones, so that the
 * recordings of their status and log follow by themselves (wait with `untilTaskEnds`).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { gunzipSync } from 'node:zlib'
import { makeCsrfToken, makeTicket } from '../src/lab/login.ts'
import type { SimNode } from '../src/lab/model.ts'
import type { RunningSim } from '../src/lab/sim.ts'
import { findTask } from '../src/lab/tasks.ts'

export interface Recording {
  seq: string
  name: string
  node: string
  auth: string
  method: string
  /** After /api2/json; a whole path after `!`. */
  path: string
  params: Record<string, unknown> | null
  encoding: string | null
  status: number
  reason: string
  contentType: string | null
  elapsedMs: number
  body: unknown
  bodyRaw?: string
}

const FOLDER = new URL('./recordings/', import.meta.url)

/** All of them, in the order in which they were made; two may share a number. */
export function loadRecordings(): Recording[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.jsonl.gz'))
    .flatMap((file) =>
      gunzipSync(readFileSync(new URL(file, FOLDER)))
        .toString()
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line) as Recording)
    .sort((a, b) => a.seq.localeCompare(b.seq))
}

/** The path under /api2/json without query, numbers of nodes and guests kept. */
export const apiPath = ({ path }: Pick<Recording, 'path'>) =>
  (path.startsWith('!') ? path.slice(1).replace(/^\/api2\/\w+/, '') : path).split('?')[0] ?? ''

export interface Answer {
  status: number
  reason: string
  contentType: string | null
  body: unknown
  text: string
}

/** What a recording does not tell of the request. */
export interface Override {
  headers?: Record<string, string>
  /** The raw body, with `contentType` in the headers. */
  body?: string
  params?: Record<string, unknown>
  /** For a ticket made while the clock was elsewhere: seconds. */
  ticketOffset?: number
}

export interface Rules {
  /** Values of these keys may differ, their type may not. */
  volatile?: string[]
  /** These keys may be there or not. */
  optional?: string[]
  /** Not compared at all. */
  ignore?: string[]
  /** Lists may have other members: only the form of each is compared. */
  openLists?: boolean
}

export class Player {
  readonly sim: RunningSim
  readonly upids = new Map<string, string>()
  private readonly agents: Agent

  constructor(sim: RunningSim) {
    this.sim = sim
    this.agents = new Agent({ keepAlive: true, ca: sim.ca })
  }

  close() {
    this.agents.destroy()
  }

  /** Sends the call and returns the differences, one line each. */
  async play(recording: Recording, o: { override?: Override; rules?: Rules } = {}): Promise<string[]> {
    const answer = await this.send(recording, o.override)
    this.keepUpid(recording, answer)
    return compareAnswers(this.translated(recording), answer, o.rules)
  }

  /** Resolves when the task behind a recorded UPID has ended. */
  async untilTaskEnds(recordedUpid: string) {
    const upid = this.upids.get(recordedUpid) ?? recordedUpid
    const node = this.node(upid.split(':')[1] ?? '')
    while (findTask(node, upid)?.endtime === undefined) await this.sim.cluster.clock.sleep(0.5)
  }

  send(recording: Recording, override: Override = {}): Promise<Answer> {
    const { method } = recording
    const params = override.params ?? recording.params ?? {}
    const hasBody = method === 'POST' || method === 'PUT'
    const query = hasBody ? '' : encode(params)
    const url = new URL(this.urlFor(recording))
    if (query !== '') url.search = query
    const body = override.body ?? (hasBody ? bodyFor(recording, params) : undefined)
    const headers: Record<string, string> = { ...this.credentials(recording, override) }
    if (body !== undefined) {
      headers['content-type'] = recording.encoding ?? 'application/x-www-form-urlencoded'
      headers['content-length'] = String(Buffer.byteLength(body))
    }
    if (override.headers?.['transfer-encoding']) delete headers['content-length']
    return this.call(method, url, { ...headers, ...override.headers }, body)
  }

  private call(method: string, url: URL, headers: Record<string, string>, body: string | undefined) {
    return new Promise<Answer>((resolve, reject) => {
      const call = request(url, { method, headers, agent: this.agents }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          const contentType = response.headers['content-type'] ?? null
          const reason = response.statusMessage ?? ''
          const json = contentType?.startsWith('application/json') ?? false
          resolve({ status: response.statusCode ?? 0, reason, contentType, text, body: json ? JSON.parse(text) : null })
        })
      })
      call.on('error', reject)
      call.end(body)
    })
  }

  private urlFor({ node, path }: Recording) {
    const index = this.sim.cluster.nodes.findIndex(({ name }) => name === node)
    const whole = path.startsWith('!') ? path.slice(1) : `/api2/json${path}`
    const mapped = [...this.upids].reduce(
      (text, [recorded, ours]) =>
        text.replace(recorded, ours).replace(encodeURIComponent(recorded), encodeURIComponent(ours)),
      whole,
    )
    return `${this.sim.endpoints[index]}${mapped}`
  }

  private node(name: string): SimNode {
    const node = this.sim.cluster.nodes.find((one) => one.name === name)
    if (!node) throw new Error(`no node ${name}`)
    return node
  }

  private credentials({ auth, node }: Recording, { ticketOffset = 0 }: Override): Record<string, string> {
    if (auth === 'none') return {}
    const { config } = this.node(node)
    if (auth.startsWith('token ')) return { authorization: `PVEAPIToken=${this.tokenValue(auth.slice(6), node)}` }
    const now = this.sim.cluster.clock.now() + ticketOffset
    const ticket = { cookie: `PVEAuthCookie=${encodeURIComponent(makeTicket(config, 'root@pam', now))}` }
    if (auth !== 'ticket+csrf') return ticket
    return { ...ticket, csrfpreventiontoken: makeCsrfToken(config, 'root@pam', now) }
  }

  private tokenValue(id: string, node: string) {
    const [userid = '', tokenid = ''] = id.split('!')
    const token = this.node(node).config.access.users.get(userid)?.tokens.get(tokenid)
    return token ? `${id}=${token.secret}` : /^\S+!\S+$/.test(id) ? `${id}=00000000-1111-2222-3333-444444444444` : id
  }

  private keepUpid(recording: Recording, { body }: Answer) {
    const recorded = dataOf(recording.body)
    const ours = dataOf(body)
    if (typeof recorded === 'string' && recorded.startsWith('UPID:') && typeof ours === 'string') {
      this.upids.set(recorded, ours)
    }
  }

  /** The recording as it would read with our UPIDs. */
  private translated(recording: Recording): Recording {
    const text = [...this.upids].reduce((all, [old, ours]) => all.replaceAll(old, ours), JSON.stringify(recording.body))
    return { ...recording, body: JSON.parse(text) }
  }
}

const dataOf = (body: unknown) => (body as { data?: unknown } | null)?.data

function encode(params: Record<string, unknown>) {
  return new URLSearchParams(Object.entries(params).map(([key, value]) => [key, String(value)])).toString()
}

function bodyFor({ encoding, params: recorded }: Recording, params: Record<string, unknown>): string | undefined {
  if (encoding?.startsWith('application/json')) return JSON.stringify(params)
  return recorded === null && Object.keys(params).length === 0 ? undefined : encode(params)
}

/** Different at each call, wherever they stand. */
const VOLATILE = [
  ...['time', 'localtime', 'starttime', 'endtime', 'timestamp', 'uptime', 'ctime', 'pid', 'pstart', 'upid'],
  ...['cpu', 'mem', 'memhost', 'disk', 'netin', 'netout', 'diskread', 'diskwrite', 'wait', 'idle', 'loadavg'],
  ...['memory', 'rootfs', 'used', 'avail', 'free', 'available', 'digest', 'config_digest', 'fingerprint'],
  ...['ssl_fingerprint', 'pve_fp', 'notbefore', 'notafter', 'pem', 'value', 'ticket', 'CSRFPreventionToken'],
]

/** Lists in one text, whose order means nothing. */
const TEXT_LISTS = new Set(['content', 'groups', 'users', 'privs', 'tags', 'nodes', 'resources'])

export function compareAnswers(recorded: Recording, answer: Answer, rules: Rules = {}): string[] {
  const differences: string[] = []
  const note = (what: string, was: unknown, is: unknown) =>
    void differences.push(`${what}: recorded ${JSON.stringify(was)}, got ${JSON.stringify(is)}`)
  if (answer.status !== recorded.status) note('status', recorded.status, answer.status)
  if (answer.reason !== recorded.reason) note('reason', recorded.reason, answer.reason)
  if (answer.contentType !== recorded.contentType) note('content type', recorded.contentType, answer.contentType)
  if (recorded.body === null || typeof recorded.body === 'string') {
    const text = recorded.bodyRaw ?? recorded.body ?? ''
    if (looseText(answer.text) !== looseText(text)) note('body', text, answer.text)
    return differences
  }
  const volatile = new Set([...VOLATILE, ...(rules.volatile ?? [])])
  const optional = new Set(rules.optional ?? [])
  const ignore = new Set(rules.ignore ?? [])
  compareValues(recorded.body, answer.body, {
    path: 'body',
    volatile,
    optional,
    ignore,
    open: rules.openLists ?? false,
    note,
  })
  return differences
}

/** HEAD has no body whatever is sent; Perl's places in its files are not ours. */
const looseText = (text: string) => text.replace(/ at \S+\.pm line \d+\.\n?/, '')

interface Comparison {
  path: string
  volatile: Set<string>
  optional: Set<string>
  ignore: Set<string>
  open: boolean
  note(what: string, was: unknown, is: unknown): void
}

const typeOf = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

function compareValues(was: unknown, is: unknown, c: Comparison) {
  if (typeOf(was) !== typeOf(is)) return c.note(c.path, was, is)
  if (Array.isArray(was) && Array.isArray(is)) return compareLists(was, is, c)
  if (was !== null && typeof was === 'object') return compareObjects(was as Fields, is as Fields, c)
  const key = c.path.split('.').at(-1) ?? ''
  if (c.volatile.has(key)) return
  if (TEXT_LISTS.has(key) && typeof was === 'string') {
    const sorted = (text: unknown) => String(text).split(/[,;]/).sort().join()
    if (sorted(was) === sorted(is)) return
  }
  if (timeless(was) !== timeless(is)) c.note(c.path, was, is)
}

/** `Sun Nov 22 21:18:12 2026` inside a text is as volatile as a timestamp. */
const timeless = (value: unknown) =>
  typeof value === 'string' ? value.replace(/\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}/g, 'TIME') : value

type Fields = Record<string, unknown>

function compareObjects(was: Fields, is: Fields, c: Comparison) {
  if (c.volatile.has(c.path.split('.').at(-1) ?? '')) {
    if (Object.keys(was).sort().join() !== Object.keys(is).sort().join()) c.note(`${c.path} keys`, was, is)
    return
  }
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (c.ignore.has(key)) continue
    const inner = { ...c, path: `${c.path}.${key}` }
    if (key in was && key in is) compareValues(was[key], is[key], inner)
    else if (!c.optional.has(key)) c.note(inner.path, was[key], is[key])
  }
}

const IDENTITIES = [
  ...[
    'upid',
    'id',
    'sid',
    'rule',
    'n',
    'userid',
    'tokenid',
    'roleid',
    'realm',
    'groupid',
    'poolid',
    'iface',
    'service',
  ],
  ...['subdir', 'filename', 'Package', 'name', 'vmid', 'storage', 'node', 'path'],
]

/** Lists of objects are compared by their members' identity, others in any order. */
function compareLists(was: unknown[], is: unknown[], c: Comparison) {
  if (c.volatile.has(c.path.split('.').at(-1) ?? '')) return
  const identity = IDENTITIES.find((key) => [...was, ...is].every((one) => key in Object(one)))
  if (identity === undefined || was.length + is.length === 0) {
    const sorted = (list: unknown[]) => JSON.stringify(list.map((one) => JSON.stringify(one)).sort())
    if (sorted(was) !== sorted(is) && !c.open) c.note(c.path, was, is)
    return
  }
  const name = (one: unknown) => String((one as Fields)[identity])
  const ours = new Map(is.map((one) => [name(one), one]))
  for (const one of was) {
    const other = ours.get(name(one))
    if (other !== undefined) compareValues(one, other, { ...c, path: `${c.path}[${name(one)}]` })
    else if (!c.open) c.note(`${c.path}[${name(one)}]`, one, undefined)
  }
  const theirs = new Set(was.map(name))
  for (const one of is) if (!theirs.has(name(one)) && !c.open) c.note(`${c.path}[${name(one)}]`, undefined, one)
  if (c.open)
    for (const one of is) compareForm(was as Fields[], one as Fields, { ...c, path: `${c.path}[${name(one)}]` })
}

/** A member that was not recorded must look like those that were. */
function compareForm(recorded: Fields[], one: Fields, c: Comparison) {
  for (const key of Object.keys(one)) {
    const types = new Set(recorded.filter((other) => key in other).map((other) => typeOf(other[key])))
    if (!types.has(typeOf(one[key])) && !c.optional.has(key)) c.note(`${c.path}.${key}`, [...types], one[key])
  }
  for (const key of Object.keys(recorded[0] ?? {})) {
    const always = recorded.every((other) => key in other)
    if (always && !(key in one) && !c.optional.has(key)) c.note(`${c.path}.${key}`, 'always there', undefined)
  }
}
