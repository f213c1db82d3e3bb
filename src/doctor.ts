import { lookup } from 'node:dns/promises'
import { accessSync, constants, existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import { explainer, loadCatalogue, optionsOf, trustOf, words } from './app.ts'
import {
  type Config,
  ConfigFaults,
  type Env,
  type Environment,
  loadConfig,
  loadKey,
  lookAtKey,
  readEnvironment,
} from './config.ts'
import type { Catalogue } from './core/catalogue.ts'
import { type Check, type Doctor, worstOf } from './core/doctor.ts'
import type { Language } from './core/language.ts'
import type { ProxmoxAccessPort } from './core/ports.ts'
import type { ChatLooks } from './doctor/chat-checks.ts'
import { createDoctor, livesAt, type WatchedCluster } from './doctor/doctor.ts'
import type { HouseLook } from './doctor/house-checks.ts'
import type { OncallLook } from './doctor/oncall-checks.ts'
import { lookAtRights, type TokenLook } from './doctor/rights.ts'
import { connect, type Redis } from './jobs/redis.ts'
import { lookAtRedis } from './jobs/redis-look.ts'
import { RightsBoard, reportEveryMs } from './jobs/rights-board.ts'
import { Seal } from './jobs/seal.ts'
import { accountsOf } from './oncall.ts'
import { lookAtCertificate } from './proxmox/certificate.ts'
import { createProxmox } from './proxmox/client.ts'
import { endpointOrigin } from './proxmox/endpoints.ts'
import type { Proxmox, ProxmoxWriter } from './proxmox/port.ts'

const connectTimeoutMs = 3000
const readTimeoutMs = 8000
const lookWithinMs = 30_000

type Cluster = Config['clusters'][number]
type Client = Proxmox & { close(): Promise<void> }

/** The doctor of a process that runs; what it has to look through, the process hands in. */
export function openDoctor(parts: {
  config: Config
  environment: Environment
  catalogue: Catalogue
  /** Fails at once. */
  redis: Redis
  board: RightsBoard
  chat: ChatLooks
}): Doctor & { close(): Promise<void> } {
  const { config, environment } = parts
  const clusters = config.clusters.map((cluster) => watched(cluster, config, parts.board))
  const doctor = createDoctor({
    catalogue: parts.catalogue,
    house: () => houseLook(config, environment, true),
    redis: { at: environment.redis, look: () => lookAtRedis(parts.redis) },
    clusters,
    chat: parts.chat,
    ...(environment.labControl === undefined ? { home } : {}),
    now: Date.now,
  })
  return { ...doctor, close: async () => void (await Promise.all(clusters.map((cluster) => cluster.close()))) }
}

/** Looks with the tokens that this process holds, and asks the board for what it does not. */
function watched(
  cluster: Cluster,
  config: Config,
  board: RightsBoard | undefined,
): WatchedCluster & { close(): Promise<void> } {
  const explain = explainer(config)
  const codeOf = (error: unknown) => explain(error, cluster.name)?.code
  const clients: Client[] = []
  const open = (token: 'read' | 'act', endpoints = cluster.endpoints): Client | undefined => {
    if (!cluster.tokens[token]) return undefined
    const client = createProxmox({ ...optionsOf(cluster, token), endpoints, connectTimeoutMs, readTimeoutMs })
    clients.push(client)
    return client
  }
  const own = { read: open('read'), act: open('act') }
  const single = new Map(cluster.endpoints.map((endpoint) => [endpoint, open('read', [endpoint])]))
  return {
    name: cluster.name,
    endpoints: cluster.endpoints,
    isPinned: (cluster.tls.fingerprints?.length ?? 0) > 0,
    certificate: (endpoint) => lookAtCertificate(endpointOrigin(endpoint), trustOf(cluster), connectTimeoutMs),
    read: own.read,
    at: (endpoint) => single.get(endpoint),
    async rights(kind, signal) {
      const client = kind === 'access' ? undefined : own[kind]
      if (client) return lookAtRights(client, codeOf, signal)
      if (kind === 'read' || !board) return 'none'
      return (await board.read<TokenLook>(cluster.name, kind).catch(() => undefined)) ?? 'nobody'
    },
    hasRoot: async () => (await board?.read(cluster.name, 'root')) !== undefined,
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  }
}

function houseLook(config: Config, { dataDir: dir, labControl }: Environment, isBot: boolean, env?: Env): HouseLook {
  const data = { dir, why: unwritable(dir) }
  return {
    file: config.file,
    clusters: config.clusters.length,
    data,
    key: lookAtKey({ ...(env ? { env } : {}), dataDir: dir }),
    oncall: labControl === undefined ? oncallLook(config, isBot) : undefined,
  }
}

/** Only the bot holds the secret by which the pager is believed. */
function oncallLook(config: Config, isBot: boolean): OncallLook {
  const { rotation, pager } = config.oncall
  const known = pager?.hookSecret ? 'both-ways' : 'one-way'
  return {
    people: (rotation?.everyone ?? []).map((name) => ({ name, isReached: accountsOf(config, name).length > 0 })),
    pager: pager === undefined ? 'none' : isBot ? known : 'unseen',
    hasHeartbeat: config.heartbeat !== undefined,
  }
}

/** Why nothing can be put there; a folder that is not there yet is made by whoever first needs it. */
function unwritable(dir: string): string | undefined {
  try {
    accessSync(existsSync(dir) ? dir : dirname(dir), constants.W_OK)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

/** The one part of the doctor that a worker needs: what of ours, this process among it, lives at an address. */
export const openHomes = ({ redis, labControl }: Environment): Pick<Doctor, 'livesAt'> => ({
  livesAt: (addresses) => livesAt({ redis: { at: redis }, ...(labControl === undefined ? { home } : {}) }, addresses),
})

const home = {
  own: () =>
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address.toLowerCase())),
  resolve: async (host: string) => {
    const found = await lookup(host, { all: true }).catch(() => [])
    return found.map(({ address }) => address.toLowerCase())
  },
}

/**
 * Tells the others, now and every few minutes, what the acting token may do and whether this process may log in as root.
 * A report that fails is made again at the next turn.
 */
export function reportRights(parts: {
  config: Config
  board: RightsBoard
  writers: { get(name: string): ProxmoxWriter }
  access: ProxmoxAccessPort
  onError: (error: unknown) => void
}): { stop(): void } {
  const { config, board, writers, access } = parts
  const explain = explainer(config)
  const report = async ({ name, root }: Cluster) => {
    if (root?.password) await board.post(name, 'root', true)
    const codeOf = (cluster: string) => (error: unknown) => explain(error, cluster)?.code
    const look = await lookAtRights(writers.get(name), codeOf(name))
    await board.post(name, 'act', look)
    const forAccess = access.get(name)
    if (forAccess) await board.post(name, 'access', await lookAtRights(forAccess, codeOf(name)))
  }
  const all = () => {
    for (const cluster of config.clusters) report(cluster).catch(parts.onError)
  }
  all()
  const timer = setInterval(all, reportEveryMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

/** `quorum doctor`: prints what was found and answers the exit code, 1 where something is wrong. */
export async function runDoctor(options: { language: Language; print: (line: string) => void }): Promise<number> {
  const { examine, close } = await openToolDoctor()
  try {
    const checks = await examine({ language: options.language, signal: AbortSignal.timeout(lookWithinMs) })
    for (const line of tableLines(checks, options.language)) options.print(line)
    return worstOf(checks) === 'fail' ? 1 : 0
  } finally {
    await close()
  }
}

/** The doctor of a shell: with whatever of file, environment, key and tokens there is, however wrong. */
export async function openToolDoctor(env?: Env): Promise<Doctor & { close(): Promise<void> }> {
  const { environment, config, seal, faults } = readAll(env)
  const redis = environment?.redis && connect(environment.redis, 'prompt', () => {})
  // Also before the board is read: a connection that is not ready yet refuses.
  const silence = redis && (await answering(redis).catch((error: Error) => error))
  const board = redis && seal && config ? new RightsBoard(redis, config.redis.prefix, seal) : undefined
  const clusters = config ? config.clusters.map((cluster) => watched(cluster, config, board)) : []
  const doctor = createDoctor({
    catalogue: await loadCatalogue(),
    house: () => (config && environment ? houseLook(config, environment, false, env) : { faults }),
    redis: {
      at: environment?.redis,
      look: async () => {
        if (!redis) throw new Error('REDIS_URL')
        if (silence) throw silence
        return lookAtRedis(redis)
      },
    },
    clusters,
    chat: {
      slack: config?.chat.slack?.botToken ? 'elsewhere' : 'off',
      discord: config?.chat.discord?.token ? 'elsewhere' : 'off',
    },
    home,
    now: Date.now,
  })
  return {
    ...doctor,
    async close() {
      redis?.disconnect()
      await Promise.all(clusters.map((cluster) => cluster.close()))
    },
  }
}

function readAll(env: Env | undefined) {
  const given = env ? { env } : {}
  const faults: ConfigFaults['faults'][number][] = []
  const reading = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ConfigFaults)) throw error
      for (const fault of error.faults) {
        if (!faults.some(({ path, says }) => path === fault.path && says === fault.says)) faults.push(fault)
      }
      return undefined
    }
  }
  const environment = reading(() => readEnvironment(env))
  const config = reading(() => loadConfig({ role: 'tool', ...given }))
  const seal = environment && sealOf({ ...given, dataDir: environment.dataDir })
  return { environment, config, seal, faults }
}

