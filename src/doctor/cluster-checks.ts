import type { ClusterStatus, Proxmox, Version } from '../proxmox/port.ts'
import { grantLines } from './grant.ts'
import { held, type TokenLook } from './rights.ts'
import { type Found, reason, type Say } from './speaking.ts'

/** As `proxmox/certificate.ts` sees it. */
export type CertificateLook =
  | { kind: 'trusted'; fingerprint: string; validUntil: number }
  | { kind: 'other-certificate'; got: string | undefined }
  | { kind: 'untrusted'; code: string }
  | { kind: 'silent'; why: string }

export interface EndpointPorts {
  endpoint: string
  isPinned: boolean
  certificate(): Promise<CertificateLook>
  /** A client that asks this endpoint alone; absent where no reading token is given. */
  proxmox: Proxmox | undefined
  now(): number
  signal: AbortSignal
}

const dayMs = 24 * 60 * 60_000
/** Proxmox renews in the last two weeks; a pin has to be written anew then, so it is told earlier. */
const soonDays = { trusted: 14, pinned: 30 }

export async function endpointCheck(ports: EndpointPorts, say: Say): Promise<Found> {
  const what = ports.endpoint
  const look = await ports.certificate()
  if (look.kind === 'silent') {
    const { hostname: host, port } = new URL(ports.endpoint)
    const next = [say('endpointTry', { host, port: port || '443' })]
    return { what, verdict: 'fail', found: say('endpointSilent', { why: look.why }), next }
  }
  if (look.kind === 'other-certificate') {
    return {
      what,
      verdict: 'fail',
      found: say('certificateOther', { got: look.got ?? '-' }),
      next: [say('certificateRead')],
    }
  }
  if (look.kind === 'untrusted') {
    return {
      what,
      verdict: 'fail',
      found: say('certificateUntrusted', { code: look.code }),
      next: [say('certificateCa')],
    }
  }
  const days = Math.floor((look.validUntil - ports.now()) / dayMs)
  const version = await versionCheck(ports, say(ports.isPinned ? 'pinned' : 'byCa', { days }), say)
  if (days >= (ports.isPinned ? soonDays.pinned : soonDays.trusted)) return version
  const soon = days < 0 ? say('certificateOver') : say('certificateSoon', { days })
  return {
    ...version,
    verdict: version.verdict === 'fail' ? 'fail' : 'warn',
    found: `${version.found}; ${soon}`,
    next: [...(version.next ?? []), say('certificateRenew'), ...(ports.isPinned ? [say('certificateRead')] : [])],
  }
}

async function versionCheck(ports: EndpointPorts, certificate: string, say: Say): Promise<Found> {
  const what = ports.endpoint
  const unread = (why: string): Found => ({ what, verdict: 'unknown', found: say('versionRead', { certificate, why }) })
  if (!ports.proxmox) return unread(say('noReading'))
  const options = { signal: ports.signal }
  try {
    const [version, status] = await Promise.all([
      ports.proxmox.version(options),
      ports.proxmox.clusterStatus(options).catch(() => undefined),
    ])
    const name = status?.members.find(({ local }) => local)?.name
    const node = name === undefined ? '' : `${name}: `
    const known = knownVersion(version)
    const word = known === 'known' ? 'endpointPass' : known === 'old' ? 'versionOld' : 'versionUntried'
    const verdict = known === 'known' ? 'pass' : known === 'old' ? 'fail' : 'warn'
    return { what, verdict, found: say(word, { node, version: version.version, certificate }) }
  } catch (error) {
    return unread(reason(error))
  }
}

function knownVersion({ major, minor }: Version): 'known' | 'untried' | 'old' {
  if (major < 7 || (major === 7 && minor < 2)) return 'old'
  return major === 9 || (major === 8 && minor >= 4) || (major === 7 && minor === 2) ? 'known' : 'untried'
}

export function quorumCheck(status: ClusterStatus | Error, say: Say): Found {
  const what = say('quorum')
  if (status instanceof Error) return { what, verdict: 'unknown', found: say('quorumUnknown', { why: reason(status) }) }
  const { cluster, members } = status
  if (!cluster) return { what, verdict: 'pass', found: say('lone') }
  const count = members.length
  const online = members.filter((member) => member.online).length
  if (!cluster.quorate) {
    return { what, verdict: 'fail', found: say('notQuorate', { online, count }), next: ['pvecm status'] }
  }
  const found = say('quorate', { online, count })
  if (online === count) return { what, verdict: 'pass', found }
  return { what, verdict: 'warn', found, next: ['pvecm status'] }
}

