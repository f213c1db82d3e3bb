import { randomUUID } from 'node:crypto'
import { explainer, type House, openHouse, openJobDesk, openReaders, words } from './app.ts'
import { webCarrier } from './chat/web/carrier.ts'
import { listen, webChat } from './chat/web/server.ts'
import type { Config, Environment } from './config.ts'
import { complete } from './core/complete.ts'
import { Dispatch } from './core/dispatch.ts'
import { spoken } from './core/language.ts'
import { holds, type Membership } from './core/roles.ts'
import { health, listenHealth } from './http/health.ts'
import { ChannelLog } from './jobs/channel-log.ts'
import { type Carrier, Gone, startDelivery, Throttled } from './jobs/delivery.ts'
import { RedisDesk } from './jobs/desk.ts'
import { Inbox, startInbox } from './jobs/inbox.ts'
import { RedisPreferences } from './jobs/preferences.ts'
import { remembering } from './proxmox/remembering.ts'

/** How long a confirmation or an approval stays open. */
const decideWithinMs = 15 * 60_000
/** Completion lists may be this old. */
const completionAgeMs = 3000

export interface Running {
  /** Where the web chat is, if there is one. */
  web?: string
  close(): Promise<void>
}

/** The chat side: takes what people say, answers, and delivers what is to be said. Holds no acting token. */
export async function startBot(options: {
  config: Config
  environment: Environment
  key: Buffer
  membership: Membership
  /** The lab's own web chat may move to the next free port. */
  lab?: boolean
}): Promise<Running> {
  const { config, environment } = options
  const house = await openHouse({ ...options, name: 'bot' })
  const readers = openReaders(config)
  const desk = openJobDesk(house, readers)
  const preferences = new RedisPreferences(house.patient, house.prefix, house.access)
  const explain = explainer(config)
  const dispatch = new Dispatch({
    catalogue: house.catalogue,
    access: house.access,
    words,
    clusters: readers,
    channels: channelsOf(config),
    preferences,
    jobs: desk,
    enqueue: desk.enqueue,
    outbox: house.outbox,
    desk: new RedisDesk(house.patient, house.prefix, house.seal),
    approvals: (risk) =>
      risk === 'destroys' ? config.approvals.destroys : risk === 'endangers' ? config.approvals.endangers : 0,
    explain,
    report: house.report,
    hash: (value) => house.seal.name(value),
    now: Date.now,
    defaultTz: config.oncall.tz,
    decideWithinMs,
  })
  const closers: (() => Promise<unknown> | unknown)[] = [() => desk.close(), () => house.close()]
  const inboxWorker = startInbox({
    redis: house.patient,
    prefix: house.prefix,
    seal: house.seal,
    dispatch,
    log: house.log,
  })
  closers.unshift(() => inboxWorker.close(true))
  const inbox = new Inbox(house.prompt, house.prefix, house.seal)
  closers.unshift(() => inbox.close())
  const deliver = (carrier: Carrier) => {
    const worker = startDelivery({
      redis: house.patient,
      prefix: house.prefix,
      cards: house.cards,
      outbox: house.outbox,
      carrier,
      log: house.log,
    })
    closers.unshift(() => worker.close(true))
  }
  const running: Running = {
    async close() {
      for (const close of closers) await Promise.resolve(close()).catch(() => {})
    },
  }
  if (config.chat.web) {
    const channels = new ChannelLog(house.patient, house.subscriber, house.prefix, Date.now)
    deliver(webCarrier(channels))
    const prompt = new ChannelLog(house.prompt, house.subscriber, house.prefix, Date.now)
    const app = webChat({
      inbox,
      channels: {
        write: (...a) => prompt.write(...a),
        after: (...a) => prompt.after(...a),
        listen: (...a) => channels.listen(...a),
      },
      channelOf: async (card) => {
        const stored = await house.cards.get(card)
        return stored?.target.startsWith('web:') ? stored.target.slice('web:'.length) : undefined
      },
      complete: completer(house, config, readers, preferences),
      labControl: environment.labControl,
      signIn: config.chat.web.signIn,
      newId: () => randomUUID().replaceAll('-', '').slice(0, 20),
      log: house.log,
    })
    const server = await listenFrom(app, config.chat.web.listen, options.lab === true)
    running.web = `http://${config.chat.web.listen.host}:${server.port}`
    closers.unshift(() => server.close())
    house.log.info({ url: running.web }, 'web chat')
  }
  const slack = await openSlack(config, inbox, house, deliver)
  if (slack) closers.unshift(() => slack.close())
  if (!config.chat.discord?.token) house.log.info('Discord is off: it has no token')
  const http = await listenHealth(
    health(house.patient, () => ({ slack: slack?.connected() })),
    config.http.listen,
  ).catch((error) => {
    house.log.warn({ error: (error as Error).message }, 'health is not served')
    return undefined
  })
  if (http) closers.unshift(() => http.close())
  return running
}

/** Slack's SDK is loaded only where it is used: it takes longer to load than the rest of the bot. */
async function openSlack(config: Config, inbox: Inbox, house: House, deliver: (carrier: Carrier) => void) {
  const { botToken, appToken, signingSecret, apiUrl } = config.chat.slack ?? {}
  if (!botToken) {
    house.log.info('Slack is off: it has no token')
    return undefined
  }
  const { connectSlack } = await import('./chat/slack/slack.ts')
  const { slackCarrier } = await import('./chat/slack/carrier.ts')
  const slack = await connectSlack({ botToken, appToken, signingSecret, apiUrl, inbox, log: house.log })
  const errors = { throttled: (ms: number) => new Throttled(ms), gone: (reason: string) => new Gone(reason) }
  deliver(slackCarrier(slack.client, errors))
  return slack
}

/** The address of the configuration; in the lab the next free port where that one is taken. */
async function listenFrom(app: ReturnType<typeof webChat>, at: { host: string; port: number }, tryNext: boolean) {
  for (let port = at.port; ; port++) {
    try {
      return await listen(app, { host: at.host, port })
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || !tryNext || port >= at.port + 20) throw error
    }
  }
}

function channelsOf(config: Config) {
  const of = (target: string) => config.channels.find(({ post }) => post.includes(target))
  return {
    clusterOf: (target: string) => of(target)?.cluster,
    languageOf: (target: string) => of(target)?.language,
    taken: () => (config.channels.length === 0 ? undefined : config.channels.flatMap(({ post }) => post)),
  }
}

/** What could come next in a line, from the commands this person may run and the live cluster, remembered briefly. */
function completer(
  house: House,
  config: Config,
  readers: ReturnType<typeof openReaders>,
  preferences: RedisPreferences,
) {
  const remembered = new Map(
    readers.names.map((name) => [name, remembering(readers.get(name), completionAgeMs, Date.now)]),
  )
  const channels = channelsOf(config)
  return async (ask: { identity: string; channel: string; text: string; locales: string[] }) => {
    const cluster = channels.clusterOf(ask.channel) ?? (readers.names.length === 1 ? readers.names[0] : undefined)
    const role = await house.access.roleOf(ask.identity, { cluster, channel: ask.channel })
    const language = (await preferences.language(ask.identity)) ?? spoken(...ask.locales) ?? 'en'
    return complete(ask.text, house.catalogue, {
      language,
      proxmox: cluster === undefined ? undefined : remembered.get(cluster),
      may: ({ command }) => holds(role, command.role),
      most: 20,
    })
  }
}
