import { randomBytes, randomUUID } from 'node:crypto'
import {
  explainer,
  explainLine,
  type House,
  keepHeads,
  openHouse,
  openJobDesk,
  openReaders,
  openSecrets,
  words,
} from './app.ts'
import { webCarrier } from './chat/web/carrier.ts'
import { listen, webChat } from './chat/web/server.ts'
import type { Config, Environment } from './config.ts'
import { complete } from './core/complete.ts'
import { Dispatch } from './core/dispatch.ts'
import type { DispatchPorts } from './core/events.ts'
import { Forms } from './core/forms.ts'
import type { Jobs } from './core/house.ts'
import { spoken } from './core/language.ts'
import { seen } from './core/pools.ts'
import { holds, type Membership } from './core/roles.ts'
import { openDoctor } from './doctor.ts'
import { health, listenHealth } from './http/health.ts'
import { mount } from './http/mount.ts'
import { secretPages } from './http/secrets.ts'
import { ChannelLog } from './jobs/channel-log.ts'
import { type Carrier, Gone, startDelivery, Throttled } from './jobs/delivery.ts'
import { RedisDesk } from './jobs/desk.ts'
import { RedisDrafts } from './jobs/drafts.ts'
import { Inbox, startInbox } from './jobs/inbox.ts'
import { answerMembership } from './jobs/membership-facts.ts'
import { CardStore } from './jobs/outbox.ts'
import { RedisPreferences } from './jobs/preferences.ts'
import { ready } from './jobs/redis.ts'
import { RightsBoard } from './jobs/rights-board.ts'
import { longestSecret } from './jobs/secret-box.ts'
import { WebSignIn } from './jobs/web-sign-in.ts'
import { gathered } from './membership.ts'
import { remembering } from './proxmox/remembering.ts'

type Readers = ReturnType<typeof openReaders>

/** How long a confirmation or an approval stays open. */
const decideWithinMs = 15 * 60_000
/** Completion lists may be this old. */
const completionAgeMs = 3000

