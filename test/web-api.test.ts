import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../src/config.ts'
import { ChannelLog } from '../src/jobs/channel-log.ts'
import { connect } from '../src/jobs/redis.ts'
import { type Chat, Crew, until } from './crew.ts'
import { listenTo } from './fixtures/event-stream.ts'

let crew: Crew
let bot: Chat

beforeAll(async () => {
  crew = await Crew.start()
  bot = await crew.bot('api')
})

afterAll(() => crew.close())

const connection = () => connect(parseRedisUrl(crew.redis.url), 'patient', () => {})
const get = (path: string) => fetch(bot.url + path)
const errorOf = async (reply: Response) => ((await reply.json()) as { error: { code: string } }).error
const complete = { code: expect.any(String), says: expect.stringMatching(/\S/), hint: expect.stringMatching(/\S/) }

/** A request as no browser would let one write it. */
const raw = (path: string, headers: Record<string, string>, method = 'GET', body?: string) =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request(bot.url + path, { method, headers }, (reply) => {
      let text = ''
      reply.on('data', (chunk) => {
        text += chunk
      })
      reply.on('end', () => resolve({ status: reply.statusCode!, headers: reply.headers, body: text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })

describe.concurrent('messages', () => {
  test('are taken with 202 and an id, listed with their author, and answered behind', async () => {
    const reply = await bot.post('/api/messages', { user: 'viewer', channel: 'first', text: '/pve whoami' })
    expect(reply.status).toBe(202)
    const { id } = (await reply.json()) as { id: string }
    const [own] = await bot.messages('first')
    expect(own).toEqual({
      id,
      seq: 1,
      channel: 'first',
      author: 'web:viewer',
      message: { title: '/pve whoami', state: 'info' },
      revision: 1,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    const answer = await bot.card(() => true, 'an answer', 'first')
    expect(answer).toMatchObject({ author: 'quorum', seq: 2, revision: 1 })
  })

  test('go to any channel, which exists by being used, and each channel counts for itself', async () => {
    expect(await (await get('/api/messages?channel=never-used')).json()).toEqual({ messages: [] })
    await bot.say('web:viewer', 'one', 'web:sala_ñ.2')
    await bot.say('viewer', 'two', 'sala_ñ.2')
    const own = (await bot.messages('sala_ñ.2')).filter(({ author }) => author === 'web:viewer')
    expect(own.map(({ message }) => message.title)).toEqual(['one', 'two'])
    expect(own[0]!.seq).toBe(1)
  })

  test('and their edits take the channel’s next number; each is listed once, in its newest state', async () => {
    await bot.say('operator', 'vm create edited', 'edits')
    const queued = await bot.card(({ state }) => state === 'queued', 'the order', 'edits')
    expect(await bot.click('operator', queued.id, 'cancel')).toBe(202)
    const dropped = await bot.card(({ state }) => state === 'warning', 'the cancelled order', 'edits')
    expect(dropped.id).toBe(queued.id)
    expect(dropped.seq).toBeGreaterThan(queued.seq)
    expect(dropped.revision).toBe(queued.revision + 1)
    const all = await bot.messages('edits')
    expect(all.map(({ id }) => id)).toEqual([...new Set(all.map(({ id }) => id))])
    expect(all.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq).sort((a, b) => a - b))
    expect((await bot.messages('edits', queued.seq)).map(({ id }) => id)).toEqual([queued.id])
    expect(await bot.messages('edits', dropped.seq)).toEqual([])
    expect(dropped.message).toMatchObject({ job: expect.any(String), fields: expect.any(Array) })
    for (const { name, value } of dropped.message.fields!)
      expect([typeof name, typeof value]).toEqual(['string', 'string'])
  })

  test('in a thread carry its id, in the list and in the message', async () => {
    await bot.say('operator', 'vm create rooted', 'threads')
    const root = await bot.card(({ state }) => state === 'queued', 'the order', 'threads')
    await bot.click('operator', root.id, 'log')
    const line = await bot.card((_, { threadId }) => threadId !== undefined, 'the log', 'threads')
    expect(line).toMatchObject({ threadId: root.id, message: { thread: root.id } })
  })

  test('are all listed, however many there are', async () => {
    const [redis, subscriber] = [connection(), connection()]
    const log = new ChannelLog(redis, subscriber, 'api', Date.now)
    const entry = (i: number) => ({
      id: `n${i}`,
      author: 'web:viewer',
      message: { title: `${i}`, state: 'info' as const },
    })
    for (let i = 0; i < 700; i++) await log.write('many', entry(i))
    const listed = await bot.messages('many')
    expect(listed).toHaveLength(700)
    expect(listed.at(-1)?.seq).toBe(700)
    expect(await bot.messages('many', 650)).toHaveLength(50)
    for (const one of [redis, subscriber]) one.disconnect()
  })
})

describe.concurrent('clicks', () => {
  test('fill in a form, whose values may be texts, numbers and truths', async () => {
    await bot.say('operator', 'vm create', 'forms')
    const card = await bot.card(({ form }) => form !== undefined, 'the form', 'forms')
    expect(card.message).toMatchObject({ state: 'waiting', form: { id: card.id } })
    expect(card.message.form!.fields[0]).toMatchObject({ name: 'name', type: 'text', required: true })
    for (const field of card.message.form!.fields) {
      expect(['text', 'secret', 'number', 'boolean', 'select']).toContain(field.type)
    }
    const values = { name: 'formed', cores: 3 }
    const reply = await bot.post('/api/actions', {
      user: 'operator',
      messageId: card.id,
      actionId: 'form.submit',
      values,
    })
    expect(reply.status).toBe(202)
    const queued = await bot.card(({ state }) => state === 'queued', 'the order', 'forms')
    expect(queued.id).toBe(card.id)
    expect(queued.message.fields).toContainEqual({ name: 'Cores', value: '3' })
  })

  test('on what is no message of ours are 404, and unknown actions 400', async () => {
    const own = await bot.say('viewer', 'nonsense', 'own')
    for (const messageId of ['c-nothing', own]) {
      const reply = await bot.post('/api/actions', { user: 'operator', messageId, actionId: 'confirm' })
      expect(reply.status).toBe(404)
      expect(await errorOf(reply)).toMatchObject({ ...complete, code: 'unknown-message' })
    }
    const reply = await bot.post('/api/actions', { user: 'operator', messageId: own, actionId: 'explode' })
    expect(reply.status).toBe(400)
  })
})

describe.concurrent('what is malformed', () => {
  const fine = { user: 'viewer', channel: 'c', text: 'help' }
  test.each([
    ['nothing', {}],
    ['a list', []],
    ['a text', 'help'],
    ['null', null],
    ['no text', { ...fine, text: undefined }],
    ['an empty text', { ...fine, text: '' }],
    ['a number for a text', { ...fine, text: 7 }],
    ['no user', { ...fine, user: undefined }],
    ['another platform’s user', { ...fine, user: 'slack:U1' }],
    ['a user with a line break', { ...fine, user: 'ana\nquorum' }],
    ['an empty channel', { ...fine, channel: ' ' }],
    ['a channel that is a path', { ...fine, channel: '../x' }],
    ['a text that is too long', { ...fine, text: 'x'.repeat(20_001) }],
  ])('is refused with 400: %s', async (_, body) => {
    const reply = await bot.post('/api/messages', body)
    expect(reply.status).toBe(400)
    expect(await errorOf(reply)).toEqual(complete)
  })

  test('is refused with 400: what is no JSON at all', async () => {
    for (const body of ['', '{', '{"user":', 'user=ana', '\0']) {
      const reply = await raw('/api/messages', { 'content-type': 'application/json' }, 'POST', body)
      expect(reply.status).toBe(400)
      expect(JSON.parse(reply.body).error).toMatchObject({ ...complete, code: 'bad-json' })
    }
  })

  test.each(['', '?channel=', '?channel=c&after=x', '?channel=c&after=-1', '?channel=c&after=1.5', '?channel=a/b'])(
    'is refused with 400: a list of %s',
    async (query) => {
      for (const path of ['/api/messages', '/api/stream']) {
        const reply = await get(path + query)
        expect(reply.status).toBe(400)
        expect(await errorOf(reply)).toEqual(complete)
      }
    },
  )

  test('by its type is refused with 415, so that no form of another site can speak', async () => {
    const body = JSON.stringify(fine)
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonp',
      'application/json-seq',
      '',
    ]) {
      const reply = await raw('/api/messages', type === '' ? {} : { 'content-type': type }, 'POST', body)
      expect([type, reply.status]).toEqual([type, 415])
    }
    const reply = await raw('/api/messages', { 'content-type': 'Application/JSON; charset=utf-8' }, 'POST', body)
    expect(reply.status).toBe(202)
  })

  test('by its size is refused with 413, whether or not it says its size', async () => {
    const body = JSON.stringify({ ...fine, text: 'x'.repeat(70_000) })
    const json = { 'content-type': 'application/json' }
    const sizes = { 'content-length': String(body.length) }
    for (const headers of [
      { ...json, ...sizes },
      { ...json, 'transfer-encoding': 'chunked' },
    ]) {
      const reply = await raw('/api/messages', headers, 'POST', body)
      expect(reply.status).toBe(413)
      expect(JSON.parse(reply.body).error).toMatchObject({ ...complete, code: 'too-large' })
    }
  })
})

describe.concurrent('the address', () => {
  test('must be this machine’s own: another Host is refused, however it was resolved', async () => {
    const { port } = new URL(bot.url)
    const foreign = [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '10.0.0.1',
    ]
    for (const host of foreign) {
      const reply = await raw('/api/messages?channel=c', { host })
      expect([host, reply.status]).toEqual([host, 403])
      expect(JSON.parse(reply.body).error).toMatchObject({ ...complete, code: 'wrong-host' })
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      expect((await raw('/api/messages?channel=c', { host })).status).toBe(200)
    }
  })

  test('must be the page’s own too: another Origin is refused, and none is told that it may', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', `${bot.url}.evil.example`]) {
      const reply = await raw('/api/messages?channel=c', { origin })
      expect([origin, reply.status]).toEqual([origin, 403])
      expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
    const own = await raw('/api/messages?channel=c', { origin: bot.url })
    expect(own.status).toBe(200)
    expect(Object.keys(own.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('has no lab outside of the lab, and nothing where there is nothing', async () => {
    for (const path of ['/api/lab', '/api/lab/nodes/pve1', '/api/lab/clock', '/api/nothing', '/nothing']) {
      const reply = await get(path)
      expect(reply.status).toBe(404)
      expect(await errorOf(reply)).toMatchObject({ ...complete, code: 'not-found' })
    }
    expect((await bot.post('/api/lab/nodes/pve1', { power: 'off' })).status).toBe(404)
  })
})

describe.concurrent('the stream', () => {
  test('tells what there is and what comes, edits included, each as the list has it', async () => {
    await bot.say('operator', 'whoami', 'stream')
    const stream = await listenTo(`${bot.url}/api/stream?channel=stream`)
    expect(stream.reply.headers.get('content-type')).toMatch(/^text\/event-stream/)
    await stream.hears('whoami')
    await bot.say('operator', 'vm create streamed', 'stream')
    await stream.hears('"state":"queued"')
    const card = await bot.card(({ state }) => state === 'queued', 'the order', 'stream')
    await bot.click('operator', card.id, 'cancel')
    const { id, event, data } = await stream.hears('"state":"warning"')
    expect(event).toBe('message')
    const listed = (await bot.messages('stream')).find((message) => message.id === card.id)
    expect(JSON.parse(data!)).toEqual(listed)
    expect(id).toBe(String(listed?.seq))
    stream.close()
  })

  test('goes on where it was when it is opened again', async () => {
    for (const text of ['nonsense one', 'nonsense two']) await bot.say('viewer', text, 'resume')
    await until(async () => (await bot.messages('resume')).length === 4, 'both answers')
    const all = await bot.messages('resume')
    for (const again of [{ 'last-event-id': '2' }, undefined]) {
      const query = again ? '' : '&after=2'
      const stream = await listenTo(`${bot.url}/api/stream?channel=resume${query}`, again)
      await until(() => stream.heard.length >= 2, 'the rest')
      expect(stream.heard.map(({ id }) => Number(id))).toEqual(all.filter(({ seq }) => seq > 2).map(({ seq }) => seq))
      stream.close()
    }
  })
})
