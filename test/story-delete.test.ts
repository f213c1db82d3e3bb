import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAudit } from '../src/app.ts'
import { Chain, type Kept } from '../src/audit/chain.ts'
import { verify } from '../src/audit/verify.ts'
import { parseRedisUrl } from '../src/config.ts'
import { connect, type Redis } from '../src/jobs/redis.ts'
import { Chat, Crew, until } from './crew.ts'
import { cardWith, inProcessBot, inProcessWorker, read, workspace } from './slack-crew.ts'
import { buttonsIn, type DiscordStandIn, startDiscord, textOf } from './stand-ins/discord/index.ts'
import { elementsOf, type SlackStandIn } from './stand-ins/slack/index.ts'

const prefix = 'deleted'
let crew: Crew
let slack: SlackStandIn
let discord: DiscordStandIn
let redis: Redis
let running: { close(): Promise<void> }[] = []
let chat: Chat

beforeAll(async () => {
  ;[crew, slack, discord] = await Promise.all([
    Crew.start({ speed: 50 }),
    workspace(),
    startDiscord({
      users: [
        { name: 'ana', locale: 'en-US' },
        { name: 'luis', locale: 'en-US' },
      ],
      channels: [{ name: 'ops' }],
    }),
  ])
  const { botToken, appToken, apiUrl } = slack
  const settings = {
    chat: {
      slack: { botToken, appToken, apiUrl },
      discord: { token: discord.token, guilds: [discord.guildId], apiUrl: discord.apiUrl },
      web: { listen: '127.0.0.1:0', signIn: 'none' },
    },
    channels: [{ cluster: 'main', post: [`slack:${slack.channels.ops}`, `discord:${discord.channels.ops}`] }],
    people: [
      { name: 'ana', ids: [`slack:${slack.users.ana}`, `discord:${discord.users.ana}`], language: 'en' },
      { name: 'luis', ids: [`discord:${discord.users.luis}`] },
    ],
    roles: [
      { role: 'operator', who: ['ana', 'luis'] },
      { role: 'admin', who: ['web:auditor'] },
    ],
  }
  const bot = await inProcessBot(crew, prefix, settings)
  running = [await inProcessWorker(crew, prefix, settings), bot]
  chat = new Chat(bot.web!)
  redis = connect(parseRedisUrl(crew.redis.url), 'patient', () => {})
})

afterAll(async () => {
  redis?.disconnect()
  await Promise.all(running.map((one) => one.close()))
  await Promise.all([slack?.close(), discord?.close()])
  await crew?.close()
})

test('vm delete: asked in Slack, not by oneself under either account, approved in Discord, done; and in the trail whole', async () => {
  const ana = { user: 'ana', channel: 'ops' }
  await slack.slash('/pve', 'vm create name:victim node:pve1 disk:1G', ana)
  await cardWith(slack, 'ops', 'Machine victim')
  await slack.slash('/pve', 'vm delete victim', ana)
  const has = (action: string) => (message: Parameters<typeof elementsOf>[0]) =>
    elementsOf(message).some(({ actionId }) => actionId.startsWith(action))
  const card = await slack.until(() => slack.messages('ops').find(has('confirm:')))
  await slack.click({ user: 'ana', target: card, actionId: 'confirm:' })
  await slack.until(() => has('approve:')(card))
  await slack.click({ user: 'ana', target: card, actionId: 'approve:' })
  await slack.until(() => slack.ephemerals('ana').some((shown) => read(shown).includes('asked for this yourself')))

  const wish = await discord.until(() =>
    discord
      .messages('ops')
      .find(({ components }) => buttonsIn(components).some(({ customId }) => customId.startsWith('approve:'))),
  )
  expect(textOf(wish)).toContain('victim')
  await discord.click({ user: 'ana', message: wish, button: 'approve:' })
  await discord.until(() =>
    discord.ephemerals('ana').some((shown) => textOf(shown).includes('asked for this yourself')),
  )
  expect(crew.sim.cluster.nodes[0]!.config.guests.size).toBe(2)
  await discord.click({ user: 'luis', message: wish, button: 'approve:' })
  await slack.until(() => card.text.startsWith('✅'), 20_000)
  await discord.until(() => buttonsIn(wish.components).length === 0 && textOf(wish).includes('luis'))
  expect(crew.sim.cluster.nodes[0]!.config.guests.size).toBe(1)

  await chat.say('auditor', 'audit verify', 'audits')
  await chat.card(({ title }) => title.includes('whole'), 'the check in the web chat', 'audits')
  expect(slack.violations).toEqual([])
  expect(discord.violations).toEqual([])
})

test('the trail of it tells who, where and what, and any changed byte is found', async () => {
  const env = await crew.environment('keys')
  const key = Buffer.from(env.QUORUM_KEY!, 'hex')
  const { log } = openAudit({ redis, prefix, key, dataDir: crew.folder })
  const chain = new Chain(key, prefix)
  const ended = async () => (await kept()).filter((one) => chain.open(one)?.kind === 'ended').length === 2
  const kept = async () => {
    const all: (Kept & { id: string })[] = []
    for await (const one of log.entries()) all.push(one)
    return all
  }
  await until(ended, 'both ends to be written')
  const rows = await kept()
  const story = rows.map((one) => chain.open(one)!).filter(({ path }) => path === 'vm delete')
  const slackAna = `slack:${slack.users.ana}`
  expect(story.map(({ kind, who, target, result }) => [kind, who?.identity, who?.person, target, result])).toEqual([
    ['asked', slackAna, 'ana', `slack:${slack.channels.ops}`, undefined],
    ['confirmed', slackAna, 'ana', `slack:${slack.channels.ops}`, undefined],
    ['refused', slackAna, 'ana', `slack:${slack.channels.ops}`, 'own-approval'],
    ['refused', `discord:${discord.users.ana}`, 'ana', `discord:${discord.channels.ops}`, 'own-approval'],
    ['approved', `discord:${discord.users.luis}`, 'luis', `discord:${discord.channels.ops}`, undefined],
    ['ordered', slackAna, 'ana', `slack:${slack.channels.ops}`, undefined],
    ['started', slackAna, 'ana', undefined, undefined],
    ['effect', slackAna, 'ana', undefined, undefined],
    ['upid', slackAna, 'ana', undefined, undefined],
    ['ended', slackAna, 'ana', undefined, 'ok'],
  ])
  expect(story[5]?.approvals).toEqual([{ identity: `discord:${discord.users.luis}`, person: 'luis' }])
  expect((await verify(chain, rows)).faults).toEqual([])
  // The last entries, byte by byte: each change of each of them is found, and where it is.
  const few = rows.slice(-4)
  const floor = `${rows.length - 4}.${Buffer.from(rows.at(-5)!.mac)}`
  expect((await verify(chain, few, { floor })).faults).toEqual([])
  for (const [at, row] of few.entries()) {
    for (const part of ['entry', 'prev', 'mac'] as const) {
      for (let byte = 0; byte < row[part].length; byte++) {
        const changed = Buffer.from(row[part])
        changed[byte]! ^= 1
        const { faults } = await verify(chain, few.with(at, { ...row, [part]: changed }), { floor })
        expect(faults[0], `${part} ${byte} of ${at}`).toMatchObject({ from: rows.length - 3 + at })
      }
    }
  }
})
