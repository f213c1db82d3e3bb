import type { App, webApi } from '@slack/bolt'
import type { Choice } from '../../core/complete.ts'
import type { Clicked, Said } from '../../core/events.ts'
import { type ActionId, actionIds } from '../../core/message.ts'
import { type Condition, failureOf } from './condition.ts'
import type { SlackMembership } from './membership.ts'
import {
  aboutOf,
  fieldAction,
  filledIn,
  formCallback,
  modal,
  noteCallback,
  type SlackForm,
  suggestions,
} from './modal.ts'
import { threadKey } from './place.ts'
import type { Responses } from './responses.ts'
import { asked, typed } from './text.ts'
import { say } from './words.ts'

interface Asker {
  card: string
  identity: string
  target: string
}

/** Dialogs of commands that lack something. */
export interface FormPort {
  prepare(said: Said): Promise<SlackForm | undefined>
  reopen(asker: Asker): Promise<SlackForm | undefined>
  note(asker: Asker & { locales: string[] }): Promise<SlackForm | undefined>
  check(card: string, values: Record<string, string>): Promise<Record<string, string>>
  choices(asker: Asker, field: string, typed: string): Promise<Choice[]>
  waits(card: string): Promise<boolean>
}

export interface ListenPorts {
  inbox: { said(event: Said): Promise<void>; clicked(event: Clicked): Promise<void> }
  forms: FormPort
  client: webApi.WebClient
  membership: SlackMembership
  condition: Condition
  responses: Responses
  /** The card that will answer an event. */
  cardOf(event: string): string
  log: { warn(about: object, text: string): void; error(about: object, text: string): void }
}

/** Of the 3 s that Slack gives, what has to be looked up first gets this much. */
const openWithinMs = 1800
const checkWithinMs = 800
const suggestWithinMs = 2000

/**
 * Hears what people do. Everything is stored before it is acknowledged, and everything is acknowledged: what is not for
 * us too, or the person would see a failure.
 */
export function listen(app: App, ports: ListenPorts): void {
  ownWorkspaceOnly(app, ports)
  commands(app, ports)
  mentions(app, ports)
  clicks(app, ports)
  dialogs(app, ports)
  app.shortcut(/.*/, ({ ack }) => ack())
}

const identityOf = (user: string) => `slack:${user}`
const targetOf = (channel: string) => `slack:${channel}`

/** An app may be installed elsewhere too, and anybody may send anything to a public address. */
function ownWorkspaceOnly(app: App, { membership, log }: ListenPorts): void {
  app.use(async (args) => {
    const own = membership.self?.team
    const teams = teamsOf(args.body as Teams)
    if (own === undefined || teams.length === 0 || teams.includes(own)) return args.next()
    log.warn({ teams }, 'something from another Slack workspace was ignored')
    const { ack } = args as { ack?: () => Promise<void> }
    await ack?.()
  })
}

interface Teams {
  team_id?: string
  team?: { id?: string } | null
  view?: { app_installed_team_id?: string }
  authorizations?: { team_id?: string | null }[]
}

const teamsOf = ({ team_id, team, view, authorizations = [] }: Teams): string[] =>
  [team_id, team?.id, view?.app_installed_team_id, ...authorizations.map((one) => one.team_id)].filter(
    (id): id is string => typeof id === 'string',
  )

function commands(app: App, ports: ListenPorts): void {
  const { inbox, membership, log } = ports
  app.command(/.*/, async ({ ack, command }) => {
    const locales = await membership.localesOf(command.user_id)
    const said: Said = {
      event: `slack:${command.team_id}:${command.trigger_id}`,
      identity: identityOf(command.user_id),
      target: targetOf(command.channel_id),
      text: typed(command.text).trim() || 'help',
      locales,
    }
    ports.responses.keep(ports.cardOf(said.event), command.response_url)
    try {
      await inbox.said(said)
    } catch (error) {
      log.error({ error: (error as Error).message }, 'a command from Slack could not be stored')
      return ack({ response_type: 'ephemeral', text: say('notStored', locales) })
    }
    await ack()
    // The card has a button that opens it too, should this fail.
    await open(ports, command.trigger_id, said.target, () => ports.forms.prepare(said))
  })
}

/** Opens what `look` finds, in time for the trigger. False: there was nothing, or it was too late. */
async function open(
  { client, condition, log }: ListenPorts,
  trigger_id: string,
  target: string,
  look: () => Promise<SlackForm | undefined>,
): Promise<'opened' | 'nothing' | 'late'> {
  try {
    const form = await within(openWithinMs, look())
    if (form === 'late') return 'late'
    if (form === undefined) return 'nothing'
    const view = modal(form, target)
    await condition.watch('views.open', undefined, () => client.views.open({ trigger_id, view }))
    return 'opened'
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'a form could not be opened in Slack')
    const { code } = failureOf(error)
    // The same click, delivered twice: its form is open.
    return code === 'exchanged_trigger_id' ? 'opened' : 'late'
  }
}

