import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../src/config.ts'
import { BullOutbox } from '../src/jobs/outbox.ts'
import { connect, type Redis } from '../src/jobs/redis.ts'
import { Seal } from '../src/jobs/seal.ts'
import { WebSignIn } from '../src/jobs/web-sign-in.ts'
import { hasBrowser, startBrowser } from './browser.ts'
import { Crew, until } from './crew.ts'
import { ask, form } from './fixtures/http.ts'
import { barriers } from './fixtures/readable.ts'

const run = promisify(execFile)

const publicHost = 'bot.example.org'
const house = {
  chat: { web: { listen: '127.0.0.1:0', signIn: 'link' } },
  http: { listen: '127.0.0.1:0', publicUrl: `https://${publicHost}` },
  people: [{ name: 'Ana María', ids: ['slack:U1', 'web:ana'] }],
  roles: [{ role: 'operator', who: ['Ana María'] }],
}

let crew: Crew
let redis: Redis

beforeAll(async () => {
  crew = await Crew.start()
  redis = connect(parseRedisUrl(crew.redis.url)!, 'patient', () => {})
})

afterAll(async () => {
  redis.disconnect()
  await crew.close()
})

let count = 0
/** A bot with links, in a world of its own. */
async function bot(more: object = {}) {
  const prefix = `sign${++count}`
  const running = await crew.bot(prefix, { ...house, ...more })
  const env = await crew.environment(prefix, { ...house, ...more })
  await until(async () => (await ask(`${running.url}/sign-in?link=x`)).status === 404, 'the bot to reach Redis')
  const seal = new Seal(Buffer.from(env.QUORUM_KEY!, 'hex'))
  const signIn = new WebSignIn({ redis, prefix, seal, now: Date.now, random: randomBytes })
  const quorum = (...args: string[]) => run(process.execPath, ['dist/src/cli.js', ...args], { env })
  const enter = async (identity: string) => {
    const reply = await ask(`${running.url}/sign-in`, form({ link: await signIn.issue(identity) }))
    expect(reply.status).toBe(303)
    return { cookie: String(reply.headers['set-cookie']).split(';')[0]! }
  }
  return { ...running, url: running.url, post: running.post.bind(running), prefix, seal, signIn, quorum, enter }
}

const linkIn = (url: string) => new URL(url.trim()).searchParams.get('link')!
const said = (text: string, user?: string) => JSON.stringify({ channel: 'general', text, ...(user ? { user } : {}) })
const json = { 'content-type': 'application/json' }

