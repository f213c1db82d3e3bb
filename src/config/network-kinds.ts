import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { hostAndPort, hostOf, isLoopback } from './address.ts'
import { leaf, wrong } from './kinds.ts'
import { unreadable } from './references.ts'

export const listen = leaf(
  'an address and a port',
  'Write ADDRESS:PORT, for example 127.0.0.1:8484 or [::1]:8484; 0.0.0.0 is every address of this machine.',
  hostAndPort,
)

export const tcpAddress = leaf('an address and a port', 'Write ADDRESS:PORT, for example 10.0.0.50:3389.', (text) => {
  const address = hostAndPort(text)
  return address?.port === 0 ? undefined : address
})

function parsed(text: string): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) wrong('must be a URL that begins with https://')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    wrong('holds a user name or password', 'Take them out of the URL: it is shown in logs and messages.')
  }
  return url
}

/** A Proxmox node, as `https://host:port`; 8006 where no port is written. */
export const endpoint = leaf('an address of a node', 'Write https://ADDRESS:8006.', (text) => {
  const url = parsed(text)
  if (url.protocol !== 'https:') {
    wrong(
      'is not https: Proxmox answers its API only over TLS, and over http the token would travel in clear',
      'Write https://; a self-signed certificate is trusted by tls.fingerprints or tls.ca.',
    )
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    wrong('has something after the port', 'Write https://ADDRESS:8006 alone; the path /api2/json is added.')
  }
  // The URL parser drops 443 as https' own port; written out, it is meant.
  const port = url.port || (/:443\/?$/.test(text) ? '443' : '8006')
  return `https://${url.hostname}:${port}`
})

/** A URL that may be shown. */
export const url = leaf('a URL', 'Write the whole address: https://…', (text) => parsed(text).href)

/** A URL that secrets are sent to: https, or http to this very machine. */
export const safeUrl = leaf('a URL', 'Write the whole address: https://…', (text) => safe(text).href)

function safe(text: string): URL {
  const found = parsed(text)
  if (found.protocol !== 'https:' && !isLoopback(hostOf(found))) {
    wrong('is http to another machine, and secrets go there', 'Write https://; http is taken for 127.0.0.1 only.')
  }
  return found
}

/** The address people reach this bot at, without a trailing slash. */
export const publicUrl = leaf('a URL', 'Write https://NAME, as people open it.', (text) => {
  const found = safe(text)
  if (found.search !== '' || found.hash !== '') wrong('has a ? or # part', 'Write https://NAME alone, or with a path.')
  return found.href.replace(/\/+$/, '')
})

/** The base of a chat platform's API: `ending` is where its library begins to add paths. */
export const apiUrl = (ending: '/api/' | '/api') =>
  leaf('a URL', `Write https://NAME${ending}.`, (text) => {
    const base = safe(text).href.replace(/\/+$/, '')
    if (!base.endsWith('/api')) wrong(`does not end in ${ending}`)
    return ending === '/api/' ? `${base}/` : base
  })

/** A readable file, as an absolute path; a relative one starts at `folder`. Not looked at unless `check`. */
export const file = (folder: string, check: boolean) =>
  leaf('the path of a file', `Write a path; a relative one starts at ${folder}.`, (text) => {
    if (text === '') return undefined
    const path = resolve(folder, text)
    if (check) readable(path)
    return path
  })

/** Looked into each time it is needed: it may be filled later. */
export const folderPath = (folder: string) =>
  leaf('the path of a folder', `Write a path; a relative one starts at ${folder}.`, (text) =>
    text === '' ? undefined : resolve(folder, text),
  )

function readable(path: string): void {
  try {
    accessSync(path, constants.R_OK)
    if (statSync(path).isFile()) return
  } catch (error) {
    wrong(`names the file ${path}, which ${unreadable(error)}`, `Check the path, and who may read it: ls -l ${path}`)
  }
  wrong(`names ${path}, which is not a file`, 'Name the PEM file itself.')
}

/** SHA-256, with or without colons → upper-case with colons, as Proxmox shows it. */
export const fingerprint = leaf(
  "a certificate's SHA-256 fingerprint",
  'Copy it from the node: System → Certificates, or pvenode cert info.',
  (text) => {
    const hex = text.replaceAll(':', '').toUpperCase()
    if (/^[\dA-F]{40}$/.test(hex)) wrong('is a SHA-1 fingerprint, which can be forged')
    return /^[\dA-F]{64}$/.test(hex) ? pairs(hex) : undefined
  },
)

/** → lower-case with colons. */
export const mac = leaf('a MAC address', 'Write it as bc:24:11:0a:0b:0c.', (text) => {
  const spelled = /^[\da-f]{2}([:-][\da-f]{2}){5}$/i.test(text) || /^[\da-f]{12}$/i.test(text)
  return spelled ? pairs(text.replace(/[:-]/g, '').toLowerCase()) : undefined
})

const pairs = (hex: string): string => (hex.match(/../g) ?? []).join(':')
