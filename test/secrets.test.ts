import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { words } from '../src/app.ts'
import { parseRedisUrl } from '../src/config.ts'
import { defineWorker } from '../src/core/worker.ts'
import { CardStore } from '../src/jobs/outbox.ts'
import { connect, type Redis } from '../src/jobs/redis.ts'
import { Seal } from '../src/jobs/seal.ts'
import { SecretBox } from '../src/jobs/secret-box.ts'
import { WebSignIn } from '../src/jobs/web-sign-in.ts'
import { makeAuthority, makeNodeCertificate } from '../src/lab/pki.ts'
import { readSecret } from '../src/read-secret.ts'
import { hasBrowser, startBrowser } from './browser.ts'
import { Crew, type Listed, until } from './crew.ts'
import { ask, form } from './fixtures/http.ts'
import { oneWorker } from './fixtures/one-worker.ts'
import { barriers } from './fixtures/readable.ts'

const publicUrl = 'https://bot.example.org'
const host = { host: 'bot.example.org' }

let crew: Crew
let ca: string
let tls: { cert: string; key: string }
const opened: Redis[] = []
const closers: (() => Promise<unknown>)[] = []

const connection = () => {
  const redis = connect(parseRedisUrl(crew.redis.url)!, 'patient', () => {})
  redis.setMaxListeners(0)
  opened.push(redis)
  return redis
}

beforeAll(async () => {
  crew = await Crew.start()
  const authority = await makeAuthority('test', Date.now())
  const own = await makeNodeCertificate(authority, { name: 'bot', domain: 'test', ip: '127.0.0.1' }, Date.now())
  ca = authority.pem
  tls = { cert: join(crew.folder, 'bot.pem'), key: join(crew.folder, 'bot.key') }
  await writeFile(tls.cert, own.pem)
  await writeFile(tls.key, own.key)
})

afterAll(async () => {
  for (const close of closers.reverse()) await close().catch(() => {})
  for (const redis of opened) redis.disconnect()
  await crew.close()
})

/** A job that asks for a password, and tells only this test what it got. */
function asker() {
  const got: string[] = []
  const steps = { ask: 'Ask', use: 'Use' }
  const worker = defineWorker({
    payload: z.object({}),
    locks: () => [],
    text: { en: { title: 'Join', steps, done: 'Joined' }, es: { title: 'Unir', steps, done: 'Unido' } },
    run: async ({ secret, step }) => {
      const password = await secret('ask', { purpose: 'root-password', label: 'the root password of pve3' })
      await step('use', async () => got.push(password.reveal()))
      return {}
    },
  })
  return { got, worker }
}

/** A bot as it runs in production, in a process of its own that logs all it has to say. */
async function bot(prefix: string, more: object) {
  const env = await crew.environment(prefix, { chat: { web: { listen: '127.0.0.1:0', signIn: 'link' } }, ...more })
  const child: ChildProcess = spawn(process.execPath, ['dist/src/cli.js', 'bot'], {
    env: { ...env, LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  closers.push(async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const log: string[] = []
  for (const output of [child.stdout!, child.stderr!]) createInterface(output).on('line', (line) => void log.push(line))
  const url = (text: string) =>
    until(
      () => {
        const line = log.find((one) => one.includes(`"msg":"${text}"`))
        return line && (JSON.parse(line) as { url: string }).url
      },
      `the bot to log "${text}"; it logged ${log.join('\n')}`,
    )
  const seal = new Seal(Buffer.from(env.QUORUM_KEY!, 'hex'))
  const [chat, links] = [await url('web chat'), await url('health and links')]
  await until(async () => (await ask(`${chat}/sign-in?link=x`)).status === 404, 'the bot to reach Redis')
  return { chat, links, log, seal, env }
}

/** The web chat as one person sees it. */
async function reader(chat: string, redis: Redis, prefix: string, seal: Seal, identity: string) {
  const signIn = new WebSignIn({ redis, prefix, seal, now: Date.now, random: randomBytes })
  const reply = await ask(`${chat}/sign-in`, form({ link: await signIn.issue(identity) }))
  const headers = { cookie: String(reply.headers['set-cookie']).split(';')[0]! }
  return async () => {
    const { body } = await ask(`${chat}/api/messages?channel=general`, { headers })
    return (JSON.parse(body) as { messages: Listed[] }).messages
  }
}

/** Everything Redis holds and has written to disk, the history of its commands included. */
async function allOfRedis(redis: Redis): Promise<string> {
  const keys = await redis.keys('*')
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  const folder = join(crew.folder, 'redis')
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
  const written = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name))))
  return [...keys, ...[...dumps, ...written].map((bytes) => bytes?.toString('latin1') ?? '')].join('\n')
}

