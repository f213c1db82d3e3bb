import type { X509Certificate } from 'node:crypto'
import { CertificateMismatch } from './errors.ts'
import { NotConnected, type TlsTrust, trustingConnector } from './tls.ts'

/** What a node shows when it is asked who it is. */
export type CertificateLook =
  | { kind: 'trusted'; fingerprint: string /** Milliseconds since the epoch. */; validUntil: number }
  | { kind: 'other-certificate'; got: string | undefined }
  /** Signed by nobody we trust, for another name, or expired; `code` is Node's. */
  | { kind: 'untrusted'; code: string }
  | { kind: 'silent'; why: string }

/** Connects as the client does, by the same trust, and hangs up. Never rejects. */
export function lookAtCertificate(endpoint: string, trust: TlsTrust, timeoutMs: number): Promise<CertificateLook> {
  const { hostname, port, protocol, host } = new URL(endpoint)
  let shown: X509Certificate | undefined
  const connect = trustingConnector(trust, timeoutMs, (certificate) => {
    shown = certificate
  })
  return new Promise((resolve) => {
    connect({ hostname, port: port || '443', protocol, host }, (error, socket) => {
      if (error) return resolve(refusal(error))
      socket.destroy()
      if (!shown) return resolve({ kind: 'other-certificate', got: undefined })
      resolve({ kind: 'trusted', fingerprint: shown.fingerprint256, validUntil: Date.parse(shown.validTo) })
    })
  })
}

function refusal(error: Error): CertificateLook {
  const cause = error instanceof NotConnected ? error.cause : error
  if (cause instanceof CertificateMismatch) return { kind: 'other-certificate', got: cause.got }
  const { code, message } = cause as { code?: unknown; message?: string }
  const text = typeof code === 'string' ? code : (message ?? String(cause))
  return /CERT|SIGNATURE|ERR_TLS|SELF_SIGNED|ISSUER/.test(text)
    ? { kind: 'untrusted', code: text }
    : { kind: 'silent', why: text }
}
