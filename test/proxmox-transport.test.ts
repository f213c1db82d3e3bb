import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createProxmoxWriter, type ProxmoxOptions } from '../src/proxmox/client.ts'
import { CertificateMismatch, OutcomeUnknown, PveError, Unreachable } from '../src/proxmox/errors.ts'
import {
  type Authority,
  createAuthority,
  deadAddress,
  failureOf,
  json,
  startNode,
  type TestNode,
} from './proxmox-server.ts'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close()
})

async function node(o: Parameters<typeof startNode>[1] = {}): Promise<TestNode> {
  const started = await startNode(authority, o)
  open.push(started)
  return started
}

function client(endpoints: string[], o: Partial<ProxmoxOptions> = {}) {
  const made = createProxmoxWriter({
    cluster: 'main',
    endpoints,
    auth: { token: { id: 'quorum@pve!bot', secret: '8a7b-secret' } },
    tls: { ca: authority.ca },
    ...o,
  })
  open.push(made)
  return made
}

const guest = { node: 'pve1', kind: 'qemu', vmid: 100 } as const
const UPID = 'UPID:pve1:000003A5:00059CF9:6B035AF6:qmstart:100:root@pam!bot:'
const version = (response: Parameters<typeof json>[0]) =>
  json(response, 200, { data: { version: '9.2.11', release: '9.2', repoid: 'x' } })

describe('TLS', () => {
  test('a CA verifies the chain and the name, with no switch for the whole process', async () => {
    const pve = await node({ handler: (_, response) => version(response) })
    await expect(client([pve.url]).version()).resolves.toMatchObject({ major: 9, minor: 2 })
    expect(process.env.NODE_TLS_REJECT_UNAUTHORIZED).toBeUndefined()
  })

  test('a certificate of another authority, or for another address, gets no request', async () => {
    const other = await createAuthority()
    const pve = await node()
    const stranger = await node({ ip: '10.0.0.9' })
    for (const refused of [
      client([pve.url], { tls: { ca: other.ca } }),
      client([stranger.url]),
      client([pve.url], { tls: {} }),
    ]) {
      expect(await failureOf(refused.version())).toBeInstanceOf(Unreachable)
      expect(await failureOf(refused.guestPower(guest, 'start'))).toBeInstanceOf(Unreachable)
    }
    expect([...pve.hits, ...stranger.hits]).toEqual([])
  })

  test('a pinned fingerprint stands in for the CA, in any way of writing it', async () => {
    const pve = await node({ handler: (_, response) => version(response) })
    const written = pve.fingerprint.replaceAll(':', '').toLowerCase()
    for (const fingerprints of [[pve.fingerprint], [`sha256:${written}`, `${'AB:'.repeat(31)}AB`]]) {
      await expect(client([pve.url], { tls: { fingerprints } }).version()).resolves.toMatchObject({ major: 9 })
    }
  })

  test('a pinned certificate is compared anew on every connection, as a resumed TLS session shows none', async () => {
    const pve = await node({ handler: (_, response) => json(response, 200, { data: UPID }) })
    const pinned = client([pve.url], { tls: { fingerprints: [pve.fingerprint] } })
    for (let writes = 0; writes < 4; writes++) await pinned.guestPower(guest, 'start')
    expect(new Set(pve.hits.map((hit) => hit.socket)).size).toBe(4)
  })

  test('a wrong pin sends nothing at all, on fresh and on later connections', async () => {
    const pve = await node()
    const wrong = `${'AB:'.repeat(31)}AB`
    const pinned = client([pve.url], { tls: { fingerprints: [wrong] } })
    for (const call of [() => pinned.version(), () => pinned.guestPower(guest, 'start'), () => pinned.version()]) {
      const error = await failureOf(call())
      expect(error).toBeInstanceOf(CertificateMismatch)
      expect(error).toMatchObject({ expected: [wrong], got: pve.fingerprint, endpoint: pve.url })
    }
    expect(pve.hits).toEqual([])
  })

  test('with a CA and pins both must hold', async () => {
    const pve = await node({ handler: (_, response) => version(response) })
    const other = await createAuthority()
    const tls = { fingerprints: [pve.fingerprint] }
    await expect(client([pve.url], { tls: { ...tls, ca: authority.ca } }).version()).resolves.toBeDefined()
    await failureOf(client([pve.url], { tls: { ...tls, ca: other.ca } }).version())
    expect(pve.hits).toHaveLength(1)
  })

  test('a pin that is no fingerprint is refused at once', () => {
    expect(() => client(['https://pve1'], { tls: { fingerprints: ['AB:CD'] } })).toThrow(TypeError)
  })
})