/** A text as it would look in each disguise that something on the way might give it. */
const disguises = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  Buffer.from(secret).toString('latin1'),
]

describe('a secret that a job asks for', () => {
  test('goes by a link and a code to that job alone, and is found nowhere afterwards', async () => {
    const prefix = 'story'
    const { chat, links, log, seal } = await bot(prefix, { http: { listen: '127.0.0.1:0', publicUrl, tls } })
    const { got, worker } = asker()
    const jobLog = new PassThrough()
    createInterface(jobLog).on('line', (line) => void log.push(line))
    const here = oneWorker({
      connection,
      prefix,
      seal,
      publicUrl,
      workers: { join: worker },
      log: pino({ level: 'trace' }, jobLog),
    })
    closers.push(here.close)
    const { faults } = here.worker()
    const ana = await reader(chat, here.redis, prefix, seal, 'web:ana')
    const luis = await reader(chat, here.redis, prefix, seal, 'web:luis')
    const id = await here.order('join')
    const told = await until(
      async () => (await ana()).find(({ message }) => message.text?.includes(`${publicUrl}/secret/`)),
      'ana to be told',
    )
    const { path, code } = read(told.message.text!)
    const page = `${links}${path}`
    // A chat platform's preview, twice; then ana.
    for (let looks = 0; looks < 3; looks++) {
      const shown = await ask(page, { ca, headers: { ...host, 'accept-language': 'es' } })
      expect(shown.status).toBe(200)
      expect(shown.body).toContain('Quorum needs: the root password of pve3')
      expect(shown.body).not.toContain(code)
      expect(shown.headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      })
    }
    const password = `pä$$ "${randomBytes(8).toString('base64')}"`
    // What Redis held for a moment is in its history: the search below would find it.
    const decoy = randomBytes(8).toString('base64')
    await here.redis.set('decoy', JSON.stringify({ text: decoy }))
    await here.redis.del('decoy')
    const wrongCode = code === '000000' ? '000001' : '000000'
    const wrong = await ask(page, { ca, ...form({ code: wrongCode, secret: password }, host) })
    expect(wrong).toMatchObject({ status: 403, body: expect.stringContaining('Tries left: 4') })
    expect(wrong.body).not.toContain('pä$$')
    const right = await ask(page, { ca, ...form({ code: ` ${code} `, secret: password }, { ...host, origin: 'null' }) })
    expect(right).toMatchObject({ status: 200, body: expect.stringContaining('it has been handed over') })
    await until(async () => (await here.runs.view(id)).endedAt !== undefined, 'the job to end')
    expect(got).toEqual([password])
    expect(faults).toEqual([])
    expect(await here.runs.view(id)).toMatchObject({ state: 'ok' })
    expect((await ask(page, { ca, ...form({ code, secret: 'another' }, host) })).status).toBe(404)

    await until(async () => (await ana()).some(({ id, message }) => id === told.id && message.state === 'ok'), 'thanks')
    expect(JSON.stringify(await luis())).not.toMatch(/secret\/s-|\d{6}\b.*code/)
    const messages = [await ana(), await luis()]
    expect(messages[1]!.map(({ message }) => message.title)).not.toContain(told.message.title)
    const all = { redis: await allOfRedis(here.redis), log: log.join('\n'), messages: JSON.stringify(messages) }
    // What is searched is really there: it has the job, and the handle is in Redis's history.
    expect(all.redis).toContain(id)
    expect(all.redis).toContain(path.slice('/secret/'.length))
    expect(all.redis).toContain(decoy)
    expect(all.log).toContain('health and links')
    expect(all.messages).toContain('Quorum needs')
    for (const [where, text] of Object.entries(all)) {
      for (const disguise of disguises(password)) expect(text.includes(disguise), `${where}: ${disguise}`).toBe(false)
    }
  })

  test('without a public address is typed on the bot machine', async () => {
    const prefix = 'byhand'
    const { log, seal, env, links } = await bot(prefix, {})
    const { got, worker } = asker()
    const here = oneWorker({ connection, prefix, seal, workers: { join: worker } })
    closers.push(here.close)
    here.worker()
    const id = await here.order('join', { language: 'es' })
    const cards = new CardStore(here.redis, prefix)
    const handle = await until(
      async () => (await here.runs.read<{ result: string }>(id, 'step:secret ask'))?.result,
      '',
    )
    const card = await cards.get(`secret-${handle}`)
    expect(card).toMatchObject({ onlyTo: 'web:ana', message: { title: 'Quorum necesita the root password of pve3' } })
    expect(card?.message.text).toContain(`quorum secret set ${handle}`)
    expect(card?.message.text).not.toContain('http')
    expect((await ask(`${links}/secret/${handle}`)).status).toBe(404)
    const set = promisify(execFile)
    const given = (text: string, to = handle) => {
      const done = set(process.execPath, ['dist/src/cli.js', 'secret', 'set', to], { env })
      done.child.stdin!.end(text)
      return done
    }
    await expect(given('x', `s-${'0'.repeat(32)}`)).rejects.toThrow('Nothing is asked for under this handle')
    await expect(given('a\nb')).rejects.toThrow('no line breaks')
    const password = randomBytes(12).toString('hex')
    const { stdout, stderr } = await given(`${password}\n`)
    expect(stdout).toBe('')
    expect(stderr).toContain(`Quorum needs: the root password of pve3 (job ${id})`)
    await until(async () => (await here.runs.view(id)).endedAt !== undefined, 'the job to end')
    expect(got).toEqual([password])
    const all = `${await allOfRedis(here.redis)}${log.join('\n')}${stderr}`
    for (const disguise of disguises(password)) expect(all.includes(disguise)).toBe(false)
  })
})

