import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Logger, pino } from 'pino'
import type { Config, Environment } from './config.ts'
import { Catalogue } from './core/catalogue.ts'
import type { Command, Group } from './core/command.ts'
import type { Refused, Unavailable } from './core/errors.ts'
import { Refused as RefusedError, Unavailable as UnavailableError } from './core/errors.ts'
import { Access, type Membership } from './core/roles.ts'
import type { Worker } from './core/worker.ts'
import { JobDesk } from './jobs/job-desk.ts'
import { Locks } from './jobs/locks.ts'
import { BullOutbox, CardStore } from './jobs/outbox.ts'
import { connect, type Redis } from './jobs/redis.ts'
import { Runs } from './jobs/runs.ts'
import { Seal } from './jobs/seal.ts'
import { createProxmox, createProxmoxWriter, type ProxmoxOptions } from './proxmox/client.ts'
import { createClusters } from './proxmox/clusters.ts'
import { explain, explainLine } from './proxmox/explain.ts'
import type { Proxmox } from './proxmox/port.ts'
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
    else commands.set(path.replace('/', ' '), loaded as Command)
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
    access: new Access(config.roles, config.people, options.membership),
    cards: new CardStore(patient, prefix),
    outbox,
    runs: new Runs(patient, prefix, seal),
    locks: new Locks(patient, prefix),
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

function optionsOf(cluster: Config['clusters'][number], token: 'read' | 'act'): ProxmoxOptions {
  const { read, act } = cluster.tokens
  const held = (token === 'act' ? act : read) ?? read ?? act
  if (!held) throw new Error(`cluster ${cluster.name} has no token`)
  const tls = {
    ...(cluster.tls.fingerprints ? { fingerprints: cluster.tls.fingerprints } : {}),
    ...(cluster.tls.ca ? { ca: readFileSync(cluster.tls.ca, 'utf8') } : {}),
  }
  return { cluster: cluster.name, endpoints: cluster.endpoints, auth: { token: held }, tls }
}

/** Clients with the reading token: what the bot holds. */
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
  /Connection is closed|enableOfflineQueue|ECONNREFUSED|max retries per request|Command timed out/i.test(error.message)

export { explainLine }
