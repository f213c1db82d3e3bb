import type { X509Certificate } from 'node:crypto'
import { Socket } from 'node:net'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'
import { CertificateMismatch } from './errors.ts'

/** How a cluster's certificates are verified. Nothing given: by the system's authorities, as any web site. */
export interface TlsTrust {
  /** PEM of the authority that signed the nodes' certificates, `/etc/pve/pve-root-ca.pem`. Names are checked too. */
  ca?: string | undefined
  /** SHA-256 fingerprints, `AB:CD:…`, of which a node must show one. With `ca`, both must hold. */
  fingerprints?: readonly string[] | undefined
}

/** The connection never came about, so nothing was sent. `cause` says why. */
export class NotConnected extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/**
 * A connector for undici that hands over a socket only once the server has proved who it is. `seen`: gets the
 * certificate of each that has.
 */
export function trustingConnector(
  trust: TlsTrust,
  connectTimeoutMs: number,
  seen?: (certificate: X509Certificate) => void,
): buildConnector.connector {
  const pins = (trust.fingerprints ?? []).map(normalFingerprint)
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    // Made once: Node would read the authorities anew for every connection, and each write opens one.
    secureContext: createSecureContext(trust.ca === undefined ? {} : { ca: trust.ca }),
    ...(pins.length === 0 ? {} : pinning(trust)),
  })
  return (options, callback) => {
    const connecting: unknown = connect(options, (...result) => {
      const [error, socket] = result
      if (error) return callback(new NotConnected(error), null)
      // Asked for once: Node 20 takes it off the chain, and a second call gives the next one, the authority's.
      const shown = pins.length > 0 || seen ? (socket as TLSSocket).getPeerX509Certificate() : undefined
      const mismatch = pins.length === 0 ? undefined : compare(`https://${options.host}`, pins, shown)
      if (mismatch) {
        socket.destroy()
        return callback(new NotConnected(mismatch), null)
      }
      if (shown) seen?.(shown)
      callback(null, socket)
    })
    // A call has its deadline to keep the process alive; a connection that nobody waits for any more must not.
    if (connecting instanceof Socket) connecting.unref()
  }
}

// A node's own certificate is signed by an authority that a pinning caller does not have, so Node's verdict about the
// chain would always be no. The comparison in `compare` takes its place: it runs on every socket made here, before
// undici gets the socket and writes the first byte. A resumed TLS session carries no certificate, hence no session cache.
function pinning(trust: TlsTrust): { rejectUnauthorized: boolean; maxCachedSessions: number } {
  return { rejectUnauthorized: trust.ca !== undefined, maxCachedSessions: 0 }
}

function compare(endpoint: string, pins: readonly string[], shown: X509Certificate | undefined) {
  const got = shown?.fingerprint256
  return got !== undefined && pins.includes(got) ? undefined : new CertificateMismatch(endpoint, pins, got)
}

/** Upper case with colons, as Node and Proxmox write it. Throws `TypeError` for anything but 32 bytes in hex. */
function normalFingerprint(text: string): string {
  const hex = text
    .trim()
    .replace(/^sha-?256[:= ]\s*/i, '')
    .replaceAll(':', '')
  if (!/^[\dA-F]{64}$/i.test(hex)) throw new TypeError(`not a SHA-256 fingerprint: ${JSON.stringify(text)}`)
  return (hex.toUpperCase().match(/../g) as string[]).join(':')
}
