import { setMaxListeners } from 'node:events'
import type { RedisAddress } from '../config/redis-url.ts'
import type { Catalogue } from '../core/catalogue.ts'
import type { Check, Doctor } from '../core/doctor.ts'
import { needsOf, type TokenKind } from '../core/needs.ts'
import type { Proxmox } from '../proxmox/port.ts'
import { type ChatLooks, chatChecks } from './chat-checks.ts'
import {
  type CertificateLook,
  clockCheck,
  endpointCheck,
  type Look,
  quorumCheck,
  readTokenCheck,
  rootCheck,
  tokenCheck,
} from './cluster-checks.ts'
import { commandChecks } from './command-checks.ts'
import { type Addresses, homeCheck, type Site } from './homes.ts'
import { type ConfigFault, faultChecks, type HouseLook, houseChecks } from './house-checks.ts'
import { type RedisLook, redisChecks } from './redis-checks.ts'
import { placed, type Say, speaker } from './speaking.ts'

export interface WatchedCluster {
  name: string
  endpoints: readonly string[]
  isPinned: boolean
  certificate(endpoint: string): Promise<CertificateLook>
  /** With the reading token, where this process has one: over all endpoints, and over one of them alone. */
  read: Proxmox | undefined
  at(endpoint: string): Proxmox | undefined
  rights(kind: TokenKind, signal: AbortSignal): Promise<Look>
  hasRoot(): Promise<boolean>
}

export interface DoctorPorts {
  catalogue: Catalogue
  /** A configuration with faults has no clusters to look at. */
  house(): HouseLook | { faults: readonly ConfigFault[] }
  redis: { at: RedisAddress | undefined; look(): Promise<RedisLook> }
  clusters: readonly WatchedCluster[]
  chat: ChatLooks
  /** Absent in the lab, whose cluster lives on this machine by design. */
  home?: { own(): Addresses; resolve(host: string): Promise<Addresses> } | undefined
  now(): number
}

/** Looks at everything at once; each look has its own time limits, and all of them the asker's. */
export function createDoctor(ports: DoctorPorts): Doctor {
  return {
    async examine({ language, clusters, signal }) {
      // Each call under way listens to it, and there are dozens.
      setMaxListeners(0, signal)
      const say = speaker(language)
      const wanted = ports.clusters.filter(({ name }) => clusters?.includes(name) ?? true)
      const isLocal = await isRedisLocal(ports)
      const sites: Site[] = []
      const [redis, chat, ...each] = await Promise.all([
        redisChecks(ports.redis.at, isLocal, ports.redis.look, say),
        chatChecks(ports.chat, say),
        ...wanted.map((cluster) => examineCluster(cluster, { ...ports, signal, sites }, say)),
      ])
      const look = ports.house()
      const house = 'faults' in look ? faultChecks(look.faults, say) : houseChecks(look, !isLocal, say)
      return [
        ...placed({ area: 'house' }, house),
        ...placed({ area: 'redis' }, redis),
        ...placed({ area: 'house' }, await homeChecks(ports, isLocal, sites, say)),
        ...placed({ area: 'chat' }, chat),
        ...each.flat(),
      ]
    },
    livesAt: (addresses) => livesAt(ports, addresses),
  }
}

type Homes = Pick<DoctorPorts, 'home'> & { redis: Pick<DoctorPorts['redis'], 'at'> }

/** What of ours lives on the machine with these addresses. */
export async function livesAt(ports: Homes, addresses: Addresses): Promise<('bot' | 'redis')[]> {
  const { home, redis } = ports
  if (!home) return []
  const isThere = (all: Addresses) => all.some((one) => addresses.includes(one))
  const hosts = redis.at ? redisHosts(redis.at) : []
  const ofRedis = (await Promise.all(hosts.map((host) => home.resolve(host)))).flat()
  const own = home.own()
  const isRedisThere = isThere((await isRedisLocal(ports)) ? own : ofRedis)
  return [...(isThere(own) ? (['bot'] as const) : []), ...(isRedisThere ? (['redis'] as const) : [])]
}

