import { explainer, explainLine, keepHeads, openHouse, openIncidents, openJobDesk, openViews, words } from './app.ts'
import { discordPermissions, openDiscord, openDiscordMembership } from './bot/discord.ts'
import { openInstallListener, openInstalls } from './bot/install.ts'
import { ownTokens } from './bot/own-tokens.ts'
import { channelsOf, remember } from './bot/places.ts'
import { openSite } from './bot/site.ts'
import { openSlack, openSlackClients, slackScopes } from './bot/slack.ts'
import { openWeb } from './bot/web.ts'
import { type Config, type Environment, labBlueprints, openBlueprints } from './config.ts'
import { Dispatch } from './core/dispatch.ts'
import type { DispatchPorts } from './core/events.ts'
import { Forms } from './core/forms.ts'
import type { Membership } from './core/roles.ts'
import { openDoctor } from './doctor.ts'
import { openDrillSchedules, openDrills } from './drills.ts'
import { type Carrier, startDelivery } from './jobs/delivery.ts'
import { RedisDesk } from './jobs/desk.ts'
import { RedisDrafts } from './jobs/drafts.ts'
import { probeCarrier } from './jobs/heartbeat.ts'
import { HostLooks } from './jobs/host-looks.ts'
import { Inbox, startInbox } from './jobs/inbox.ts'
import { answerMembership } from './jobs/membership-facts.ts'
import { RedisPreferences } from './jobs/preferences.ts'
import { ready } from './jobs/redis.ts'
import { RightsBoard } from './jobs/rights-board.ts'
import { gathered } from './membership.ts'
import { openOncall } from './oncall.ts'
import { openEventLog, watchMetrics } from './watch.ts'

/** How long a confirmation or an approval stays open. */
const decideWithinMs = 15 * 60_000

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
  /** How much faster than real the waits for chat platforms pass; 1 but where a test plays hours. */
  tempo?: number
}): Promise<Running> {
  const { config, environment, tempo = 1 } = options
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
  const readers = openViews(config)
  const desk = openJobDesk(house, readers)
  const preferences = new RedisPreferences(house.patient, house.prefix, house.access)
  const explain = explainer(config)
  const hostLooks = new HostLooks({ ...house, redis: house.prompt, now: Date.now })
  const board = new RightsBoard(house.prompt, house.prefix, house.seal)
  const doctor = openDoctor({
    config,
    environment,
    catalogue: house.catalogue,
    redis: house.prompt,
    board,
    chat: {
      slack: slackClients ? () => slackScopes(slackClients.prompt) : 'off',
      discord: known ? () => discordPermissions(known.access) : 'off',
    },
  })
  const { incidents } = openIncidents(house, options.lab === true)
  const schedules = openDrillSchedules(house)
  const ports: DispatchPorts = {
    catalogue: house.catalogue,
    access: house.access,
    words,
    clusters: readers,
    hosts: config.hosts.map(({ name, endpoint }) => ({ name, endpoint })),
    channels: channelsOf(config),
    preferences,
    jobs: desk,
    enqueue: desk.enqueue,
    doctor,
    audit: house.audit.log.append,
    trail: house.audit.trail,
    drafts: new RedisDrafts(house.patient, house.prefix, house.seal),
    installs: openInstalls(house),
    blueprints: openBlueprints(config.blueprints ?? (options.lab ? labBlueprints : undefined)),
    explainLine,
    incidents,
    ownTokens: ownTokens(config, board),
    lookAtHosts: hostLooks.ask,
    oncall: openOncall(house),
    drills: openDrills(house, schedules, environment),
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
    () => schedules.close(),
    () => desk.close(),
    () => hostLooks.close(),
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
      tempo,
      log: house.log,
    })
    closers.unshift(() => worker.close(true))
  }
  const lab = options.lab === true
  if (config.heartbeat) deliver(probeCarrier)
  const web = await openWeb({ config, environment, house, readers, inbox, deliver, lab })
  if (web) closers.unshift(web.close)
  const remembered = remember(readers)
  const forms = new Forms(ports, (cluster) => remembered.get(cluster)!)
  const slack =
    slackClients && (await openSlack({ config, inbox, house, deliver, forms, clients: slackClients, lab, tempo }))
  if (slack) closers.unshift(() => slack.close())
  const discord =
    known && (await openDiscord({ config, inbox, house, readers, preferences, desk, deliver, forms, known, lab }))
  if (discord) closers.unshift(() => discord.close())
  const logs = new Map(readers.names.map((name) => [name, openEventLog({ ...house, patient: house.prompt }, name)]))
  const metrics = async () =>
    (await Promise.all([desk.queue.exportPrometheusMetrics(), watchMetrics(logs, Date.now)])).join('\n')
  const site = await openSite({ house, incidents, slack, discord, logs, metrics })
  if (site) closers.unshift(site.close)
  const installing = await openInstallListener(house)
  if (installing) closers.unshift(installing.close)
  return {
    ...(web ? { web: web.url } : {}),
    ...(site ? { http: site.url } : {}),
    async close() {
      for (const close of closers) await Promise.resolve(close()).catch(() => {})
    },
  }
}
