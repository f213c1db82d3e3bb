/** The simulated Proxmox site, running: hosts, their HTTPS servers, and the control over power, network and time. */
import { randomInt } from 'node:crypto'
import { allRoutes } from './api.ts'
import { createClock } from './clock.ts'
import { type ControlServer, serveControl } from './control.ts'
import type { Api } from './dispatch.ts'
import { GuestListeners } from './guest-listeners.ts'
import { runHa } from './ha/daemons.ts'
import type { NodeCertificate, SimCluster } from './model.ts'
import { notifyOfFencing } from './notifications.ts'
import { makeAuthority, makeNodeCertificate } from './pki.ts'
import { createRandom } from './random.ts'
import { RELEASES } from './releases.ts'
import { type HostIdentity, type Scenario, type Secrets, type Site, siteOf } from './scenarios.ts'
import { loadSchema, type SchemaVersion } from './schema/load.ts'
import { type NodeServer, startNodeServer } from './server.ts'
import { killTasks } from './tasks.ts'

export interface SimOptions {
  /** 9.2 unless told. */
  pve?: SchemaVersion
  /** `cluster` unless told; or hosts of your own. */
  scenario?: Scenario | Site
  /** Of the first node; the others take the next free ones. 8006 unless told, 0 = whatever is free. */
  port?: number
  /** Passwords, secrets, addresses follow from it; drawn unless told. */
  seed?: number
  /** Simulated seconds a second, 0…1000. */
  speed?: number
  /** Of the control API; whatever is free unless told. */
  controlPort?: number
}

export interface RunningSim {
  /** One a node, `https://127.0.0.1:PORT`. */
  endpoints: string[]
  /** All rights, but not root@pam's own. */
  token: { id: string; secret: string }
  /** PVEAuditor. */
  readToken: { id: string; secret: string }
  /** Changes who may do what, and nothing else. */
  accessToken: { id: string; secret: string }
  root: { password: string }
  /** SHA-256 of the nodes' certificates as they are now, "AB:CD:…", in the order of `endpoints`. */
  readonly fingerprints: string[]
  /** PEM of every authority that one of them may be signed by. */
  ca: string
  /** Address of the control API, `http://127.0.0.1:PORT`. */
  control: string
  seed: number
  cluster: SimCluster
  /** Where guests are heard while they are up. */
  listeners: GuestListeners
  /** Begins a scenario anew; addresses, secrets and authorities stay, running tasks end. */
  reset(scenario: Scenario): Promise<void>
  close(): Promise<void>
}

/** Resolves when every node answers. */
export async function startSim(o: SimOptions = {}): Promise<RunningSim> {
  const version = o.pve ?? '9.2'
  const seed = o.seed ?? randomInt(2 ** 31)
  const clock = createClock({ speed: o.speed ?? 1 })
  const random = createRandom(seed)
  const secrets: Secrets = { rootPassword: random.password(12), bot: random.uuid(), read: random.uuid(), access: '' }
  secrets.access = createRandom(seed + 1).uuid()
  const nowMs = Date.now()
  const site = typeof o.scenario === 'object' ? o.scenario : siteOf(o.scenario ?? 'cluster')
  const authorities = await Promise.all(site.hosts.map(() => makeAuthority(random.uuid(), nowMs)))
  const identities = identifier(authorities, nowMs)
  const cluster: SimCluster = {
    pve: RELEASES[version],
    scenario: '',
    clock,
    random,
    nodes: [],
    shared: new Map(),
    directories: new Map(),
    listeners: new Set(),
  }
  fill(cluster, site, await identities(site), secrets)
  const api: Api = { sim: cluster, schema: loadSchema(version), routes: allRoutes() }
  const servers = await startServers(api, site.hosts.length, o.port ?? 8006)
  followNodes(cluster, servers)
  notifyOfFencing(cluster)

  const running: RunningSim = {
    endpoints: servers.map((server) => `https://127.0.0.1:${server.port}`),
    token: { id: 'quorum@pve!bot', secret: secrets.bot },
    readToken: { id: 'quorum@pve!read', secret: secrets.read },
    accessToken: { id: 'quorum-access@pve!access', secret: secrets.access },
    root: { password: secrets.rootPassword },
    get fingerprints() {
      return cluster.nodes.map(({ certificate }) => certificate.fingerprint)
    },
    ca: authorities.map(({ pem }) => pem).join(''),
    control: '',
    seed,
    cluster,
    listeners: new GuestListeners(cluster),
    reset: (scenario) => reset(cluster, servers, scenario, identities, secrets),
    async close() {
      await Promise.all([...servers.map((server) => server.close()), control.close()])
      for (const node of cluster.nodes) killTasks(cluster, node)
      clock.stop()
      running.listeners.close()
    },
  }
  const control: ControlServer = await serveControl(running, o.controlPort ?? 0)
  running.control = control.url
  return running
}

type Identify = (site: Site) => Promise<HostIdentity[]>

/** A certificate for each host, by its own authority or all by the first one's; the same each time. */
function identifier(authorities: NodeCertificate[], nowMs: number): Identify {
  const made = new Map<string, Promise<HostIdentity>>()
  const make = async (host: Site['hosts'][number], authority: NodeCertificate) => ({
    authority,
    certificate: await makeNodeCertificate(authority, host, nowMs),
  })
  return (site) =>
    Promise.all(
      site.hosts.map((host, i) => {
        const by = site.alone ? i : 0
        const identity = made.get(`${by} ${host.name}`) ?? make(host, authorities[by]!)
        made.set(`${by} ${host.name}`, identity)
        return identity
      }),
    )
}

function fill(cluster: SimCluster, site: Site, identities: HostIdentity[], secrets: Secrets) {
  cluster.scenario = site.name
  cluster.shared.clear()
  cluster.directories.clear()
  site.fill(cluster, identities, secrets)
  if (site.ha !== 'stopped') cluster.ha = runHa(cluster)
}

async function startServers(api: Api, count: number, port: number): Promise<NodeServer[]> {
  const servers: NodeServer[] = []
  for (let index = 0; index < count; index += 1) {
    const last = servers.at(-1)
    servers.push(await startNodeServer(api, index, port === 0 ? 0 : last ? last.port + 1 : port))
  }
  return servers
}

function followNodes(cluster: SimCluster, servers: NodeServer[]) {
  cluster.listeners.add((event) => {
    const isOfServer = event.kind === 'power' || event.kind === 'certificate'
    if (isOfServer) void servers[cluster.nodes.indexOf(event.node)]?.follow()
  })
}

async function reset(
  cluster: SimCluster,
  servers: NodeServer[],
  scenario: Scenario,
  identities: Identify,
  secrets: Secrets,
) {
  for (const node of cluster.nodes) killTasks(cluster, node)
  cluster.clock.clear()
  cluster.listeners.clear()
  const site = siteOf(scenario)
  fill(cluster, site, await identities(site), secrets)
  followNodes(cluster, servers)
  notifyOfFencing(cluster)
  await Promise.all(servers.map((server) => server.follow()))
}