/** Seconds; whole ones are what Proxmox tells, and what is more than this HA and Ceph begin to mind. */
const apartSeconds = 2

/** The nodes' clocks against each other, never against ours: ours only measures how long the asking took. */
export async function clockCheck(
  proxmox: Proxmox,
  nodes: readonly string[],
  { now, signal }: { now(): number; signal: AbortSignal },
  say: Say,
): Promise<Found> {
  const what = say('clocks')
  const began = now()
  try {
    const times = await Promise.all(nodes.map(async (node) => ({ node, at: await proxmox.nodeTime(node, { signal }) })))
    const tookSeconds = (now() - began) / 1000
    times.sort((a, b) => a.at - b.at)
    const [slow, fast] = [times[0], times.at(-1)]
    const seconds = slow && fast ? fast.at - slow.at : 0
    if (!slow || !fast || seconds <= apartSeconds + tookSeconds) {
      return { what, verdict: 'pass', found: say('clocksPass', { seconds: Math.max(1, seconds) }) }
    }
    const values = { seconds, slow: slow.node, fast: fast.node }
    return { what, verdict: 'warn', found: say('clocksWarn', values), next: [say('clocksFix', values)] }
  } catch (error) {
    return { what, verdict: 'unknown', found: say('clocksUnknown', { why: reason(error) }) }
  }
}

/** `none`: this process has no such token. `nobody`: no process that has it has reported. */
export type Look = TokenLook | 'none' | 'nobody'

export function tokenCheck(kind: 'read' | 'act', look: Look, say: Say): Found {
  const what = say(kind === 'read' ? 'readToken' : 'actToken')
  if (look === 'none') return { what, verdict: 'unknown', found: say('tokenNone'), next: [say('giveSecret')] }
  if (look === 'nobody') return { what, verdict: 'unknown', found: say('tokenNobody'), next: [say('startWorker')] }
  const { token } = look
  if ('permissions' in look) return { what, verdict: 'pass', found: say('tokenPass', { token }) }
  if (look.trouble === 'unreachable') {
    return { what, verdict: 'unknown', found: say('tokenUnreachable', { token, raw: look.raw }) }
  }
  const [user = '', name = ''] = token.split('!')
  // A reading token has rights of its own, an acting one those of its user, which are the role's.
  const values = { user, name, privsep: kind === 'read' ? 1 : 0 }
  return {
    what,
    verdict: 'fail',
    found: say('tokenRefused', { token }),
    next: [say('tokenRenew', values), say('tokenAnew', values)],
  }
}

const audits = [
  { path: '/', privilege: 'Sys.Audit' },
  { path: '/nodes/{node}', privilege: 'Sys.Audit' },
  { path: '/vms/{vmid}', privilege: 'VM.Audit' },
  { path: '/storage/{storage}', privilege: 'Datastore.Audit' },
]

/** As `tokenCheck`, and whether it sees the whole cluster: what a token may not see, Proxmox leaves out silently. */
export function readTokenCheck(look: Look, say: Say): Found {
  const check = tokenCheck('read', look, say)
  if (typeof look === 'string' || !('permissions' in look)) return check
  const missing = audits.filter(({ path, privilege }) => held(look.permissions, path, privilege) !== 'everywhere')
  if (missing.length === 0) return check
  const lines = missing.flatMap(({ path, privilege }) =>
    grantLines(look, { path, privileges: [privilege] }, 'read', []),
  )
  const found = say('tokenLow', {
    token: look.token,
    missing: missing.map(({ path, privilege }) => `${privilege} ${path}`).join(', '),
  })
  return { ...check, verdict: 'fail', found, next: [...new Set(lines)] }
}

export const rootCheck = (has: boolean, say: Say): Found =>
  has
    ? { what: 'root@pam', verdict: 'pass', found: say('rootPass') }
    : { what: 'root@pam', verdict: 'unknown', found: say('rootUnknown'), next: [say('rootStart')] }