describe('a one-time link', () => {
  test('from the command line signs one browser in, as that person and nobody else', async () => {
    const { url, quorum } = await bot()
    const { stdout, stderr } = await quorum('web-login', 'Ana María')
    expect(stdout).toMatch(/^https:\/\/bot\.example\.org\/sign-in\?link=[\da-f]{16}\.[\da-f]{64}\n$/)
    expect(stderr).toContain('Signs in web:ana.')
    const link = linkIn(stdout)
    for (let looks = 0; looks < 3; looks++) {
      const page = await ask(`${url}/sign-in?link=${link}`, { headers: { 'accept-language': 'es-EC' } })
      expect(page).toMatchObject({ status: 200, body: expect.stringContaining('Iniciar sesión como ana') })
      expect(page.headers['cache-control']).toBe('no-store')
      expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(page.headers['set-cookie']).toBeUndefined()
    }
    const reply = await ask(`${url}/sign-in`, form({ link }, { origin: url }))
    const cookie = String(reply.headers['set-cookie'])
    expect(reply.status).toBe(303)
    expect(cookie).toMatch(/^quorum=/)
    expect(cookie).toContain('HttpOnly')
    expect(cookie).toContain('SameSite=Strict')
    const headers = { ...json, cookie: cookie.split(';')[0]! }
    const me = JSON.parse((await ask(`${url}/api/me`, { headers })).body)
    expect(me).toEqual({ signIn: 'link', identity: 'web:ana', until: expect.any(Number) })
    expect(me.until - Date.now()).toBeGreaterThan(11.9 * 3600_000)
    // What the body says of who is speaking counts for nothing.
    const posted = await ask(`${url}/api/messages`, { method: 'POST', headers, body: said('whoami', 'web:admin') })
    expect(posted.status).toBe(202)
    const { messages } = JSON.parse((await ask(`${url}/api/messages?channel=general`, { headers })).body)
    expect(messages[0]).toMatchObject({ author: 'web:ana', message: { title: 'whoami' } })
    const again = await ask(`${url}/sign-in`, form({ link }))
    expect(again).toMatchObject({ status: 404, body: expect.stringContaining('quorum web-login NAME') })
    expect(again.headers['set-cookie']).toBeUndefined()
  })

  test('is only for who has a web identity, and where the chat can be opened', async () => {
    const { quorum } = await bot({ people: [{ name: 'luis', ids: ['slack:U2'] }], roles: [] })
    await expect(quorum('web-login', 'luis')).rejects.toThrow('luis has no web identity')
    await expect(quorum('web-login', 'a b')).rejects.toThrow('neither a person of the configuration nor a name')
    expect((await quorum('web-login', 'web:eva')).stderr).toContain('Signs in web:eva.')
    const lab = await bot({ chat: { web: { listen: '127.0.0.1:0', signIn: 'none' } } })
    await expect(lab.quorum('web-login', 'ana')).rejects.toThrow('nobody has to sign in')
    const nowhere = await bot({ http: { listen: '127.0.0.1:0' } })
    await expect(nowhere.quorum('web-login', 'ana')).rejects.toThrow('set http.publicUrl')
  })

  test('opens one session, however many use it at once', async () => {
    const { url, signIn } = await bot()
    const link = await signIn.issue('web:ana')
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(`${url}/sign-in`, form({ link }))))
    expect(replies.filter(({ status }) => status === 303)).toHaveLength(1)
    expect(replies.filter(({ status }) => status === 404)).toHaveLength(19)
  })

  test('ends after ten minutes', async () => {
    const { prefix, seal } = await bot()
    let now = Date.now()
    const signIn = new WebSignIn({ redis, prefix, seal, now: () => now, random: randomBytes })
    const link = await signIn.issue('web:ana')
    // Redis forgets it too; a Redis that was told to keep it changes nothing.
    await redis.persist(`${prefix}:web-link:${link.split('.')[0]}`)
    now += 10 * 60_000 - 1
    expect(await signIn.look(link)).toEqual({ identity: 'web:ana' })
    now += 1
    expect(await signIn.redeem(link)).toBe('gone')
  })

  test('ends with its fifth wrong secret', async () => {
    const { url, signIn } = await bot()
    const link = await signIn.issue('web:ana')
    const wrong = `${link.split('.')[0]}.${'0'.repeat(64)}`
    for (let tries = 0; tries < 4; tries++) expect((await ask(`${url}/sign-in?link=${wrong}`)).status).toBe(404)
    expect((await ask(`${url}/sign-in?link=${link}`)).status).toBe(200)
    expect((await ask(`${url}/sign-in`, form({ link: wrong }))).status).toBe(404)
    expect((await ask(`${url}/sign-in`, form({ link }))).status).toBe(404)
  })

  test('still works while somebody floods us with guesses, who is told to wait', async () => {
    const { url, signIn } = await bot()
    const guess = () => ask(`${url}/sign-in`, form({ link: `${randomBytes(8).toString('hex')}.${'1'.repeat(64)}` }))
    // The count begins anew each minute; one that passes meanwhile is made up for.
    const slow = await until(async () => {
      const replies = await Promise.all(Array.from({ length: 40 }, guess))
      return replies.find(({ status }) => status === 429)
    }, 'a guess to be answered with a wait')
    expect(slow.headers['retry-after']).toBe('60')
    expect(slow.headers['set-cookie']).toBeUndefined()
    expect((await ask(`${url}/sign-in`, form({ link: await signIn.issue('web:ana') }))).status).toBe(303)
  })

  test('does not stand in Redis, nor does the cookie, and what stands there signs nobody in', async () => {
    const { url, prefix, signIn, enter } = await bot()
    const open = await signIn.issue('web:ana')
    const { cookie } = await enter('web:ana')
    const stored = await everything(prefix)
    const [id, secret] = open.split('.') as [string, string]
    expect(stored).toContain(id)
    for (const hidden of [secret, cookie, cookie.slice('quorum='.length), cookie.split('.')[1]!]) {
      expect(stored).not.toContain(hidden)
    }
    // A link's record moved, or made into one for somebody else.
    const record = (await redis.get(`${prefix}:web-link:${id}`))!
    await redis.set(`${prefix}:web-link:${'a'.repeat(16)}`, record)
    expect((await ask(`${url}/sign-in`, form({ link: `${'a'.repeat(16)}.${secret}` }))).status).toBe(404)
    await redis.set(`${prefix}:web-link:${id}`, record.replace('web:ana', 'web:eva'))
    expect((await ask(`${url}/sign-in`, form({ link: open }))).status).toBe(404)
  })
})

