import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import type { Completion } from '../../core/complete.ts'
import type { Refused, Unavailable } from '../../core/errors.ts'
import type { Clicked, Said } from '../../core/events.ts'
import { acceptLanguage } from '../../core/language.ts'
import { actionIds, type ListedMessage, type Message } from '../../core/message.ts'
import { isOurHost, isOurOrigin } from '../../core/origin.ts'
import { contentSecurityPolicy, pageAssets } from './page/assets.ts'
import { type Sessions, sessionCookie, signInPages } from './sign-in.ts'

export interface WebPorts {
  inbox: { said(event: Said): Promise<void>; clicked(event: Clicked): Promise<void> }
  channels: {
    write(channel: string, entry: { id: string; author: string; threadId?: string; message: Message }): Promise<void>
    after(channel: string, seq: number, most?: number): Promise<ListedMessage[]>
    listen(channel: string, changed: () => void): () => void
  }
  /** The channel that shows this card, if it is one of ours. */
  channelOf(card: string): Promise<string | undefined>
  complete(ask: { identity: string; channel: string; text: string; locales: string[] }): Promise<Completion[]>
  /** Where the lab takes orders; absent outside the lab. */
  labControl: string | undefined
  /** `none` believes the name in the body: loopback only. */
  signIn: 'link' | 'none'
  /** For `signIn: link`; without them everybody is refused. */
  sessions?: Sessions | undefined
  /** The address of a proxy in front of this chat; beside it only this machine's own names are taken. */
  publicUrl?: string | undefined
  newId(): string
  /** What an error means to a person; undefined: it is a fault of ours. */
  explain(error: unknown): Refused | Unavailable | undefined
  /** Notes a fault of ours and returns the id under which the log has it. */
  report(error: unknown, about: Record<string, unknown>): string
}

const Name = z
  .string()
  .trim()
  .regex(/^(?:web:)?[\p{L}\p{N}_.@-]{1,64}$/u)
const Channel = z
  .string()
  .trim()
  .regex(/^(?:web:)?[\p{L}\p{N}_.-]{1,64}$/u)
const Post = z.object({
  user: Name,
  channel: Channel,
  text: z.string().min(1).max(20_000),
  thread: z.string().max(64).optional(),
})
const Act = z.object({
  user: Name,
  messageId: z.string().min(1).max(64),
  actionId: z.enum(actionIds),
  values: z.record(z.string().max(64), z.union([z.string().max(4000), z.number(), z.boolean()])).optional(),
})
const Read = z.object({ channel: Channel, after: z.coerce.number().int().min(0).default(0) })
const Ask = z.object({ user: Name, channel: Channel, text: z.string().max(4000) })

const bare = (name: string) => name.replace(/^web:/, '')

class Fault extends Error {
  readonly status: 400 | 401 | 403 | 404 | 413 | 415 | 500 | 503
  readonly code: string
  readonly hint: string

  constructor(status: Fault['status'], code: string, says: string, hint: string) {
    super(says)
    this.status = status
    this.code = code
    this.hint = hint
  }
}

/** What the session of a request says; absent with `signIn: none`. */
interface Signed {
  Variables: { session?: { identity: string; until: number } }
}

/** The web chat: its JSON API, its event stream, its page. */
export function webChat(ports: WebPorts): Hono<Signed> {
  const app = new Hono<Signed>()
  app.onError((error, c) => answerFault(error, c, ports))
  app.notFound((c) => c.json({ error: { code: 'not-found', says: 'There is nothing here.', hint: 'GET /' } }, 404))
  app.use((c, next) => guard(c, ports.publicUrl, next))
  app.use(bodyLimit({ maxSize: 64 * 1024, onError: tooLarge }))
  if (ports.signIn === 'link') {
    if (ports.sessions) app.route('/', signInPages(ports.sessions, ports.publicUrl))
    app.use('/api/*', (c, next) => requireSession(c, ports, next))
  }
  app.get('/api/me', (c) => c.json({ signIn: ports.signIn, ...c.get('session') }))
  messages(app, ports)
  stream(app, ports)
  if (ports.labControl !== undefined) lab(app, ports.labControl)
  page(app, ports.signIn)
  return app
}

/** Serves on `listen`; resolves when it does, with the port that was given. */
export function listen(
  app: Pick<Hono, 'fetch'>,
  at: { host: string; port: number },
): Promise<{ port: number; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: at.host, port: at.port }, ({ port }) =>
      resolve({
        port,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            if ('closeAllConnections' in server) server.closeAllConnections()
          }),
      }),
    )
    server.once('error', reject)
  })
}

