import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startBot } from './bot.ts'
import { type Config, type Environment, loadConfig, loadKey, parseRedisUrl, readEnvironment } from './config.ts'
import { Secret } from './core/secret.ts'
import { startPrivateRedis } from './jobs/private-redis.ts'
import { type RunningSim, type SimOptions, startSim } from './lab/sim.ts'
import { labRoles, localMembership } from './membership.ts'
import { startWorker } from './worker.ts'

/** What the lab tells its children over their private channel; nothing of it stands in a file or the environment. */
interface Orders {
  cluster: {
    endpoints: string[]
    act: { id: string; secret: string }
    read: { id: string; secret: string }
    access: { id: string; secret: string }
    ca: string
  }
  hosts: { name: string; endpoint: string }[]
  /** For the worker alone: it does what Proxmox refuses to every token. */
  rootPassword: string
  control: string
  redisUrl: string | undefined
  prefix: string
}

/** Everything in one process group: the simulated cluster here, a bot and a worker as children that are started again. */
export async function runLab(options: SimOptions, say: (line: string) => void): Promise<{ close(): Promise<void> }> {
  const environment = readEnvironment()
  const config = loadConfig({ role: 'lab' })
  const folder = join(environment.dataDir, 'lab')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const redis = environment.redis ? undefined : await startPrivateRedis({ dir: folder, kind: 'lab' })
  const sim = await startSim(options)
  const ca = join(folder, 'pve-root-ca.pem')
  writeFileSync(ca, sim.ca)
  const orders: Orders = {
    cluster: { endpoints: sim.endpoints, act: sim.token, read: sim.readToken, access: sim.accessToken, ca },
    hosts: sim.cluster.nodes.map(({ name }, i) => ({ name, endpoint: sim.endpoints[i]! })),
    rootPassword: sim.root.password,
    control: sim.control,
    redisUrl: redis?.url,
    // The cluster begins anew with each lab, so what an earlier one left in Redis says nothing about it.
    prefix: `${config.redis.prefix}-lab-${randomUUID().slice(0, 8)}`,
  }
  const children = ['lab-bot', 'lab-worker'].map((name) => keepRunning(name, orders))
  const [web] = await Promise.all(children.map(({ ready }) => ready))
  announce(say, sim, web)
  return {
    async close() {
      await Promise.all(children.map(({ stop }) => stop()))
      await sim.close()
      await redis?.stop()
    },
  }
}

function announce(say: (line: string) => void, sim: RunningSim, web: string | undefined): void {
  say(`Quorum lab is ready: a SIMULATED Proxmox VE ${sim.cluster.pve.full} cluster.`)
  say(`  Open     ${web}`)
  say('  Type     /pve vm create name:web1 iso:debian-12.iso cores:2 memory:4G disk:32G')
  say(`  Nodes    ${sim.endpoints.join('  ')}`)
  say(`  Control  ${sim.control}`)
  say('  Stop     Ctrl-C')
}

/** A child that is started again when it dies, as a supervisor would; killing one is part of what the lab is for. */
function keepRunning(name: string, orders: Orders): { ready: Promise<string | undefined>; stop(): Promise<void> } {
  let child: ChildProcess
  let stopping = false
  const ready = new Promise<string | undefined>((resolve, reject) => {
    let isReady = false
    const start = () => {
      child = fork(join(import.meta.dirname, 'cli.js'), [name], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      child.send(orders)
      child.on('message', (message: { ready: true; web?: string }) => {
        isReady = true
        resolve(message.web)
      })
      child.on('exit', (code) => {
        if (stopping) return
        if (!isReady) return reject(new Error(`${name} ended with ${code} before it was ready`))
        setTimeout(() => !stopping && start(), 300)
      })
    }
    start()
  })
  return {
    ready,
    stop: () =>
      new Promise((resolve) => {
        stopping = true
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
        setTimeout(() => child.kill('SIGKILL'), 4000).unref()
      }),
  }
}

/** Runs one of the lab's children until its parent is gone. */
export async function runLabChild(name: 'lab-bot' | 'lab-worker'): Promise<{ close(): Promise<void> }> {
  const orders = await new Promise<Orders>((resolve) =>
    process.once('message', (message) => resolve(message as Orders)),
  )
  process.once('disconnect', () => process.exit(0))
  const environment: Environment = { ...readEnvironment(), labControl: orders.control }
  if (orders.redisUrl !== undefined) environment.redis = parseRedisUrl(orders.redisUrl)
  const key = loadKey({ dataDir: environment.dataDir })
  const file = loadConfig({ role: 'lab' })
  const token = ({ id, secret }: { id: string; secret: string }) => ({ id, secret: new Secret(secret) })
  const { endpoints, act, read, access, ca } = orders.cluster
  const isRoot = name === 'lab-worker'
  const password = isRoot ? new Secret(orders.rootPassword) : undefined
  const config: Config = {
    ...file,
    clusters: [
      {
        name: 'lab',
        endpoints,
        tokens: isRoot ? { act: token(act), access: token(access) } : { read: token(read) },
        tls: { ca },
        root: { password },
        pollMs: 2000,
      },
    ],
    hosts: orders.hosts.map((host) => ({ ...host, password, tls: { ca } })),
    channels: file.channels.map((channel) => ({ ...channel, cluster: 'lab' })),
    roles: file.roles.length > 0 ? file.roles : labRoles,
    redis: { prefix: orders.prefix },
    http: { ...file.http, listen: { host: '127.0.0.1', port: 0 } },
  }
  const parts = { config, environment, key, membership: localMembership(true) }
  const running = isRoot
    ? await startWorker({ ...parts, lab: true, root: true })
    : await startBot({ ...parts, lab: true })
  process.send?.({ ready: true, ...('web' in running ? { web: running.web } : {}) })
  return running
}
