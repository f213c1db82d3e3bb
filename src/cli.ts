#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { ConfigFaults, loadConfig, loadKey, readEnvironment } from './config.ts'

const usage = `quorum bot | worker [--root] | lab | sim | doctor | register [slack|discord] | audit verify | secret set | web-login
  lab|sim [--pve 9.2] [--scenario empty|cluster|azuay] [--port N] [--seed N] [--speed X]`

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
  if (name === 'docs') return (await import('./write-docs.ts')).writeDocs('docs')
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
  return (await import('./worker.ts')).startWorker(parts)
}

async function startSimulator(rest: string[]): Promise<Running> {
  const { startSim } = await import('./lab/sim.ts')
  const sim = await startSim(simOptions(rest))
  const { endpoints, token, root, fingerprints, control } = sim
  console.log(JSON.stringify({ endpoints, token, root, fingerprints, control }))
  return sim
}

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
  if (pve !== undefined && pve !== '9.2') throw new Plain(`--pve takes 9.2 so far, not "${pve}".`)
  const known = scenarios.find((one) => one === scenario)
  if (scenario !== undefined && !known) throw new Plain(`--scenario takes ${scenarios.join(', ')}, not "${scenario}".`)
  return {
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
  (error.name === 'NoPrivateRedis' || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')))
