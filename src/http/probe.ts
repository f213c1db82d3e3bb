import { lookup } from 'node:dns'
import { request as http } from 'node:http'
import { request as https } from 'node:https'
import { connect, isIP, type LookupFunction } from 'node:net'

const withinMs = 1000

export interface ProbeAddress {
  tcp?: { host: string; port: number } | undefined
  http?: string | undefined
}

/**
 * Whether somebody answers at a TCP address, or a URL without an error of the server's; redirects are not followed.
 * `allows` is asked about each address that a name stands for, and what it does not allow is never connected to.
 */
export function probe(at: ProbeAddress, allows: (address: string) => boolean): Promise<boolean> {
  if (at.tcp) return answersTcp(at.tcp, allows)
  return at.http === undefined ? Promise.resolve(false) : answersHttp(new URL(at.http), allows)
}

function answersTcp(at: { host: string; port: number }, allows: (address: string) => boolean): Promise<boolean> {
  if (isIP(at.host) !== 0 && !allows(at.host)) return Promise.resolve(false)
  return new Promise((resolve) => {
    const socket = connect({ ...at, timeout: withinMs, lookup: checked(allows) })
    const end = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}

function answersHttp(url: URL, allows: (address: string) => boolean): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !allows(host)) return Promise.resolve(false)
  return new Promise((resolve) => {
    const call = url.protocol === 'https:' ? https : http
    const signal = AbortSignal.timeout(withinMs)
    const request = call(url, { lookup: checked(allows), signal, agent: false, headers: { connection: 'close' } })
    request.once('response', (response) => {
      response.destroy()
      resolve((response.statusCode ?? 500) < 500)
    })
    request.once('error', () => resolve(false))
    request.end()
  })
}

/** The name is resolved once, here: what was checked is what is connected to. */
const checked =
  (allows: (address: string) => boolean): LookupFunction =>
  (name, options, done) =>
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error) return done(error, [])
      const bad = found.find(({ address }) => !allows(address))
      if (bad) return done(new Error(`${name} is ${bad.address}, which is no guest's`), [])
      const [first] = found
      if (options.all) return done(null, found)
      done(null, first!.address, first!.family)
    })
