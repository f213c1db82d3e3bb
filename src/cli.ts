#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { ConfigFaults, loadConfig, loadKey, readEnvironment } from './config.ts'

const usage = `quorum bot | worker [--root] | lab | sim | doctor | register [slack|discord] | audit verify [--head H] | secret set | web-login | medium NAME
  lab|sim [--pve 7.2|8.4|9.2] [--scenario empty|cluster|azuay] [--port N] [--seed N] [--speed X]`

interface Running {
  close(): Promise<void>
}

/** What a person can act on: said in one line, without a stack. */
class Plain extends Error {}

async function main(argv: string[]): Promise<void> {
  const [name, ...rest] = argv
  if (name === 'bot' || name === 'worker') return run(await startProcess(name, rest))
  if (name === 'lab') {
    const { runLab } = await import('./lab.ts')
    return run(await runLab(simOptions(rest), (line) => console.log(line)))
  }
  if (name === 'lab-bot' || name === 'lab-worker') {
    const { runLabChild } = await import('./lab.ts')
    return run(await runLabChild(name))
  }
  if (name === 'web-login') return webLogin(rest)
  if (name === 'medium') return medium(rest)
  if (name === 'secret' && rest[0] === 'set') return setSecret(rest.slice(1))
  if (name === 'docs') {
    const { loadCatalogue, words } = await import('./app.ts')
    return (await import('./docs.ts')).writeDocs('docs', await loadCatalogue(), words)
  }
  if (name === 'audit' && rest[0] === 'verify') return verifyAudit(rest.slice(1))
  if (name === 'register') return registerWith(rest[0])
  if (name === 'doctor') return doctor(rest)
  if (name === 'sim') return run(await startSimulator(rest))
  throw new Plain(name === undefined ? usage : `quorum has no command "${name}".\n${usage}`)
}

async function startProcess(name: 'bot' | 'worker', rest: string[]): Promise<Running> {
  const { values } = parseArgs({ args: rest, options: { root: { type: 'boolean', default: false } } })
  const environment = readEnvironment()
  if (!environment.redis)
    throw new Plain('REDIS_URL is not set: give the address of a Redis, such as redis://127.0.0.1:6379.')
  const config = loadConfig({ role: name === 'bot' ? 'bot' : values.root ? 'root-worker' : 'worker' })
  const key = loadKey({ dataDir: environment.dataDir })
  const { localMembership } = await import('./membership.ts')
  const parts = { config, environment, key, membership: localMembership(false) }
  if (name === 'bot') return (await import('./bot.ts')).startBot(parts)
  return (await import('./worker.ts')).startWorker({ ...parts, root: values.root })
}

/** `slack`: the manifest to paste. `discord`, or nothing (a release phase): the commands, where they differ. */
async function registerWith(platform: string | undefined): Promise<void> {
  if (platform === 'slack') return printSlackManifest()
  if (platform !== undefined && platform !== 'discord') {
    throw new Plain(`register takes slack or discord, not "${platform}".`)
  }
  const config = loadConfig({ role: 'tool' })
  const { token, guilds = [], apiUrl } = config.chat.discord ?? {}
  if (!token) {
    if (platform === undefined) return
    throw new Plain('Discord has no token: put it under chat: discord: in quorum.yaml.')
  }
  const { loadCatalogue, openLog } = await import('./app.ts')
  const { registerDiscord } = await import('./chat/discord/discord.ts')
  const clusters = config.clusters.map(({ name }) => name)
  const log = openLog(readEnvironment(), 'register')
  const { failed } = await registerDiscord({ token, guilds, apiUrl, catalogue: await loadCatalogue(), clusters, log })
  if (failed.length > 0) process.exitCode = 1
}

/** Also before there is a configuration: the manifest is how one comes by the tokens that go into it. */
async function printSlackManifest(): Promise<void> {
  const config = readable(() => loadConfig({ role: 'tool' }))
  const { manifest } = await import('./chat/slack/manifest.ts')
  const { signingSecret, appToken } = config?.chat.slack ?? {}
  const socketMode = signingSecret === undefined || appToken !== undefined
  console.log(JSON.stringify(manifest({ publicUrl: config?.http.publicUrl, socketMode }), null, 2))
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof ConfigFaults) return undefined
    throw error
  }
}