describe('a write', () => {
  test('that is never answered reaches the server once', async () => {
    const hung = await node({ handler: () => {} })
    const idle = await node()
    const error = await failureOf(client([hung.url, idle.url]).guestPower(guest, 'start', {}, { timeoutMs: 200 }))
    expect(error).toBeInstanceOf(OutcomeUnknown)
    expect(error).toMatchObject({ sent: true, method: 'POST', path: '/nodes/pve1/qemu/100/status/start' })
    expect([hung.hits.length, idle.hits.length]).toEqual([1, 0])
  })

  test('whose connection breaks after the request reaches the server once', async () => {
    const broken = await node({ handler: (hit) => void hit.socket.destroy() })
    const idle = await node()
    const error = await failureOf(client([broken.url, idle.url]).guestPower(guest, 'start'))
    expect(error).toBeInstanceOf(OutcomeUnknown)
    expect([broken.hits.length, idle.hits.length]).toEqual([1, 0])
  })

  test.each([
    ['a page that is not JSON', 'text/html', '<html>login</html>'],
    ['JSON that is cut', 'application/json', '{"data":"UPID:pve1:0000'],
    ['an answer without a UPID', 'application/json', '{"data":null}'],
  ])('answered by %s has an unknown outcome', async (_, type, body) => {
    const pve = await node({ handler: (_hit, response) => response.writeHead(200, { 'content-type': type }).end(body) })
    const error = await failureOf(client([pve.url]).guestPower(guest, 'start'))
    expect(error).toBeInstanceOf(OutcomeUnknown)
    expect(pve.hits).toHaveLength(1)
  })

  test('moves on from endpoints that cannot have got it', async () => {
    const stranger = await node({ ip: '10.0.0.9' })
    const pve = await node({ handler: (_, response) => json(response, 200, { data: UPID }) })
    const writer = client([await deadAddress(authority), stranger.url, pve.url])
    await expect(writer.guestPower(guest, 'start')).resolves.toBe(UPID)
    expect(stranger.hits).toEqual([])
    expect(pve.hits).toHaveLength(1)
  })

  test('moves on from an endpoint that accepts and then says nothing, as TLS was never up', async () => {
    const silent = await silentTcp()
    const pve = await node({ handler: (_, response) => json(response, 200, { data: UPID }) })
    const writer = client([silent.url, pve.url], { connectTimeoutMs: 150 })
    await expect(writer.guestPower(guest, 'start')).resolves.toBe(UPID)
  })

  test('given up while it connects was not sent', async () => {
    const silent = await silentTcp()
    const controller = new AbortController()
    const call = client([silent.url]).guestPower(guest, 'start', {}, { signal: controller.signal })
    await silent.accepted
    controller.abort(new Error('no longer wanted'))
    expect((await failureOf(call)).message).toBe('no longer wanted')
  })

  test('given up while it connects is not sent later either, when the connection comes up', async () => {
    const pve = await node()
    const gate = await gateTo(pve)
    const controller = new AbortController()
    const call = client([gate.url]).guestPower(guest, 'start', {}, { signal: controller.signal })
    await gate.accepted
    controller.abort(new Error('no longer wanted'))
    await failureOf(call)
    await gate.open()
    expect(pve.hits).toEqual([])
  })

  test('given up after it was sent has an unknown outcome', async () => {
    const hung = await node({ handler: () => {} })
    const controller = new AbortController()
    const call = client([hung.url]).guestPower(guest, 'start', {}, { signal: controller.signal })
    await Promise.all([
      hung.reached(1).then(() => controller.abort()),
      expect(failureOf(call)).resolves.toBeInstanceOf(OutcomeUnknown),
    ])
  })

  test('never rides on a kept connection, which may be closing', async () => {
    const pve = await node({
      handler: (hit, response) => (hit.method === 'GET' ? version(response) : json(response, 200, { data: UPID })),
    })
    const writer = client([pve.url])
    for (let reads = 0; reads < 4; reads++) await writer.version()
    await writer.guestPower(guest, 'start')
    const kept = new Set(pve.hits.slice(0, 4).map((hit) => hit.socket))
    expect(kept.size).toBeLessThan(4)
    expect(kept.has(pve.hits[4]?.socket as never)).toBe(false)
    expect(pve.hits[4]?.headers.connection).toBe('close')
  })

  test('refused by Proxmox is not sent to another endpoint', async () => {
    const refuse = (_: unknown, response: Parameters<typeof json>[0]) =>
      json(response, 500, { data: null, message: 'cluster not ready - no quorum?\n' }, 'cluster not ready - no quorum?')
    const nodes = [await node({ handler: refuse }), await node({ handler: refuse })]
    const error = await failureOf(client(nodes.map((n) => n.url)).guestPower(guest, 'start'))
    expect(error).toMatchObject({ status: 500, text: 'cluster not ready - no quorum?' })
    expect(nodes.flatMap((n) => n.hits)).toHaveLength(1)
  })
})

