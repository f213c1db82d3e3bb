/**
 * Who is calling: API tokens, tickets with their CSRF tokens, passwords.
 * Source of the behaviour: pve-docs "User Management" and test/recordings/auth.jsonl.gz, err.jsonl.gz.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { PveFault } from './fault.ts'
import type { ClusterConfig, PveRelease, SimNode, User } from './model.ts'
import { viewOf } from './model.ts'
import { type Auth, isValid } from './permissions.ts'

/** Seconds. A ticket of the near future is a clock that is a little off. */
const TICKET_LIFE = 7200
const CLOCK_SKEW = 300

const hexTime = (now: number) => Math.floor(now).toString(16).toUpperCase().padStart(8, '0')

function sign(config: ClusterConfig, text: string) {
  return createHmac('sha512', config.ticketKey).update(text).digest('base64')
}

function isSigned(config: ClusterConfig, text: string, signature: string) {
  const wanted = Buffer.from(sign(config, text))
  const given = Buffer.from(signature)
  return wanted.length === given.length && timingSafeEqual(wanted, given)
}

function isFresh(config: ClusterConfig, hex: string, now: number) {
  const time = Number.parseInt(hex, 16)
  const age = now - time
  return age > -CLOCK_SKEW && age < TICKET_LIFE && time > config.ticketKeySince - CLOCK_SKEW
}

export function makeTicket(config: ClusterConfig, userid: string, now: number): string {
  const plain = `PVE:${userid}:${hexTime(now)}`
  return `${plain}::${sign(config, plain)}`
}

/** The user that a ticket was given to; undefined for a forged, old or foreign one, or a user who may no more. */
export function userOfTicket(config: ClusterConfig, ticket: string, now: number): string | undefined {
  const [, plain = '', userid = '', hex = '', signature = ''] = /^(PVE:(\S+):([0-9A-F]{8}))::(\S+)$/.exec(ticket) ?? []
  if (!isSigned(config, plain, signature) || !isFresh(config, hex, now)) return undefined
  const user = config.access.users.get(userid)
  return user && isValid(user, now) ? userid : undefined
}

export function makeCsrfToken(config: ClusterConfig, userid: string, now: number): string {
  return `${hexTime(now)}:${sign(config, `csrf:${hexTime(now)}:${userid}`)}`
}

export function isCsrfToken(config: ClusterConfig, userid: string, token: string, now: number): boolean {
  const [, hex = '', signature = ''] = /^([0-9A-F]{8}):(\S+)$/.exec(token) ?? []
  return isSigned(config, `csrf:${hex}:${userid}`, signature) && isFresh(config, hex, now)
}

/** The realm pam asks the host itself, the others the cluster's user.cfg. */
export function isPassword(node: SimNode, user: User, password: string): boolean {
  const wanted = user.userid.endsWith('@pam') ? node.shadow.get(user.userid) : user.password
  return wanted !== undefined && wanted === password
}

export interface Credentials {
  authorization?: string | undefined
  cookie?: string | undefined
  csrf?: string | undefined
}

/** `No ticket`, `Authentication failed!`…: the reason phrase alone, the body is empty. */
export const unauthorised = (reason: string) => new PveFault(401, reason, { bare: true })

/** Throws 401. */
export function authenticate(
  node: SimNode,
  method: string,
  given: Credentials,
  now: number,
  release: PveRelease,
): Auth {
  const config = viewOf(node)
  if (node.restarting) throw unauthorised('Authentication failed!')
  const token = tokenFrom(given.authorization)
  if (token !== undefined) return authenticateToken(config, token, now, release)
  const ticket = ticketFrom(given.cookie)
  if (ticket === undefined) throw unauthorised('No ticket')
  const userid = userOfTicket(config, ticket, now)
  if (userid === undefined) throw unauthorised(older(release, 'permission denied - invalid PVE ticket'))
  if (method !== 'GET' && !isCsrfToken(config, userid, given.csrf ?? '', now)) {
    throw unauthorised('Permission denied - invalid csrf token')
  }
  return { userid }
}

/** What was wrong, where the release says so. */
const older = ({ sparing401 }: PveRelease, text: string) => (sparing401 ? 'Authentication failed!' : text)

/** A space is as good as the first `=`; another scheme is no token at all. */
export function tokenFrom(authorization: string | undefined): string | undefined {
  return /^PVEAPIToken[= ](.*)$/.exec(authorization ?? '')?.[1]
}

function ticketFrom(cookie: string | undefined): string | undefined {
  const value = /(?:^|;\s*)PVEAuthCookie=([^;]*)/.exec(cookie ?? '')?.[1]
  if (value === undefined || value === '') return undefined
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

function authenticateToken(config: ClusterConfig, value: string, now: number, release: PveRelease): Auth {
  const [, userid = '', tokenid = '', secret = ''] = /^([^!]+)!([^=]+)=(.+)$/.exec(value) ?? []
  const refuse = (text: string) => unauthorised(older(release, text))
  const user = config.access.users.get(userid)
  if (!user) throw refuse(`no such user ('${userid}')`)
  if (!isValid(user, now))
    throw refuse(user.enable ? `user '${userid}' access expired` : `user '${userid}' is disabled`)
  const token = user.tokens.get(tokenid)
  if (!token) throw refuse(`no such token '${tokenid}' for user '${userid}'`)
  if (!isValid(token, now)) throw refuse(`user '${userid}', token '${tokenid}' access expired`)
  if (token.secret !== secret) throw refuse('invalid token value!')
  return { userid, tokenid }
}
