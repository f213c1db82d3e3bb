import { randomBytes, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Logger, pino } from 'pino'
import { Chain, splitHead } from './audit/chain.ts'
import { keepDaily } from './audit/daily.ts'
import { HeadFile } from './audit/head-file.ts'
import { Trail } from './audit/trail.ts'
import type { Config, Environment } from './config.ts'
import type { Head } from './core/audit.ts'
import { Catalogue } from './core/catalogue.ts'
import type { Command, Group } from './core/command.ts'
import type { Refused, Unavailable } from './core/errors.ts'
import { Refused as RefusedError, Unavailable as UnavailableError } from './core/errors.ts'
import { readerOf } from './core/incident.ts'
import { fill } from './core/language.ts'
import type { Message } from './core/message.ts'
import { Order } from './core/outbox.ts'
import { Access, type Membership } from './core/roles.ts'
import { tellVerdict } from './core/trail.ts'
import type { Worker } from './core/worker.ts'
import { act, tell } from './ha/acts.ts'
import { AuditLog } from './jobs/audit-log.ts'
import { EndedJobs } from './jobs/ended-jobs.ts'
import type { Post } from './jobs/incident-cards.ts'
import { IncidentStore } from './jobs/incident-store.ts'
import { RedisIncidents } from './jobs/incidents.ts'
import { JobDesk } from './jobs/job-desk.ts'
import { Locks } from './jobs/locks.ts'
import { BullOutbox, CardStore } from './jobs/outbox.ts'
import { connect, type Redis } from './jobs/redis.ts'
import { Runs } from './jobs/runs.ts'
import { Seal } from './jobs/seal.ts'
import { SecretBox } from './jobs/secret-box.ts'
import { ToldEnds } from './jobs/told-ends.ts'
import { createProxmox, createProxmoxWriter, type ProxmoxOptions } from './proxmox/client.ts'
import { createClusters } from './proxmox/clusters.ts'
import { doubting } from './proxmox/doubting.ts'
import { explain, explainLine } from './proxmox/explain.ts'
import type { Proxmox } from './proxmox/port.ts'
import type { TlsTrust } from './proxmox/tls.ts'
import { en } from './text/en.ts'
import { es } from './text/es.ts'

export const words = { en, es }

/** Names the product's log lines; never a secret, whatever an error drags along. */
export function openLog(environment: Environment, name: string): Logger {
  return pino({
    name,
    level: environment.logLevel,
    redact: { paths: ['*.secret', '*.password', '*.token', '*.authorization', '*.cookie'], censor: '[secret]' },
    serializers: { err: pino.stdSerializers.err },
  })
}

/** Loads every command, group and worker; a file's path below its folder is its name. */
export async function loadCatalogue(): Promise<Catalogue> {
  const commands = new Map<string, Command>()
  const groups = new Map<string, Group>()
  const workers = new Map<string, Worker>()
  for (const { path, loaded } of await modules('commands')) {
    if (path.endsWith('/group')) groups.set(path.slice(0, -'/group'.length), loaded as Group)
    else commands.set(path.replaceAll('/', ' '), loaded as Command)
  }
  for (const { path, loaded } of await modules('workers')) workers.set(path, loaded as Worker)
  return new Catalogue({ commands, groups, workers })
}

async function modules(folder: string): Promise<{ path: string; loaded: unknown }[]> {
  const root = fileURLToPath(new URL(`../${folder}/`, import.meta.url))
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.d)\.[jt]s$/.test(file))
  return Promise.all(
    files.sort().map(async (file) => {
      const { default: loaded } = (await import(join(root, file))) as { default: unknown }
      return { path: file.replaceAll('\\', '/').replace(/\.[jt]s$/, ''), loaded }
    }),
  )
}

/** Everything that bot and worker share: Redis, keys, jobs, cards, rights. */
export interface House {
  config: Config
  log: Logger
  seal: Seal
  /** Waits for Redis; for workers and everything that must not lose its place. */
  patient: Redis
  /** Fails at once; for what a person is waiting on. */
  prompt: Redis
  subscriber: Redis
  prefix: string
  catalogue: Catalogue
  access: Access
  cards: CardStore
  outbox: BullOutbox
  runs: Runs
  locks: Locks
  /** Beside the key, out of Redis's reach. */
  ended: EndedJobs
  audit: Audit
  /** Names this process among others. */
  process: string
  report(error: unknown, about: Record<string, unknown>): string
  close(): Promise<void>
}

