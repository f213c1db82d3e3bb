import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startBot } from '../src/bot.ts'
import { loadConfig, parseRedisUrl, readEnvironment } from '../src/config.ts'
import type { Message } from '../src/core/message.ts'
import { type PrivateRedis, startPrivateRedis } from '../src/jobs/private-redis.ts'
import { connect } from '../src/jobs/redis.ts'
import { type RunningSim, type SimOptions, startSim } from '../src/lab/sim.ts'
import { labRoles, localMembership } from '../src/membership.ts'
import { startBoth } from './fixtures/bot-and-worker.ts'
import { until } from './until.ts'

export { until }

/** A message as the web chat lists it. */
export interface Listed {
  id: string
  seq: number
  author: string
  revision: number
  threadId?: string
  message: Message
}

/** A web chat, typed into. */
export class Chat {
  readonly url: string
  readonly #views = new Map<string, Map<string, Listed>>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #next = new Map<string, Promise<void>>()

  constructor(url: string) {
    this.url = url
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  }

  async say(user: string, text: string, channel = 'general', language?: string): Promise<string> {
    const reply = await this.post(
      '/api/messages',
      { user, channel, text },
      language ? { 'accept-language': language } : {},
    )
    if (reply.status !== 202) throw new Error(`${reply.status} ${await reply.text()}`)
    return ((await reply.json()) as { id: string }).id
  }

  async click(user: string, messageId: string, actionId: string, values?: Record<string, string>): Promise<number> {
    return (await this.post('/api/actions', { user, messageId, actionId, ...(values ? { values } : {}) })).status
  }

  /** What a channel lists, the oldest change first. Whoever asks during a look shares the next one. */
  async messages(channel = 'general', after = 0): Promise<Listed[]> {
    const view = this.#views.get(channel) ?? new Map<string, Listed>()
    this.#views.set(channel, view)
    let look = this.#next.get(channel)
    if (!look) {
      look = Promise.resolve(this.#running.get(channel)?.catch(() => {})).then(() => {
        this.#next.delete(channel)
        const running = this.#changes(channel, view)
        this.#running.set(channel, running)
        return running
      })
      this.#next.set(channel, look)
    }
    await look
    return [...view.values()].filter(({ seq }) => seq > after)
  }

  /** Only what has changed is fetched: many wait for cards in one channel, and its list grows long. */
  async #changes(channel: string, view: Map<string, Listed>): Promise<void> {
    const last = [...view.values()].at(-1)?.seq ?? 0
    const reply = await fetch(`${this.url}/api/messages?channel=${channel}&after=${last}`)
    if (!reply.ok) return // Redis is away; it says so, and whoever waits looks again.
    for (const one of ((await reply.json()) as { messages: Listed[] }).messages) {
      view.delete(one.id)
      view.set(one.id, one)
    }
  }

  /** The bot's newest card in a channel that fits. */
  async card(
    fits: (message: Message, listed: Listed) => boolean,
    what: string,
    channel = 'general',
    withinMs?: number,
  ) {
    const look = async () =>
      (await this.messages(channel)).filter(({ author }) => author === 'quorum').findLast((m) => fits(m.message, m))
    return until(look, what, withinMs).catch(async (error) => {
      const seen = (await this.messages(channel)).map(({ author, message }) => `${author}: ${JSON.stringify(message)}`)
      throw new Error(`${error.message}; the channel says:\n${seen.join('\n').slice(-3000)}`)
    })
  }
}

export interface WorkerProcess {
  readonly pid: number
  /** What it has logged so far. */
  readonly log: readonly string[]
  kill9(): Promise<void>
  stop(): Promise<void>
}

/** A Redis, a simulated cluster, and as many bots and worker processes as a story needs, each prefix a world of its own. */
export class Crew {
  readonly redis: PrivateRedis
  readonly sim: RunningSim
  readonly folder: string
  /** The simulated cluster's own hand at plugs and cables is theirs. */
  isLab = false
  readonly #key = randomBytes(32).toString('hex')
  readonly #children = new Set<ChildProcess>()
  readonly #closers: (() => Promise<unknown>)[] = []

  private constructor(redis: PrivateRedis, sim: RunningSim, folder: string) {
    this.redis = redis
    this.sim = sim
    this.folder = folder
  }

  static async start(options: SimOptions = {}): Promise<Crew> {
    const folder = await mkdtemp(join(tmpdir(), 'quorum-crew-'))
    const [redis, sim] = await Promise.all([
      startPrivateRedis({ dir: folder, kind: 'test' }),
      startSim({ port: 0, seed: 1, ...options }),
    ])
    await writeFile(join(folder, 'ca.pem'), sim.ca)
    return new Crew(redis, sim, folder)
  }

  /** The environment of a process of this world. */
  async environment(prefix: string, more: object = {}): Promise<Record<string, string>> {
    const file = join(this.folder, `${prefix}.json`)
    const { sim } = this
    await writeFile(
      file,
      JSON.stringify({
        clusters: [
          {
            name: 'main',
            endpoints: sim.endpoints,
            tokens: { read: sim.readToken, act: sim.token },
            tls: { ca: join(this.folder, 'ca.pem') },
          },
        ],
        roles: labRoles,
        redis: { prefix },
        chat: { web: { listen: '127.0.0.1:0', signIn: 'none' } },
        http: { listen: '127.0.0.1:0' },
        ...more,
      }),
    )
    return {
      QUORUM_CONFIG: file,
      QUORUM_DATA: this.folder,
      QUORUM_KEY: this.#key,
      REDIS_URL: this.redis.url,
      LOG_LEVEL: 'info',
      ...(this.isLab ? { QUORUM_LAB_CONTROL: sim.control } : {}),
      PATH: process.env.PATH ?? '',
    }
  }

