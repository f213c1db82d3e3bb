/** The site's certificate authority and its nodes' certificates. Elliptic curves: made in tens of milliseconds. */
import { X509Certificate } from 'node:crypto'
import { generate } from 'selfsigned'
import type { NodeCertificate } from './model.ts'

const DAY_MS = 86_400_000

const ISSUER = (id: string) => [
  { name: 'commonName', value: 'Proxmox Virtual Environment' },
  { shortName: 'OU', value: id },
  { name: 'organizationName', value: 'PVE Cluster Manager CA' },
]

export async function makeAuthority(id: string, nowMs: number): Promise<NodeCertificate> {
  const made = await generate(ISSUER(id), {
    ...validity(nowMs, 3650),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return describe(made.cert, made.private, [])
}

/** Good for 127.0.0.1 and localhost, where the simulator listens, beside the node's own name and address. */
export async function makeNodeCertificate(
  ca: NodeCertificate,
  node: { name: string; domain: string; ip: string },
  nowMs: number,
): Promise<NodeCertificate> {
  const names = ['localhost', node.name, `${node.name}.${node.domain}`]
  const addresses = ['127.0.0.1', '::1', node.ip]
  const made = await generate(
    [
      { shortName: 'OU', value: 'PVE Cluster Node' },
      { name: 'organizationName', value: 'Proxmox Virtual Environment' },
      { name: 'commonName', value: `${node.name}.${node.domain}` },
    ],
    {
      ...validity(nowMs, 730),
      ca: { key: ca.key, cert: ca.pem },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            ...addresses.map((ip) => ({ type: 7 as const, ip })),
            ...names.map((value) => ({ type: 2 as const, value })),
          ],
        },
      ],
    },
  )
  return describe(made.cert, made.private, [...addresses, ...names])
}

const validity = (nowMs: number, days: number) => ({
  keyType: 'ec' as const,
  curve: 'P-256' as const,
  algorithm: 'sha256',
  notBeforeDate: new Date(nowMs - DAY_MS),
  notAfterDate: new Date(nowMs + days * DAY_MS),
})

function describe(cert: string, key: string, sans: string[]): NodeCertificate {
  const pem = `${cert.trim()}\n`
  const x509 = new X509Certificate(pem)
  return {
    pem,
    key,
    sans,
    fingerprint: x509.fingerprint256,
    notBefore: Math.floor(Date.parse(x509.validFrom) / 1000),
    notAfter: Math.floor(Date.parse(x509.validTo) / 1000),
  }
}