/** All that Redis holds under a prefix, as text. */
async function everything(prefix: string): Promise<string> {
  const keys = await redis.keys(`${prefix}:*`)
  const values = await Promise.all(
    keys.map(async (key) => {
      const type = await redis.type(key)
      if (type === 'string') return redis.get(key)
      if (type === 'hash') return JSON.stringify(await redis.hgetall(key))
      if (type === 'zset') return (await redis.zrange(key, '0', '-1', 'WITHSCORES')).join(' ')
      if (type === 'set') return (await redis.smembers(key)).join(' ')
      if (type === 'list') return (await redis.lrange(key, 0, -1)).join(' ')
      return JSON.stringify(await redis.xrange(key, '-', '+'))
    }),
  )
  return keys.map((key, i) => `${key} ${values[i]}`).join('\n')
}

describe('a session', () => {
  test('is asked for by everything but the page, with the next step', async () => {
    const { url } = await bot()
    expect((await ask(`${url}/`)).status).toBe(200)
    const paths = ['/api/me', '/api/messages?channel=general', '/api/stream?channel=general', '/api/lab']
    const asked = paths.map((path) => ask(url + path))
    const told = ['messages', 'actions'].map((path) =>
      ask(`${url}/api/${path}`, { method: 'POST', headers: json, body: said('whoami', 'web:ana') }),
    )
    for (const { status, body } of await Promise.all([...asked, ...told])) {
      expect(status).toBe(401)
      expect(JSON.parse(body).error).toMatchObject({ code: 'sign-in', hint: expect.stringContaining('web-login') })
    }
  })

  test('ends with sign-out, open streams included', async () => {
    const { url, enter } = await bot()
    const headers = await enter('web:ana')
    const stream = await fetch(`${url}/api/stream?channel=general`, { headers })
    const heard = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
    await ask(`${url}/api/messages`, { method: 'POST', headers: { ...json, ...headers }, body: said('first') })
    let text = ''
    while (!text.includes('"first"')) text += (await heard.read()).value ?? ''
    const out = await ask(`${url}/api/sign-out`, { method: 'POST', headers: { ...json, ...headers }, body: '{}' })
    expect(out.status).toBe(200)
    expect(String(out.headers['set-cookie'])).toContain('Max-Age=0')
    expect((await ask(`${url}/api/me`, { headers })).status).toBe(401)
    const other = await enter('web:ana')
    await ask(`${url}/api/messages`, { method: 'POST', headers: { ...json, ...other }, body: said('second') })
    for (;;) {
      const { done, value } = await heard.read()
      if (done) break
      text += value
    }
    expect(text).not.toContain('"second"')
  })

  test('ends after twelve hours, and with the key', async () => {
    const { prefix, seal } = await bot()
    let now = Date.now()
    const options = { redis, prefix, now: () => now, random: randomBytes }
    const signIn = new WebSignIn({ ...options, seal })
    const session = await signIn.redeem(await signIn.issue('web:ana'))
    if (typeof session === 'string') throw new Error(session)
    expect(await new WebSignIn({ ...options, seal: new Seal(randomBytes(32)) }).who(session.cookie)).toBeUndefined()
    now += 12 * 3600_000 - 1
    expect(await signIn.who(session.cookie)).toMatchObject({ identity: 'web:ana' })
    now += 1
    expect(await signIn.who(session.cookie)).toBeUndefined()
  })

  test('has a cookie that is refused after any change', async () => {
    const { signIn } = await bot()
    const session = await signIn.redeem(await signIn.issue('web:ana'))
    if (typeof session === 'string') throw new Error(session)
    const { cookie } = session
    const change = fc.record({
      at: fc.nat(cookie.length - 1),
      take: fc.integer({ min: 0, max: 3 }),
      put: fc.string({ maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ at, take, put }) => {
        const changed = cookie.slice(0, at) + put + cookie.slice(at + take)
        fc.pre(changed !== cookie)
        expect(await signIn.who(changed)).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
    expect(await signIn.who(cookie)).toBeDefined()
  })

  test('hears what is for everybody, and of what is for one person only its own', async () => {
    const { url, prefix, enter } = await bot()
    const outbox = new BullOutbox(redis, prefix)
    const at = { target: 'web:general', order: 0 }
    await outbox.put({ ...at, key: 'k1', onlyTo: 'web:ana', message: { title: 'for ana', state: 'info' } })
    await outbox.put({ ...at, key: 'k2', message: { title: 'for all', state: 'info' } })
    const read = async (headers: object) => {
      const { messages } = JSON.parse((await ask(`${url}/api/messages?channel=general`, { headers })).body)
      return messages as { message: { title: string } }[]
    }
    const titles = async (headers: object) => (await read(headers)).map(({ message }) => message.title).sort()
    const [ana, luis] = [await enter('web:ana'), await enter('web:luis')]
    await until(async () => (await titles(ana)).length === 2, 'both cards to be shown')
    expect(await titles(ana)).toEqual(['for all', 'for ana'])
    expect(await titles(luis)).toEqual(['for all'])
    expect(JSON.stringify(await read(ana))).not.toContain('onlyTo')
    await outbox.close()
  })
})

describe('another site', () => {
  test.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'bot.example.org.evil.example',
    'bot.example.org:8443',
    '10.0.0.5:8484',
  ])('cannot point its name here: Host %s', async (host) => {
    const { url, enter } = await shared()
    const reply = await ask(`${url}/api/me`, { headers: { host, ...(await enter('web:ana')) } })
    expect(reply.status).toBe(403)
    expect(JSON.parse(reply.body).error.code).toBe('wrong-host')
  })

  test.each(['https://evil.example', 'null', 'http://bot.example.org', 'https://bot.example.org.evil.example'])(
    'cannot speak for a person, sign them in or out: Origin %s',
    async (origin) => {
      const { url, enter, signIn } = await shared()
      const headers = { ...json, origin, ...(await enter('web:ana')) }
      for (const path of ['/api/messages', '/api/actions', '/api/sign-out']) {
        const reply = await ask(url + path, { method: 'POST', headers, body: said('vm list') })
        expect(JSON.parse(reply.body).error.code).toBe('wrong-origin')
      }
      const link = await signIn.issue('web:ana')
      expect((await ask(`${url}/sign-in`, form({ link }, { origin }))).status).toBe(403)
      expect((await ask(`${url}/sign-in`, form({ link }, { origin: url }))).status).toBe(303)
    },
  )

  test('under the public address the cookie is for TLS and this host alone', async () => {
    const { url, signIn, enter } = await shared()
    const host = { host: publicHost, origin: `https://${publicHost}` }
    const reply = await ask(`${url}/sign-in`, form({ link: await signIn.issue('web:ana') }, host))
    const cookie = String(reply.headers['set-cookie'])
    expect(cookie).toMatch(/^__Host-quorum=/)
    expect(cookie).toContain('Secure')
    expect(cookie).toContain('Path=/')
    const strict = { ...host, cookie: cookie.split(';')[0]! }
    expect((await ask(`${url}/api/me`, { headers: strict })).status).toBe(200)
    // One that a neighbouring name could have set does not count there.
    const loose = { ...host, ...(await enter('web:eva')) }
    expect((await ask(`${url}/api/me`, { headers: loose })).status).toBe(401)
  })

  let one: ReturnType<typeof bot> | undefined
  const shared = () => {
    one ??= bot()
    return one
  }
})

describe.skipIf(!hasBrowser)('in a browser', () => {
  test('the link, its button, the chat and its stream work', async () => {
    const { url, signIn } = await bot()
    const browser = await startBrowser()
    try {
      const page = await browser.newPage()
      await page.goto(`${url}/sign-in?link=${await signIn.issue('web:ana')}`)
      expect(await barriers(page)).toEqual([])
      await page.getByRole('button', { name: 'Sign in as ana' }).click()
      await page.waitForURL(`${url}/`)
      await page.getByRole('combobox').fill('whoami')
      await page.getByRole('combobox').press('Enter')
      await page.getByText('whoami').first().waitFor()
      await page.locator('.card').first().waitFor()
      expect(await page.evaluate(() => document.cookie)).toBe('')
      await page.getByText('Signed in as ana').waitFor()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByText('Nobody is signed in here.').waitFor()
      expect(await page.context().cookies()).toEqual([])
    } finally {
      await browser.close()
    }
  })
})
