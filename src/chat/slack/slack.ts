import { App, HTTPReceiver, type Logger, LogLevel, type Receiver, SocketModeReceiver, webApi } from '@slack/bolt'
import type { Clicked, Said } from '../../core/events.ts'
import { type ActionId, actionIds } from '../../core/message.ts'
import type { Secret } from '../../core/secret.ts'

export interface SlackOptions {
  botToken: Secret
  appToken?: Secret | undefined
  signingSecret?: Secret | undefined
  /** Ends in `/api/`; absent: Slack's own. */
  apiUrl?: string | undefined
  /** For HTTP mode. */
  port?: number
  inbox: { said(event: Said): Promise<void>; clicked(event: Clicked): Promise<void> }
  log: {
    info(about: object, text: string): void
    warn(about: object, text: string): void
    error(about: object, text: string): void
  }
}

export interface SlackConnection {
  /** For posting and editing cards; never retries by itself. */
  client: webApi.WebClient
  connected(): boolean
  close(): Promise<void>
}

/**
 * Connects to Slack: two sockets behind one App, so that Slack's regular refresh of one loses nothing; or signed HTTP
 * without an app token. What people say is stored first and acknowledged then, well within Slack's 3 s.
 */
export async function connectSlack(options: SlackOptions): Promise<SlackConnection> {
  const { log } = options
  const logger = bridge(log)
  // A fresh object each time: SocketModeClient writes its retry policy into what it is given.
  const clientOptions = () => ({
    ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
    retryConfig: { retries: 5, minTimeout: 200, maxTimeout: 3000 },
  })
  const sockets = options.appToken === undefined ? [] : [socket(), socket()]
  const receivers: Receiver[] = sockets.length > 0 ? sockets : [http()]
  const app = new App({
    token: options.botToken.reveal(),
    receiver: receivers[0]!,
    clientOptions: clientOptions(),
    logger,
  })
  for (const other of receivers.slice(1)) other.init(app)
  listen(app, options)
  app.error(async (error) => log.error({ error: error.message }, 'Slack'))
  for (const receiver of receivers) {
    // HTTP listens on the port it is given; a socket takes no argument.
    await (receiver instanceof HTTPReceiver ? receiver.start(options.port ?? 3000) : receiver.start())
  }
  log.info({ mode: sockets.length > 0 ? 'socket' : 'http' }, 'Slack is connected')
  return {
    client: new webApi.WebClient(options.botToken.reveal(), {
      ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      logger,
    }),
    connected: () => sockets.length === 0 || sockets.some(({ client }) => client.websocket?.isActive() === true),
    async close() {
      for (const receiver of receivers) await receiver.stop().catch(() => {})
    },
  }

  function socket(): SocketModeReceiver {
    return new SocketModeReceiver({
      appToken: options.appToken!.reveal(),
      logger,
      installerOptions: { clientOptions: clientOptions() },
    })
  }

  function http(): HTTPReceiver {
    return new HTTPReceiver({
      signingSecret: options.signingSecret?.reveal() ?? '',
      endpoints: '/slack/events',
      logger,
    })
  }
}

function listen(app: App, { inbox, log }: SlackOptions): void {
  app.command('/pve', async ({ ack, command, client }) => {
    const event = `slack:${command.team_id}:${command.trigger_id}`
    try {
      await inbox.said({
        event,
        identity: `slack:${command.user_id}`,
        target: `slack:${command.channel_id}`,
        text: command.text === '' ? 'help' : unlinked(command.text),
        locales: await localesOf(client, command.user_id),
      })
      await ack()
    } catch (error) {
      log.error({ error: (error as Error).message }, 'a command from Slack could not be stored')
      await ack({
        response_type: 'ephemeral',
        text: 'Redis does not answer: nothing was done. Type it again in a moment.',
      })
    }
  })
  app.event('app_mention', async ({ event, body, client }) => {
    if (event.user === undefined) return
    await inbox.said({
      event: `slack:${body.event_id}`,
      identity: `slack:${event.user}`,
      target: `slack:${event.channel}`,
      text: unlinked(event.text.replace(/^\s*<@[A-Z0-9]+>\s*/, '')) || 'help',
      locales: await localesOf(client, event.user),
    })
  })
  app.action(/^[a-z.]+:/, async ({ ack, action, body, client }) => {
    await ack()
    if (body.type !== 'block_actions' || action.type !== 'button' || !('action_id' in action)) return
    const [id = '', card = ''] = action.action_id.split(/:(.*)/s)
    if (!actionIds.includes(id as ActionId) || !body.channel) return
    await inbox.clicked({
      event: `slack:${body.channel.id}:${body.message?.ts}:${action.action_ts}:${body.user.id}`,
      identity: `slack:${body.user.id}`,
      target: `slack:${body.channel.id}`,
      card,
      action: id as ActionId,
      locales: await localesOf(client, body.user.id),
    })
  })
  // Whatever else arrives is acknowledged, or the person would see a failure.
  app.action(/.*/, ({ ack }) => ack())
}

const localeOf = new WeakMap<webApi.WebClient, Map<string, string>>()

/** The locale that Slack knows of a person; asked once, and never waited for longer than an acknowledgement allows. */
async function localesOf(client: webApi.WebClient, user: string): Promise<string[]> {
  const known = localeOf.get(client) ?? new Map<string, string>()
  localeOf.set(client, known)
  const cached = known.get(user)
  if (cached !== undefined) return [cached]
  const asked = client.users.info({ user, include_locale: true }).then(
    (reply) => reply.user?.locale,
    () => undefined,
  )
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1000).unref())
  const locale = await Promise.race([asked, late])
  if (locale === undefined) return []
  known.set(user, locale)
  return [locale]
}

/** Slack turns addresses into `<http://…|…>` and names into `<@U1|ana>`; what was typed is wanted. */
function unlinked(text: string): string {
  return text
    .replace(/<(?:https?:\/\/|mailto:)[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<((?:https?:\/\/|mailto:)[^>]*)>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

function bridge(log: SlackOptions['log']): Logger {
  return {
    debug: () => {},
    info: () => {},
    warn: (...parts) => log.warn({}, parts.join(' ')),
    error: (...parts) => log.error({}, parts.join(' ')),
    setLevel: () => {},
    getLevel: () => LogLevel.WARN,
    setName: () => {},
  }
}
