import type { House } from '../app.ts'
import type { Config } from '../config.ts'
import type { Forms } from '../core/forms.ts'
import type { Jobs } from '../core/house.ts'
import { spoken } from '../core/language.ts'
import { type Carrier, Gone, Throttled } from '../jobs/delivery.ts'
import type { Inbox } from '../jobs/inbox.ts'
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

/** Listens to Discord, and delivers there. */
export async function openDiscord(parts: {
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
}) {
  const { config, inbox, house, readers, preferences, desk, known } = parts
  const { connectDiscord } = await import('../chat/discord/discord.ts')
  const { live } = await import('../chat/discord/live.ts')
  const remembered = remember(readers)
  const { catalogue, access } = house
  const discord = await connectDiscord({
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
  const errors = { throttled: (ms: number) => new Throttled(ms), gone: (reason: string) => new Gone(reason) }
  parts.deliver(discord.carrier(errors, markOfLab(config, parts.lab)))
  return discord
}