export interface Running {
  /** Where the web chat is, if there is one. */
  web?: string
  /** Where health, webhooks and one-time links are served. */
  http?: string
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
  const membership = gathered(options.membership)
  const house = await openHouse({ ...options, membership, name: 'bot' })
  // Nobody is told that the bot is there before it can store what they say.
  await ready(house.prompt)
  // Before anything that waits in the inbox is taken up: its people have their roles from there.
  const known = await openDiscordMembership(config, house)
  if (known) membership.add(known.membership)
  const slackClients = await openSlackClients(config, house)
  if (slackClients) membership.add(slackClients.membership)
  const answering = answerMembership({ ...house, redis: house.patient, membership, now: Date.now })
  const readers = openReaders(config)
  const desk = openJobDesk(house, readers)
  const preferences = new RedisPreferences(house.patient, house.prefix, house.access)
  const explain = explainer(config)
  const doctor = openDoctor({
    config,
    environment,
    catalogue: house.catalogue,
    redis: house.prompt,
    board: new RightsBoard(house.prompt, house.prefix, house.seal),
    chat: {
      slack: slackClients ? () => slackScopes(slackClients.prompt) : 'off',
      discord: known ? () => discordPermissions(known.access) : 'off',
    },
  })
  const ports: DispatchPorts = {
    catalogue: house.catalogue,
    access: house.access,
    words,
    clusters: readers,
    channels: channelsOf(config),
    preferences,
    jobs: desk,
    enqueue: desk.enqueue,
    doctor,
    audit: house.audit.log.append,
    trail: house.audit.trail,
    drafts: new RedisDrafts(house.patient, house.prefix, house.seal),
    explainLine,
    outbox: house.outbox,
    desk: new RedisDesk(house.patient, house.prefix, house.seal),
    approvals: (of) => config.approvals[of],
    soloMs: config.approvals.soloMs,
    explain,
    report: house.report,
    hash: (value) => house.seal.name(value),
    now: Date.now,
    defaultTz: config.oncall.tz,
    decideWithinMs,
  }
  const dispatch = new Dispatch(ports)
  const closers: (() => Promise<unknown> | unknown)[] = [
    keepHeads(house),
    () => doctor.close(),
    () => desk.close(),
    () => house.close(),
  ]
  const inboxWorker = startInbox({
    redis: house.patient,
    prefix: house.prefix,
    seal: house.seal,
    audit: house.audit.log.append,
    dispatch,
    log: house.log,
  })
  closers.unshift(() => inboxWorker.close(true))
  closers.unshift(() => answering.close(true))
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
    // Who waits for an answer over HTTP is told at once that Redis is away.
    const prompt = new ChannelLog(house.prompt, house.subscriber, house.prefix, Date.now)
    const promptCards = new CardStore(house.prompt, house.prefix)
    const promptPreferences = new RedisPreferences(house.prompt, house.prefix, house.access)
    const app = webChat({
      inbox,
      channels: {
        write: (...a) => prompt.write(...a),
        after: (...a) => prompt.after(...a),
        listen: (...a) => channels.listen(...a),
      },
      channelOf: async (card) => {
        const stored = await promptCards.get(card)
        return stored?.target.startsWith('web:') ? stored.target.slice('web:'.length) : undefined
      },
      complete: completer(house, config, readers, promptPreferences),
      labControl: environment.labControl,
      signIn: config.chat.web.signIn,
      sessions: new WebSignIn({
        redis: house.prompt,
        prefix: house.prefix,
        seal: house.seal,
        now: Date.now,
        random: randomBytes,
      }),
      publicUrl: config.http.publicUrl,
      newId: () => randomUUID().replaceAll('-', '').slice(0, 20),
      explain,
      report: house.report,
    })
    const server = await listenFrom(app, config.chat.web.listen, options.lab === true)
    running.web = `http://${config.chat.web.listen.host}:${server.port}`
    closers.unshift(() => server.close())
    house.log.info({ url: running.web }, 'web chat')
  }
  const remembered = remember(readers)
  const forms = new Forms(ports, (cluster) => remembered.get(cluster)!)
  const lab = options.lab === true
  const slack = slackClients && (await openSlack({ config, inbox, house, deliver, forms, clients: slackClients, lab }))
  if (slack) closers.unshift(() => slack.close())
  const discord = known && (await openDiscord({ config, inbox, house, readers, preferences, desk, deliver, known }))
  if (discord) closers.unshift(() => discord.close())
  const { listen: httpListen, publicUrl, tls } = config.http
  const parts = () => {
    const troubles = slack?.troubles() ?? []
    const slackTroubles = troubles.length > 0 ? troubles : undefined
    return { slack: slack?.connected(), slackTroubles, discord: discord?.connected() }
  }
  const site = health(house.patient, parts, publicUrl, () => desk.queue.exportPrometheusMetrics())
  if (slack?.requests) mount(site, '/slack/events', slack.requests)
  if (publicUrl !== undefined) {
    const box = openSecrets(house, house.prompt)
    site.route('/', secretPages({ box, publicUrl, longest: longestSecret, log: house.log }))
  }
  const http = await listenHealth(site, httpListen, tls).catch((error) => {
    // Over HTTP, Slack speaks to this very port: without it the bot would be deaf.
    if (slack?.requests) throw error
    house.log.warn({ error: (error as Error).message }, 'health is not served')
    return undefined
  })
  if (http) {
    running.http = `http${tls ? 's' : ''}://${httpListen.host}:${http.port}`
    house.log.info({ url: running.http }, 'health and links')
    closers.unshift(() => http.close())
  }
  return running
}

/** Slack's SDK is loaded only where it is used: it takes longer to load than the rest of the bot. */
async function openSlackClients({ chat, roles }: Config, { log }: House) {
  const { botToken, apiUrl } = chat.slack ?? {}
  if (!botToken) {
    log.info('Slack is off: it has no token')
    return undefined
  }
  const { openClients } = await import('./chat/slack/slack.ts')
  const who = roles.flatMap((grant) => grant.who)
  const groups = who.some((name) => name.startsWith('slack:group:'))
  return openClients({ botToken, apiUrl, log, names: { members: who.includes('slack:*'), groups } })
}

const slackScopes = async (client: Parameters<typeof import('./chat/slack/scopes.ts').lookAtScopes>[0]) =>
  (await import('./chat/slack/scopes.ts')).lookAtScopes(client)

