/**
 * The routes that discord.js uses here, under the names of Discord's OpenAPI: operation → method and path. The
 * package discord-api-spec lists the paths but does not say which schema belongs to which, so `spec.ts` does.
 */
export const ROUTES = {
  get_bot_gateway: 'GET /gateway/bot',
  get_my_application: 'GET /applications/@me',
  get_my_user: 'GET /users/@me',
  list_my_guilds: 'GET /users/@me/guilds',
  create_dm: 'POST /users/@me/channels',
  list_application_commands: 'GET /applications/{application_id}/commands',
  bulk_set_application_commands: 'PUT /applications/{application_id}/commands',
  list_guild_application_commands: 'GET /applications/{application_id}/guilds/{guild_id}/commands',
  bulk_set_guild_application_commands: 'PUT /applications/{application_id}/guilds/{guild_id}/commands',
  get_guild_member: 'GET /guilds/{guild_id}/members/{user_id}',
  get_channel: 'GET /channels/{channel_id}',
  list_messages: 'GET /channels/{channel_id}/messages',
  create_message: 'POST /channels/{channel_id}/messages',
  get_message: 'GET /channels/{channel_id}/messages/{message_id}',
  update_message: 'PATCH /channels/{channel_id}/messages/{message_id}',
  delete_message: 'DELETE /channels/{channel_id}/messages/{message_id}',
  create_thread_from_message: 'POST /channels/{channel_id}/messages/{message_id}/threads',
  create_interaction_response: 'POST /interactions/{interaction_id}/{interaction_token}/callback',
  execute_webhook: 'POST /webhooks/{webhook_id}/{webhook_token}',
  get_original_webhook_message: 'GET /webhooks/{webhook_id}/{webhook_token}/messages/@original',
  update_original_webhook_message: 'PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original',
  delete_original_webhook_message: 'DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original',
  get_webhook_message: 'GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}',
  update_webhook_message: 'PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}',
  delete_webhook_message: 'DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}',
} as const

export type Operation = keyof typeof ROUTES

/** These prove who they are by the token in their path, not by the bot's. */
export const byInteractionToken = (operation: Operation): boolean =>
  operation === 'create_interaction_response' || operation.includes('webhook')

const patterns = (Object.entries(ROUTES) as [Operation, string][]).map(([operation, route]) => {
  const [method, path] = route.split(' ') as [string, string]
  return { operation, method, matcher: new RegExp(`^${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`) }
})

/** What a request asks for; `path` is without `/api/v10`. Undefined: Discord may know it, the stand-in does not. */
export function findRoute(
  method: string,
  path: string,
): { operation: Operation; params: Record<string, string> } | undefined {
  for (const pattern of patterns) {
    const match = pattern.method === method ? pattern.matcher.exec(path) : null
    if (match) return { operation: pattern.operation, params: { ...match.groups } }
  }
  return undefined
}
