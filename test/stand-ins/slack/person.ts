import { randomUUID } from 'node:crypto'
import { STRANGER_TEAM_ID } from './answers.ts'
import type { Deliver, Delivery, Retry } from './delivery.ts'
import { checkOptions } from './element-limits.ts'
import { findElement, type PlacedElement, type Target } from './elements.ts'
import { type Fields, fields, list } from './fields.ts'
import { chosen, type FieldValue } from './form-values.ts'
import type { Place } from './limits.ts'
import type { ResponseUrls } from './response-url.ts'
import type { SlackMessage, Transcript } from './transcript.ts'
import type { Triggers } from './triggers.ts'
import { APP_ID, BOT_ID, BOT_USER_ID, type Workspace } from './workspace.ts'

export interface PersonParts {
  workspace: Workspace
  transcript: Transcript
  triggers: Triggers
  responseUrls: ResponseUrls
  deliver: Deliver
  now: () => number
}

/** What people do in Slack. Users and channels are named or given by id. */
export interface Person {
  /** Types a slash command; the ack's own text, if any, is shown as Slack would. */
  slash(command: string, text: string, at: { user: string; channel: string }): Promise<Delivery>
  /** Presses a button: `actionId` is its action_id, the beginning of it, or its label. A confirm dialog is confirmed. */
  click(at: { user: string; target: Target; actionId: string }): Promise<Delivery>
  /** Picks from a menu in a message (in a modal, `submit` with the value). */
  select(at: { user: string; target: Target; actionId: string; value: FieldValue }): Promise<Delivery>
  /** Types into an external menu; `options` is what the bot offered. */
  suggest(at: {
    user: string
    target: Target
    actionId: string
    value: string
  }): Promise<Delivery & { options: Fields[] }>
  /** Writes a message that mentions the bot; `ts` is that message's. */
  mention(at: { user: string; channel: string; text: string; threadTs?: string }): Promise<Delivery & { ts: string }>
  /** Any other event of the Events API. */
  event(event: Fields): Promise<Delivery>
  /** Slack sends the same thing again, as it does when an ack got lost. */
  redeliver(delivery: Delivery, retry?: Retry): Promise<Delivery>
}

/** The part every payload has in common. */
export function envelopeOf({ workspace }: PersonParts, userId: string): Fields {
  const { id, name, isStranger } = workspace.user(userId)
  const teamId = isStranger ? STRANGER_TEAM_ID : workspace.teamId
  return {
    user: { id, username: name, name, team_id: teamId },
    team: { id: workspace.teamId, domain: workspace.teamDomain },
    api_app_id: APP_ID,
    token: 'not-a-secret',
    enterprise: null,
    is_enterprise_install: false,
  }
}

function channelName(workspace: Workspace, channelId: string): string {
  if (channelId.startsWith('D')) return 'directmessage'
  const known = [...workspace.channels.values()].find(({ id }) => id === channelId)
  return known?.isPrivate ? 'privategroup' : (known?.name ?? 'unknown')
}

/** The message as an interaction payload carries it. */
function messagePayload({ ts, text, blocks, threadTs, attachments, metadata }: SlackMessage): Fields {
  const thread = threadTs ? { thread_ts: threadTs } : {}
  const author = { user: BOT_USER_ID, bot_id: BOT_ID, app_id: APP_ID }
  return { type: 'message', ...author, ts, text, blocks, attachments, metadata, ...thread }
}

/** Where the target is; of a message that one person alone sees, Slack does not send the content. */
function placePayload(parts: PersonParts, target: Target, userId: string): Fields {
  if (target.kind === 'view') return { container: { type: 'view', view_id: target.id }, view: target.raw }
  const { workspace, responseUrls } = parts
  const isEphemeral = target.kind === 'ephemeral'
  const thread = target.threadTs ? { thread_ts: target.threadTs } : {}
  const place = { channel_id: target.channel, message_ts: target.ts, is_ephemeral: isEphemeral, ...thread }
  return {
    container: { type: 'message', ...place },
    channel: { id: target.channel, name: channelName(workspace, target.channel) },
    ...(isEphemeral ? {} : { message: messagePayload(target) }),
    response_url: responseUrls.issue({ user: userId, channel: target.channel, of: target }),
  }
}

