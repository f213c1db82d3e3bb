import type { IncomingMessage, ServerResponse } from 'node:http'
import { App, HTTPReceiver, type Logger, LogLevel, webApi } from '@slack/bolt'
import type { Secret } from '../../core/secret.ts'
import { Condition } from './condition.ts'
import { type ListenPorts, listen } from './listen.ts'
import { SlackMembership } from './membership.ts'
import { Responses } from './responses.ts'
import { openSocket, type Socket } from './sockets.ts'

interface Log {
  info(about: object, text: string): void
  warn(about: object, text: string): void
  error(about: object, text: string): void
}

export interface SlackAccess {
  botToken: Secret
  /** Ends in `/api/`; absent: Slack's own. */
  apiUrl?: string | undefined
  log: Log
}

/** Slack takes no longer than this for anything; a call that hangs must not hold its lane. */
const callWithinMs = 10_000
/** A dialog must open within 3 s of the click. */
const promptWithinMs = 2500
/** Starting does not wait longer for Slack: everything else works without it. */
const startWithinMs = 10_000

/** Everything that asks Slack by the bot's token, before anything listens to it. */
export interface SlackClients {
  /** For what people wait for: posts, final states. */
  final: webApi.WebClient
  /** For passing states: what one of them has to wait does not touch the others. */
  edits: webApi.WebClient
  prompt: webApi.WebClient
  condition: Condition
  membership: SlackMembership
  responses: Responses
}

/** Clients that never retry by themselves: a post whose answer is lost may have happened, and delivery knows to look. */
export function openClients(access: SlackAccess & { names: { members: boolean; groups: boolean } }): SlackClients {
  const client = (timeout: number) =>
    new webApi.WebClient(access.botToken.reveal(), {
      ...(access.apiUrl === undefined ? {} : { slackApiUrl: access.apiUrl }),
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      timeout,
      logger: bridge(access.log),
    })
  const condition = new Condition(access.log)
  const prompt = client(promptWithinMs)
  return {
    final: client(callWithinMs),
    edits: client(callWithinMs),
    prompt,
    condition,
    responses: new Responses(Date.now),
    membership: new SlackMembership({ client: prompt, condition, names: access.names, now: Date.now, log: access.log }),
  }
}

export interface SlackConnection {
  connected(): boolean
  /** What Slack holds against us now, one line each. */
  troubles(): string[]
  /** Takes Slack's requests, where there are no sockets; it checks their signature and age. */
  requests?: (request: IncomingMessage, response: ServerResponse) => void
  close(): Promise<void>
}

/**
 * Listens to Slack: two sockets behind one App, so that Slack's regular refresh of one loses nothing; or signed HTTP
 * without an app token. What people say is stored first and acknowledged then, well within Slack's 3 s.
 */
export async function connectSlack(
  options: SlackAccess &
    Pick<ListenPorts, 'inbox' | 'forms' | 'cardOf'> & {
      appToken?: Secret | undefined
      signingSecret?: Secret | undefined
      clients: SlackClients
    },
): Promise<SlackConnection> {
  const { log, clients, appToken } = options
  const { condition, membership } = clients
  const logger = bridge(log)
  // A fresh object each time: SocketModeClient writes its retry policy into what it is given.
  const clientOptions = () => ({
    ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: callWithinMs,
  })
  const open = (token: Secret) => openSocket({ appToken: token.reveal(), logger, clientOptions: clientOptions(), log })
  const sockets: Socket[] = appToken === undefined ? [] : [open(appToken), open(appToken)]
  const http = sockets.length > 0 ? undefined : httpReceiver(options.signingSecret, logger)
  const botToken = options.botToken.reveal()
  const app = new App({
    receiver: http ?? sockets[0]!.receiver,
    // Slack is asked who we are apart from this, so that no event goes unanswered while it does not tell.
    authorize: async () => ({
      botToken,
      ...(membership.self ? { botUserId: membership.self.user, teamId: membership.self.team } : {}),
    }),
    clientOptions: clientOptions(),
    logger,
  })
  for (const { receiver } of sockets.slice(1)) receiver.init(app)
  listen(app, { ...options, ...clients, client: clients.prompt })
  app.error(async (error) => log.error({ error: error.message }, 'Slack'))
  await within(
    startWithinMs,
    Promise.all([membership.askSelf().catch(() => {}), ...sockets.map((s) => s.keepConnected())]),
  )
  const connected = () => condition.isTrusted && (http !== undefined || sockets.some((socket) => socket.isConnected()))
  if (connected()) log.info({ mode: http ? 'http' : 'socket' }, 'Slack is connected')
  return {
    connected,
    troubles: () => condition.troubles(),
    ...(http ? { requests: (request, response) => http.requestListener(request, response) } : {}),
    async close() {
      await Promise.all(sockets.map((socket) => socket.close()))
    },
  }
}

function httpReceiver(signingSecret: Secret | undefined, logger: Logger): HTTPReceiver {
  return new HTTPReceiver({ signingSecret: signingSecret?.reveal() ?? '', endpoints: '/slack/events', logger })
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

function bridge(log: Log): Logger {
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
