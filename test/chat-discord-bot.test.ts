import { afterAll, beforeAll, expect, test } from 'vitest'
import { Chat, Crew, until } from './crew.ts'
import { inProcessBot } from './slack-crew.ts'
import { buttonsIn, type DiscordStandIn, startDiscord, textOf } from './stand-ins/discord/index.ts'

let crew: Crew
let discord: DiscordStandIn

beforeAll(async () => {
  crew = await Crew.start({ speed: 4 })
  discord = await startDiscord({
    users: [
      { name: 'ana', locale: 'es-ES' },
      { name: 'eva', locale: 'en-US', roles: ['watchers'] },
    ],
    roles: ['watchers'],
    channels: [{ name: 'ops' }],
  })
})

afterAll(async () => {
  await discord.close()
  await crew.close()
})

const settings = () => ({
  chat: { discord: { token: discord.token, guilds: [discord.guildId], apiUrl: discord.apiUrl } },
  roles: [
    { role: 'operator', who: [`discord:${discord.users.ana}`] },
    { role: 'viewer', who: [`discord:role:${discord.roles.watchers}`] },
  ],
})

const said = (part: string) => () => discord.messages('ops').find((message) => textOf(message).includes(part))

test('the whole way: slash, form, card edited until the end, confirmation, refusal to the asker alone', async () => {
  const bot = await crew.bot('discord', settings())
  const worker = await crew.worker('discord', settings())
  const ana = { user: 'ana', channel: 'ops' }

  const { choices } = await discord.autocomplete('vm create', { iso: 'deb' }, 'iso', ana)
  expect(choices.map(({ value }) => value)).toContain('debian-12.iso')
  const asked = await discord.slash('vm create', { iso: 'debian-12.iso', disk: '8G' }, ana)
  expect(asked.elapsedMs).toBeLessThan(3000)
  expect(discord.modal('ana')).toMatchObject({ title: '/vm create' })
  await discord.submitModal({ user: 'ana', values: { name: 'web1' } })
  const card = await discord.until(said('La máquina web1'), 60_000)
  expect(card.edits).toBeGreaterThan(0)
  expect(discord.messages('ops')).toHaveLength(1)
  await discord.until(() => discord.ephemerals('ana').length === 0)

  expect(textOf(card)).toContain('**Sigue** `/vm start 100`')

  await discord.slash('vm list', {}, { user: 'eva', channel: 'ops' })
  await discord.until(said('VMID'), 20_000)
  await discord.slash('vm delete', { guest: 'web1' }, ana)
  const asks = await discord.until(() =>
    discord
      .messages('ops')
      .find(({ components }) => buttonsIn(components).some(({ customId }) => /^confirm:/.test(customId))),
  )
  await discord.click({ user: 'ana', message: asks, button: 'confirm:' })
  await discord.until(() => buttonsIn(asks.components).some(({ customId }) => customId.startsWith('approve:')))
  await discord.click({ user: 'ana', message: asks, button: 'approve:' })
  await discord.until(() => discord.ephemerals('ana').length === 1)
  await discord.click({ user: 'ana', message: asks, button: 'cancel:' })
  await discord.until(() => buttonsIn(asks.components).length === 0)

  await discord.slash('vm create', { name: 'web2' }, { user: 'eva', channel: 'ops' })
  await discord.until(() =>
    discord.ephemerals('eva').find((shown) => textOf(shown).includes('needs the role operator')),
  )
  expect(discord.messages('ops')).toHaveLength(3)
  expect(discord.violations).toEqual([])
  await worker.stop()
  await bot.close()
})

test('a Discord that is away when the bot starts keeps nothing else from working, and is reached when it is back', async () => {
  discord.outage(true)
  const web = { listen: '127.0.0.1:0', signIn: 'none' }
  const { chat, roles } = settings()
  const more = { chat: { ...chat, web }, roles: [...roles, { role: 'viewer', who: ['web:viewer'] }] }
  const bot = await inProcessBot(crew, 'away', more)
  const ready = async () => (await (await fetch(`${bot.http}/readyz`)).json()) as { parts: { discord: boolean } }
  expect((await ready()).parts.discord).toBe(false)
  const chatting = new Chat(bot.web!)
  await chatting.say('viewer', '/pve whoami')
  await chatting.card(({ state }) => state === 'info', 'an answer')
  discord.outage(false)
  await until(async () => (await ready()).parts.discord, 'Discord')
  await discord.slash('whoami', {}, { user: 'eva', channel: 'ops' })
  await discord.until(said('viewer'), 20_000)
  expect(discord.violations).toEqual([])
  await bot.close()
})
