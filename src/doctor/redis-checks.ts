import type { RedisAddress } from '../config/redis-url.ts'
import { type Found, reason, type Say } from './speaking.ts'

/** What a Redis says of itself; `jobs/redis-look.ts` asks. */
export interface RedisLook {
  info: Readonly<Record<string, string>>
  config: Readonly<Record<string, string>>
}

/** BullMQ asks for 6.2. */
const oldest = [6, 2] as const

export async function redisChecks(
  at: RedisAddress | undefined,
  isLocal: boolean,
  look: () => Promise<RedisLook>,
  say: Say,
): Promise<Found[]> {
  if (!at)
    return [
      {
        what: say('redis'),
        verdict: 'unknown',
        found: say('redisUnset'),
        next: ['export REDIS_URL=redis://127.0.0.1:6379'],
      },
    ]
  const where = whereOf(at)
  const access = accessCheck(at, isLocal, where, say)
  try {
    const { info, config } = await look()
    return [versionCheck(info, where, say), fileCheck(at, info, config, say), evictionCheck(at, info, say), access]
  } catch (error) {
    const gone = say('redisGone', { where, why: reason(error) })
    return [{ what: say('redis'), verdict: 'fail', found: gone, next: [`${cli(at)} ping`] }, access]
  }
}

/** Without user and password. */
export function whereOf(at: RedisAddress): string {
  if (at.kind === 'unix') return at.path
  if (at.kind === 'tcp') return `${at.host}:${at.port}`
  return `${at.master} (${at.sentinels.map(({ host, port }) => `${host}:${port}`).join(', ')})`
}

/** How a person reaches the same Redis; the address may hold a password and stays in its variable. */
function cli(at: RedisAddress): string {
  if (at.kind === 'unix') return `redis-cli -s ${at.path}`
  return at.kind === 'tcp' ? 'redis-cli -u "$REDIS_URL"' : `redis-cli -h ADDRESS_OF_${at.master}`
}

function versionCheck(info: RedisLook['info'], where: string, say: Say): Found {
  const name = info.valkey_version ? 'Valkey' : 'Redis'
  const version = info.valkey_version ?? info.redis_version ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1])
  const values = { name, version, where, oldest: oldest.join('.') }
  if (isOld)
    return { what: say('redis'), verdict: 'fail', found: say('redisOld', values), next: ['apt install redis-server'] }
  return { what: say('redis'), verdict: 'pass', found: say('redisPass', values) }
}

function fileCheck(at: RedisAddress, info: RedisLook['info'], config: RedisLook['config'], say: Say): Found {
  const what = say('aof')
  const set = (key: string, value: string) => `${cli(at)} config set ${key} ${value} && ${cli(at)} config rewrite`
  if (info.aof_enabled !== '1') {
    return { what, verdict: 'fail', found: say('aofOff'), next: [set('appendonly', 'yes')] }
  }
  const status = info.aof_last_write_status ?? 'ok'
  if (status !== 'ok') return { what, verdict: 'fail', found: say('aofBroken', { status }), next: [say('aofDisk')] }
  if (config.appendfsync === 'always') return { what, verdict: 'pass', found: say('aofAlways') }
  if (config.appendfsync === 'everysec') return { what, verdict: 'pass', found: say('aofEverysec') }
  if (config.appendfsync === 'no') {
    return { what, verdict: 'warn', found: say('aofNever'), next: [set('appendfsync', 'everysec')] }
  }
  return { what, verdict: 'unknown', found: say('aofUnseen'), next: [`${cli(at)} config get appendfsync`] }
}

function evictionCheck(at: RedisAddress, info: RedisLook['info'], say: Say): Found {
  const what = say('eviction')
  const policy = info.maxmemory_policy
  const get = `${cli(at)} config get maxmemory-policy`
  if (policy === undefined) return { what, verdict: 'unknown', found: say('evictionUnknown'), next: [get] }
  if (policy === 'noeviction') return { what, verdict: 'pass', found: say('evictionPass') }
  const fix = `${cli(at)} config set maxmemory-policy noeviction && ${cli(at)} config rewrite`
  return { what, verdict: 'fail', found: say('evictionFail', { policy }), next: [fix] }
}

function accessCheck(at: RedisAddress, isLocal: boolean, where: string, say: Say): Found {
  const what = say('redisAccess')
  if (at.kind === 'unix') return { what, verdict: 'pass', found: say('accessUnix', { path: at.path }) }
  if (isLocal) return { what, verdict: 'pass', found: say('accessLocal', { where }) }
  const lacks = [...(at.tls ? [] : [say('tls')]), ...(at.password ? [] : [say('password')])]
  if (lacks.length === 0) return { what, verdict: 'pass', found: say('accessPass', { where }) }
  const next = [
    ...(at.password ? [] : [`${cli(at)} acl setuser quorum on '>PASSWORD' '~*' '&*' '+@all'`]),
    ...(at.tls ? [] : [say('accessTls')]),
  ]
  return { what, verdict: 'warn', found: say('accessWarn', { where, lacks: lacks.join(', ') }), next }
}
