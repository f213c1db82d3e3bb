import { type Fields, fields, list, string } from './fields.ts'
import { type MessageProblem, messageProblems } from './message-limits.ts'
import type { Triggers } from './triggers.ts'
import { viewProblems } from './view-limits.ts'
import type { StandInChannel, StandInUser } from './workspace.ts'

/** Members of another workspace, in a channel shared with ours. */
export const STRANGER_TEAM_ID = 'T0STRANGE'

const isTrue = (value: unknown) => value === true || value === 'true' || value === '1' || value === 1

function withPerson(listed: unknown, people: StandInUser[], locale: boolean): Fields {
  const user = fields(listed)
  const known = people.find(({ name }) => name === user.name)
  if (!known) return user
  return {
    ...user,
    is_restricted: (known.isRestricted ?? false) || (known.isUltraRestricted ?? false),
    is_ultra_restricted: known.isUltraRestricted ?? false,
    is_bot: known.isBot ?? false,
    deleted: known.deleted ?? false,
    tz: known.tz ?? 'America/Guayaquil',
    ...(known.isStranger ? { is_stranger: true, team_id: STRANGER_TEAM_ID } : {}),
    ...(locale ? { locale: known.locale ?? 'en-US' } : {}),
  }
}

function withinTimes(args: Fields, message: Fields): boolean {
  const ts = Number(message.ts)
  const inclusive = isTrue(args.inclusive)
  const after = args.oldest === undefined || ts > Number(args.oldest) || (inclusive && ts === Number(args.oldest))
  const before = args.latest === undefined || ts < Number(args.latest) || (inclusive && ts === Number(args.latest))
  return after && before
}

/** Message metadata comes only to those who ask for it, and emulate knows no oldest and latest. */
function withHistory(args: Fields, answer: Fields): Fields {
  const messages = list(answer.messages)
    .map(fields)
    .filter((message) => withinTimes(args, message))
    .map(({ metadata, ...message }) => (isTrue(args.include_all_metadata) ? { ...message, metadata } : message))
  return { ...answer, messages }
}

/** Emulate's answer with what it leaves out of Slack's. */
export function completed(method: string, args: Fields, answer: Fields, people: StandInUser[]): Fields {
  const locale = isTrue(args.include_locale)
  if (method === 'users.info') return { ...answer, user: withPerson(answer.user, people, locale) }
  if (method === 'users.list')
    return { ...answer, members: list(answer.members).map((user) => withPerson(user, people, locale)) }
  if (method === 'conversations.history' || method === 'conversations.replies') return withHistory(args, answer)
  return answer
}

const POSTING = ['chat.postMessage', 'chat.postEphemeral', 'chat.update', 'chat.scheduleMessage']

/** What Slack checks before it does anything, and emulate does not. */
export function argumentFindings(
  method: string,
  args: Fields,
  at: { channel: StandInChannel | undefined; triggers: Triggers; scopes: string[] },
): MessageProblem[] {
  if (method.startsWith('views.')) {
    const found: MessageProblem[] = viewProblems(args.view).map((says) => ({ says, refusal: 'invalid_arguments' }))
    const expired = at.triggers.isExpired(string(args.trigger_id))
    return expired ? [...found, { says: 'the trigger is older than 3 s', refusal: 'expired_trigger_id' }] : found
  }
  const found = POSTING.includes(method) ? messageProblems(method, args) : []
  if (at.channel?.hasBot !== false || !/^(chat\.post|files\.complete)/.test(method)) return found
  const mayPost = method === 'chat.postMessage' && at.scopes.includes('chat:write.public')
  if (at.channel.isPrivate) return [...found, { says: 'not invited', refusal: 'channel_not_found' }]
  return mayPost ? found : [...found, { says: 'not invited', refusal: 'not_in_channel' }]
}

/** User groups, which emulate does not have; a test may change the members at any time. */
export interface StandInUsergroup {
  id: string
  handle: string
  /** Names or ids of its members. */
  users: string[]
}

export function usergroupAnswer(
  method: string,
  args: Fields,
  groups: StandInUsergroup[],
  idOf: (name: string) => string,
): Fields {
  if (method === 'usergroups.list') {
    const usergroups = groups.map(({ id, handle, users }) => {
      const common = { id, handle, name: handle, is_usergroup: true, date_delete: 0, user_count: users.length }
      return isTrue(args.include_users) ? { ...common, users: users.map(idOf) } : common
    })
    return { ok: true, usergroups }
  }
  const group = groups.find(({ id }) => id === args.usergroup)
  return group ? { ok: true, users: group.users.map(idOf) } : { ok: false, error: 'no_such_subteam' }
}
