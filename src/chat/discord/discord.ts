import { Client, Events, GatewayIntentBits, Options, REST, Status } from 'discord.js'
import type { Catalogue } from '../../core/catalogue.ts'
import type { Secret } from '../../core/secret.ts'
import { type CarrierPorts, discordCarrier } from './carrier.ts'
import { definitions } from './definitions.ts'
import type { DeliveryErrors } from './errors.ts'
import { type ListenPorts, take } from './listen.ts'
import { DiscordMembership, type MembershipOptions } from './membership.ts'
import { register } from './register.ts'
import { InteractionTokens } from './tokens.ts'

interface Access {
  token: Secret
  /** The servers that are served, and whose roles count; empty: any is served, and no role counts. */
  guilds: readonly string[]
  /** Ends in `/api`; absent: Discord's own. */
  apiUrl?: string | undefined
}

interface Log {
  info(about: object, text: string): void
  warn(about: object, text: string): void
  error(about: object, text: string): void
}

export interface DiscordOptions
  extends Access,
    Pick<ListenPorts, 'inbox' | 'catalogue' | 'live' | 'card' | 'note' | 'cardOf' | 'membership'> {
  clusters: readonly string[]
  now(): number
  log: Log
}

export interface DiscordConnection {
  /** Shows cards; for `startDelivery`. */
  carrier(errors: DeliveryErrors, simulated?: CarrierPorts['simulated']): ReturnType<typeof discordCarrier>
  /** Whether events arrive now; a session that Discord ended for good stays false. */
  connected(): boolean
  close(): Promise<void>
}

const api = ({ apiUrl }: Pick<Access, 'apiUrl'>) => (apiUrl === undefined ? {} : { api: apiUrl })

/** A client that reports at once: who calls it knows when to try again, and that a post may have happened. */
const promptRest = (access: Access) =>
  new REST({ ...api(access), retries: 0, rejectOnRateLimit: () => true }).setToken(access.token.reveal())

const patientRest = (access: Access) => new REST(api(access)).setToken(access.token.reveal())

/** Who has which role in the servers; needs no gateway connection, so it is there before the first event. */
export const discordMembership = (options: Access & Pick<MembershipOptions, 'now' | 'log'>): DiscordMembership =>
  new DiscordMembership({ ...options, rest: patientRest(options) })

/**
 * Connects to Discord's gateway with the one intent that slash commands and buttons need, and registers the commands
 * where they differ. Each interaction is acknowledged at once and stored meanwhile.
 * @throws Error when the token is wrong or Discord cannot be reached
 */
export async function connectDiscord(options: DiscordOptions): Promise<DiscordConnection> {
  const { log, card } = options
  const tokens = new InteractionTokens(options.now)
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    allowedMentions: { parse: [] },
    rest: api(options),
    makeCache: Options.cacheWithLimits({ ...Options.DefaultMakeCacheSettings, MessageManager: 0 }),
  })
  listenToHealth(client, log)
  client.on(Events.InteractionCreate, (interaction) => void take(interaction, { ...options, tokens }))
  const ready = new Promise<string>((resolve) => {
    client.once(Events.ClientReady, ({ application }) => resolve(application.id))
  })
  await client.login(options.token.reveal())
  const applicationId = await ready
  log.info({ servers: client.guilds.cache.size }, 'Discord is connected')
  await registerDiscord(options)
  return {
    carrier: (errors, simulated) =>
      discordCarrier({ rest: promptRest(options), applicationId, tokens, errors, card, simulated }),
    connected: () => client.isReady() && client.ws.shards.every(({ status }) => status === Status.Ready),
    close: () => client.destroy(),
  }
}

/** Registers the commands with Discord where they differ, without a gateway connection. Logs what a server refuses. */
export async function registerDiscord(
  options: Access & { catalogue: Catalogue; clusters: readonly string[]; log: Pick<Log, 'info' | 'error'> },
): Promise<{ changed: string[]; failed: string[] }> {
  const { guilds, log } = options
  const commands = definitions(options.catalogue, options.clusters)
  try {
    return await register({ rest: patientRest(options), guilds, commands, log })
  } catch (error) {
    log.error({ error: (error as Error).message }, 'the commands could not be registered with Discord')
    return { changed: [], failed: guilds.length > 0 ? [...guilds] : ['everywhere'] }
  }
}

/** discord.js reconnects by itself; what it gives up is said, and `connected` stays false. */
function listenToHealth(client: Client, log: Log): void {
  client.on(Events.Error, (error) => log.error({ error: error.message }, 'Discord'))
  client.on(Events.Warn, (text) => log.warn({ text }, 'Discord'))
  client.on(Events.ShardError, (error) => log.warn({ error: error.message }, 'Discord socket'))
  client.on(Events.ShardReconnecting, () => log.warn({}, 'Discord is connecting again'))
  client.on(Events.ShardDisconnect, ({ code }) => log.error({ code }, 'Discord ended the connection for good'))
}
