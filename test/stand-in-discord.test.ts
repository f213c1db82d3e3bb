import { Client, DiscordAPIError, GatewayIntentBits, REST, Routes } from 'discord.js'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  buttonsIn,
  type DiscordStandIn,
  type DiscordStandInOptions,
  startDiscord,
  textOf,
} from './stand-ins/discord/index.ts'
import { type SampleBot, sampleBot } from './stand-ins/discord/sample-bot.ts'

const people = [
  { name: 'ana', locale: 'es-ES', roles: ['ops'] },
  { name: 'bob', takesDms: false },
  { name: 'stranger', isStranger: true },
]
const places = [
  { name: 'general' },
  { name: 'secret', lacks: ['view' as const] },
  { name: 'closed', lacks: ['send' as const] },
]
const inGeneral = { user: 'ana', channel: 'general' }

async function server(options: Partial<DiscordStandInOptions> = {}): Promise<DiscordStandIn> {
  const discord = await startDiscord({ users: people, channels: places, roles: ['ops'], ...options })
  onTestFinished(() => discord.close())
  return discord
}

async function connected(discord: DiscordStandIn): Promise<SampleBot> {
  const bot = await sampleBot(discord)
  onTestFinished(() => bot.client.destroy())
  return bot
}

const restOf = (discord: DiscordStandIn, token = discord.token) =>
  new REST({ api: discord.apiUrl, retries: 0 }).setToken(token)

/** The code that Discord refuses with; throws when it does not refuse. */
async function codeOf(work: Promise<unknown>): Promise<number | string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DiscordAPIError)) throw new Error(`was not refused: ${error}`)
  return error.code
}

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))
afterEach(() => expect(unhandled).toEqual([]))

/** How each connection began and ended; a heartbeat may fall in between at any time. */
const begun = ({ gatewayLog }: { gatewayLog: string[] }) => gatewayLog.filter((entry) => entry !== 'heartbeat')