function mentions(app: App, { inbox, membership, log }: ListenPorts): void {
  const heard = async (
    event: { user?: string; channel: string; thread_ts?: string | undefined },
    id: string,
    text: string,
  ) => {
    if (event.user === undefined) return
    const thread = event.thread_ts === undefined ? {} : { thread: threadKey(event.channel, event.thread_ts) }
    const said: Said = {
      event: `slack:${id}`,
      identity: identityOf(event.user),
      target: targetOf(event.channel),
      ...thread,
      text: text || 'help',
      locales: await membership.localesOf(event.user),
    }
    // Slack sends an event again that was not acknowledged; Bolt has done so already, so we hold on to it.
    await inbox.said(said).catch((error: Error) => {
      log.error({ error: error.message }, 'a mention in Slack could not be stored')
      throw error
    })
  }
  app.event('app_mention', async ({ event, body }) => {
    const { user } = membership.self ?? {}
    const text = user === undefined ? typed(event.text.replace(/^\s*<@[A-Z0-9]+>/, '')).trim() : asked(event.text, user)
    if (text !== undefined && !('bot_id' in event && event.bot_id)) {
      await heard({ ...event, user: event.user ?? '' }, body.event_id, text)
    }
  })
  app.event('message', async ({ event, body }) => {
    if (event.channel_type !== 'im' || event.subtype !== undefined || !('text' in event)) return
    if (('bot_id' in event && event.bot_id) || !event.text || event.user === membership.self?.user) return
    await heard(event, body.event_id, typed(event.text).trim())
  })
}

function clicks(app: App, ports: ListenPorts): void {
  const { inbox, membership, log } = ports
  app.action({ type: 'block_actions' }, async ({ ack, action, body, respond }) => {
    const [id = '', card = ''] = 'action_id' in action ? action.action_id.split(/:(.*)/s) : []
    const channel = body.channel?.id
    const ours = action.type === 'button' && actionIds.includes(id as ActionId) && action.value === card
    if (!ours || channel === undefined) return ack()
    const asker = { card, identity: identityOf(body.user.id), target: targetOf(channel) }
    const clicked = async (): Promise<Clicked> => ({
      ...asker,
      event: `slack:${channel}:${body.container.message_ts}:${action.action_ts}:${body.user.id}`,
      action: id as ActionId,
      locales: await membership.localesOf(body.user.id),
    })
    if (id === 'form.submit' || id === 'note') {
      await ack()
      const find = async () =>
        id === 'note'
          ? ports.forms.note({ ...asker, locales: await membership.localesOf(body.user.id) })
          : ports.forms.reopen(asker)
      const form = await open(ports, body.trigger_id, asker.target, find)
      if (form === 'opened') return
      const event = await clicked()
      if (form === 'late') return tell(respond, say('tooLate', event.locales))
      // Not theirs, or nothing waits any more: the click is told why.
      return inbox.clicked(event).catch(() => tell(respond, say('notStored', event.locales)))
    }
    const event = await clicked()
    const stored = await inbox.clicked(event).then(
      () => true,
      (error: Error) => {
        log.error({ error: error.message }, 'a click in Slack could not be stored')
        return false
      },
    )
    await ack()
    if (!stored) await tell(respond, say('notStored', event.locales))
  })
  app.action({ type: 'interactive_message' }, ({ ack }) => ack())
}

/** To the one who clicked, alone. */
async function tell(respond: (message: object) => Promise<unknown>, text: string): Promise<void> {
  await respond({ text, response_type: 'ephemeral', replace_original: false })
}

function dialogs(app: App, ports: ListenPorts): void {
  const { inbox, forms, membership, log } = ports
  app.view({ callback_id: /.*/, type: 'view_submission' }, async ({ ack, body, view }) => {
    const isNote = view.callback_id === noteCallback
    const about = isNote || view.callback_id === formCallback ? aboutOf(view.private_metadata) : undefined
    if (!about) return ack()
    const values = filledIn(view.state.values)
    const wrong = await within(checkWithinMs, forms.check(about.card, values)).catch(() => 'late' as const)
    const shown = Object.entries(wrong === 'late' ? {} : wrong).filter(([name]) => name in values)
    if (shown.length > 0) return ack({ response_action: 'errors', errors: Object.fromEntries(shown) })
    const locales = await membership.localesOf(body.user.id)
    const event = `slack:${view.id}`
    const identity = identityOf(body.user.id)
    try {
      await inbox.clicked({ event, identity, ...about, action: isNote ? 'note' : 'form.submit', values, locales })
    } catch (error) {
      log.error({ error: (error as Error).message }, 'a form from Slack could not be stored')
      const [first = ''] = Object.keys(values)
      return ack({ response_action: 'errors', errors: { [first]: say('notStored', locales) } })
    }
    await ack()
  })
  app.view({ callback_id: /.*/, type: 'view_closed' }, async ({ ack, body, view }) => {
    await ack()
    const about = view.callback_id === formCallback ? aboutOf(view.private_metadata) : undefined
    if (!about || !(await forms.waits(about.card))) return
    const locales = await membership.localesOf(body.user.id)
    const event = `slack:${view.id}:closed`
    await inbox.clicked({ event, identity: identityOf(body.user.id), ...about, action: 'form.cancel', locales })
  })
  app.options<'block_suggestion'>({ type: 'block_suggestion', action_id: /.*/ }, async ({ ack, options, body }) => {
    const about = aboutOf(options.view?.private_metadata ?? '')
    if (!about || !options.action_id.startsWith(fieldAction)) return ack({ options: [] })
    const asker = { ...about, identity: identityOf(body.user.id) }
    const field = options.action_id.slice(fieldAction.length)
    const found = await within(suggestWithinMs, forms.choices(asker, field, options.value)).catch(() => 'late' as const)
    await ack({ options: suggestions(found === 'late' ? [] : found, options.value) })
  })
}

/** `late` when it takes longer. */
function within<T>(ms: number, work: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  // What fails after that has been given up.
  work.catch(() => {})
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