/** A key that is wrong or not there is told of by a check of its own, and none is made for a look. */
function sealOf(from: { env?: Env; dataDir: string }): Seal | undefined {
  try {
    return lookAtKey(from).kind === 'none' ? undefined : new Seal(loadKey(from))
  } catch {
    return undefined
  }
}

/** A `prompt` connection refuses what it is asked before it is ready. */
function answering(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise((resolve, reject) => {
    redis.once('ready', resolve)
    redis.once('error', reject)
    setTimeout(() => reject(new Error('timeout')), connectTimeoutMs).unref()
  })
}

const marks = { pass: '✓', warn: '!', fail: '✗', unknown: '?' } as const

/** One line for each check, and below it the lines to paste. */
export function tableLines(checks: readonly Check[], language: Language): string[] {
  const names = checks.map(({ cluster, what }) => (cluster ? `${cluster} / ${what}` : what))
  const { verdicts } = words[language]
  const widest = Math.min(44, Math.max(...names.map((name) => name.length)))
  const told = Math.max(...Object.values(verdicts).map((word) => word.length))
  return checks.flatMap(({ verdict, found, next }, i) => [
    `${marks[verdict]} ${verdicts[verdict].padEnd(told)}  ${names[i]!.padEnd(widest)}  ${found}`,
    ...next.map((line) => `      ${line}`),
  ])
}
