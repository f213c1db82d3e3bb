import type { webApi } from '@slack/bolt'
import { botScopes } from './manifest.ts'

/** The scopes that the bot token has, and those that the bot uses. Rejects when Slack does not say. */
export async function lookAtScopes(client: webApi.WebClient): Promise<{ held: string[]; wanted: readonly string[] }> {
  // The header x-oauth-scopes, which every answer carries.
  const held = (await client.auth.test()).response_metadata?.scopes
  if (!held) throw new Error('Slack did not say which scopes the token has')
  return { held, wanted: botScopes }
}
