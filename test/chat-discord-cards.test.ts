import { afterEach, describe, expect, test } from 'vitest'
import type { Message } from '../src/core/message.ts'
import { Gone, Throttled } from '../src/jobs/delivery.ts'
import { adapter, cardOf, isClean } from './chat-discord-fixture.ts'
import { buttonsIn, textOf } from './stand-ins/discord/index.ts'

const inGeneral = { user: 'ana', channel: 'general' }
const running: Message = { title: 'Start web1', state: 'running', actions: [{ id: 'cancel', label: 'Cancel' }] }
const done: Message = { title: 'Start web1', state: 'ok' }
const refused: Message = {
  title: '/vm stop',
  state: 'refused',
  error: { code: 'x', says: 'You may not.', hint: 'Ask ana' },
}
const line: Message = { title: 'Log of web1', state: 'info', log: ['TASK OK'], thread: 'c-1' }

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))
afterEach(() => expect(unhandled).toEqual([]))

describe('what people see', () => {
  test('"is thinking…" gives way to the card; the card edits itself through a 429', async () => {
    const { discord, carrier, said, card } = await adapter()
    await discord.slash('vm start', { guest: 'web1' }, inGeneral)
    await discord.until(() => said.length === 1)
    expect(discord.ephemerals('ana')).toHaveLength(1)
    const shown = card(running, { key: cardOf.said(said[0]!.event) })
    const posted = await carrier.post(shown, false, undefined)
    await discord.until(() => discord.ephemerals('ana').length === 0)
    const [message] = discord.messages('general')
    expect(posted).toBe(`${discord.channels.general}/${message!.id}`)
    discord.rateLimit('update_message', 1, 2)
    const throttled = await carrier
      .edit({ ...shown, message: done }, posted, undefined)
      .catch((error: unknown) => error)
    expect(throttled).toBeInstanceOf(Throttled)
    expect((throttled as Throttled).retryAfterMs).toBeGreaterThanOrEqual(2000)
    await carrier.edit({ ...shown, message: done }, posted, undefined)
    expect(textOf(message!)).toBe('**✅ Start web1**')
    expect(buttonsIn(message!.components)).toEqual([])
    isClean(discord)
  })

  test('a picture that a message carries in itself goes with it as a file', async () => {
    const { discord, carrier, card } = await adapter()
    const url = `data:image/png;base64,${Buffer.from('PNG').toString('base64')}`
    const report: Message = { title: 'Drill', state: 'ok', image: { alt: 'vm:100 was down 58 s', url } }
    const posted = await carrier.post(card(report), false, undefined)
    const [message] = discord.messages('general')
    expect(message!.files).toEqual(['picture.png'])
    expect(JSON.stringify(message!.components)).toContain('attachment://picture.png')
    await carrier.edit(card({ ...report, title: 'Drill on pve1' }), posted, undefined)
    expect(textOf(message!)).toContain('Drill on pve1')
    isClean(discord)
  })

  test('in the lab everything says that it is simulated, in the language of its card', async () => {
    const { discord, connection, said, card } = await adapter()
    const marks = { en: 'SIMULATED', es: 'SIMULADO' }
    const errors = { throttled: (ms: number) => new Throttled(ms), gone: (reason: string) => new Gone(reason) }
    const carrier = connection.carrier(errors, ({ language }) => marks[language ?? 'en'])
    const posted = await carrier.post(card(running), false, undefined)
    expect(textOf(discord.messages('general')[0]!)).toContain('-# **SIMULATED**')
    await carrier.edit({ ...card(done), language: 'es' }, posted, undefined)
    expect(textOf(discord.messages('general')[0]!)).toBe('**✅ Start web1**\n-# **SIMULADO**')
    await discord.slash('vm start', { guest: 'web1' }, inGeneral)
    await discord.until(() => said.length === 1)
    const onlyTo = `discord:${discord.users.ana}`
    const alone = { ...card(refused, { key: cardOf.said(said[0]!.event), onlyTo }), language: 'es' as const }
    await carrier.post(alone, false, undefined)
    expect(discord.ephemerals('ana').map(textOf)[0]).toContain('SIMULADO')
    await carrier.post({ ...alone, key: 'c-older' }, false, undefined)
    expect(textOf(discord.messages('general').at(-1)!)).toContain('SIMULADO')
    isClean(discord)
  })

  test('a refusal, to the asker alone: after a command and after a click', async () => {
    const { discord, carrier, said, clicked, card } = await adapter()
    await discord.slash('vm start', { guest: 'web1' }, inGeneral)
    await discord.until(() => said.length === 1)
    const onlyTo = `discord:${discord.users.ana}`
    const first = card(refused, { key: cardOf.said(said[0]!.event), onlyTo })
    const posted = await carrier.post(first, false, undefined)
    expect(discord.ephemerals('ana').map(textOf)).toEqual(['**⛔ /vm stop**\nYou may not.\n→ Ask ana'])
    expect(await carrier.edit({ ...first, message: done }, posted, undefined)).toBe(posted)
    expect(discord.messages('general')).toEqual([])

    const root = await carrier.post(card(running), false, undefined)
    await discord.click({ user: 'ana', message: discord.messages('general')[0]!, button: 'Cancel' })
    await discord.until(() => clicked.length === 1)
    const key = cardOf.clicked(clicked[0]!.event)
    await carrier.post({ ...first, key, thread: 'c-1' }, false, root)
    expect(discord.ephemerals('ana')).toHaveLength(2)
    expect(discord.messages('general')).toHaveLength(1)
    isClean(discord)
  })

  test('a card that began for everybody and ends as a refusal is the asker’s alone', async () => {
    const { discord, carrier, said, card } = await adapter()
    await discord.slash('vm start', { guest: 'web1' }, inGeneral)
    await discord.until(() => said.length === 1)
    const reading = card(running, { key: cardOf.said(said[0]!.event) })
    const posted = await carrier.post(reading, false, undefined)
    await discord.until(() => discord.ephemerals('ana').length === 0)
    const onlyTo = `discord:${discord.users.ana}`
    const told = await carrier.edit({ ...reading, message: refused, onlyTo }, posted, undefined)
    expect(discord.messages('general')).toEqual([])
    expect(discord.ephemerals('ana').map(textOf)).toEqual(['**⛔ /vm stop**\nYou may not.\n→ Ask ana'])
    const shown = await carrier.edit({ ...reading, message: done }, told, undefined)
    expect(shown).toBe(`${discord.channels.general}/${discord.messages('general')[0]!.id}`)
    expect([carrier.passing(reading), carrier.passing({ ...reading, message: done })]).toEqual([true, false])
    isClean(discord)
  })

  test('after 15 minutes, or a restart, a refusal is a short message that wakes nobody', async () => {
    const { discord, carrier, said, advance, card } = await adapter()
    const onlyTo = `discord:${discord.users.ana}`
    await discord.slash('vm start', { guest: 'web1' }, inGeneral)
    await discord.until(() => said.length === 1)
    advance(16 * 60_000)
    const shown = card(refused, { key: cardOf.said(said[0]!.event), onlyTo })
    await carrier.post(shown, false, undefined)
    const restarted = card(refused, { key: 'c-older', onlyTo })
    await carrier.post(restarted, false, undefined)
    const short = `<@${discord.users.ana}> ⛔ /vm stop\nYou may not.\nAsk ana`
    expect(discord.messages('general').map(textOf)).toEqual([short, short])
    isClean(discord)
  })

  test('a card goes on for hours, by the bot token', async () => {
    const { discord, carrier, said, advance, card } = await adapter()
    await discord.slash('vm start', { guest: 'web1' }, inGeneral)
    await discord.until(() => said.length === 1)
    const shown = card(running, { key: cardOf.said(said[0]!.event) })
    const posted = await carrier.post(shown, false, undefined)
    advance(5 * 3_600_000)
    await carrier.edit({ ...shown, message: done }, posted, undefined)
    expect(textOf(discord.messages('general')[0]!)).toBe('**✅ Start web1**')
    isClean(discord)
  })

  test('a message that somebody deleted is gone, a closed channel too', async () => {
    const { discord, carrier, card } = await adapter()
    const shown = card(running)
    const posted = await carrier.post(shown, false, undefined)
    discord.deleteMessage(discord.messages('general')[0]!)
    await expect(carrier.edit(shown, posted, undefined)).rejects.toBeInstanceOf(Gone)
    const closed = { ...shown, target: `discord:${discord.channels.closed}` }
    await expect(carrier.post(closed, false, undefined)).rejects.toBeInstanceOf(Gone)
    await expect(carrier.post({ ...shown, target: 'discord:1' }, false, undefined)).rejects.toBeInstanceOf(Gone)
    discord.fail('create_message', 503)
    await expect(carrier.post(shown, false, undefined)).rejects.not.toBeInstanceOf(Gone)
    isClean(discord)
  })
})