/** `--language es` says it in Spanish; unless given, as the shell's own language is. */
async function doctor(rest: string[]): Promise<void> {
  const { values } = parseArgs({ args: rest, options: { language: { type: 'string' } } })
  const { spoken } = await import('./core/language.ts')
  const language = spoken(values.language ?? Intl.DateTimeFormat().resolvedOptions().locale) ?? 'en'
  const { runDoctor } = await import('./doctor.ts')
  process.exitCode = await runDoctor({ language, print: (line) => console.log(line) })
}

/** Redis, key and configuration, for a short command. Fails at once where Redis does not answer. */
async function openTool() {
  const environment = readEnvironment()
  if (!environment.redis) throw new Plain('REDIS_URL is not set: give the address of the Redis that the bot uses.')
  const config = loadConfig({ role: 'tool' })
  const { connect, ready } = await import('./jobs/redis.ts')
  const { Seal } = await import('./jobs/seal.ts')
  const { dataDir } = environment
  const key = loadKey({ dataDir })
  const seal = new Seal(key)
  const redis = connect(environment.redis, 'prompt', () => {})
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), 3000).unref())
  if ((await Promise.race([ready(redis), late])) === false) {
    redis.disconnect()
    throw new Plain('Redis does not answer at REDIS_URL. Nothing was done.')
  }
  return { config, redis, seal, key, dataDir }
}

/** Prints the link on stdout, what else there is to know on stderr. */
async function webLogin(rest: string[]): Promise<void> {
  const { positionals } = parseArgs({ args: rest, allowPositionals: true })
  const [name] = positionals
  if (name === undefined || positionals.length > 1) throw new Plain('quorum web-login NAME, a person or web:NAME')
  const { config, redis, seal } = await openTool()
  try {
    const { chatAddresses, webIdentity } = await import('./web-login.ts')
    const identity = webIdentity(name, config.people)
    const [address, ...others] = chatAddresses(config.chat.web, config.http.publicUrl)
    const { WebSignIn } = await import('./jobs/web-sign-in.ts')
    const { randomBytes } = await import('node:crypto')
    const signIn = new WebSignIn({ redis, prefix: config.redis.prefix, seal, now: Date.now, random: randomBytes })
    const path = `/sign-in?link=${await signIn.issue(identity)}`
    console.log(`${address}${path}`)
    for (const other of others) console.error(`or, on this machine: ${other}${path}`)
    console.error(`Signs in ${identity}. Good once, for ten minutes.`)
  } finally {
    redis.disconnect()
  }
}

/** How the medium of a machine that is installed unattended is prepared; it carries that machine's token. */
async function medium(rest: string[]): Promise<void> {
  const [name] = rest
  const config = loadConfig({ role: 'tool' })
  const known = config.hosts.filter(({ install }) => install)
  const host = known.find((one) => one.name === name)
  if (!host)
    throw new Plain(`quorum medium NAME, one of: ${known.map((one) => one.name).join(', ') || 'none has install:'}`)
  const { installUrl, mediumCommand } = await import('./bot/install.ts')
  const { Seal } = await import('./jobs/seal.ts')
  const url = installUrl(config)
  if (url === undefined) throw new Plain('http.install has no url that a machine could ask at: add url: https://…')
  const { dataDir } = readEnvironment()
  console.log(mediumCommand(config, url, host.name, new Seal(loadKey({ dataDir }))))
}