describe('discord.js on the stand-in', () => {
  test('slash, completion, card, edit through a 429, thread with a file, button', async () => {
    const discord = await server()
    const { errors } = await connected(discord)
    discord.rateLimit('update_message', 1, 0.01)

    const { choices } = await discord.autocomplete('vm start', { vmid: 1, node: 'pve' }, 'node', inGeneral)
    expect(choices.map(({ value }) => value)).toEqual(['pve1', 'pve2'])
    const { response, elapsedMs } = await discord.slash('vm start', { vmid: 100, node: 'pve2' }, inGeneral)
    expect(response).toEqual({ type: 5, data: { flags: 64 } })
    expect(elapsedMs).toBeLessThan(3000)
    const card = await discord.until(() => discord.messages('general').find(({ edits }) => edits === 1))
    expect(textOf(card)).toBe('start 100 on pve2: done')
    expect(discord.calls('update_message').map(({ outcome }) => outcome)).toEqual(['429', 'ok'])
    await discord.until(() => discord.calls('delete_original_webhook_message').length === 1)
    expect(discord.messages(card.id)).toMatchObject([{ content: 'Log', files: ['task.log'] }])
    expect(discord.ephemerals('ana')).toEqual([])

    expect(buttonsIn(card.components)).toEqual([{ customId: 'cancel:7', label: 'Cancel', style: 4 }])
    await discord.click({ user: 'ana', message: card, button: 'Cancel' })
    expect(textOf(card)).toBe('cancelled')
    expect(errors).toEqual([])
    expect(discord.violations).toEqual([])
  })

  test('a modal, filled in and submitted', async () => {
    const discord = await server()
    await connected(discord)
    await discord.slash('vm form', {}, inGeneral)
    expect(discord.modal('ana')).toMatchObject({ title: 'New machine', customId: 'create' })
    await expect(discord.submitModal({ user: 'ana', values: { name: '' } })).rejects.toThrow('must be filled in')
    await expect(discord.submitModal({ user: 'ana', values: { node: 'pve9' } })).rejects.toThrow('does not offer pve9')
    await discord.submitModal({ user: 'ana', values: { name: 'web1' } })
    expect(discord.ephemerals('ana').map(textOf)).toEqual(['web1 on pve2'])
    expect(discord.modal('ana')).toBeUndefined()
    expect(discord.violations).toEqual([])
  })

  test('what one person alone sees', async () => {
    const discord = await server()
    await connected(discord)
    await discord.slash('private', {}, inGeneral)
    await discord.until(() => discord.ephemerals('ana').length === 2)
    expect(discord.ephemerals('ana').map(textOf)).toEqual(['Only you.', 'And this.'])
    expect(discord.ephemerals('bob')).toEqual([])
    expect(discord.messages('general')).toEqual([])
    expect(discord.violations).toEqual([])
  })

  test('a resumed session repeats what was seen; acknowledging it again is refused with 40060', async () => {
    const discord = await server()
    const { errors, heard } = await connected(discord)
    const { payload } = await discord.slash('private', {}, inGeneral)
    discord.dropSockets({ replay: 1 })
    await discord.until(() => heard.length === 2)
    expect(heard).toEqual([payload.id, payload.id])
    await discord.until(() => errors.length === 1)
    expect(errors[0]!.code).toBe(40060)
    expect(begun(discord)).toEqual(['identify', 'resume'])
    expect(discord.violations).toEqual([])
  })

  test('op 7 is followed by a resume, and what came in between is not lost', async () => {
    const discord = await server({ heartbeatMs: 40 })
    const { heard } = await connected(discord)
    await discord.until(() => discord.gatewayLog.includes('heartbeat'))
    discord.reconnect()
    await discord.until(() => discord.sockets() === 0)
    const { payload } = await discord.slash('private', {}, inGeneral)
    expect(heard).toEqual([payload.id])
    expect(begun(discord)).toEqual(['identify', 'resume'])
    expect(discord.violations).toEqual([])
  })

  test('op 9 is followed by a new session', async () => {
    const discord = await server()
    const { heard } = await connected(discord)
    discord.invalidSession()
    await discord.until(() => begun(discord).length === 2 && discord.sockets() === 1, 20_000)
    expect(begun(discord)).toEqual(['identify', 'identify'])
    await discord.slash('private', {}, inGeneral)
    expect(heard).toHaveLength(1)
    expect(discord.violations).toEqual([])
  })

  test('a wrong token is refused by REST, a revoked one by the gateway too', async () => {
    const discord = await server()
    const client = new Client({ intents: [GatewayIntentBits.Guilds], rest: { api: discord.apiUrl } })
    await expect(client.login('wrong')).rejects.toThrow('An invalid token was provided.')
    const { errors } = await connected(discord)
    discord.revokeToken()
    await discord.until(() => errors.length === 1)
    expect(errors[0]!.message).toBe('Authentication failed')
    expect(begun(discord)).toEqual(['identify', 'close 4004'])
  })
})

describe('time', () => {
  test('an app that does not respond is a violation, and its late response is refused', async () => {
    const discord = await server({ ackWithinMs: 150 })
    const { errors, letGo } = await connected(discord)
    const { response } = await discord.slash('late', {}, inGeneral)
    expect(response).toBeUndefined()
    expect(discord.violations).toEqual(['interaction late: no response within 150 ms'])
    letGo()
    await discord.until(() => errors.length === 1)
    expect(errors[0]!.code).toBe(10062)
  })

  test('a token is worth 15 minutes', async () => {
    const discord = await server()
    await connected(discord)
    const { payload } = await discord.slash('private', {}, inGeneral)
    const edit = () =>
      restOf(discord).patch(Routes.webhookMessage(discord.applicationId, String(payload.token)), {
        body: { content: 'Later.' },
        auth: false,
      })
    discord.advance(14 * 60_000)
    await edit()
    discord.advance(2 * 60_000)
    expect(await codeOf(edit())).toBe(50027)
    expect(discord.violations).toEqual([])
  })
})
