import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFaults } from '../slack/faults.ts'
import type { Fields } from '../slack/fields.ts'
import { ApiError } from './api-error.ts'
import { createCommands } from './commands-api.ts'
import { createGateway } from './gateway.ts'
import { botJson, createGuild, EVERY_PERMISSION, type Guild } from './guild.ts'
import { createInteractions } from './interactions.ts'
import { createMessagesApi } from './messages-api.ts'
import { createPerson } from './person.ts'
import type { Handler } from './request.ts'
import { createRest } from './rest.ts'
import { createSnowflakes } from './snowflakes.ts'
import type { DiscordStandIn, DiscordStandInOptions } from './stand-in.ts'
import { createTranscript } from './transcript.ts'
import { createWebhooksApi } from './webhooks-api.ts'

export { buttonsIn, textsIn } from './components.ts'
export { ROUTES } from './routes.ts'
export type { DiscordStandIn, DiscordStandInOptions } from './stand-in.ts'
export { textOf } from './transcript.ts'

const TOKEN = 'stand-in.discord.bot-token'

/** Starts a Discord on a free port of 127.0.0.1. */
export async function startDiscord(options: DiscordStandInOptions): Promise<DiscordStandIn> {
  const server = createServer((request, response) => void route(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = (server.address() as AddressInfo).port
  let offsetMs = 0
  let isOut = false
  let isRevoked = false
  const now = () => Date.now() + offsetMs

  const newId = createSnowflakes(now)
  const guild = createGuild(options, newId)
  const transcript = createTranscript()
  const faults = createFaults()
  const commands = createCommands(guild, newId)
  const gatewayUrl = () => `ws://127.0.0.1:${port}/gateway`
  const bot = { ...botJson(guild.applicationId), verified: true, mfa_enabled: false, flags: 0 }
  const gateway = createGateway({
    token: TOKEN,
    url: gatewayUrl,
    heartbeatMs: options.heartbeatMs ?? 41_250,
    ready: () => readyJson(guild, bot),
    guilds: () => [guild.json()],
    changed: transcript.changed,
    violations: transcript.violations,
  })
  const dispatch = (payload: Fields) => gateway.dispatch('INTERACTION_CREATE', payload)
  const ackWithinMs = options.ackWithinMs ?? 3000
  const interactions = createInteractions({ transcript, now, newId, ackWithinMs, dispatch })
  const threadCreated = (thread: Fields) => gateway.dispatch('THREAD_CREATE', { ...thread, newly_created: true })
  const handle = createRest({
    transcript,
    faults,
    now,
    accepts: (authorization) => !isRevoked && authorization === `Bot ${TOKEN}`,
    handlers: {
      ...commands.handlers,
      ...createMessagesApi({ guild, transcript, newId, now, threadCreated }),
      ...createWebhooksApi({ interactions, transcript, applicationId: guild.applicationId, newId }),
      ...ownHandlers(guild, bot, gatewayUrl, options.botPermissions ?? EVERY_PERMISSION),
      create_interaction_response: ({ params, body, files }) =>
        void interactions.respond(params, body as Fields, files),
    } as Parameters<typeof createRest>[0]['handlers'],
  })

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isOut) return void request.socket.resetAndDestroy()
    try {
      await handle(request, response)
    } catch (error) {
      transcript.violations.push(`the stand-in failed at ${request.url}: ${(error as Error).stack}`)
      response.writeHead(500).end()
    }
  }
  server.on('upgrade', (request, socket, head) => {
    if (isOut) socket.destroy()
    else gateway.upgrade(request, socket, head)
  })

  return {
    apiUrl: `http://127.0.0.1:${port}/api`,
    token: TOKEN,
    applicationId: guild.applicationId,
    guildId: guild.id,
    users: Object.fromEntries([...guild.users].map(([name, { id }]) => [name, id])),
    roles: Object.fromEntries(guild.roles),
    channels: Object.fromEntries([...guild.channels].map(([name, { id }]) => [name, id])),
    ...createPerson({ guild, interactions, newId, registered: commands.registered, dispatch }),
    ...gateway,
    ...faults,
    error: (operation, code, times) => faults.error(operation, String(code), times),
    commands: commands.registered,
    messages: (channel) => transcript.messages(guild.channel(channel).id),
    ephemerals: (user) => transcript.ephemerals(guild.user(user).id),
    deleteMessage: transcript.remove,
    deleteChannel: (channel) => void guild.channels.delete(guild.channel(channel).name),
    setRoles: (user, roles) => void Object.assign(guild.user(user), { roles }),
    calls: (operation) => transcript.calls.filter((call) => operation === undefined || call.operation === operation),
    until: transcript.until,
    outage(on) {
      isOut = on
      if (on) gateway.dropSockets()
    },
    revokeToken() {
      isRevoked = true
      gateway.revoke()
    },
    advance(ms) {
      offsetMs += ms
    },
    violations: transcript.violations,
    unknown: transcript.unknown,
    async close() {
      interactions.stop()
      gateway.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const readyJson = (guild: Guild, bot: Fields): Fields => ({
  v: 10,
  user: bot,
  guilds: [{ id: guild.id, unavailable: true }],
  application: { id: guild.applicationId, flags: 0 },
})

/** What concerns the bot itself and the members of its guild. */
function ownHandlers(
  guild: Guild,
  bot: Fields,
  gatewayUrl: () => string,
  permissions: string,
): Record<string, Handler> {
  const limit = { total: 1000, remaining: 999, reset_after: 86_400_000, max_concurrency: 1 }
  return {
    get_bot_gateway: () => ({ url: gatewayUrl(), shards: 1, session_start_limit: limit }),
    get_my_application: () => ({ id: guild.applicationId, name: 'Quorum', bot, flags: 0 }),
    get_my_user: () => bot,
    list_my_guilds: () => [{ id: guild.id, name: 'Stand-in', owner: false, permissions, features: [] }],
    get_guild_member({ params }) {
      if (params.guild_id !== guild.id) throw new ApiError(10004)
      const user = [...guild.users.values()].find(({ id }) => id === params.user_id)
      if (!user) throw new ApiError(10013)
      if (user.isStranger) throw new ApiError(10007)
      return guild.memberJson(user)
    },
  }
}
