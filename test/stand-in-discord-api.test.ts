import { DiscordAPIError, REST, Routes } from 'discord.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type DiscordStandIn, ROUTES, startDiscord } from './stand-ins/discord/index.ts'

const people = [{ name: 'ana' }, { name: 'bob', takesDms: false }, { name: 'stranger', isStranger: true }]
const places = [
  { name: 'general' },
  { name: 'secret', lacks: ['view' as const] },
  { name: 'closed', lacks: ['send' as const] },
]

async function server(): Promise<DiscordStandIn> {
  const discord = await startDiscord({ users: people, channels: places, roles: ['ops'] })
  onTestFinished(() => discord.close())
  return discord
}

const restOf = (discord: DiscordStandIn) => new REST({ api: discord.apiUrl, retries: 0 }).setToken(discord.token)

/** The code that Discord refuses with; throws when it does not refuse. */
async function codeOf(work: Promise<unknown>): Promise<number | string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DiscordAPIError)) throw new Error(`was not refused: ${error}`)
  return error.code
}

describe('the API', () => {
  const text = (content: string) => ({ body: { content } })

  test('has the routes that Discord has', async () => {
    const name: string = 'discord-api-spec'
    const { pathsList } = (await import(name)) as { pathsList: Record<string, string[]> }
    for (const route of Object.values(ROUTES)) {
      const [method, path] = route.split(' ') as [string, string]
      expect(pathsList[method.toLowerCase()]).toContain(path)
    }
  })

  test('refuses what is not there or not allowed', async () => {
    const discord = await server()
    const rest = restOf(discord)
    const { general, secret, closed } = discord.channels as Record<string, string>
    const post = (channel: string) => rest.post(Routes.channelMessages(channel), text('Hello.'))
    expect(await codeOf(post('1'))).toBe(10003)
    expect(await codeOf(post(secret!))).toBe(50001)
    expect(await codeOf(post(closed!))).toBe(50013)
    expect(await codeOf(rest.patch(Routes.channelMessage(general!, '1'), text('Hello.')))).toBe(10008)
    const { id } = (await post(general!)) as { id: string }
    discord.deleteMessage(discord.messages('general')[0]!)
    expect(await codeOf(rest.patch(Routes.channelMessage(general!, id), text('Hello.')))).toBe(10008)
    discord.deleteChannel('general')
    expect(await codeOf(post(general!))).toBe(10003)
    expect(await codeOf(rest.get(Routes.guildMember(discord.guildId, discord.users.stranger!)))).toBe(10007)
    expect(discord.violations).toEqual([])
    expect(await codeOf(rest.get(Routes.guildBans(discord.guildId)))).toBe(0)
    expect(discord.violations).toEqual([`GET /guilds/${discord.guildId}/bans: no such route in the stand-in`])
  })

  test('a nonce makes one message of two posts, for some minutes', async () => {
    const discord = await server()
    const body = { content: 'Once.', nonce: 'n1', enforce_nonce: true }
    const post = () => restOf(discord).post(Routes.channelMessages(discord.channels.general!), { body })
    discord.dropAfterProcessing('create_message')
    await expect(post()).rejects.toThrow()
    await post()
    expect(discord.messages('general')).toHaveLength(1)
    discord.advance(6 * 60_000)
    await post()
    expect(discord.messages('general')).toHaveLength(2)
  })

  test('a direct message to those who take them', async () => {
    const discord = await server()
    const rest = restOf(discord)
    const dm = async (user: string) =>
      (await rest.post(Routes.userChannels(), { body: { recipient_id: user } })) as { id: string }
    const { id } = await dm(discord.users.ana!)
    await rest.post(Routes.channelMessages(id), text('Hello.'))
    expect((await dm(discord.users.ana!)).id).toBe(id)
    expect(discord.messages(id)).toHaveLength(1)
    const { id: closed } = await dm(discord.users.bob!)
    expect(await codeOf(rest.post(Routes.channelMessages(closed), text('Hello.')))).toBe(50007)
    expect(await codeOf(rest.post(Routes.userChannels(), { body: { recipient_id: '1' } }))).toBe(50033)
  })

  test('tells whom a message wakes', async () => {
    const discord = await server()
    const post = (body: object) => restOf(discord).post(Routes.channelMessages(discord.channels.general!), { body })
    const content = `@everyone <@${discord.users.ana}> <@&${discord.roles.ops}>`
    await post({ content })
    await post({ content, allowed_mentions: { parse: [] } })
    await post({ content, allowed_mentions: { parse: ['roles'], users: [discord.users.ana] } })
    expect(discord.messages('general').map(({ pings }) => pings)).toEqual([
      content.split(' '),
      [],
      [`<@${discord.users.ana}>`, `<@&${discord.roles.ops}>`],
    ])
  })

  test('fails when told to', async () => {
    const discord = await server()
    const post = () => restOf(discord).post(Routes.channelMessages(discord.channels.general!), text('Hello.'))
    discord.fail('create_message', 502)
    discord.error('create_message', 50013)
    await expect(post()).rejects.toThrow('Bad Gateway')
    expect(await codeOf(post())).toBe(50013)
    discord.outage(true)
    await expect(post()).rejects.toThrow()
    discord.outage(false)
    await post()
    expect(discord.calls('create_message').map(({ outcome }) => outcome)).toEqual(['502', '50013', 'ok'])
  })
})