describe('a read', () => {
  test('fails over from a dead, a broken and a silent endpoint', async () => {
    const broken = await node({ handler: (hit) => void hit.socket.destroy() })
    const hung = await node({ handler: () => {} })
    const pve = await node({ handler: (_, response) => version(response) })
    const reader = client([await deadAddress(authority), broken.url, hung.url, pve.url], { readTimeoutMs: 600 })
    await expect(reader.version()).resolves.toMatchObject({ version: '9.2.11' })
    expect(hung.hits).toHaveLength(1)
  })

  test('tells each endpoint that was tried when none answers', async () => {
    const dead = [await deadAddress(authority), await deadAddress(authority)]
    const error = (await failureOf(client(dead).version())) as Unreachable
    expect(error).toBeInstanceOf(Unreachable)
    expect(error.attempts.map(({ endpoint }) => endpoint)).toEqual(dead)
    expect(error.message).toMatch(/^GET \/version: nobody answered: .*ECONNREFUSED/)
  })

  test('tries a lone endpoint once more when a connection breaks', async () => {
    const pve = await node({
      handler: (hit, response) => (pve.hits.length === 1 ? hit.socket.destroy() : version(response)),
    })
    await expect(client([pve.url]).version()).resolves.toBeDefined()
    expect(pve.hits).toHaveLength(2)
  })

  test.each([
    ['never begins', () => {}],
    [
      'stalls after its headers',
      (_: unknown, response: Parameters<typeof json>[0]) =>
        void response.writeHead(200, { 'content-length': '99' }).write('{"data":'),
    ],
  ])('whose answer %s ends at the deadline', async (_, handler) => {
    const pve = await node({ handler })
    const began = performance.now()
    const error = await failureOf(client([pve.url]).version({ timeoutMs: 300 }))
    const tookMs = performance.now() - began
    expect(error).toBeInstanceOf(Unreachable)
    expect(error.message).toContain('no answer within 300 ms')
    expect(tookMs).toBeGreaterThan(250)
    expect(tookMs).toBeLessThan(3_000)
    expect(pve.hits).toHaveLength(1)
  })

  test('that is given up closes its connection, so that Proxmox need not go on', async () => {
    const hung = await node({ handler: () => {} })
    const call = failureOf(client([hung.url]).version({ timeoutMs: 200 }))
    await hung.reached(1)
    await Promise.all([call, once(hung.hits[0]?.socket as Socket, 'close')])
  })

  test('ends with the reason of the caller who gives up', async () => {
    const hung = await node({ handler: () => {} })
    const reason = new Error('the card is gone')
    const call = client([hung.url]).version({ signal: AbortSignal.abort(reason) })
    expect(await failureOf(call)).toBe(reason)
    const controller = new AbortController()
    const later = client([hung.url]).version({ signal: controller.signal })
    await Promise.all([
      hung.reached(1).then(() => controller.abort(reason)),
      expect(failureOf(later)).resolves.toBe(reason),
    ])
  })

  test('passes a 595 on as what Proxmox said, without asking others', async () => {
    const nodes = [await node(), await node()]
    for (const pve of nodes) pve.answer((_, response) => void response.writeHead(595, 'No route to host').end())
    const error = (await failureOf(client(nodes.map((n) => n.url)).nodeTime('pve3'))) as PveError
    expect(error).toBeInstanceOf(PveError)
    expect(error).toMatchObject({ status: 595, nodeUnreachable: true, text: 'No route to host', sent: false })
    expect(nodes.flatMap((n) => n.hits)).toHaveLength(1)
  })
})

