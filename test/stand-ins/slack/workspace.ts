import { createEmulator } from 'emulate'
import { type Fields, fields, list, string } from './fields.ts'

/** A person (or another bot) of the workspace; what is left out is a full member. */
export interface StandInUser {
  name: string
  /** `users.info` gives it with include_locale only, as Slack does. */
  locale?: string
  tz?: string
  isRestricted?: boolean
  isUltraRestricted?: boolean
  isBot?: boolean
  isStranger?: boolean
  deleted?: boolean
}

export interface StandInChannel {
  name: string
  isPrivate?: boolean
  /** false: the bot was not invited. */
  hasBot?: boolean
}

export interface WorkspaceOptions {
  users: StandInUser[]
  channels: StandInChannel[]
  scopes: string[]
  strictScopes: boolean
}

export const APP_ID = 'A0QUORUM0'
export const BOT_ID = 'B0QUORUM0'
export const BOT_USER_ID = 'U0QUORUM0'
export const BOT_TOKEN = 'xoxb-stand-in-bot'
/** Acts as the bot with every scope: the stand-in's own hand, so that a test of missing scopes cannot bind it. */
const OWN_TOKEN = 'xoxb-stand-in-own'
const TEAM_DOMAIN = 'quorum'

/** The Slack Web API of npm `emulate`, with names resolved to the ids it gave. */
export interface Workspace {
  url: string
  teamId: string
  teamDomain: string
  users: ReadonlyMap<string, StandInUser & { id: string }>
  channels: ReadonlyMap<string, StandInChannel & { id: string }>
  /** A name or an id; throws for a name nobody has. */
  user(nameOrId: string): StandInUser & { id: string }
  channelId(nameOrId: string): string
  /** Calls a method as the bot with all scopes, or as a person; throws when Slack would answer `ok: false`. */
  call(method: string, args: Fields, asUser?: string): Promise<Fields>
  close(): Promise<void>
}

function seed(options: WorkspaceOptions) {
  const bot = { app_id: APP_ID, bot_id: BOT_ID, bot_user_id: BOT_USER_ID }
  return {
    slack: {
      team: { name: 'Quorum', domain: TEAM_DOMAIN },
      users: options.users.map(({ name }) => ({ name })),
      channels: options.channels.map(({ name, isPrivate }) => ({ name, is_private: isPrivate ?? false })),
      oauth_apps: [
        { ...bot, client_id: 'c', client_secret: 's', name: 'Quorum', bot_name: 'quorum', redirect_uris: [] },
      ],
      tokens: [
        { ...bot, token: BOT_TOKEN, type: 'bot', user_id: BOT_USER_ID, scopes: options.scopes },
        { ...bot, token: OWN_TOKEN, type: 'bot', user_id: BOT_USER_ID },
        ...['admin', ...options.users.map(({ name }) => name)].map((name) => ({ token: `xoxp-${name}`, user: name })),
      ],
      strict_scopes: options.strictScopes,
    },
  }
}

async function post(url: string, method: string, args: Fields, token: string): Promise<Fields> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const response = await fetch(`${url}/api/${method}`, { method: 'POST', headers, body: JSON.stringify(args) })
  const answer = fields(await response.json())
  if (answer.ok !== true) throw new Error(`emulate refused ${method}: ${JSON.stringify(answer)}`)
  return answer
}

/** name → what the test said of it plus the id emulate gave it. */
function withIds<T extends { name: string }>(named: T[], listed: unknown): Map<string, T & { id: string }> {
  const ids = new Map(list(listed).map((item) => [string(fields(item).name), string(fields(item).id)]))
  return new Map(named.map((item) => [item.name, { ...item, id: ids.get(item.name) ?? '' }]))
}

/** Makes these people (and the bot) members: emulate lets the bot into no channel, and nobody into its own `general`. */
async function fill(url: string, channel: string, wanted: string[]): Promise<void> {
  const { members } = await post(url, 'conversations.members', { channel, limit: 1000 }, 'xoxp-admin')
  const missing = wanted.filter((id) => !list(members).includes(id))
  const users = missing.join(',')
  if (missing.length > 0) await post(url, 'conversations.invite', { channel, users }, 'xoxp-admin')
}

export async function startWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const emulator = await createEmulator({ service: 'slack', port: 0, seed: seed(options) })
  const { url } = emulator
  const listed = await post(url, 'users.list', { limit: 1000 }, OWN_TOKEN)
  const types = 'public_channel,private_channel'
  const conversations = await post(url, 'conversations.list', { limit: 1000, types }, 'xoxp-admin')
  const users = withIds(options.users, listed.members)
  const channels = withIds(options.channels, conversations.channels)
  const people = [...users.values()].map(({ id }) => id)
  for (const { id, hasBot } of channels.values())
    await fill(url, id, hasBot === false ? people : [...people, BOT_USER_ID])
  const info = fields((await post(url, 'team.info', {}, OWN_TOKEN)).team)
  return {
    url,
    teamId: string(info.id),
    teamDomain: TEAM_DOMAIN,
    users,
    channels,
    user(nameOrId) {
      const found = users.get(nameOrId) ?? [...users.values()].find(({ id }) => id === nameOrId)
      if (!found) throw new Error(`the stand-in has no user ${nameOrId}`)
      return found
    },
    channelId(nameOrId) {
      const id = channels.get(nameOrId)?.id ?? nameOrId
      if (!/^[CDG][A-Z0-9]+$/.test(id)) throw new Error(`the stand-in has no channel ${nameOrId}`)
      return id
    },
    call: (method, args, asUser) => post(url, method, args, asUser === undefined ? OWN_TOKEN : `xoxp-${asUser}`),
    close: () => emulator.close(),
  }
}