describe('lines of a thread', () => {
  test('go into the thread that begins at the card, made once and named after it', async () => {
    const { discord, carrier, cards, card } = await adapter()
    cards.set('c-1', { message: running })
    const root = await carrier.post(card(running), false, undefined)
    const [message] = discord.messages('general')
    const first = await carrier.post(card(line, { key: 'r-1', thread: 'c-1' }), false, root)
    await carrier.post(card(line, { key: 'r-2', thread: 'c-1' }), false, root)
    expect(discord.messages(message!.id)).toHaveLength(2)
    expect(discord.calls('create_thread_from_message').map(({ body }) => body)).toEqual([
      { name: 'Start web1', auto_archive_duration: 1440 },
    ])
    await carrier.edit(card(done, { key: 'r-1', thread: 'c-1' }), first, undefined)
    expect(textOf(discord.messages(message!.id)[0]!)).toBe('**✅ Start web1**')
    isClean(discord)
  })

  test('answer the card where no thread can be made, and stand alone where it is gone', async () => {
    const { discord, carrier, card } = await adapter()
    const target = `discord:${discord.channels.flat}`
    const root = await carrier.post(card(running, { target }), false, undefined)
    await carrier.post(card(line, { key: 'r-1', thread: 'c-1', target }), false, root)
    const [message, answer] = discord.messages('flat')
    expect(answer!.replyTo).toBe(message!.id)
    discord.deleteMessage(message!)
    await carrier.post(card(line, { key: 'r-2', thread: 'c-1', target }), false, root)
    expect(discord.messages('flat')).toHaveLength(2)
    isClean(discord)
  })

  test('a command typed there is the channel’s', async () => {
    const { discord, carrier, card, said } = await adapter()
    const root = await carrier.post(card(running), false, undefined)
    await carrier.post(card(line, { key: 'r-1', thread: 'c-1' }), false, root)
    await discord.slash('status', {}, { user: 'ana', channel: discord.messages('general')[0]!.id })
    await discord.until(() => said.length === 1)
    expect(said[0]!.target).toBe(`discord:${discord.channels.general}`)
  })
})