async function setSecret(rest: string[]): Promise<void> {
  const { positionals } = parseArgs({ args: rest, allowPositionals: true })
  const [handle] = positionals
  if (handle === undefined || positionals.length > 1) throw new Plain('quorum secret set HANDLE, as the chat says it')
  const { config, redis, seal } = await openTool()
  const { BullOutbox } = await import('./jobs/outbox.ts')
  const { longestSecret, SecretBox } = await import('./jobs/secret-box.ts')
  const { words } = await import('./app.ts')
  const { prefix } = config.redis
  const outbox = new BullOutbox(redis, prefix)
  try {
    const { randomBytes } = await import('node:crypto')
    const common = { redis, prefix, seal, outbox, words, publicUrl: config.http.publicUrl }
    const box = new SecretBox({ ...common, now: Date.now, random: randomBytes })
    const asked = await box.look(handle)
    const gone = 'Nothing is asked for under this handle: it was handed over already, or its ten minutes are over.'
    if (!asked) throw new Plain(gone)
    console.error(`Quorum needs: ${asked.label}${asked.job === undefined ? '' : ` (job ${asked.job})`}`)
    const { readSecret } = await import('./read-secret.ts')
    const text = await readSecret(process.stdin, (line) => process.stderr.write(line))
    if (text === undefined) throw new Plain('Nothing was handed over.')
    const result = await box.put(handle, text)
    if (result === 'gone') throw new Plain(gone)
    if (result === 'unfit') {
      throw new Plain(`A secret has 1 to ${longestSecret} characters, and no line breaks or other control characters.`)
    }
    console.error('It has been handed over.')
  } finally {
    await outbox.close().catch(() => {})
    redis.disconnect()
  }
}

/** Says whether the audit trail is whole, in sentences; ends with 1 where it is not. */
async function verifyAudit(rest: string[]): Promise<void> {
  const { values } = parseArgs({ args: rest, options: { head: { type: 'string', multiple: true } } })
  const { config, redis, key, dataDir } = await openTool()
  try {
    const { verifyTrail } = await import('./app.ts')
    const heads = values.head ?? []
    const { title, lines, head, whole } = await verifyTrail({ redis, prefix: config.redis.prefix, key, dataDir }, heads)
    console.log([title, ...lines, ...(head === undefined ? [] : [`Head: ${head}`])].join('\n'))
    if (!whole) process.exitCode = 1
  } catch (error) {
    if (error instanceof RangeError) throw new Plain(error.message)
    throw error
  } finally {
    redis.disconnect()
  }
}

async function startSimulator(rest: string[]): Promise<Running> {
  const { startSim } = await import('./lab/sim.ts')
  const sim = await startSim(simOptions(rest))
  const { endpoints, token, root, fingerprints, control } = sim
  console.log(JSON.stringify({ endpoints, token, root, fingerprints, control }))
  return sim
}

const releases = ['7.2', '8.4', '9.2'] as const
const scenarios = ['empty', 'cluster', 'azuay'] as const

function simOptions(rest: string[]) {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: rest,
    options: { pve: text, scenario: text, port: text, seed: text, speed: text },
  })
  const number = (name: 'port' | 'seed' | 'speed', min: number, max: number) => {
    const value = values[name] === undefined ? undefined : Number(values[name])
    if (value !== undefined && !(value >= min && value <= max)) {
      throw new Plain(`--${name} wants a number from ${min} to ${max}, not "${values[name]}".`)
    }
    return value === undefined ? {} : { [name]: value }
  }
  const { pve, scenario } = values
  const release = releases.find((one) => one === pve)
  if (pve !== undefined && !release) throw new Plain(`--pve takes ${releases.join(', ')}, not "${pve}".`)
  const known = scenarios.find((one) => one === scenario)
  if (scenario !== undefined && !known) throw new Plain(`--scenario takes ${scenarios.join(', ')}, not "${scenario}".`)
  return {
    ...(release === undefined ? {} : { pve: release }),
    ...(known === undefined ? {} : { scenario: known }),
    ...number('port', 0, 65_533),
    ...number('seed', 0, 2 ** 31),
    ...number('speed', 0, 1000),
  }
}

/** Runs until it is told to stop; a second signal does not wait. */
function run(running: Running): void {
  let stopping = false
  const stop = () => {
    if (stopping) process.exit(1)
    stopping = true
    running.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const plain = error instanceof Plain || error instanceof ConfigFaults || isKnown(error)
  console.error(plain ? (error as Error).message : error)
  process.exit(1)
})

/** Errors whose message is meant for a person. */
const isKnown = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'NoPrivateRedis' ||
    error.name === 'NoLogin' ||
    ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')))