/** A page of another site must not speak for the person in front of it: Host and Origin must be ours (DNS rebinding too). */
async function guard(c: Context, publicUrl: string | undefined, next: () => Promise<void>) {
  const host = c.req.header('host') ?? ''
  if (!isOurHost(host, publicUrl)) {
    const name = host.replace(/:\d+$/, '') || 'that'
    throw new Fault(403, 'wrong-host', `This chat is not served as ${name}.`, 'Open it by its own address.')
  }
  const origin = c.req.header('origin')
  if (origin !== undefined && !isOurOrigin(origin, host, publicUrl)) {
    throw new Fault(403, 'wrong-origin', 'Another site may not speak here.', 'Open the chat itself.')
  }
  c.header('x-content-type-options', 'nosniff')
  c.header('referrer-policy', 'no-referrer')
  c.header('cache-control', 'no-store')
  await next()
}

async function requireSession(c: Context<Signed>, { sessions, publicUrl }: WebPorts, next: () => Promise<void>) {
  const session = await sessions?.who(sessionCookie(c, publicUrl))
  if (!session) throw new Fault(401, 'sign-in', 'Nobody is signed in here.', 'Ask for a link: quorum web-login NAME')
  c.set('session', session)
  await next()
}

/** What a request says, spoken by whoever the session says it is: its own `user` counts only where nobody signs in. */
function spokenBy(c: Context<Signed>, value: unknown): unknown {
  const session = c.get('session')
  return session && typeof value === 'object' && !Array.isArray(value) ? { ...value, user: session.identity } : value
}

/** What is for one person alone is not listed to others, and the mark itself to nobody. */
function listed(c: Context<Signed>, messages: ListedMessage[]): ListedMessage[] {
  const session = c.get('session')
  return messages
    .filter(({ onlyTo }) => session === undefined || onlyTo === undefined || onlyTo === session.identity)
    .map(({ onlyTo: _, ...message }) => message)
}

const tooLarge = () => {
  throw new Fault(413, 'too-large', 'The request is larger than 64 KiB.', 'Send less.')
}

async function body<T>(c: Context<Signed>, schema: z.ZodType<T>): Promise<T> {
  if (!/^application\/json\s*(?:;|$)/i.test(c.req.header('content-type') ?? '')) {
    throw new Fault(
      415,
      'not-json',
      'The body must be application/json.',
      'Set the header content-type: application/json',
    )
  }
  const raw = await c.req.text()
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch {
    throw new Fault(400, 'bad-json', 'The body is not JSON.', 'Send {"user": …, "channel": …, "text": …}')
  }
  return checked(spokenBy(c, value), schema)
}

function checked<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const where = issue.path.join('.') || 'the body'
  throw new Fault(400, 'bad-request', `${where}: ${issue.message}`, `Correct ${where} and send it again.`)
}

function answerFault(error: unknown, c: Context, ports: WebPorts) {
  if (error instanceof Fault) {
    return c.json({ error: { code: error.code, says: error.message, hint: error.hint } }, error.status)
  }
  const { code, says, hint, status } = faultOf(error, c, ports)
  return c.json({ error: { code, says, hint } }, status)
}

/** Redis is away, which passes; anything else is a fault of ours, which the log has whole. */
function faultOf(error: unknown, c: Context, ports: WebPorts) {
  if (ports.explain(error)?.code === 'redis-gone') {
    const says = 'It could not be stored: Redis does not answer. Nothing was done.'
    return { code: 'redis-gone', says, hint: 'Send it again when Redis is back.', status: 503 } as const
  }
  const incident = ports.report(error, { path: c.req.path })
  const says = `Something in Quorum itself went wrong. It is in the log under ${incident}.`
  return { code: 'internal', says, hint: `Look for ${incident} in the log, and report it.`, status: 500 } as const
}

const locales = (c: Context) => acceptLanguage(c.req.header('accept-language'))