interface Examining extends Pick<DoctorPorts, 'catalogue' | 'now' | 'home'> {
  signal: AbortSignal
  /** Filled with the addresses of the nodes. */
  sites: Site[]
}

async function examineCluster(cluster: WatchedCluster, ports: Examining, say: Say): Promise<Check[]> {
  const { now, signal } = ports
  const { read, name } = cluster
  const [status, version, readLook, actLook, accessLook, hasRoot, endpoints] = await Promise.all([
    read ? read.clusterStatus({ signal }).catch(asError) : new Error(say('noReading')),
    read?.version({ signal }).catch(() => undefined),
    cluster.rights('read', signal),
    cluster.rights('act', signal),
    cluster.rights('access', signal),
    cluster.hasRoot().catch(() => false),
    Promise.all(
      cluster.endpoints.map((endpoint) =>
        endpointCheck(
          {
            endpoint,
            isPinned: cluster.isPinned,
            certificate: () => cluster.certificate(endpoint),
            proxmox: cluster.at(endpoint),
            now,
            signal,
          },
          say,
        ),
      ),
    ),
  ])
  ports.sites.push({ cluster: name, nodes: await nodeAddresses(cluster, status, ports) })
  const online = status instanceof Error ? [] : status.members.filter((member) => member.online)
  const nodes = online.map((member) => member.name)
  const clocks = read && nodes.length > 1 ? [await clockCheck(read, nodes, { now, signal }, say)] : []
  const major = version?.major ?? 9
  return [
    ...placed({ area: 'cluster', cluster: name }, [
      ...endpoints,
      quorumCheck(status, say),
      ...clocks,
      readTokenCheck(readLook, say),
      tokenCheck('act', actLook, say),
      ...(hasRoot || needsRoot(ports.catalogue) ? [rootCheck(hasRoot, say)] : []),
    ]),
    ...placed(
      { area: 'command', cluster: name },
      commandChecks(ports.catalogue, { read: readLook, act: actLook, access: accessLook, root: hasRoot, major }, say),
    ),
  ]
}

const needsRoot = (catalogue: Catalogue): boolean =>
  catalogue.entries.some((entry) => needsOf(entry, catalogue).act.some((need) => 'rootOnly' in need))

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

type Status = Awaited<ReturnType<Proxmox['clusterStatus']>> | Error

async function nodeAddresses(cluster: WatchedCluster, status: Status, { home }: Examining): Promise<Addresses> {
  if (!home) return []
  const hosts = cluster.endpoints.map((endpoint) => new URL(endpoint).hostname.replace(/^\[|\]$/g, ''))
  const resolved = await Promise.all(hosts.map((host) => home.resolve(host)))
  const told = status instanceof Error ? [] : status.members.flatMap(({ ip }) => ip ?? [])
  return [...new Set([...resolved.flat(), ...told])]
}

const redisHosts = (at: RedisAddress): string[] =>
  at.kind === 'unix' ? [] : at.kind === 'tcp' ? [at.host] : at.sentinels.map(({ host }) => host)

/** On this very machine: a socket, or one of our own addresses. */
async function isRedisLocal({ redis: { at }, home }: Homes): Promise<boolean> {
  if (!at || at.kind === 'unix' || !home) return true
  const own = home.own()
  const addresses = await Promise.all(redisHosts(at).map((host) => home.resolve(host)))
  return addresses.flat().every((address) => own.includes(address)) && addresses.flat().length > 0
}

async function homeChecks({ redis: { at }, home }: DoctorPorts, isLocal: boolean, sites: Site[], say: Say) {
  if (!home || sites.length === 0) return []
  const ofBot = homeCheck(say('homeBot'), home.own(), sites, say)
  if (!at || isLocal) return [ofBot]
  const addresses = (await Promise.all(redisHosts(at).map((host) => home.resolve(host)))).flat()
  return [ofBot, homeCheck(say('homeRedis'), addresses, sites, say)]
}
