import { REST } from 'discord.js'
import { afterEach, describe, expect, test } from 'vitest'
import { definitions } from '../src/chat/discord/definitions.ts'
import { register } from '../src/chat/discord/register.ts'
import type { Message } from '../src/core/message.ts'
import { adapter, cardOf, catalogue, isClean } from './chat-discord-fixture.ts'
import { buttonsIn, type DiscordStandIn, textOf } from './stand-ins/discord/index.ts'

const inGeneral = { user: 'ana', channel: 'general' }
const running: Message = { title: 'Start web1', state: 'running', actions: [{ id: 'cancel', label: 'Cancel' }] }
const done: Message = { title: 'Start web1', state: 'ok' }
const log = { info: () => {}, error: () => {} }
const restOf = ({ apiUrl, token }: DiscordStandIn) => new REST({ api: apiUrl, retries: 0 }).setToken(token)

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))
afterEach(() => expect(unhandled).toEqual([]))

describe('what people do', () => {
  test('a slash command with options is a line in the inbox, acknowledged in time', async () => {
    const { discord, said } = await adapter()
    const values = { name: 'web1', node: 'pve2', cores: 2, disk: 'local-lvm:8G', explain: true }
    const { response, elapsedMs, payload } = await discord.slash('vm create', values, inGeneral)
    expect(response).toEqual({ type: 5, data: { flags: 64 } })
    expect(elapsedMs).toBeLessThan(3000)
    await discord.until(() => said.length === 1)
    expect(said[0]).toEqual({
      event: `discord:${payload.id}`,
      identity: `discord:${discord.users.ana}`,
      target: `discord:${discord.channels.general}`,
      text: '/vm create name:web1 node:pve2 cores:2 disk:"local-lvm:8G" explain:true',
      locales: ['es-ES', 'en-GB'],
    })
    await discord.slash('status', {}, inGeneral)
    await discord.until(() => said.length === 2)
    expect(said[1]!.text).toBe('/status')
    isClean(discord)
  })

  test('completion from the live cluster, at most 25, for those who may', async () => {
    const { discord } = await adapter()
    const nodes = await discord.autocomplete('vm create', { node: 'pve' }, 'node', inGeneral)
    expect(nodes.choices.map(({ value }) => value)).toEqual(['pve1', 'pve2'])
    const guests = await discord.autocomplete('vm start', { guest: '' }, 'guest', inGeneral)
    expect(guests.choices).toHaveLength(25)
    expect(guests.choices[1]).toEqual({ name: 'web1 (101, pve1, running)', value: 'web1' })
    const commands = await discord.autocomplete('help', { command: 'vm cr' }, 'command', inGeneral)
    expect(commands.choices.map(({ value }) => value)).toContain('vm create')
    const eva = await discord.autocomplete('vm start', { guest: '' }, 'guest', { user: 'eva', channel: 'general' })
    expect(eva.choices).toEqual([])
    for (const { elapsedMs } of [nodes, guests, eva]) expect(elapsedMs).toBeLessThan(3000)
    isClean(discord)
  })

  test('a form for what is missing, in the language of the person', async () => {
    const { discord, said } = await adapter()
    const { response } = await discord.slash('vm create', { node: 'pve2' }, inGeneral)
    expect(response).toMatchObject({ type: 9, data: { title: '/vm create', custom_id: 'say:/vm create node:pve2' } })
    expect(discord.modal('ana')!.components).toMatchObject([{ type: 18, label: 'Nombre' }])
    await discord.submitModal({ user: 'ana', values: { name: 'web 1' } })
    await discord.until(() => said.length === 1)
    expect(said[0]!.text).toBe('/vm create node:pve2 name:"web 1"')
    isClean(discord)
  })

  test('who may not run it gets no form, but hears why from the command', async () => {
    const { discord, said } = await adapter()
    await discord.slash('vm create', {}, { user: 'eva', channel: 'general' })
    await discord.until(() => said.length === 1)
    expect(said[0]!.text).toBe('/vm create')
    expect(discord.modal('eva')).toBeUndefined()
  })

  test('a cluster that does not answer keeps nobody waiting', async () => {
    const { discord, cluster, said } = await adapter()
    cluster.hangs = true
    const [nodes, create] = await Promise.all([
      discord.autocomplete('vm create', { node: '' }, 'node', inGeneral),
      discord.slash('vm create', {}, inGeneral),
    ])
    expect(nodes.choices).toEqual([])
    expect(create.response).toEqual({ type: 5, data: { flags: 64 } })
    await discord.until(() => said.length === 1)
    for (const { elapsedMs } of [nodes, create]) expect(elapsedMs).toBeLessThan(3000)
    isClean(discord)
  })

  test('a button, and a form behind a button', async () => {
    const { discord, carrier, clicked, cards, card } = await adapter()
    const fields = [{ name: 'name', label: 'Name', type: 'text' as const, required: true, value: 'web1' }]
    const asks: Message = {
      title: '/pve vm create',
      state: 'waiting',
      form: { id: 'c-1', fields },
      actions: [
        { id: 'form.submit', label: 'Go on', style: 'primary' },
        { id: 'form.cancel', label: 'Cancel' },
      ],
    }
    cards.set('c-1', { message: asks })
    await carrier.post(card(asks), false, undefined)
    const [message] = discord.messages('general')
    expect(buttonsIn(message!.components).map(({ customId }) => customId)).toEqual([
      'form.submit:c-1',
      'form.cancel:c-1',
    ])
    await discord.click({ user: 'ana', message: message!, button: 'Go on' })
    await discord.submitModal({ user: 'ana', values: { name: 'web2' } })
    await discord.until(() => clicked.length === 1)
    expect(clicked[0]).toMatchObject({ card: 'c-1', action: 'form.submit', values: { name: 'web2' } })
    const { response } = await discord.click({ user: 'eva', message: message!, button: 'form.cancel' })
    expect(response).toEqual({ type: 6 })
    await discord.until(() => clicked.length === 2)
    expect(clicked[1]).toMatchObject({ card: 'c-1', action: 'form.cancel', identity: `discord:${discord.users.eva}` })
    isClean(discord)
  })

  test('an interaction that a resumed session repeats is one event', async () => {
    const { discord, said, deliveries, logged } = await adapter()
    await discord.slash('status', {}, inGeneral)
    await discord.until(() => said.length === 1)
    discord.dropSockets({ replay: 1 })
    await discord.until(() => deliveries.length === 2)
    await discord.until(() => discord.calls('create_interaction_response').length === 2)
    expect(discord.calls('create_interaction_response').map(({ outcome }) => outcome)).toEqual(['ok', '40060'])
    expect(said).toHaveLength(1)
    expect(logged).toEqual(['Discord is connecting again {}'])
    isClean(discord)
  })

  test('what cannot be stored is told to the person', async () => {
    const { discord, redis, carrier, card } = await adapter()
    redis.isGone = true
    await discord.slash('status', {}, inGeneral)
    const told = await discord.until(() => discord.ephemerals('ana').find(({ edits }) => edits > 0))
    expect(told.content).toContain('Redis no responde')
    await carrier.post(card(running), false, undefined)
    await discord.click({ user: 'eva', message: discord.messages('general')[0]!, button: 'Cancel' })
    const english = await discord.until(() => discord.ephemerals('eva')[0])
    expect(english.content).toContain('Redis does not answer')
    isClean(discord)
  })

  test('a server that is not listed is not served', async () => {
    const { discord, deliveries } = await adapter({ guilds: ['1'] })
    const commands = definitions(catalogue)
    await register({ rest: restOf(discord), guilds: [discord.guildId], commands, log })
    await discord.slash('status', {}, inGeneral)
    expect(discord.ephemerals('ana').map(textOf)).toEqual(['⛔ Quorum no recibe órdenes en este servidor.'])
    expect((await discord.autocomplete('help', { command: 'vm' }, 'command', inGeneral)).choices).toEqual([])
    expect(deliveries).toEqual([])
    isClean(discord)
  })

  test('an acknowledgement that comes too late loses nothing', async () => {
    const { discord, said, carrier, card, logged } = await adapter({ ackWithinMs: 200 })
    discord.error('create_interaction_response', 10062)
    await discord.slash('status', {}, inGeneral)
    await discord.until(() => said.length === 1)
    await carrier.post(card(done, { key: cardOf.said(said[0]!.event) }), false, undefined)
    expect(discord.messages('general').map(textOf)).toEqual(['**✅ Start web1**'])
    expect(discord.violations.splice(0)).toEqual(['interaction status: no response within 200 ms'])
    expect(logged).toEqual([])
    isClean(discord)
  })
})
