import { Refused, Unavailable } from '../core/errors.ts'
import type { Values } from '../core/language.ts'
import { BadReply, CertificateMismatch, OutcomeUnknown, PveError, TfaRequired, Unreachable } from './errors.ts'

interface Cause {
  code: string
  values?: Values
}

/** Proxmox's lines that people can act on, as its API and its task logs word them (all seen in recordings). */
const lines: [RegExp, (match: RegExpExecArray) => Cause][] = [
  [
    /VM (\d+) already exists|config file already exists|unable to create (?:VM|CT) (\d+)[\s\S]*already exists/i,
    (m) => ({ code: 'vmid-taken', values: { vmid: m[1] ?? m[2] ?? '' } }),
  ],
  [
    /detected modified configuration|checksum mismatch \(file change by other user/i,
    () => ({ code: 'changed-at-once' }),
  ],
  [/ha groups have not been migrated yet/i, () => ({ code: 'ha-groups-not-migrated' })],
  [
    /service '(\w+:(\d+))' in error state, must be disabled/i,
    (m) => ({ code: 'ha-error-first', values: { name: m[1]!, guest: m[2]! } }),
  ],
  [/no quorum|cluster not ready/i, () => ({ code: 'no-quorum' })],
  [/is locked \(([\w-]+)\)/i, (m) => ({ code: 'guest-locked', values: { lock: m[1]! } })],
  [/can't lock file|got lock request timeout/i, () => ({ code: 'guest-locked', values: { lock: 'timeout' } })],
  [/(?:VM|CT) (\d+) already running/i, (m) => ({ code: 'already-running', values: { vmid: m[1]! } })],
  [/(?:VM|CT) (\d+) not running|not running/i, (m) => ({ code: 'not-running', values: { vmid: m[1] ?? '' } })],
  [/VM quit\/powerdown failed|shutdown.*timeout/i, () => ({ code: 'shutdown-timeout' })],
  [/checksum mismatch: got/i, () => ({ code: 'checksum-mismatch' })],
  [/download failed: exit code 3/i, () => ({ code: 'no-space' })],
  [/download failed: exit code/i, () => ({ code: 'download-failed' })],
  [/already used by volume group '([^']+)'/i, (m) => ({ code: 'vg-of-another', values: { vg: m[1]! } })],
  [/used as base of another storage/i, () => ({ code: 'storage-base-used' })],
  [
    /NT_STATUS_(?:LOGON_FAILURE|ACCESS_DENIED)|mount error\(13\)|error fetching datastores - 401/i,
    () => ({ code: 'storage-login' }),
  ],
  [/Cannot find datastore '([^']+)'/i, (m) => ({ code: 'no-datastore', values: { datastore: m[1]! } })],
  [/error fetching datastores - .*(?:fingerprint|certificate verify failed)/i, () => ({ code: 'storage-fingerprint' })],
  [/error fetching datastores - 5|couldn't connect to the cluster/i, () => ({ code: 'storage-not-online' })],
  [/still in use by linked clone/i, () => ({ code: 'volume-linked' })],
  [/can't remove protected volume '([^']+)'/i, (m) => ({ code: 'volume-protected', values: { volume: m[1]! } })],
  [/does not support content type '([^']+)'/i, (m) => ({ code: 'content-not-taken', values: { content: m[1]! } })],
  [/no such volume group '?([^'\s]+)/i, (m) => ({ code: 'no-volume-group', values: { vg: m[1]! } })],
  [/cannot import '([^']+)'/i, (m) => ({ code: 'no-zfs-pool', values: { pool: m[1]! } })],
  [/directory '([^']+)' does not exist or is unreachable/i, (m) => ({ code: 'no-folder', values: { path: m[1]! } })],
  [/access denied by server while mounting/i, () => ({ code: 'mount-refused' })],
  [/storage '[^']*' is not online|portal .* is not reachable/i, () => ({ code: 'storage-not-online' })],
  [/insufficient free space|no space left|not enough (?:free )?space|too large for/i, () => ({ code: 'no-space' })],
  [/storage '[^']*' does not exist|storage .* is not (?:available|active)/i, () => ({ code: 'no-such-storage' })],
  [/volume '[^']*' does not exist|no such volume|no such logical volume/i, () => ({ code: 'no-such-volume' })],
]

/** What a line of Proxmox's means to a person; undefined where only the line itself can tell. */
export function explainLine(text: string): Cause | undefined {
  for (const [pattern, cause] of lines) {
    const match = pattern.exec(text)
    if (match) return cause(match)
  }
  return undefined
}

/** What a failed call means to a person, with Proxmox's own line kept; undefined for what is not the client's. */
export function explain(error: unknown, who: { cluster: string; user: string }): Refused | Unavailable | undefined {
  const service = `Proxmox ${who.cluster}`
  if (error instanceof Unreachable) {
    const wrong = error.attempts.find(({ cause }) => cause instanceof CertificateMismatch)
    if (wrong && error.attempts.every(({ cause }) => cause instanceof CertificateMismatch)) {
      return refusedCertificate(service, wrong.cause as CertificateMismatch)
    }
    return error
  }
  if (error instanceof CertificateMismatch) return refusedCertificate(service, error)
  if (error instanceof OutcomeUnknown) return new Unavailable('outcome-unknown', { service, cause: error })
  if (error instanceof TfaRequired) return new Refused('tfa', { user: error.user }, { cause: error })
  if (error instanceof BadReply) return new Refused('bad-reply', { service }, { raw: error.message, cause: error })
  if (!(error instanceof PveError)) return undefined
  return explainPve(error, service, who)
}

const refusedCertificate = (service: string, error: CertificateMismatch) =>
  new Refused('certificate', { service }, { raw: error.message, cause: error })

function explainPve(error: PveError, service: string, who: { cluster: string; user: string }): Refused | Unavailable {
  const raw = `${error.status} ${error.text || error.reason}`.trim()
  const vmid = /\/(?:qemu|lxc)\/(\d+)/.exec(error.path)?.[1]
  const known = vmid === undefined ? {} : { vmid }
  const refused = (code: string, values: Values = {}) =>
    new Refused(code, { cluster: who.cluster, user: who.user, service, ...known, ...values }, { raw, cause: error })
  if (error.nodeUnreachable) {
    return new Unavailable('node-unreachable', { service, cause: error })
  }
  if (error.status === 401) return refused('unauthorized')
  if (error.status === 403) {
    if (/user != root@pam|need proper ticket/.test(error.text)) return refused('root-only')
    const [, path, privilege] = /\(([^,()]+), ([^()]+)\)/.exec(error.text) ?? []
    return path === undefined ? refused('forbidden-unsaid') : refused('forbidden', { path, privilege })
  }
  const fields = Object.entries(error.fields)
  if (fields.length > 0) {
    return refused('rejected-parameters', {
      fields: fields.map(([name, text]) => `${name}: ${text.trim()}`).join('; '),
    })
  }
  const cause = explainLine(error.text)
  return cause ? refused(cause.code, cause.values) : refused('proxmox-refused')
}