async function openSlack(parts: {
  config: Config
  inbox: Inbox
  house: House
  deliver: (carrier: Carrier) => void
  forms: Forms
  clients: NonNullable<Awaited<ReturnType<typeof openSlackClients>>>
  lab: boolean
}) {
  const { config, inbox, house, forms, clients, lab } = parts
  const { connectSlack } = await import('./chat/slack/slack.ts')
  const { slackCarrier } = await import('./chat/slack/carrier.ts')
  const { Pace } = await import('./chat/slack/pace.ts')
  const { botToken, ...access } = config.chat.slack!
  const slack = await connectSlack({
    ...access,
    botToken: botToken!,
    clients,
    inbox,
    forms,
    cardOf: (event) => `c-${house.seal.name(event)}`,
    log: house.log,
  })
  parts.deliver(
    slackCarrier({
      clients,
      condition: clients.condition,
      responses: clients.responses,
      pace: new Pace(Date.now),
      errors: { throttled: (ms) => new Throttled(ms), gone: (reason) => new Gone(reason) },
      simulated: lab ? words.en.say.simulated : undefined,
    }),
  )
  return slack
}

/** discord.js, too, is loaded only where it is used. */
async function openDiscordMembership({ chat }: Config, { log }: House) {
  const { token, guilds = [], apiUrl } = chat.discord ?? {}
  if (!token) {
    log.info('Discord is off: it has no token')
    return undefined
  }
  const { discordMembership } = await import('./chat/discord/discord.ts')
  const access = { token, guilds, apiUrl }
  return { access, membership: discordMembership({ ...access, now: Date.now, log }) }
}

const discordPermissions = async (access: NonNullable<Awaited<ReturnType<typeof openDiscordMembership>>>['access']) =>
  (await import('./chat/discord/permissions.ts')).lookAtPermissions(access)

async function openDiscord(parts: {
  config: Config
  inbox: Inbox
  house: House
  readers: Readers
  preferences: RedisPreferences
  desk: Pick<Jobs, 'list'>
  deliver: (carrier: Carrier) => void
  known: NonNullable<Awaited<ReturnType<typeof openDiscordMembership>>>
}) {
  const { config, inbox, house, readers, preferences, desk, known } = parts
  const { connectDiscord } = await import('./chat/discord/discord.ts')
  const { live } = await import('./chat/discord/live.ts')
  const remembered = remember(readers)
  const { catalogue, access } = house
  const discord = await connectDiscord({
    ...known.access,
    membership: known.membership,
    inbox,
    catalogue,
    clusters: readers.names,
    live: live({
      ...channelsOf(config),
      catalogue,
      clusters: readers.names,
      access,
      proxmox: (cluster) => remembered.get(cluster),
      languageOf: async (identity, locales) =>
        (await preferences.language(identity)) ?? access.person(identity)?.language ?? spoken(...locales) ?? 'en',
      jobs: desk,
    }),
    card: (key) => house.cards.get(key),
    cardOf: {
      said: (event) => `c-${house.seal.name(event)}`,
      clicked: (event) => `r-${house.seal.name(event)}`,
    },
    now: Date.now,
    log: house.log,
  })
  parts.deliver(discord.carrier({ throttled: (ms) => new Throttled(ms), gone: (reason) => new Gone(reason) }))
  return discord
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
    posts: (cluster: string) =>
      config.channels.filter((channel) => (channel.cluster ?? cluster) === cluster).flatMap(({ post }) => post),
    taken: () => (config.channels.length === 0 ? undefined : config.channels.flatMap(({ post }) => post)),
  }
}

const remember = (readers: Readers) =>
  new Map(readers.names.map((name) => [name, remembering(readers.get(name), completionAgeMs, Date.now)]))

/** What could come next in a line, from the commands this person may run and the live cluster, remembered briefly. */
function completer(house: House, config: Config, readers: Readers, preferences: RedisPreferences) {
  const remembered = remember(readers)
  const channels = channelsOf(config)
  return async (ask: { identity: string; channel: string; text: string; locales: string[] }) => {
    const cluster = channels.clusterOf(ask.channel) ?? (readers.names.length === 1 ? readers.names[0] : undefined)
    const place = { cluster, channel: ask.channel }
    const role = await house.access.roleOf(ask.identity, place)
    const pools = holds(role, 'viewer') ? [] : await house.access.poolsOf(ask.identity, place, 'viewer')
    const poolRole = await house.access.roleOf(ask.identity, { ...place, pools })
    const proxmox = cluster === undefined ? undefined : remembered.get(cluster)
    const language = (await preferences.language(ask.identity)) ?? spoken(...ask.locales) ?? 'en'
    return complete(ask.text, house.catalogue, {
      language,
      proxmox: proxmox && (pools.length > 0 ? seen(proxmox, pools) : proxmox),
      may: ({ command }) => holds(command.pools === undefined ? role : poolRole, command.role),
      most: 20,
    })
  }
}
