import type { House } from '../app.ts'
import type { DiscordConnection } from '../chat/discord/discord.ts'
import type { Config } from '../config.ts'
import type { Forms } from '../core/forms.ts'
import type { Jobs } from '../core/house.ts'
import { spoken } from '../core/language.ts'
import { type Carrier, Gone, Throttled } from '../jobs/delivery.ts'
import type { Inbox } from '../jobs/inbox.ts'
import { pause } from '../jobs/pause.ts'
import type { RedisPreferences } from '../jobs/preferences.ts'
import { channelsOf, markOfLab, type Readers, remember } from './places.ts'

/** discord.js, too, is loaded only where it is used. */
export async function openDiscordMembership({ chat }: Config, { log }: House) {
  const { token, guilds = [], apiUrl } = chat.discord ?? {}
  if (!token) {
    log.info('Discord is off: it has no token')
    return undefined
  }
  const { discordMembership } = await import('../chat/discord/discord.ts')
  const access = { token, guilds, apiUrl }
  return { access, membership: discordMembership({ ...access, now: Date.now, log }) }
}

export const discordPermissions = async (
  access: NonNullable<Awaited<ReturnType<typeof openDiscordMembership>>>['access'],
) => (await import('../chat/discord/permissions.ts')).lookAtPermissions(access)

const firstWaitMs = 1000
const longestWaitMs = 300_000
/** Starting does not wait longer for Discord: everything else works without it. */
const startWithinMs = 10_000

interface Parts {
  config: Config
  inbox: Inbox
  house: House
  readers: Readers
  preferences: RedisPreferences
  desk: Pick<Jobs, 'list'>
  deliver: (carrier: Carrier) => void
  forms: Forms
  lab: boolean
  known: NonNullable<Awaited<ReturnType<typeof openDiscordMembership>>>
}

/** Listens to Discord, and delivers there; a Discord that is away or refuses the token is tried again, and told. */
export async function openDiscord(parts: Parts): Promise<{ connected(): boolean; close(): Promise<void> }> {
  const { log } = parts.house
  const ended = new AbortController()
  let discord: DiscordConnection | undefined
  const keepTrying = async (tried: () => void) => {
    for (let waitMs = firstWaitMs; !ended.signal.aborted; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        discord = await connect(parts)
        if (ended.signal.aborted) return discord.close()
        const errors = { throttled: (ms: number) => new Throttled(ms), gone: (reason: string) => new Gone(reason) }
        parts.deliver(discord.carrier(errors, markOfLab(parts.config, parts.lab)))
        return tried()
      } catch (error) {
        tried()
        log.error({ error: (error as Error).message, againInMs: waitMs }, 'no connection to Discord')
        await pause(waitMs, ended.signal)
      }
    }
  }
  await Promise.race([new Promise<void>((resolve) => void keepTrying(resolve)), pause(startWithinMs, ended.signal)])
  return {
    connected: () => discord?.connected() ?? false,
    async close() {
      ended.abort()
      await discord?.close()
    },
  }
}

async function connect(parts: Parts): Promise<DiscordConnection> {
  const { config, inbox, house, readers, preferences, desk, known } = parts
  const { connectDiscord } = await import('../chat/discord/discord.ts')
  const { live } = await import('../chat/discord/live.ts')
  const remembered = remember(readers)
  const { catalogue, access } = house
  return connectDiscord({
    ...known.access,
    membership: known.membership,
    inbox,
    catalogue,
    clusters: readers.names,
    live: live({
      ...channelsOf(config),
      catalogue,
      clusters: readers.names,
      access,
      proxmox: (cluster) => remembered.get(cluster),
      languageOf: async (identity, locales) =>
        (await preferences.language(identity)) ?? access.person(identity)?.language ?? spoken(...locales) ?? 'en',
      jobs: desk,
    }),
    card: (key) => house.cards.get(key),
    note: (asker) => parts.forms.note(asker),
    cardOf: {
      said: (event) => `c-${house.seal.name(event)}`,
      clicked: (event) => `r-${house.seal.name(event)}`,
    },
    now: Date.now,
    log: house.log,
  })
}