export async function openHouse(options: {
  config: Config
  environment: Environment
  key: Buffer
  name: string
  membership: Membership
}): Promise<House> {
  const { config, environment } = options
  const log = openLog(environment, options.name)
  if (!environment.redis) throw new Error('REDIS_URL is not set')
  const onError = quietly(log)
  const at = environment.redis
  const patient = connect(at, 'patient', onError)
  const prompt = connect(at, 'prompt', onError)
  const subscriber = connect(at, 'patient', onError)
  subscriber.setMaxListeners(0)
  const { prefix } = config.redis
  const seal = new Seal(options.key)
  const access = new Access(config.roles, config.people, options.membership)
  const outbox = new BullOutbox(patient, prefix)
  return {
    config,
    log,
    seal,
    patient,
    prompt,
    subscriber,
    prefix,
    catalogue: await loadCatalogue(),
    access,
    cards: new CardStore(patient, prefix),
    outbox,
    runs: new Runs(patient, prefix, seal),
    locks: new Locks(patient, prefix),
    ended: new EndedJobs(environment.dataDir, Date.now),
    audit: openAudit({ redis: patient, prefix, key: options.key, dataDir: environment.dataDir, access }),
    process: randomUUID(),
    report(error, about) {
      const incident = `q-${randomUUID().slice(0, 8)}`
      log.error({ incident, ...about, err: error }, 'a fault of ours')
      return incident
    },
    async close() {
      await outbox.close()
      for (const redis of [patient, prompt, subscriber]) redis.disconnect()
    },
  }
}

/** Secrets that people hand over; over `prompt` for who is waiting, over `patient` for jobs. */
export const openSecrets = ({ prefix, seal, outbox, config }: House, redis: Redis): SecretBox =>
  new SecretBox({
    redis,
    prefix,
    seal,
    outbox,
    words,
    publicUrl: config.http.publicUrl,
    now: Date.now,
    random: randomBytes,
  })

/** The audit trail: its chain in Redis, and the heads that this machine notes beside it. */
export interface Audit {
  log: AuditLog
  trail: Trail
  file: HeadFile
  chain: Chain
}

export function openAudit(options: {
  redis: Redis
  prefix: string
  key: Buffer
  dataDir: string
  access?: Access
}): Audit {
  const { redis, prefix } = options
  const chain = new Chain(options.key, prefix)
  const personOf = (identity: string) => options.access?.person(identity)?.name
  const log = new AuditLog({
    redis,
    prefix,
    now: Date.now,
    link: (entry, at, head) => chain.link(entry, at, head, personOf),
  })
  const file = new HeadFile(join(options.dataDir, 'audit-head.log'), prefix)
  return { log, file, chain, trail: new Trail(chain, log, () => file.heads()) }
}

/**
 * Checks the whole trail for a reader of English, beside `heads` also against those in this machine's file.
 * @throws RangeError for a text that is no head
 */
export async function verifyTrail(at: Parameters<typeof openAudit>[0], heads: Head[]) {
  for (const head of heads) splitHead(head)
  const verdict = await openAudit(at).trail.verify(heads)
  return { ...tellVerdict(verdict, en), head: verdict.head, whole: verdict.faults.length === 0 }
}

/** Reads the ends of all machines' jobs in the trail, and says where the trail was tampered with. */
export function readEnds({ audit, log, report }: House, dataDir: string): ToldEnds {
  return new ToldEnds({
    entries: (after) => audit.log.entries(after),
    open: (kept) => audit.chain.open(kept),
    ended: new EndedJobs(dataDir, Date.now, 'told-ends'),
    now: Date.now,
    broken(at) {
      log.error({ entry: at }, 'the audit trail does not go on from what was read of it: quorum audit verify')
      audit.log.append({ kind: 'forged', result: 'trail-broken' }).catch((error) => report(error, { entry: at }))
    },
  })
}

/** Notes the chain's head at each start and each day, and posts it once a day, whatever the number of processes. */
export function keepHeads({ audit, config, outbox, log }: House): () => void {
  return keepDaily({
    head: () => audit.log.head(),
    note: (at, head) => audit.file.add(at, head),
    first: (name) => audit.log.first(name),
    letGo: (before) => audit.trail.letGo(before),
    append: audit.log.append,
    now: Date.now,
    report: (error) => log.error({ err: error }, 'the head of the audit trail could not be kept'),
    async post(day, head) {
      for (const { post, language } of config.channels) {
        const { audit: say } = words[language ?? 'en']
        const title = fill(say.headTitle, { day })
        const message: Message = {
          title,
          state: 'info',
          text: fill(say.headText, { head }),
          fields: [{ name: say.head, value: head }],
        }
        for (const target of post) {
          await outbox.put({ key: `audit-head-${day}-${target}`, target, message, order: Order.final })
        }
      }
    },
  })
}

