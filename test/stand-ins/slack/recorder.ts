import { withBlockIds } from './block-ids.ts'
import { blockList, type Fields, fields, list, string } from './fields.ts'
import type { EphemeralMessage, Transcript } from './transcript.ts'
import type { Triggers } from './triggers.ts'
import type { Views } from './views.ts'
import { BOT_USER_ID, type Workspace } from './workspace.ts'

/** Does what a successful call did to the transcript and to the people's open modals. */
export type Recorder = (method: string, args: Fields, answer: Fields) => void

/** What a person alone sees; `body` is the part of the call that a message is made of. */
export function ephemeral(
  via: EphemeralMessage['via'],
  at: { user: string; channel: string; ts?: string },
  body: Fields,
): EphemeralMessage {
  const blocks = blockList(withBlockIds(body).blocks)
  const ts = at.ts ?? `${(Date.now() / 1000).toFixed(6)}`
  const threadTs = string(body.thread_ts) || undefined
  return { kind: 'ephemeral', ts, channel: at.channel, user: at.user, text: string(body.text), blocks, threadTs, via }
}

/** The messages by which uploaded files appeared: emulate tells only where and under which ts. */
function sharesOf(args: Fields, answer: Fields): { channel: string; message: Fields }[] {
  const files = list(answer.files).map(fields)
  const shares = fields(files[0]?.shares)
  const places = Object.entries({ ...fields(shares.public), ...fields(shares.private) })
  return places.map(([channel, entries]) => {
    const ts = fields(list(entries)[0]).ts
    const text = string(args.initial_comment)
    return { channel, message: { ts, user: BOT_USER_ID, text, files, thread_ts: args.thread_ts, blocks: args.blocks } }
  })
}

export function createRecorder(transcript: Transcript, views: Views, triggers: Triggers): Recorder {
  const effects: Record<string, (args: Fields, answer: Fields) => void> = {
    'chat.postMessage': (_, answer) => transcript.put(string(answer.channel), fields(answer.message)),
    'chat.update': (_, answer) => transcript.edited(string(answer.channel), string(answer.ts), fields(answer.message)),
    'chat.delete': (_, answer) => transcript.removed(string(answer.channel), string(answer.ts)),
    'chat.postEphemeral': (args, answer) => {
      const at = { user: string(args.user), channel: string(args.channel), ts: string(answer.message_ts) }
      transcript.ephemerals.push(ephemeral('chat.postEphemeral', at, args))
    },
    'files.completeUploadExternal': (args, answer) => {
      for (const { channel, message } of sharesOf(args, answer)) transcript.put(channel, message)
    },
    'views.open': (args, answer) => views.open(triggers.ownerOf(string(args.trigger_id)), fields(answer.view)),
    'views.push': (args, answer) => views.push(triggers.ownerOf(string(args.trigger_id)), fields(answer.view)),
    'views.update': (_, answer) => views.replace(fields(answer.view)),
  }
  return (method, args, answer) => {
    effects[method]?.(args, answer)
    transcript.changed()
  }
}

/** Calls as the bot's own hand (all scopes, no faults) and keeps the transcript: for acks and response_urls. */
export type Act = (method: string, args: Fields) => Promise<Fields>

export function createAct(workspace: Workspace, record: Recorder): Act {
  return async (method, args) => {
    const whole = withBlockIds(args)
    const answer = await workspace.call(method, whole)
    record(method, whole, answer)
    return answer
  }
}