const read = (text: string) => {
  const path = /https:\/\/bot\.example\.org(\/secret\/s-[\da-f]{32})\s/.exec(text)?.[1]
  const code = /\b(\d{6})\b/.exec(text)?.[1]
  if (!path || !code) throw new Error(text)
  return { path, code }
}

describe('the box', () => {
  let count = 0
  function box(options: { publicUrl?: string } = { publicUrl }) {
    const prefix = `box${++count}`
    const redis = connection()
    const seal = new Seal(randomBytes(32))
    const cards: { target: string; message: { text?: string }; onlyTo?: string }[] = []
    const clock = { now: Date.now() }
    const outbox = { put: async (card: object) => Boolean(cards.push(card as (typeof cards)[number])) }
    const common = { redis, prefix, outbox, words, publicUrl: options.publicUrl, now: () => clock.now }
    const made = new SecretBox({ ...common, seal, random: randomBytes })
    const asked = async (job = 'j-1', step = 'join', person = 'web:ana') => {
      const { handle } = await made.request({
        purpose: 'root-password',
        person,
        job,
        step,
        label: 'a password',
        language: 'en',
        target: 'web:general',
      })
      return { handle, code: options.publicUrl ? read(cards.at(-1)!.message.text!).code : '' }
    }
    return { box: made, asked, cards, clock, redis, seal, key: (handle: string) => `${prefix}:secret:${handle}` }
  }

  test('tells one person alone, in each chat in its way', async () => {
    const { asked, cards } = box()
    await asked('j-1', 'join', 'slack:U1')
    await asked('j-1', 'join', 'discord:42')
    const [slack, discord] = cards
    expect(slack).toMatchObject({ target: 'web:general', onlyTo: 'slack:U1' })
    // A card for everybody in no channel: a direct message.
    expect(discord).toMatchObject({ target: 'discord:42' })
    expect(discord).not.toHaveProperty('onlyTo')
  })

  test('gives a secret to the job and step it was asked for, once', async () => {
    const { box: made, asked } = box()
    const { handle, code } = await asked()
    expect(await made.take(handle, { job: 'j-1', step: 'join' })).toBeUndefined()
    expect(await made.state(handle)).toBe('asked')
    expect(await made.give(handle, code, 's3cret')).toBe('given')
    expect(await made.give(handle, code, 'other')).toBe('gone')
    expect(await made.put(handle, 'other')).toBe('gone')
    expect(await made.take(handle, { job: 'j-2', step: 'join' })).toBeUndefined()
    expect(await made.take(handle, { job: 'j-1', step: 'leave' })).toBeUndefined()
    const taken = await Promise.all(Array.from({ length: 20 }, () => made.take(handle, { job: 'j-1', step: 'join' })))
    expect(taken.filter((one) => one !== undefined).map((one) => one?.reveal())).toEqual(['s3cret'])
    expect(await made.state(handle)).toBe('gone')
  })

  test('ends with the fifth wrong code, however many come at once', async () => {
    const { box: made, asked } = box()
    const { handle, code } = await asked()
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0')
    const results = await Promise.all(Array.from({ length: 50 }, () => made.give(handle, wrong, 'x')))
    expect(results.filter((result) => typeof result === 'object')).toHaveLength(4)
    expect(await made.give(handle, code, 'x')).toBe('gone')
    const other = await asked()
    for (let tries = 0; tries < 4; tries++) await made.give(other.handle, '', 'x')
    expect(await made.give(other.handle, other.code, 'x')).toBe('given')
  })

  test('forgets what nobody handed over in ten minutes, and what nobody took in an hour', async () => {
    const { box: made, asked, clock, redis, key } = box()
    const first = await asked()
    const second = await asked()
    expect(await made.give(second.handle, second.code, 'x')).toBe('given')
    expect(await redis.pttl(key(first.handle))).toBeLessThanOrEqual(10 * 60_000)
    // A Redis that was told to keep them changes nothing.
    await redis.persist(key(first.handle))
    await redis.persist(key(second.handle))
    clock.now += 10 * 60_000
    expect(await made.look(first.handle)).toBeUndefined()
    expect(await made.give(first.handle, first.code, 'x')).toBe('gone')
    clock.now += 50 * 60_000
    expect(await made.take(second.handle, { job: 'j-1', step: 'join' })).toBeUndefined()
  })

  test('believes nothing that was moved or made in Redis', async () => {
    const { box: made, asked, redis, seal, key } = box()
    const [mine, yours] = [await asked('j-1'), await asked('j-2')]
    await made.give(mine.handle, mine.code, 'mine')
    const stored = await redis.hgetall(key(mine.handle))
    // The secret under another request, the request under another handle, a request of somebody's own.
    await redis.hset(key(yours.handle), 'secret', stored.secret!)
    expect(await made.take(yours.handle, { job: 'j-2', step: 'join' })).toBeUndefined()
    const forged = `s-${'0'.repeat(32)}`
    await redis.hset(key(forged), stored)
    expect(await made.take(forged, { job: 'j-1', step: 'join' })).toBeUndefined()
    const stranger = new Seal(randomBytes(32))
    await redis.hset(key(forged), 'request', stranger.wrap('secret request', forged, { job: 'j-1', step: 'join' }))
    expect(await made.take(forged, { job: 'j-1', step: 'join' })).toBeUndefined()
    expect(seal.decrypt('secret', { handle: mine.handle }, stored.secret)).toBeUndefined()
    expect((await made.take(mine.handle, { job: 'j-1', step: 'join' }))?.reveal()).toBe('mine')
  })

  test('takes handles as they are, and no others', async () => {
    const { box: made, asked } = box()
    const { handle, code } = await asked()
    const near = fc.record({ at: fc.nat(handle.length - 1), put: fc.string({ maxLength: 2 }) })
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), near), async (change) => {
        const other =
          typeof change === 'string' ? change : handle.slice(0, change.at) + change.put + handle.slice(change.at + 1)
        fc.pre(other !== handle)
        expect(await made.look(other)).toBeUndefined()
        expect(await made.give(other, code, 'x')).toBe('gone')
        expect(await made.take(other, { job: 'j-1', step: 'join' })).toBeUndefined()
      }),
      { numRuns: 300 },
    )
    expect(await made.state(handle)).toBe('asked')
  })

  test('takes what can be a secret', async () => {
    const { box: made, asked } = box()
    const { handle, code } = await asked()
    for (const unfit of ['', 'a\nb', 'a\0', 'x'.repeat(4097)])
      expect(await made.give(handle, code, unfit)).toBe('unfit')
    expect(await made.give(handle, code, 'x'.repeat(4096))).toBe('given')
  })

  test('has no code to guess where there is no link', async () => {
    const { box: made, asked } = box({})
    const { handle } = await asked()
    expect(await made.give(handle, '000000', 'x')).toBe('gone')
    expect(await made.put(handle, 'x')).toBe('given')
  })
})