describe('a post whose answer is lost', () => {
  test('is one message: soon after by its nonce, later by its mark', async () => {
    const { discord, carrier, card } = await adapter()
    discord.dropAfterProcessing('create_message')
    await expect(carrier.post(card(running), false, undefined)).rejects.toThrow()
    const posted = await carrier.post(card(running), false, undefined)
    discord.advance(3_600_000)
    expect(await carrier.post(card(running), true, undefined)).toBe(posted)
    expect(discord.messages('general')).toHaveLength(1)
    await carrier.post(card(running, { key: 'c-2' }), true, undefined)
    expect(discord.messages('general')).toHaveLength(2)
    isClean(discord)
  })
})

test('a target that is a person is their direct messages, found once', async () => {
  const { discord, carrier, card, clicked } = await adapter()
  const target = `discord:${discord.users.eva}`
  const posted = await carrier.post(card(running, { target }), false, undefined)
  await carrier.post(card(running, { target, key: 'c-2' }), false, undefined)
  const dm = posted.split('/')[0]!
  expect(discord.messages(dm)).toHaveLength(2)
  expect(discord.calls('create_dm')).toHaveLength(1)
  await carrier.edit(card(done, { target }), posted, undefined)
  await discord.click({ user: 'eva', message: discord.messages(dm)[1]!, button: 'Cancel' })
  await discord.until(() => clicked.length === 1)
  expect(clicked[0]).toMatchObject({ identity: target, target: `discord:${dm}`, card: 'c-2', locales: ['en-US'] })
  isClean(discord)
})

test('what Discord refuses after all is said in a few words', async () => {
  const { discord, carrier, card } = await adapter()
  discord.error('create_message', 50035)
  await carrier.post(card({ ...done, text: 'It runs on pve1.' }), false, undefined)
  expect(discord.messages('general').map(textOf)).toEqual(['✅ Start web1\nIt runs on pve1.'])
  isClean(discord)
})

test('a connection that Discord ends for good is not called connected', async () => {
  const { discord, connection, logged } = await adapter()
  expect(connection.connected()).toBe(true)
  discord.revokeToken()
  await discord.until(() => !connection.connected())
  await discord.until(() => logged.includes('Discord ended the connection for good {"code":4004}'))
})
