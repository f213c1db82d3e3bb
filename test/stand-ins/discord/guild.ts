import type { Fields } from '../slack/fields.ts'

/** A person (or another bot); what is left out is a full member with no role but @everyone. */
export interface StandInUser {
  name: string
  /** Names of `roles`. */
  roles?: string[]
  /** The language of their client; `en-US` when left out. */
  locale?: string
  isBot?: boolean
  /** Has not agreed to the guild's rules yet. */
  isPending?: boolean
  /** Came by a voice channel's guest invite. */
  isGuest?: boolean
  /** No member of the guild. */
  isStranger?: boolean
  /** Takes direct messages from bots; true when left out. */
  takesDms?: boolean
}

export interface StandInChannel {
  name: string
  /** What the bot may not do there. */
  lacks?: ('view' | 'send' | 'threads')[]
}

export interface Channel {
  id: string
  name: string
  type: 0 | 1 | 11
  parentId?: string
  lacks: readonly string[]
}

export interface GuildOptions {
  users: StandInUser[]
  channels: StandInChannel[]
  roles?: string[]
  guildLocale?: string
  /** What the bot's roles allow it in the guild, a bit field; everything when left out. */
  botPermissions?: string
}

export type User = StandInUser & { id: string }

/** One guild with its people and places, ids by name. */
export interface Guild {
  id: string
  applicationId: string
  locale: string
  users: ReadonlyMap<string, User>
  roles: ReadonlyMap<string, string>
  channels: Map<string, Channel>
  /** A name or an id; throws for one that nobody has. */
  user(nameOrId: string): User
  channel(nameOrId: string): Channel
  /** Adds a thread, or the direct messages with a person. */
  open(channel: Channel): Channel
  userJson(user: User): Fields
  memberJson(user: User): Fields
  channelJson(channel: Channel): Fields
  /** What GUILD_CREATE carries. */
  json(): Fields
}

const JOINED = '2026-01-01T00:00:00.000000+00:00'
const GUEST_FLAG = 1 << 4
/** Permissions as a bit field: all that there are. */
export const EVERY_PERMISSION = '562949953421311'

export const botJson = (id: string): Fields => ({
  id,
  username: 'quorum',
  discriminator: '0000',
  global_name: null,
  avatar: null,
  bot: true,
})

function byNameOrId<T extends { id: string }>(kind: string, named: ReadonlyMap<string, T>, nameOrId: string): T {
  const found = named.get(nameOrId) ?? [...named.values()].find(({ id }) => id === nameOrId)
  if (!found) throw new Error(`the stand-in has no ${kind} ${nameOrId}`)
  return found
}

export function createGuild(options: GuildOptions, newId: () => string): Guild {
  const id = newId()
  const applicationId = newId()
  const roles = new Map((options.roles ?? []).map((name) => [name, newId()]))
  const users = new Map(options.users.map((user) => [user.name, { ...user, id: newId() }]))
  const channels = new Map<string, Channel>()
  const open = (channel: Channel) => {
    channels.set(channel.name, channel)
    return channel
  }
  for (const { name, lacks = [] } of options.channels) open({ id: newId(), name, type: 0, lacks })
  const userJson = ({ id, name, isBot }: User): Fields => ({ ...botJson(id), username: name, bot: isBot === true })
  const memberJson = (user: User): Fields => ({
    user: userJson(user),
    roles: (user.roles ?? []).map((role) => roles.get(role) ?? role),
    nick: null,
    avatar: null,
    banner: null,
    joined_at: JOINED,
    premium_since: null,
    communication_disabled_until: null,
    deaf: false,
    mute: false,
    pending: user.isPending === true,
    flags: user.isGuest ? GUEST_FLAG : 0,
  })
  return {
    id,
    applicationId,
    locale: options.guildLocale ?? 'en-US',
    users,
    roles,
    channels,
    open,
    user: (nameOrId) => byNameOrId('user', users, nameOrId),
    channel: (nameOrId) => byNameOrId('channel', channels, nameOrId),
    userJson,
    memberJson,
    channelJson: (channel) => channelJson(channel, id, applicationId),
    json: () => ({
      ...guildJson(id, options.guildLocale ?? 'en-US', [...users.values()][0]?.id ?? applicationId),
      roles: [...new Map([['@everyone', id], ...roles])].map(([name, role], position) =>
        roleJson(name, role, position),
      ),
      channels: [...channels.values()]
        .filter(({ type }) => type === 0)
        .map((channel) => channelJson(channel, id, applicationId)),
      members: [memberJson({ id: applicationId, name: 'quorum', isBot: true })],
      member_count: users.size + 1,
    }),
  }
}

function channelJson(channel: Channel, guildId: string, applicationId: string): Fields {
  const { id, name, type, parentId } = channel
  const common = { id, type, name, last_message_id: null, flags: 0 }
  if (type === 1) return { ...common, recipients: [] }
  const inGuild = { ...common, guild_id: guildId, parent_id: parentId ?? null, rate_limit_per_user: 0, nsfw: false }
  if (type === 0)
    return { ...inGuild, position: 0, permission_overwrites: [], topic: null, permissions: EVERY_PERMISSION }
  const thread_metadata = { archived: false, auto_archive_duration: 1440, archive_timestamp: JOINED, locked: false }
  return {
    ...inGuild,
    owner_id: applicationId,
    message_count: 0,
    member_count: 1,
    thread_metadata,
    permissions: EVERY_PERMISSION,
  }
}

const roleJson = (name: string, id: string, position: number): Fields => ({
  id,
  name,
  position,
  color: 0,
  colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
  hoist: false,
  permissions: '0',
  managed: false,
  mentionable: false,
  flags: 0,
})

const guildJson = (id: string, locale: string, owner: string): Fields => ({
  id,
  name: 'Quorum',
  icon: null,
  splash: null,
  banner: null,
  description: null,
  owner_id: owner,
  afk_channel_id: null,
  afk_timeout: 300,
  verification_level: 0,
  default_message_notifications: 0,
  explicit_content_filter: 0,
  emojis: [],
  stickers: [],
  features: [],
  mfa_level: 0,
  application_id: null,
  system_channel_id: null,
  system_channel_flags: 0,
  rules_channel_id: null,
  public_updates_channel_id: null,
  vanity_url_code: null,
  premium_tier: 0,
  premium_progress_bar_enabled: false,
  preferred_locale: locale,
  nsfw_level: 0,
  joined_at: JOINED,
  large: false,
  unavailable: false,
  threads: [],
  presences: [],
  voice_states: [],
  stage_instances: [],
  guild_scheduled_events: [],
  soundboard_sounds: [],
})