describe('the seal', () => {
  test('opens only what it closed, for the same purpose and place', () => {
    const seal = new Seal(randomBytes(32))
    const about = { job: 'j-1', step: 'join', person: 'web:ana' }
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const hidden = seal.encrypt('secret', about, text)
        expect(seal.decrypt('secret', { ...about }, hidden)).toBe(text)
        expect(hidden).not.toBe(seal.encrypt('secret', about, text))
        expect(seal.decrypt('other', about, hidden)).toBeUndefined()
        for (const part of ['job', 'step', 'person']) {
          expect(seal.decrypt('secret', { ...about, [part]: 'x' }, hidden)).toBeUndefined()
        }
        expect(new Seal(randomBytes(32)).decrypt('secret', about, hidden)).toBeUndefined()
      }),
      { numRuns: 50 },
    )
    const hidden = seal.encrypt('secret', about, 'pass word')
    const change = fc.record({ at: fc.nat(hidden.length - 1), take: fc.nat(3), put: fc.string({ maxLength: 3 }) })
    fc.assert(
      fc.property(change, ({ at, take, put }) => {
        const changed = hidden.slice(0, at) + put + hidden.slice(at + take)
        fc.pre(changed !== hidden)
        expect(seal.decrypt('secret', about, changed)).toBeUndefined()
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the page', () => {
  test.each<[Record<string, string>, string]>([
    [{ host: 'evil.example' }, 'another name'],
    [{ ...host, origin: 'https://evil.example' }, 'another site'],
    [{ ...host, origin: 'null', 'sec-fetch-site': 'cross-site' }, 'another site without a name'],
  ])('takes nothing from %j: %s', async (headers) => {
    const { page, code, made, handle } = await served()
    const reply = await ask(page, { ca, ...form({ code, secret: 'x' }, headers) })
    expect(reply.status).toBe(403)
    expect(await made.state(handle)).toBe('asked')
  })

  test('shows labels as text, and no readiness under the public name', async () => {
    const { page, links } = await served('<script>alert(1)</script>"')
    const { body } = await ask(page, { ca, headers: host })
    expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;')
    expect(body).not.toContain('<script')
    expect((await ask(`${links}/readyz`, { ca, headers: host })).status).toBe(404)
    expect((await ask(`${links}/readyz`, { ca })).status).toBe(200)
  })

  test.skipIf(!hasBrowser)('works in a browser, for everybody', async () => {
    const { page: url, code, made, handle } = await served('a password', plain)
    const browser = await startBrowser()
    try {
      const page = await browser.newPage({ locale: 'en' })
      await page.goto(url)
      expect(await barriers(page)).toEqual([])
      await page.getByLabel('Six-digit code').fill('nope')
      await page.getByLabel('Secret', { exact: true }).fill('s3cret')
      await page.getByRole('button', { name: 'Hand over' }).click()
      await page.getByRole('alert').getByText('Tries left: 4').waitFor()
      expect(await barriers(page)).toEqual([])
      expect(await page.getByLabel('Secret', { exact: true }).inputValue()).toBe('')
      await page.getByLabel('Six-digit code').fill(code)
      await page.getByLabel('Secret', { exact: true }).fill('s3cret')
      await page.getByRole('button', { name: 'Hand over' }).click()
      await page.getByRole('heading', { name: 'Thank you, it has been handed over' }).waitFor()
      expect((await made.take(handle, {}))?.reveal()).toBe('s3cret')
    } finally {
      await browser.close()
    }
  })

  const running = new Map<string, ReturnType<typeof bot>>()
  /** Behind a proxy that ends TLS, as a browser without our authority can reach it. */
  const plain = 'plain'
  async function served(label = 'a password', prefix = 'pages') {
    const http = { listen: '127.0.0.1:0', publicUrl, ...(prefix === plain ? {} : { tls }) }
    const started = running.get(prefix) ?? bot(prefix, { http })
    running.set(prefix, started)
    const { links, seal } = await started
    const texts: string[] = []
    const outbox = { put: async (card: { message: { text?: string } }) => Boolean(texts.push(card.message.text ?? '')) }
    const common = { redis: connection(), prefix, seal, outbox, words, publicUrl }
    const made = new SecretBox({ ...common, now: Date.now, random: randomBytes })
    const about = { purpose: 'test', person: 'web:ana', language: 'en' as const, target: 'web:general' }
    const { handle } = await made.request({ ...about, label })
    const { path, code } = read(texts[0]!)
    return { links, page: links + path, code, made, handle }
  }
})

describe('at a terminal', () => {
  test('what is typed is not echoed, and the terminal is given back', async () => {
    for (const [keys, line] of [
      ['s3x\u007fcret\r', 's3cret'],
      ['half\u0003', undefined],
      ['', undefined],
    ] as const) {
      const modes: boolean[] = []
      const said: string[] = []
      const terminal = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) })
      const reading = readSecret(terminal, (text) => said.push(text))
      for (const key of keys) terminal.write(key)
      if (keys === '') terminal.end()
      expect(await reading).toBe(line)
      expect(modes).toEqual([true, false])
      expect(said.join('')).toBe('Secret (not shown): \n')
    }
  })
})