describe('which endpoint', () => {
  const members = (local: string) => ({
    data: ['pve1', 'pve2'].map((name, i) => ({
      type: 'node',
      name,
      nodeid: i + 1,
      online: 1,
      local: Number(name === local),
    })),
  })

  test('the one that answered last is asked first, and one that failed not for a while', async () => {
    let nowMs = 0
    const first = await node({ handler: (hit) => void hit.socket.destroy() })
    const second = await node({ handler: (_, response) => version(response) })
    const reader = client([first.url, second.url], { now: () => nowMs })
    await reader.version()
    await reader.version()
    expect([first.hits.length, second.hits.length]).toEqual([1, 2])
    second.answer((hit) => void hit.socket.destroy())
    first.answer((_, response) => version(response))
    nowMs += 60_000
    await reader.version()
    await reader.version()
    expect([first.hits.length, second.hits.length]).toEqual([3, 3])
  })

  test('one that failed lately is asked after one that has not been tried', async () => {
    const nodes = [await node({ handler: (hit) => void hit.socket.destroy() }), await node(), await node()]
    const [, second, third] = nodes as [TestNode, TestNode, TestNode]
    second.answer((_, response) => version(response))
    const reader = client(nodes.map((one) => one.url))
    await reader.version()
    second.answer((hit) => void hit.socket.destroy())
    third.answer((_, response) => version(response))
    await reader.version()
    expect(nodes.map((one) => one.hits.length)).toEqual([1, 2, 1])
  })

  test('a node can be preferred and avoided once it is known which is which', async () => {
    const nodes = await Promise.all(
      ['pve1', 'pve2'].map((name) => node({ handler: (_, r) => json(r, 200, members(name)) })),
    )
    const [pve1, pve2] = nodes as [TestNode, TestNode]
    const reader = client([pve1.url, pve2.url])
    await reader.clusterStatus()
    await expect(reader.clusterStatus({ avoid: ['pve1'] })).resolves.toMatchObject({ members: [{}, { local: true }] })
    await reader.clusterStatus({ prefer: 'pve1' })
    await reader.clusterStatus({ avoid: ['pve1', 'pve2'] })
    expect([pve1.hits.length, pve2.hits.length]).toEqual([3, 1])
  })
})

/** Accepts connections at once, and lets them through to the node when it is opened. */
async function gateTo(pve: TestNode): Promise<{ url: string; accepted: Promise<unknown>; open(): Promise<void> }> {
  let release = (): Promise<unknown> => Promise.resolve()
  const server = createServer((socket) => {
    release = () => {
      socket
        .pipe(connect(Number(new URL(pve.url).port), '127.0.0.1'))
        .on('error', () => {})
        .pipe(socket)
      return once(socket, 'close')
    }
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  const accepted = once(server, 'connection')
  await once(server, 'listening')
  open.push({ close: async () => void server.close() })
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted,
    async open() {
      await release()
    },
  }
}

/** Accepts connections and never says a word. */
async function silentTcp(): Promise<{ url: string; accepted: Promise<unknown>; close(): Promise<void> }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  const accepted = once(server, 'connection')
  await once(server, 'listening')
  const silent = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
  open.push(silent)
  return silent
}