  /** A bot in this process. */
  async bot(prefix: string, more: object = {}): Promise<Chat & { http: string; close(): Promise<void> }> {
    const env = await this.environment(prefix, more)
    const environment = { ...readEnvironment({ ...env, LOG_LEVEL: 'silent' }), redis: parseRedisUrl(this.redis.url) }
    const config = loadConfig({ role: 'bot', env })
    const running = await startBot({
      config,
      environment,
      key: Buffer.from(this.#key, 'hex'),
      membership: localMembership(true),
    })
    let closed = false
    const close = async () => {
      if (closed) return
      closed = true
      await running.close()
    }
    this.#closers.push(close)
    return Object.assign(new Chat(running.web!), { http: running.http!, close })
  }

  /** A worker in a process of its own, as in production, from dist/. */
  async worker(prefix: string, more: object = {}, flags: '--root'[] = []): Promise<WorkerProcess> {
    return this.#process(['dist/src/cli.js', 'worker', ...flags], await this.environment(prefix, more), 'worker ready')
  }

  /** The workers of several worlds, in one process that dies for all of them. */
  async workers(prefixes: readonly string[]): Promise<WorkerProcess> {
    const envs = await Promise.all(prefixes.map((prefix) => this.environment(prefix)))
    const files = envs.map((env) => env.QUORUM_CONFIG!)
    return this.#process(['dist/test/fixtures/workers.js', ...files], envs[0]!, 'workers ready')
  }

  async #process(program: string[], env: Record<string, string>, ready: string): Promise<WorkerProcess> {
    const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#children.add(child)
    const log: string[] = []
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        log.push(line)
        if (line.includes(ready)) resolve()
        else if (/"level":[56]0/.test(line)) console.error(line)
      })
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)))
    })
    const end = async (signal: NodeJS.Signals) => {
      this.#children.delete(child)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      await once(child, 'exit')
    }
    return { pid: child.pid!, log, kill9: () => end('SIGKILL'), stop: () => end('SIGTERM') }
  }

  /** A bot in a process of its own, to be killed; `http`: where it serves health and webhooks. */
  async botProcess(prefix: string, more: object = {}): Promise<Chat & { http: string; kill9(): Promise<void> }> {
    const child = spawn(process.execPath, ['dist/src/cli.js', 'bot'], {
      env: await this.environment(prefix, more),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#children.add(child)
    const urls = await new Promise<{ web: string; http: string }>((resolve, reject) => {
      const known = new Map<string, string>()
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { msg, url } = JSON.parse(line) as { msg: string; url?: string }
        if (url !== undefined) known.set(msg, url)
        const [web, http] = [known.get('web chat'), known.get('health and links')]
        if (web !== undefined && http !== undefined) resolve({ web, http })
      })
      child.once('exit', (code) => reject(new Error(`the bot ended with ${code}`)))
    })
    const kill9 = async () => {
      this.#children.delete(child)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    return Object.assign(new Chat(urls.web), { http: urls.http, kill9 })
  }

  /** A bot and a worker in one process, loaded and waiting: `begin` starts them, `kill9` ends both in the same instant. */
  pair(env: Record<string, string>): { begin(): Promise<Chat>; kill9(): Promise<void> } {
    const child = spawn(process.execPath, ['dist/test/fixtures/bot-and-worker.js'], {
      env: { ...env, LOG_LEVEL: 'silent' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#children.add(child)
    const ended = once(child, 'exit')
    const begin = async () => {
      child.stdin.write('\n')
      const dead = ended.then(([code]) => Promise.reject(new Error(`bot and worker ended with ${code}`)))
      const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), dead])
      dead.catch(() => {})
      return new Chat(String(line))
    }
    const kill9 = async () => {
      this.#children.delete(child)
      child.kill('SIGKILL')
      await ended
    }
    return { begin, kill9 }
  }

  /** The same in this process. */
  async both(env: Record<string, string>): Promise<Chat> {
    const { web, close } = await startBoth({ ...env, LOG_LEVEL: 'silent' })
    this.#closers.push(close)
    return new Chat(web)
  }

  /** What killed processes of a world held runs out ten seconds after their death; here at once. */
  async lapse(prefix: string): Promise<void> {
    const redis = connect(parseRedisUrl(this.redis.url)!, 'patient', () => {})
    const keys = await redis.keys(`${prefix}:*`)
    const held = keys.filter((key) => /:(lock|lease|stalled-check)$/.test(key))
    if (held.length > 0) await redis.del(...held)
    for (const key of keys.filter((one) => one.endsWith(':active'))) {
      const jobs = await redis.lrange(key, 0, -1)
      if (jobs.length > 0) await redis.sadd(key.replace(/active$/, 'stalled'), ...jobs)
    }
    redis.disconnect()
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    await Promise.all(this.#closers.map((close) => close().catch(() => {})))
    await this.sim.close()
    await this.redis.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}