/** One line when Redis goes away and one when it is another error, not one for each try. */
function quietly(log: Logger): (error: Error) => void {
  let last = ''
  return (error) => {
    if (error.message === last) return
    last = error.message
    log.warn({ error: error.message }, 'Redis')
  }
}

export function openJobDesk(house: House, clusters: { get(name: string): Proxmox }): JobDesk {
  return new JobDesk({
    redis: house.patient,
    prefix: house.prefix,
    runs: house.runs,
    locks: house.locks,
    outbox: house.outbox,
    ended: house.ended,
    audit: house.audit.log.append,
    catalogue: house.catalogue,
    words,
    now: Date.now,
    taskLog: async (cluster, upid, most) => {
      const proxmox = clusters.get(cluster)
      const { total } = await proxmox.taskLog(upid, { start: 0, limit: 1 })
      return (await proxmox.taskLog(upid, { start: Math.max(0, total - most), limit: most })).lines
    },
  })
}

/** Incidents as people change them, and who is told of them. */
export function openIncidents(house: House, lab: boolean) {
  const { access, outbox, audit, config } = house
  const store = new IncidentStore(house.patient, house.prefix, house.seal)
  const posts = (cluster: string) => postsOf(config, access, cluster, lab)
  const incidents = new RedisIncidents({
    store,
    acts: { act, tell },
    outbox,
    posts,
    audit: audit.log.append,
    samePerson: (a, b) => access.samePerson(a, b),
    now: Date.now,
  })
  return { store, posts, incidents }
}

/** The channels of a cluster, each in its language; without any, nothing is posted, but for the lab's own chat. */
function postsOf({ channels, oncall }: Config, access: Access, cluster: string, lab: boolean): Post[] {
  const listed = channels.filter((channel) => (channel.cluster ?? cluster) === cluster)
  const places = listed.flatMap(({ post, language }) => post.map((target) => ({ target, language: language ?? 'en' })))
  const shown = channels.length === 0 && lab ? [{ target: 'web:general', language: 'en' as const }] : places
  return shown.map(({ target, language }) => ({ target, reader: readerOf(words, access, { language, tz: oncall.tz }) }))
}

/** How a cluster is reached with one of its tokens. Throws for a cluster that has none here. */
export function optionsOf(cluster: Config['clusters'][number], token: 'read' | 'act'): ProxmoxOptions {
  const { read, act } = cluster.tokens
  const held = (token === 'act' ? act : read) ?? read ?? act
  if (!held) throw new Error(`cluster ${cluster.name} has no token`)
  return { cluster: cluster.name, endpoints: cluster.endpoints, auth: { token: held }, tls: trustOf(cluster) }
}

export const trustOf = ({ tls }: Pick<Config['clusters'][number], 'tls'>): TlsTrust => ({
  ...(tls.fingerprints ? { fingerprints: tls.fingerprints } : {}),
  ...(tls.ca ? { ca: readFileSync(tls.ca, 'utf8') } : {}),
})

/** What commands look with: no node is believed that is cut off from the others. */
export const openViews = (config: Config) =>
  createClusters(config.clusters.map((cluster) => doubting(createProxmox(optionsOf(cluster, 'read')), Date.now)))

/** Clients with the reading token, each answer as it came: what watches the cluster judges them itself. */
export const openReaders = (config: Config) =>
  createClusters(config.clusters.map((cluster) => createProxmox(optionsOf(cluster, 'read'))))

/** Clients with the acting token: what workers hold. */
export const openWriters = (config: Config) =>
  createClusters(config.clusters.map((cluster) => createProxmoxWriter(optionsOf(cluster, 'act'))))

/** What any error means to a person: ours as they are, Proxmox's and Redis's explained; undefined is a fault of ours. */
export function explainer(config: Config) {
  return (error: unknown, cluster?: string): Refused | Unavailable | undefined => {
    if (error instanceof RefusedError) return error
    const configured = config.clusters.find(({ name }) => name === cluster) ?? config.clusters[0]
    const token = configured?.tokens.act ?? configured?.tokens.read
    const explained = explain(error, { cluster: configured?.name ?? '', user: token?.id ?? '' })
    if (explained) return explained
    if (error instanceof UnavailableError) return error
    if (isRedisGone(error)) return new UnavailableError('redis-gone', { service: 'Redis', cause: error })
    return undefined
  }
}

const isRedisGone = (error: unknown): boolean =>
  error instanceof Error &&
  // Not there, or there and unable to take anything in: still loading, a replica, full, its disk failing.
  (/Connection is closed|enableOfflineQueue|ECONNREFUSED|max retries per request|Command timed out/i.test(
    error.message,
  ) ||
    /^(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|OOM|MISCONF|NOREPLICAS|TRYAGAIN) /.test(error.message))

export { explainLine }