function messages(app: Hono<Signed>, { inbox, channels, channelOf, complete, newId }: WebPorts): void {
  app.post('/api/messages', async (c) => {
    const { user, channel, text, thread } = await body(c, Post)
    const id = `m-${newId()}`
    const identity = `web:${bare(user)}`
    const root = thread === undefined ? {} : { thread }
    await channels.write(bare(channel), {
      id,
      author: identity,
      ...(thread === undefined ? {} : { threadId: thread }),
      message: { title: text, state: 'info', ...root },
    })
    await inbox.said({ event: id, identity, target: `web:${bare(channel)}`, text, locales: locales(c), ...root })
    return c.json({ id }, 202)
  })

  app.post('/api/actions', async (c) => {
    const { user, messageId, actionId, values } = await body(c, Act)
    const channel = await channelOf(messageId)
    if (channel === undefined) {
      throw new Fault(404, 'unknown-message', 'There is no such message.', 'GET /api/messages?channel=…')
    }
    const texts = Object.entries(values ?? {}).map(([name, value]) => [name, String(value)] as const)
    await inbox.clicked({
      event: `a-${newId()}`,
      identity: `web:${bare(user)}`,
      target: `web:${channel}`,
      card: messageId,
      action: actionId,
      locales: locales(c),
      ...(values === undefined ? {} : { values: Object.fromEntries(texts) }),
    })
    return c.json({}, 202)
  })

  app.get('/api/messages', async (c) => {
    const { channel, after } = checked(c.req.query(), Read)
    return c.json({ messages: listed(c, await channels.after(bare(channel), after)) })
  })

  app.get('/api/complete', async (c) => {
    const { user, channel, text } = checked(spokenBy(c, c.req.query()), Ask)
    const ask = { identity: `web:${bare(user)}`, channel: `web:${bare(channel)}`, text, locales: locales(c) }
    return c.json({ items: await complete(ask) })
  })
}

const heartbeatMs = 15_000
/** While Redis is away, or has just come back. */
const lookAgainMs = 1000

function stream(app: Hono<Signed>, { channels, sessions, publicUrl, signIn }: WebPorts): void {
  app.get('/api/stream', (c) => {
    const last = c.req.header('last-event-id')
    const { channel, after } = checked({ ...c.req.query(), ...(last === undefined ? {} : { after: last }) }, Read)
    return streamSSE(c, async (sse) => {
      let seq = after
      let wake = () => {}
      let closed = false
      await sse.write('retry: 1000\n\n')
      const stop = channels.listen(bare(channel), () => wake())
      sse.onAbort(() => {
        closed = true
        stop()
        wake()
      })
      const signedIn = async () => signIn === 'none' || (await sessions?.who(sessionCookie(c, publicUrl))) !== undefined
      const look = () => Promise.all([channels.after(bare(channel), seq), signedIn()])
      while (!closed) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        // While Redis is away the stream stays open and says nothing.
        const seen = await look().catch(() => undefined)
        const [news, mayHear] = seen ?? [[], true]
        // A session that has ended hears no more; the page learns why when it connects again.
        if (!mayHear) break
        for (const message of listed(c, news)) {
          await sse.writeSSE({ id: String(message.seq), event: 'message', data: JSON.stringify(message) })
        }
        seq = news.at(-1)?.seq ?? seq
        if (news.length > 0) continue
        const timer = setTimeout(wake, seen ? heartbeatMs : lookAgainMs)
        await woken
        clearTimeout(timer)
        if (!closed) await sse.write(': \n\n')
      }
      stop()
    })
  })
}

/** The lab's own orders are passed on to the simulator; they exist in the lab only. */
function lab(app: Hono<Signed>, control: string): void {
  app.all('/api/lab/*', (c) => passOn(c, control))
  app.all('/api/lab', (c) => passOn(c, control))
}

async function passOn(c: Context, control: string) {
  const get = c.req.method === 'GET'
  const reply = await fetch(new URL(c.req.path, control), {
    method: c.req.method,
    ...(get ? {} : { body: await c.req.text(), headers: { 'content-type': c.req.header('content-type') ?? '' } }),
    signal: AbortSignal.timeout(5000),
  }).catch(() => {
    throw new Fault(503, 'lab-gone', 'The simulated cluster does not answer.', 'npm run lab')
  })
  return c.body(await reply.arrayBuffer(), reply.status as 200, {
    'content-type': reply.headers.get('content-type') ?? 'application/json',
  })
}

function page(app: Hono<Signed>, signIn: 'link' | 'none'): void {
  for (const [path, { body: bytes, type }] of pageAssets({ signIn })) {
    app.get(path, (c) =>
      c.body(new Uint8Array(bytes), 200, { 'content-type': type, 'content-security-policy': contentSecurityPolicy }),
    )
  }
}
