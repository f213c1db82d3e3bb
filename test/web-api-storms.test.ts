import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chat, Crew } from './crew.ts'
import { listenTo } from './fixtures/event-stream.ts'

let crew: Crew
let bot: Chat

beforeAll(async () => {
  crew = await Crew.start()
  bot = await crew.bot('storm')
})

afterAll(() => crew.close())

/** Whatever was sent: an answer that says what, and never that we broke. */
async function isTold(reply: Response): Promise<void> {
  expect([200, 202, 400, 404, 413, 415]).toContain(reply.status)
  const body = (await reply.json()) as { error?: { code: string; says: string; hint: string } }
  if (reply.status >= 400) {
    expect(body.error?.code).toMatch(/^[a-z-]+$/)
    expect(body.error?.says).toMatch(/\S/)
    expect(body.error?.hint).toMatch(/\S/)
  }
}

const runs = { numRuns: 100, endOnFailure: true }
const send = (path: string, body: string | Uint8Array, type = 'application/json') =>
  fetch(bot.url + path, { method: 'POST', headers: { 'content-type': type }, body: body as never })

const paths = fc.constantFrom('/api/messages', '/api/actions')
const name = fc.oneof(fc.constantFrom('viewer', 'web:student'), fc.string({ unit: 'grapheme' }))
const text = fc.string({ unit: 'grapheme', maxLength: 200 })
const nearly = fc.record(
  {
    user: fc.oneof(name, fc.jsonValue()),
    channel: fc.oneof(fc.constant('storm'), name, fc.jsonValue()),
    text: fc.oneof(text, fc.jsonValue()),
    thread: fc.oneof(text, fc.jsonValue()),
    messageId: fc.oneof(text, fc.jsonValue()),
    actionId: fc.oneof(fc.constantFrom('confirm', 'form.submit', 'log'), fc.jsonValue()),
    values: fc.oneof(fc.dictionary(text, fc.oneof(text, fc.jsonValue())), fc.jsonValue()),
  },
  { requiredKeys: [] },
)

test('any JSON is answered', async () => {
  await fc.assert(
    fc.asyncProperty(paths, fc.oneof(nearly, fc.jsonValue()), async (path, body) => {
      await isTold(await send(path, JSON.stringify(body)))
    }),
    runs,
  )
})

test('any bytes are answered', async () => {
  await fc.assert(
    fc.asyncProperty(paths, fc.uint8Array({ maxLength: 300 }), async (path, body) => {
      await isTold(await send(path, body))
    }),
    runs,
  )
})

test('any query is answered', async () => {
  const query = fc.record(
    { channel: name, user: name, text, after: fc.oneof(text, fc.nat().map(String)) },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('/api/messages', '/api/complete'), query, async (path, asked) => {
      await isTold(await fetch(`${bot.url}${path}?${new URLSearchParams(asked as Record<string, string>)}`))
    }),
    runs,
  )
})

test('what anybody types is listed, and answered by a card of ours', async () => {
  const typed = fc.oneof(
    text,
    text.map((rest) => `vm create ${rest}`),
    text.map((rest) => `/pve ${rest}`),
  )
  let count = 0
  await fc.assert(
    fc.asyncProperty(
      typed.filter((line) => line.length > 0),
      async (line) => {
        const channel = `typed-${++count}`
        const reply = await send('/api/messages', JSON.stringify({ user: 'viewer', channel, text: line }))
        expect(reply.status).toBe(202)
        const { message } = await bot.card(() => true, `an answer to ${JSON.stringify(line)}`, channel, 10_000)
        expect(message.error?.code).not.toBe('internal')
      },
    ),
    { ...runs, numRuns: 40 },
  )
})

test('while Redis is away everything is told so within seconds, and the stream goes on when it is back', async () => {
  const stream = await listenTo(`${bot.url}/api/stream?channel=storms-end`)
  await bot.say('viewer', 'before', 'storms-end')
  await stream.hears('before')
  const card = await bot.card(() => true, 'an answer', 'storms-end')
  await crew.redis.kill9()
  const asked = [
    () => bot.post('/api/messages', { user: 'viewer', channel: 'storms-end', text: 'lost' }),
    () => bot.post('/api/actions', { user: 'viewer', messageId: card.id, actionId: 'log' }),
    () => fetch(`${bot.url}/api/messages?channel=storms-end`),
    () => fetch(`${bot.url}/api/complete?channel=storms-end&user=viewer&text=vm`),
  ]
  for (const ask of asked) {
    const reply = await ask()
    expect(reply.status).toBe(503)
    expect(await reply.json()).toMatchObject({ error: { code: 'redis-gone', hint: expect.stringMatching(/\S/) } })
  }
  await crew.redis.restart()
  const said = async () =>
    (await bot.post('/api/messages', { user: 'viewer', channel: 'storms-end', text: 'after' })).status
  await expect.poll(said, { timeout: 10_000 }).toBe(202)
  await stream.hears('after')
  stream.close()
  const listed = await bot.messages('storms-end')
  expect(listed.filter(({ message }) => message.title === 'before')).not.toHaveLength(0)
  expect(listed.filter(({ message }) => message.title === 'lost')).toHaveLength(0)
})
