import { fields } from '../slack/fields.ts'
import { ApiError } from './api-error.ts'
import type { Entry, Interactions } from './interactions.ts'
import { Flag, messageProblems } from './message-rules.ts'
import { messageJson } from './messages-api.ts'
import type { ApiRequest, Handler } from './request.ts'
import type { Operation } from './routes.ts'
import { type DiscordMessage, newMessage, type Transcript } from './transcript.ts'

/** What can be done with an interaction's token once it was answered. */
export function createWebhooksApi(parts: {
  interactions: Interactions
  transcript: Transcript
  applicationId: string
  newId: () => string
}) {
  const { transcript, applicationId } = parts

  function entryOf({ params }: ApiRequest): Entry {
    if (params.webhook_id !== applicationId) throw new ApiError(10015)
    return parts.interactions.byToken(params.webhook_token ?? '')
  }

  /** `@original` or a follow-up of this interaction. */
  function messageOf(request: ApiRequest): DiscordMessage {
    const { original, followUps } = entryOf(request)
    const id = request.params.message_id
    const message = id === undefined ? original : [original, ...followUps].find((one) => one?.id === id)
    if (!message || message.deleted) throw new ApiError(10008)
    return message
  }

  function check(request: ApiRequest, before?: DiscordMessage): void {
    const place = { before, mayBeEphemeral: true, files: request.files.length }
    const problems = messageProblems(request.body, place)
    if (problems.length > 0) throw new ApiError(50035, problems)
  }

  const isWaiting = (message: DiscordMessage | undefined) =>
    message !== undefined && !message.deleted && (message.flags & Flag.loading) !== 0

  const update: Handler = (request) => {
    const message = messageOf(request)
    check(request, isWaiting(message) ? undefined : message)
    transcript.edit(message, fields(request.body))
    return messageJson(message, applicationId)
  }

  const followUp: Handler = (request) => {
    const entry = entryOf(request)
    // The first follow-up takes the place of "is thinking…", and is as visible as that was.
    if (isWaiting(entry.original)) return update({ ...request, params: { ...request.params } })
    check(request)
    const { body, files } = request
    const onlyTo = (Number(fields(body).flags ?? 0) & Flag.ephemeral) === 0 ? undefined : entry.user
    const message = newMessage({ id: parts.newId(), channel: entry.channel, body: fields(body), files, onlyTo })
    entry.followUps.push(transcript.put(message))
    return messageJson(message, applicationId)
  }

  const get: Handler = (request) => messageJson(messageOf(request), applicationId)
  const remove: Handler = (request) => void transcript.remove(messageOf(request))

  return {
    execute_webhook: followUp,
    get_original_webhook_message: get,
    update_original_webhook_message: update,
    delete_original_webhook_message: remove,
    get_webhook_message: get,
    update_webhook_message: update,
    delete_webhook_message: remove,
  } satisfies Partial<Record<Operation, Handler>>
}
