import type { IncomingMessage, ServerResponse } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { argumentFindings, completed, type StandInUsergroup, usergroupAnswer } from './answers.ts'
import { withBlockIds } from './block-ids.ts'
import type { Fault, Faults } from './faults.ts'
import { type Fields, fields } from './fields.ts'
import type { Recorder } from './recorder.ts'
import type { SocketMode } from './socket-mode.ts'
import type { ApiCall, Transcript } from './transcript.ts'
import type { Triggers } from './triggers.ts'
import { BOT_TOKEN, type Workspace } from './workspace.ts'

export interface WebApiParts {
  workspace: Workspace
  transcript: Transcript
  faults: Faults
  triggers: Triggers
  socketMode: SocketMode
  record: Recorder
  usergroups: StandInUsergroup[]
  scopes: string[]
  strictScopes: boolean
  appToken: string
  publicUrl: () => string
  now: () => number
}

interface Reply {
  status: number
  headers: Record<string, string>
  body: string
}
type Outcome = Reply | 'hang' | 'drop'

/** Arguments that travel as JSON text inside a form. */
const NESTED = ['blocks', 'attachments', 'metadata', 'view', 'files']

export function readArgs(body: string, type: string): Fields {
  if (type.includes('json')) return fields(JSON.parse(body || '{}'))
  const args: Fields = Object.fromEntries(new URLSearchParams(body))
  for (const key of NESTED) if (typeof args[key] === 'string' && args[key] !== '') args[key] = JSON.parse(args[key])
  return args
}

function json(body: Fields, status = 200, headers: Record<string, string> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

function faulty(fault: Fault | undefined): Outcome | undefined {
  if (fault?.kind === 'hang') return 'hang'
  if (fault?.kind === 'error') return json({ ok: false, error: fault.code })
  if (fault?.kind === 'fail') return { status: fault.status, headers: {}, body: '' }
  if (fault?.kind !== 'rateLimit') return undefined
  return json({ ok: false, error: 'ratelimited' }, 429, { 'retry-after': String(fault.retryAfterSeconds) })
}

/** The front of the Web API: faults, tokens, limits and what emulate lacks; everything else is emulate's answer. */
export function createWebApi(parts: WebApiParts) {
  const { workspace, transcript } = parts

  function violation(method: string, says: string): void {
    transcript.violations.push(`${method}: ${says}`)
  }

  function refusal(method: string, args: Fields): Fields | undefined {
    const channel = [...workspace.channels.values()].find(({ id }) => id === (args.channel ?? args.channel_id))
    const found = argumentFindings(method, args, { channel, triggers: parts.triggers, scopes: parts.scopes })
    for (const { says } of found) violation(method, says)
    const refused = found.filter((finding) => finding.refusal !== undefined)
    if (!refused[0]) return undefined
    const messages = refused.map(({ says }) => `[ERROR] ${says}`)
    return { ok: false, error: refused[0].refusal, response_metadata: { messages } }
  }

  async function forward(method: string, args: Fields): Promise<Fields> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${BOT_TOKEN}` }
    const init = { method: 'POST', headers, body: JSON.stringify(args) }
    const response = await fetch(`${workspace.url}/api/${method}`, init)
    const answer = fields(JSON.parse((await response.text()).replaceAll(workspace.url, parts.publicUrl())))
    return typeof answer.ok === 'boolean' ? answer : { ok: false, error: 'unknown_method' }
  }

  async function usergroups(method: string, args: Fields): Promise<Fields> {
    const needed = 'usergroups:read'
    if (parts.strictScopes && !parts.scopes.includes(needed))
      return { ok: false, error: 'missing_scope', needed, provided: parts.scopes.join(',') }
    return usergroupAnswer(method, args, parts.usergroups, (name) => workspace.user(name).id)
  }

  async function perform(method: string, args: Fields, token: string): Promise<Fields> {
    const expected = method === 'apps.connections.open' ? parts.appToken : BOT_TOKEN
    if (token !== expected) return { ok: false, error: token === '' ? 'not_authed' : 'invalid_auth' }
    if (method === 'apps.connections.open') return parts.socketMode.open()
    if (method.startsWith('usergroups.')) return usergroups(method, args)
    const refused = refusal(method, args)
    if (refused) return refused
    const whole = withBlockIds(args)
    const answer = completed(method, args, await forward(method, whole), [...workspace.users.values()])
    if (answer.ok === true) parts.record(method, whole, answer)
    return answer
  }

  async function answer(call: ApiCall, token: string): Promise<Outcome> {
    const fault = parts.faults.take(call.method)
    const faultReply = faulty(fault)
    if (fault?.kind === 'error') call.outcome = fault.code
    if (faultReply) return faultReply
    const body = await perform(call.method, call.args, token)
    call.outcome = body.ok === true ? 'ok' : String(body.error)
    if (call.outcome === 'missing_scope') violation(call.method, `missing scope ${body.needed}`)
    if (call.outcome === 'unknown_method') violation(call.method, 'no such method in the stand-in')
    return fault?.kind === 'dropAfterProcessing'
      ? 'drop'
      : json(body, 200, { 'x-oauth-scopes': parts.scopes.join(',') })
  }

  return async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.url ?? '').split('?')[0]!.slice('/api/'.length)
    const args = readArgs(await readText(request), request.headers['content-type'] ?? '')
    const call: ApiCall = { method, args, atMs: parts.now(), outcome: undefined }
    transcript.calls.push(call)
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
    const outcome = await answer(call, token)
    if (outcome === 'drop') request.socket.resetAndDestroy()
    else if (outcome !== 'hang') response.writeHead(outcome.status, outcome.headers).end(outcome.body)
    call.outcome ??= typeof outcome === 'string' ? outcome : String(outcome.status)
    transcript.changed()
  }
}
