import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { type Carrier, createDeliverer } from './delivery.ts'
import { createFaults } from './faults.ts'
import { httpCarrier } from './http-delivery.ts'
import { createModal } from './modal.ts'
import { createPerson } from './person.ts'
import { createAct, createRecorder } from './recorder.ts'
import { createResponseUrls } from './response-url.ts'
import { createSocketMode } from './socket-mode.ts'
import { DEFAULT_SCOPES, type SlackStandIn, type SlackStandInOptions } from './stand-in.ts'
import { createTranscript } from './transcript.ts'
import { createTriggers } from './triggers.ts'
import { createViews } from './views.ts'
import { createWebApi, readArgs } from './web-api.ts'
import { BOT_TOKEN, BOT_USER_ID, startWorkspace } from './workspace.ts'

export { blockProblems } from './block-limits.ts'
export { elementsOf } from './elements.ts'
export { textsIn } from './fields.ts'
export type { SlackStandIn, SlackStandInOptions } from './stand-in.ts'
export { viewProblems } from './view-limits.ts'

/** Starts a Slack on a free port of 127.0.0.1. */
export async function startSlack(options: SlackStandInOptions): Promise<SlackStandIn> {
  const scopes = options.scopes ?? DEFAULT_SCOPES
  const strictScopes = options.strictScopes ?? true
  const workspace = await startWorkspace({ ...options, scopes, strictScopes })
  const server = createServer((request, response) => void route(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = () => (server.address() as AddressInfo).port
  const publicUrl = () => `http://127.0.0.1:${port()}`
  const appToken = 'xapp-stand-in'
  const signingSecret = 'stand-in-signing-secret'
  const usergroups = options.usergroups ?? []
  let offsetMs = 0
  let isOut = false
  const now = () => Date.now() + offsetMs

  const transcript = createTranscript()
  const views = createViews(transcript.changed)
  const triggers = createTriggers(workspace, now)
  const record = createRecorder(transcript, views, triggers)
  const act = createAct(workspace, record)
  const faults = createFaults()
  const socketMode = createSocketMode(port, transcript.changed)
  const responseUrls = createResponseUrls({ transcript, act, now, publicUrl })
  let carrier: Carrier = socketMode.carrier
  const deliverer = createDeliverer(() => carrier, transcript, options.ackWithinMs ?? 3000)
  const parts = { workspace, transcript, triggers, responseUrls, deliver: deliverer.deliver, now }
  const front = { ...parts, faults, socketMode, record, usergroups, scopes, strictScopes, appToken, publicUrl }
  const webApi = createWebApi(front)

  async function respondTo(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await responseUrls.handle(id, readArgs(await text(request), 'json'))
    response.writeHead(status).end(body)
  }

  /** Uploads and downloads of files go to emulate as they are. */
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = request.method === 'POST' ? await buffer(request) : null
    const { authorization } = request.headers
    const type = request.headers['content-type'] ?? 'application/octet-stream'
    const headers = { 'content-type': type, ...(authorization === undefined ? {} : { authorization }) }
    const init = { method: request.method ?? 'GET', headers, body: body && new Uint8Array(body) }
    const answer = await fetch(`${workspace.url}${request.url}`, init)
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()))
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    if (isOut) return void request.socket.resetAndDestroy()
    try {
      if (path.startsWith('/api/')) await webApi(request, response)
      else if (path.startsWith('/response/')) await respondTo(path.slice('/response/'.length), request, response)
      else await pass(request, response)
    } catch (error) {
      transcript.violations.push(`the stand-in failed at ${path}: ${(error as Error).stack}`)
      response.writeHead(500).end()
    }
  }
  server.on('upgrade', (request, socket, head) => {
    if (isOut) socket.destroy()
    else socketMode.upgrade(request, socket, head)
  })

  const idsOf = (named: ReadonlyMap<string, { id: string }>) =>
    Object.fromEntries([...named].map(([name, { id }]) => [name, id]))
  return {
    apiUrl: `${publicUrl()}/api/`,
    botToken: BOT_TOKEN,
    appToken,
    signingSecret,
    teamId: workspace.teamId,
    botUserId: BOT_USER_ID,
    users: idsOf(workspace.users),
    channels: idsOf(workspace.channels),
    usergroups,
    ...createPerson(parts),
    ...createModal(parts, views, act),
    ...faults,
    sockets: socketMode.sockets,
    refresh: socketMode.refresh,
    dropSockets: socketMode.dropSockets,
    deliverTo(url) {
      carrier = url === undefined ? socketMode.carrier : httpCarrier(url, signingSecret)
    },
    messages: (channel) => transcript.messages(workspace.channelId(channel)),
    ephemerals: (user) => transcript.ephemerals.filter((shown) => shown.user === workspace.user(user).id),
    async dm(user) {
      const answer = await workspace.call('conversations.open', { users: workspace.user(user).id })
      return (answer.channel as { id: string }).id
    },
    calls: (method) => transcript.calls.filter((call) => method === undefined || call.method === method),
    until: transcript.until,
    outage(on) {
      isOut = on
      if (on) socketMode.dropSockets()
    },
    advance(ms) {
      offsetMs += ms
    },
    async file(url) {
      const answer = await fetch(url, { headers: { authorization: 'Bearer xoxp-admin' } })
      if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
      return Buffer.from(await answer.arrayBuffer())
    },
    violations: transcript.violations,
    async close() {
      deliverer.stop()
      socketMode.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await workspace.close()
    },
  }
}