export function createPerson(parts: PersonParts): Person {
  const { workspace, transcript, triggers, responseUrls, deliver } = parts
  const timestamp = () => (parts.now() / 1000).toFixed(6)

  /** What was picked in the menus of a target so far; Slack sends it along with every later action. */
  const picked = new WeakMap<Target, Record<string, Fields>>()

  function pick(target: Target, { block, actionId, element }: PlacedElement, choice: Fields): void {
    const values = picked.get(target) ?? {}
    const blockId = String(block.block_id)
    const inBlock = { ...values[blockId], [actionId]: { type: element.type, ...choice } }
    picked.set(target, { ...values, [blockId]: inBlock })
  }

  async function act(user: string, target: Target, placed: PlacedElement, choice: Fields): Promise<Delivery> {
    const { id } = workspace.user(user)
    const { element, block, actionId } = placed
    const common = { type: element.type, action_id: actionId, block_id: block.block_id, action_ts: timestamp() }
    const payload = {
      type: 'block_actions',
      ...envelopeOf(parts, user),
      ...placePayload(parts, target, id),
      trigger_id: await triggers.issue(id, target.kind === 'view' ? target.id : undefined),
      state: { values: picked.get(target) ?? {} },
      actions: [{ ...common, ...choice }],
    }
    return deliver('interactive', payload)
  }

  function event(inner: Fields): Promise<Delivery> {
    const authorization = { enterprise_id: null, team_id: workspace.teamId, user_id: BOT_USER_ID, is_bot: true }
    return deliver('events_api', {
      type: 'event_callback',
      token: 'not-a-secret',
      team_id: workspace.teamId,
      api_app_id: APP_ID,
      event: inner,
      event_id: `Ev${randomUUID().replaceAll('-', '').slice(0, 10).toUpperCase()}`,
      event_time: Math.floor(parts.now() / 1000),
      authorizations: [{ ...authorization, is_enterprise_install: false }],
      is_ext_shared_channel: false,
    })
  }

  return {
    event,
    async slash(command, text, at) {
      const { id, name } = workspace.user(at.user)
      const channel = workspace.channelId(at.channel)
      const { team, user: _, enterprise: __, ...common } = envelopeOf(parts, at.user)
      const delivery = await deliver('slash_commands', {
        ...common,
        team_id: fields(team).id,
        team_domain: fields(team).domain,
        channel_id: channel,
        channel_name: channelName(workspace, channel),
        user_id: id,
        user_name: name,
        command,
        text,
        response_url: responseUrls.issue({ user: id, channel }),
        trigger_id: await triggers.issue(id),
      })
      const ack = fields(delivery.ack)
      if (ack.text || ack.blocks) await responseUrls.show('ack', { user: id, channel }, ack)
      return delivery
    },
    click({ user, target, actionId }) {
      const placed = findElement(target, actionId)
      return act(user, target, placed, { text: placed.element.text, value: placed.element.value })
    },
    select({ user, target, actionId, value }) {
      const placed = findElement(target, actionId)
      const choice = chosen(placed.element, value)
      pick(target, placed, choice)
      return act(user, target, placed, choice)
    },
    async suggest({ user, target, actionId, value }) {
      const { block, actionId: action_id } = findElement(target, actionId)
      const { response_url: _, ...place } = placePayload(parts, target, workspace.user(user).id)
      const asked = { type: 'block_suggestion', action_id, block_id: block.block_id, value }
      const delivery = await deliver('interactive', { ...asked, ...envelopeOf(parts, user), ...place })
      const groups = list(fields(delivery.ack).option_groups).map(fields)
      const options = [fields(delivery.ack), ...groups].flatMap((holder) => list(holder.options).map(fields))
      const found: Place = { path: `suggestions for ${action_id}`, problems: [] }
      if (options.length > 0) checkOptions(found, options, 100)
      transcript.violations.push(...found.problems)
      return { ...delivery, options }
    },
    async mention({ user, channel, text, threadTs }) {
      const { id, name } = workspace.user(user)
      const place = workspace.channelId(channel)
      const thread = threadTs ? { thread_ts: threadTs } : {}
      const said = { text: `<@${BOT_USER_ID}> ${text}`, ...thread }
      const posted = await workspace.call('chat.postMessage', { channel: place, ...said }, name)
      transcript.put(place, fields(posted.message))
      const ts = String(posted.ts)
      const where = { channel: place, ts, event_ts: ts, team: workspace.teamId }
      return { ...(await event({ type: 'app_mention', user: id, ...said, ...where })), ts }
    },
    redeliver: ({ kind, payload }, retry = { num: 1, reason: 'timeout' }) => deliver(kind, payload, retry),
  }
}
