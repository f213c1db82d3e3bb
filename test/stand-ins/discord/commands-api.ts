import { type Fields, fields, list } from '../slack/fields.ts'
import { ApiError } from './api-error.ts'
import { commandProblems } from './command-rules.ts'
import type { Guild } from './guild.ts'
import type { Handler } from './request.ts'
import type { Operation } from './routes.ts'

export interface Commands {
  /** What is registered in the guild, then globally; each as it was sent, with its id. */
  registered(): Fields[]
  handlers: Partial<Record<Operation, Handler>>
}

/** A part as Discord gives it back: what was left out is filled in, localizations only for who asks. */
function returned(part: Fields, localized: boolean): Fields {
  const { name_localizations = null, description_localizations = null, options, ...rest } = part
  const inside = list(options).map((option) => returned(fields(option), localized))
  return {
    ...rest,
    ...(inside.length > 0 ? { options: inside } : {}),
    ...(localized ? { name_localizations, description_localizations } : {}),
  }
}

export function createCommands(guild: Guild, newId: () => string): Commands {
  const places = new Map<string, Fields[]>()

  function placeOf(params: Record<string, string>): string {
    if (params.application_id !== guild.applicationId) throw new ApiError(50001)
    if (params.guild_id !== undefined && params.guild_id !== guild.id) throw new ApiError(50001)
    return params.guild_id ?? 'global'
  }

  const bulkSet: Handler = ({ params, body }) => {
    const place = placeOf(params)
    const problems = commandProblems(body)
    if (problems.length > 0) throw new ApiError(50035, problems)
    const stored = list(body).map((command) => ({
      type: 1,
      default_member_permissions: null,
      nsfw: false,
      ...(place === 'global' ? { contexts: null, integration_types: [0], dm_permission: true } : { guild_id: place }),
      ...fields(command),
      id: newId(),
      application_id: guild.applicationId,
      version: newId(),
    }))
    places.set(place, stored)
    return stored.map((command) => returned(command, true))
  }

  const get: Handler = ({ params, query }) =>
    (places.get(placeOf(params)) ?? []).map((command) => returned(command, query.get('with_localizations') === 'true'))

  return {
    registered: () => [...(places.get(guild.id) ?? []), ...(places.get('global') ?? [])],
    handlers: {
      list_application_commands: get,
      list_guild_application_commands: get,
      bulk_set_application_commands: bulkSet,
      bulk_set_guild_application_commands: bulkSet,
    },
  }
}
