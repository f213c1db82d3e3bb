import { Secret } from '../core/secret.ts'
import { hostAndPort } from './address.ts'
import { ConfigFaults, type Fault, outside } from './faults.ts'

/** Where Redis is. `src/jobs` turns it into a client. */
export type RedisAddress = RedisLogin &
  (
    | { kind: 'tcp'; host: string; port: number; tls: boolean }
    | { kind: 'unix'; path: string; tls: false }
    | {
        kind: 'sentinel'
        sentinels: { host: string; port: number }[]
        /** The name under which the sentinels know the master. */
        master: string
        tls: boolean
        sentinelPassword?: Secret | undefined
      }
  )

interface RedisLogin {
  db: number
  username?: string | undefined
  password?: Secret | undefined
}

const forms =
  'Write redis://HOST:6379, rediss://USER:PASSWORD@HOST:6380/0, redis+sentinel://H1:26379,H2:26379/MASTER or unix:///PATH.sock.'

/**
 * Reads `redis://`, `rediss://` (TLS), `redis+sentinel://h1:26379,h2:26379/master[/db]`, `rediss+sentinel://` and
 * `unix:///path.sock?db=1`. User names and passwords are percent-encoded. Throws `ConfigFaults`, which never shows the
 * URL: a password may stand in it.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const read = redisAddress(url)
  if ('says' in read) throw new ConfigFaults([read])
  return read
}

/** The same, answering the fault. `name`: what it was read from. */
export function redisAddress(url: string, name = 'REDIS_URL'): RedisAddress | Fault {
  const refuse = (says: string, hint = forms) => outside(name, says, hint)
  const [, scheme = '', rest = ''] = /^([a-z+]+):\/\/(.*)$/is.exec(url.trim()) ?? []
  const kind = schemes[scheme.toLowerCase()]
  if (!kind) return refuse('is not a Redis URL')
  try {
    return kind(parts(rest), scheme.toLowerCase().startsWith('rediss'))
  } catch (error) {
    if (error instanceof BadUrl) return refuse(error.message, error.hint)
    if (error instanceof URIError) return refuse('has a % that encodes nothing', 'Write a % of the password as %25.')
    throw error
  }
}

class BadUrl extends Error {
  readonly hint: string

  constructor(says: string, hint = forms) {
    super(says)
    this.hint = hint
  }
}

interface Parts {
  login: Omit<RedisLogin, 'db'>
  hosts: string
  path: string
  query: URLSearchParams
}

function parts(rest: string): Parts {
  const [beforeQuery = '', query = ''] = rest.split(/\?(.*)/s)
  const slash = beforeQuery.indexOf('/')
  const authority = slash < 0 ? beforeQuery : beforeQuery.slice(0, slash)
  const at = authority.lastIndexOf('@')
  return {
    login: login(authority.slice(0, Math.max(at, 0))),
    hosts: authority.slice(at + 1),
    path: slash < 0 ? '' : decodeURIComponent(beforeQuery.slice(slash)),
    query: new URLSearchParams(query),
  }
}

function login(userInfo: string): Omit<RedisLogin, 'db'> {
  const [user = '', password = ''] = userInfo.split(/:(.*)/s).map(decodeURIComponent)
  return { ...(user && { username: user }), ...(password && { password: boxed(password) }) }
}

function boxed(password: string): Secret {
  if (/\p{Cc}/u.test(password)) throw new BadUrl('has a password with a control character')
  return new Secret(password)
}

function database(text: string | null | undefined): number {
  if (!text) return 0
  if (!/^\d{1,4}$/.test(text))
    throw new BadUrl('names a database that is not a number', 'Write /0 or /1 at the end, or leave it out.')
  return Number(text)
}

const address = (text: string, port: number) => {
  const found = hostAndPort(/:\d+$/.test(text.replace(/^\[.*\]/, '')) ? text : `${text}:${port}`)
  if (!found || found.port === 0) throw new BadUrl('has no host, or a wrong port')
  return found
}

const schemes: Record<string, ((parts: Parts, tls: boolean) => RedisAddress) | undefined> = {
  redis: tcp,
  rediss: tcp,
  'redis+sentinel': sentinel,
  'rediss+sentinel': sentinel,
  unix,
}

function tcp({ login, hosts, path, query }: Parts, tls: boolean): RedisAddress {
  return { kind: 'tcp', ...address(hosts, 6379), tls, db: database(query.get('db') ?? path.slice(1)), ...login }
}

function unix({ login, hosts, path, query }: Parts): RedisAddress {
  if (hosts !== '' || path.length < 2)
    throw new BadUrl('names no absolute path', 'Write unix:///PATH.sock, with three slashes.')
  return { kind: 'unix', path, tls: false, db: database(query.get('db')), ...login }
}

function sentinel({ login, hosts, path, query }: Parts, tls: boolean): RedisAddress {
  const [, master = '', db] = path.split('/')
  if (master === '') throw new BadUrl('does not name the master', 'Write redis+sentinel://H1:26379,H2:26379/MASTER.')
  const sentinels = hosts.split(',').map((host) => address(host, 26_379))
  const password = query.get('sentinelPassword')
  return {
    kind: 'sentinel',
    sentinels,
    master,
    tls,
    db: database(query.get('db') ?? db),
    ...login,
    ...(password && { sentinelPassword: boxed(password) }),
  }
}
