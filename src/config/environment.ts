import { resolve } from 'node:path'
import { near } from '../core/near.ts'
import { hostOf, isLoopback } from './address.ts'
import { ConfigFaults, type Fault, outside } from './faults.ts'
import { keyBytes, keyFault } from './key.ts'
import { type RedisAddress, redisAddress } from './redis-url.ts'
import type { Env } from './references.ts'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What stands outside the file. The key is not here: `loadKey` reads it where it is used. */
export interface Environment {
  /** `QUORUM_CONFIG`. */
  configPath?: string | undefined
  /** `REDIS_URL`; absent: a private Redis, where one is possible. */
  redis?: RedisAddress | undefined
  /** `QUORUM_DATA`, absolute; `.quorum` of the working folder unless set. */
  dataDir: string
  /** `LOG_LEVEL`, `info` unless set. */
  logLevel: LogLevel
  /** False with `NO_COLOR` (https://no-color.org). */
  color: boolean
  /** `PORT`, as Heroku-like hosts give it: `http.listen` on every address, where the file does not say. */
  port?: number | undefined
  /** `QUORUM_LAB_CONTROL`: where the lab that started this process takes orders. */
  labControl?: string | undefined
}

/** Reads the environment. An empty variable counts as unset. Throws `ConfigFaults` with every fault at once. */
export function readEnvironment(env: Env): Environment {
  const { environment, faults } = examineEnvironment(env)
  if (faults.length > 0) throw new ConfigFaults(faults)
  return environment
}

/** The same, answering faults and what could be read. */
export function examineEnvironment(env: Env): { environment: Environment; faults: Fault[] } {
  const faults: Fault[] = []
  const read = <T extends object | string | number>(
    name: string,
    parse: (text: string) => T | Fault,
  ): T | undefined => {
    const text = env[name]
    if (!text) return undefined
    const parsed = parse(text)
    if (typeof parsed !== 'object' || !('says' in parsed)) return parsed as T
    faults.push(parsed)
    return undefined
  }
  const environment: Environment = {
    configPath: env.QUORUM_CONFIG || undefined,
    redis: read('REDIS_URL', (text) => redisAddress(text)),
    dataDir: resolve(env.QUORUM_DATA || '.quorum'),
    logLevel: read('LOG_LEVEL', logLevel) ?? 'info',
    color: !env.NO_COLOR,
    port: read('PORT', port),
    labControl: read('QUORUM_LAB_CONTROL', labControl),
  }
  read('QUORUM_KEY', (text) => keyBytes(text) ?? keyFault)
  return { environment, faults }
}

function logLevel(text: string): LogLevel | Fault {
  const level = logLevels.find((known) => known === text.toLowerCase())
  if (level) return level
  const meant = near(text, logLevels, 1)[0]
  const hint = meant ? `Did you mean ${meant}?` : `Write one of ${logLevels.join(', ')}.`
  return outside('LOG_LEVEL', `must be one of ${logLevels.join(', ')}`, hint)
}

function port(text: string): number | Fault {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (number <= 65_535) return number
  return outside('PORT', 'must be a port from 0 to 65535', 'Set PORT=8485, or unset it and write http.listen.')
}

function labControl(text: string): string | Fault {
  const own = /^https?:\/\//.test(text) && URL.canParse(text) && isLoopback(hostOf(new URL(text)))
  if (own) return text
  return outside(
    'QUORUM_LAB_CONTROL',
    "must be a URL of this machine's loopback",
    'Unset it: quorum lab sets it itself.',
  )
}
