import { afterAll, beforeAll, expect, test } from 'vitest'
import { Chat, Crew } from './crew.ts'
import { chatOf, inProcessBot, inProcessWorker, read, workspace } from './slack-crew.ts'
import { type DiscordStandIn, startDiscord, textOf } from './stand-ins/discord/index.ts'
import type { SlackStandIn } from './stand-ins/slack/index.ts'

/** One house with all three chats; what is told here is told the same way in each. */
let crew: Crew
let slack: SlackStandIn
let discord: DiscordStandIn
let web: Chat
const closers: (() => Promise<unknown>)[] = []
const unhandled: unknown[] = []
const onUnhandled = (error: unknown) => unhandled.push(error)

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  crew = await Crew.start()
  closers.unshift(() => crew.close())
  slack = await workspace()
  closers.unshift(() => slack.close())
  discord = await startDiscord({ users: [{ name: 'eva', locale: 'en-US' }], channels: [{ name: 'ops' }] })
  closers.unshift(() => discord.close())
  const base = chatOf(slack)
  const config = {
    ...base,
    chat: { ...base.chat, discord: { token: discord.token, guilds: [discord.guildId], apiUrl: discord.apiUrl } },
    roles: [...base.roles, { role: 'operator', who: [`discord:${discord.users.eva}`, 'web:operator'] }],
  }
  const bot = await inProcessBot(crew, 'everywhere', config)
  closers.unshift(() => bot.close())
  const worker = await inProcessWorker(crew, 'everywhere', config)
  closers.unshift(() => worker.close())
  web = new Chat(bot.web!)
})
afterAll(async () => {
  for (const close of closers) await close()
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})

const luis = { user: 'luis', channel: 'ops' }
const eva = { user: 'eva', channel: 'ops' }

test('Slack: slash, modal and a mention in a thread, through 429, 5xx, a lost answer and cut sockets', async () => {
  // Slow enough that everything goes wrong in the middle of the task.
  await setSpeed(0.1)
  slack.rateLimit('chat.postMessage', 1, 1)
  slack.rateLimit('chat.update', 1, 1)
  slack.fail('chat.update', 503)
  const root = await slack.mention({ user: 'eva', channel: 'ops', text: 'help' })
  await slack.slash('/pve', 'vm create name:slashed disk:8G', luis)
  await slack.slash('/pve', 'vm create disk:8G', luis)
  await slack.until(() => slack.view('luis'))
  expect((await slack.submit({ user: 'luis', values: { name: 'modal' } })).errors).toEqual({})
  slack.dropAfterProcessing('chat.postMessage')
  await slack.mention({ ...luis, text: 'vm create name:threaded disk:8G', threadTs: root.ts })
  const all = () => slack.messages('ops').flatMap((message) => [message, ...message.replies])
  const of = (name: string) =>
    all().filter((message) => read(message).includes(`Machine ${name}`) || read(message).includes(`machine ${name}`))
  await slack.until(() => ['slashed', 'modal', 'threaded'].every((name) => of(name).length > 0), 20_000)
  slack.dropSockets()
  await slack.until(() => slack.sockets() === 2)
  await setSpeed(30)
  for (const name of ['slashed', 'modal', 'threaded']) {
    const card = await slack.until(() => of(name).find(({ text }) => text.startsWith('✅')), 30_000)
    expect(of(name)).toEqual([card])
    expect(card.edits).toBeGreaterThan(0)
  }
  // The mention itself, and the card.
  expect(slack.messages('ops').find(({ ts }) => ts === root.ts)!.replies).toHaveLength(2)
  const outcomes = slack.calls().map(({ method, outcome }) => `${method} ${outcome}`)
  for (const fault of ['chat.postMessage 429', 'chat.update 429', 'chat.update 503']) {
    expect(outcomes).toContain(fault)
  }
  // The message whose answer was lost was looked for.
  expect(outcomes.some((one) => /^conversations.(?:history|replies) ok/.test(one))).toBe(true)
  expect(slack.violations).toEqual([])
})

test('Discord: options with completion, and a modal, through 429, 5xx, a lost answer, op 7 and cut sockets', async () => {
  await setSpeed(0.1)
  discord.rateLimit('create_message', 1, 1)
  discord.rateLimit('update_message', 1, 1)
  discord.fail('update_message', 503)
  const { choices } = await discord.autocomplete('vm create', { name: 'optioned', node: 'pve' }, 'node', eva)
  expect(choices.map(({ value }) => value)).toContain('pve2')
  await discord.slash('vm create', { name: 'optioned', node: 'pve2', disk: '8G' }, eva)
  await discord.slash('vm create', { disk: '8G' }, eva)
  await discord.submitModal({ user: 'eva', values: { name: 'filled' } })
  discord.dropAfterProcessing('create_message')
  const of = (name: string) => discord.messages('ops').filter((message) => textOf(message).includes(name))
  await discord.until(() => of('optioned').length > 0 && of('filled').length > 0, 20_000)
  discord.reconnect()
  discord.dropSockets()
  await setSpeed(30)
  for (const name of ['optioned', 'filled']) {
    const card = await discord.until(() => of(name).find((message) => textOf(message).includes('✅')), 30_000)
    expect(of(name)).toEqual([card])
    expect(card.edits).toBeGreaterThan(0)
  }
  const outcomes = discord.calls().map(({ operation, outcome }) => `${operation} ${outcome}`)
  for (const fault of ['create_message 429', 'create_message drop', 'update_message 429', 'update_message 503']) {
    expect(outcomes).toContain(fault)
  }
  expect(discord.violations).toEqual([])
})

test('web: a line and a form', async () => {
  await web.say('operator', '/pve vm create name:typed disk:8G', 'ops')
  await web.say('operator', '/pve vm create disk:8G', 'ops')
  const form = await web.card(({ form }) => form !== undefined, 'the form', 'ops')
  await web.click('operator', form.id, 'form.submit', { name: 'filled-in', disk: '8G' })
  for (const name of ['typed', 'filled-in']) {
    const isOf = ({ title }: { title: string }) => title.includes(name)
    await web.card((message) => isOf(message) && message.state === 'ok', name, 'ops')
    const shown = (await web.messages('ops')).filter(({ author, message }) => author === 'quorum' && isOf(message))
    expect(shown).toHaveLength(1)
    expect(shown[0]!.revision).toBeGreaterThan(1)
  }
})

async function setSpeed(speed: number): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(`${crew.sim.control}/api/lab/clock`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ speed }),
  })
  expect(reply.ok).toBe(true)
}
