import { PermissionFlagsBits, REST, Routes } from 'discord.js'
import type { Secret } from '../../core/secret.ts'

/** Cards, their edits, a thread for the detail, pictures, and finding a message again whose answer was lost. */
const used = {
  'View Channels': PermissionFlagsBits.ViewChannel,
  'Send Messages': PermissionFlagsBits.SendMessages,
  'Create Public Threads': PermissionFlagsBits.CreatePublicThreads,
  'Send Messages in Threads': PermissionFlagsBits.SendMessagesInThreads,
  'Attach Files': PermissionFlagsBits.AttachFiles,
  'Read Message History': PermissionFlagsBits.ReadMessageHistory,
}

/**
 * What the bot's roles allow it in every one of the servers, by the names that Discord shows; a channel may still take
 * some of it away. Rejects when Discord does not say.
 */
export async function lookAtPermissions(access: {
  token: Secret
  guilds: readonly string[]
  apiUrl?: string | undefined
}): Promise<{ held: string[]; wanted: string[] }> {
  const api = access.apiUrl === undefined ? {} : { api: access.apiUrl }
  const rest = new REST({ ...api, retries: 0, timeout: 5000 }).setToken(access.token.reveal())
  const all = (await rest.get(Routes.userGuilds())) as { id: string; permissions: string }[]
  const served = all.filter(({ id }) => access.guilds.length === 0 || access.guilds.includes(id))
  if (served.length === 0) throw new Error('the bot is in none of the servers')
  const wanted = Object.keys(used)
  const held = Object.entries(used).filter(([, bit]) =>
    served.every(({ permissions }) => {
      const bits = BigInt(permissions)
      return (bits & PermissionFlagsBits.Administrator) !== 0n || (bits & bit) !== 0n
    }),
  )
  return { held: held.map(([name]) => name), wanted }
}
