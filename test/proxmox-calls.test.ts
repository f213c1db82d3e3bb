import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Refused } from '../src/core/errors.ts'
import { createProxmoxWriter } from '../src/proxmox/client.ts'
import { createClusters } from '../src/proxmox/clusters.ts'
import { endpointOrigin } from '../src/proxmox/endpoints.ts'
import { BadReply } from '../src/proxmox/errors.ts'
import { encodeParams } from '../src/proxmox/params.ts'
import { escapePath } from '../src/proxmox/paths.ts'
import type { GuestRef, Params } from '../src/proxmox/port.ts'
import { formatUpid, parseUpid } from '../src/proxmox/upid.ts'
import { createAuthority, failureOf, json, startNode, type TestNode } from './proxmox-server.ts'

const UPID = 'UPID:pve1:000003A5:00059CF9:6B035AF6:qmstart:100:root@pam!bot:'
const guest: GuestRef = { node: 'pve1', kind: 'qemu', vmid: 100 }

let pve: TestNode
let writer: ReturnType<typeof createProxmoxWriter>
let nowMs = 0
beforeAll(async () => {
  const authority = await createAuthority()
  pve = await startNode(authority)
  writer = createProxmoxWriter({
    cluster: 'main',
    endpoints: [pve.url],
    auth: { token: { id: 'quorum@pve!bot', secret: 'secret-of-token' } },
    tls: { ca: authority.ca },
    now: () => nowMs,
  })
})
afterEach(() => void pve.hits.splice(0))
afterAll(async () => {
  await writer.close()
  await pve.close()
})

const answers = (data: unknown) => pve.answer((_, response) => json(response, 200, { data }))

describe('a write', () => {
  test('is a form with its length, never chunked', async () => {
    answers(UPID)
    const params: Params = { newid: 101, name: 'web & co; ü', full: true, pool: undefined }
    await expect(writer.cloneGuest(guest, params)).resolves.toBe(UPID)
    const [hit] = pve.hits
    expect(hit).toMatchObject({ method: 'POST', url: '/api2/json/nodes/pve1/qemu/100/clone' })
    expect(Object.fromEntries(new URLSearchParams(hit?.body))).toEqual({ newid: '101', name: 'web & co; ü', full: '1' })
    expect(hit?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(hit?.body.length),
    })
    expect(hit?.headers).not.toHaveProperty('transfer-encoding')
    expect(params).toEqual({ newid: 101, name: 'web & co; ü', full: true, pool: undefined })
  })

  test('without parameters has length 0', async () => {
    answers(UPID)
    await writer.guestPower({ ...guest, kind: 'lxc' }, 'shutdown')
    expect(pve.hits[0]).toMatchObject({ url: '/api2/json/nodes/pve1/lxc/100/status/shutdown', body: '' })
    expect(pve.hits[0]?.headers['content-length']).toBe('0')
  })

  test('that deletes has its parameters in the query and no body', async () => {
    answers(UPID)
    await writer.deleteGuest(guest, { purge: true, 'destroy-unreferenced-disks': false })
    answers(null)
    await expect(writer.stopTask(UPID)).resolves.toBeUndefined()
    expect(pve.hits.map((hit) => `${hit.method} ${hit.url} ${hit.body}`)).toEqual([
      'DELETE /api2/json/nodes/pve1/qemu/100?purge=1&destroy-unreferenced-disks=0 ',
      `DELETE /api2/json/nodes/pve1/tasks/${UPID.replaceAll(':', '%3A').replaceAll('@', '%40')} `,
    ])
  })
})

describe('parameters', () => {
  test('booleans are 0 and 1, arrays repeat their key, undefined is left out', () => {
    const params = Object.freeze({ a: true, b: false, c: ['x', 2, true], d: undefined, e: '', f: 0 })
    expect(encodeParams(params)).toBe('a=1&b=0&c=x&c=2&c=1&e=&f=0')
    expect(encodeParams(undefined)).toBe('')
  })

  test.each([
    [{ nodes: { pve1: 3 } }],
    [{ since: new Date(0) }],
    [{ a: null }],
    [{ a: Number.NaN }],
    [{ a: [['b']] }],
    [{ a: () => 1 }],
    [{ a: 10n }],
  ])('%o is refused, naming the parameter and not its value', async (params) => {
    expect(() => encodeParams(params)).toThrow(new RegExp(`^parameter ${Object.keys(params)[0]}: cannot send`))
    expect(await failureOf(writer.createGuest('pve1', 'qemu', params as never))).toBeInstanceOf(TypeError)
    expect(pve.hits).toEqual([])
  })
})

describe('a path', () => {
  const unfit = ['', '.', '..', '%2e%2e', '%2E', 'a/b', '../../access', 'a%2fb', 'a\nb', 'a\0', '%00', '\ud800']

  test.each(unfit)('with the argument %j is refused before anything is sent', async (value) => {
    expect(await failureOf(writer.nodeTime(value))).toBeInstanceOf(TypeError)
    expect(await failureOf(writer.storageContents('pve1', value))).toBeInstanceOf(TypeError)
    expect(await failureOf(writer.guestPower({ ...guest, vmid: value as never }, 'start'))).toBeInstanceOf(TypeError)
    expect(pve.hits).toEqual([])
  })

  test('keeps what looks like a query or a fragment inside its segment', async () => {
    answers(UPID)
    await writer.deleteGuest({ ...guest, vmid: '100?x=' as never })
    await writer.deleteGuest({ ...guest, vmid: '100#x;y&z%' as never })
    expect(pve.hits.map((hit) => hit.url)).toEqual([
      '/api2/json/nodes/pve1/qemu/100%3Fx%3D',
      '/api2/json/nodes/pve1/qemu/100%23x%3By%26z%25',
    ])
  })

  test('arrives as the segments that were meant, or not at all, whatever the argument', () => {
    const template = '/api2/json/nodes/*/qemu/*/status'
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.oneof(fc.string(), fc.constantFrom(...unfit)), (first, second) => {
        const byProxy = (value: string) => value.replaceAll('/', '%2F')
        const refused = [first, second].some((value) => unfit.includes(value) || value.includes('/'))
        let path: string
        try {
          path = escapePath(`/api2/json/nodes/${byProxy(first)}/qemu/${byProxy(second)}/status`, template)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        expect(refused).toBe(false)
        const url = new URL(path, 'https://pve1:8006')
        expect(url.host + url.search + url.hash).toBe('pve1:8006')
        const segments = url.pathname.split('/').slice(1).map(decodeURIComponent)
        expect(segments).toEqual(['api2', 'json', 'nodes', first, 'qemu', second, 'status'])
      }),
      { numRuns: 2_000 },
    )
  })

  test('a volume is the one argument with slashes, each part of it guarded', () => {
    const template = '/api2/json/nodes/*/storage/*/content/*'
    const path = (volume: string) => escapePath(`/api2/json/nodes/pve1/storage/local/content/${volume}`, template)
    expect(path('local:iso%2Fdebian 12.iso')).toBe(
      '/api2/json/nodes/pve1/storage/local/content/local%3Aiso/debian%2012.iso',
    )
    for (const volume of ['local:iso%2F..%2Fx', '%2Fx', 'x%2F', 'a%2F%2e%2e'])
      expect(() => path(volume)).toThrow(TypeError)
  })

  test('that the proxy was led to by a strange name is refused', () => {
    expect(() => escapePath('/api2/json/../x', '/api2/json/../x')).toThrow(TypeError)
  })
})

describe('an answer', () => {
  test.each([
    ['application/json; charset=utf-8', 'a proxy’s way of writing it'],
    ['', 'none'],
    ['text/plain', 'a wrong one'],
  ])('is read with the content type %j (%s)', async (type) => {
    pve.answer((_, response) => {
      if (type) response.setHeader('content-type', type)
      response.end('{"data":"100"}')
    })
    await expect(writer.nextId()).resolves.toEqual({ vmid: 100, free: true })
  })

  test.each([
    ['text/html', '<html>PRIVATE login page</html>', /answered with 31 bytes of text\/html$/],
    ['application/json;charset=UTF-8', '{"data":["PRIVATE', /17 bytes of application\/json that is cut/],
    ['application/json', '["PRIVATE"]', /that is cut or not Proxmox's/],
    ['application/json', '"PRIVATE"', /bytes of application\/json/],
  ])('of %s that is not Proxmox’s is told without its content', async (type, body, message) => {
    pve.answer((_, response) => response.writeHead(200, { 'content-type': type }).end(body))
    const error = await failureOf(writer.version())
    expect(error).toBeInstanceOf(BadReply)
    expect(error.message).toMatch(message)
    expect(inspect(error)).not.toContain('PRIVATE')
  })

  test.each([
    [{ data: { release: '9.2' } }, 'data.version', () => writer.version()],
    [
      { data: [{ type: 'qemu', vmid: 'PRIVATE', node: 'pve1', status: 'running' }] },
      'data.0.vmid',
      () => writer.resources(),
    ],
    [{ data: [{ type: 'pool' }, { type: 'node', node: 7 }] }, 'data.1.node', () => writer.resources()],
    [
      { data: [{ type: 'node', name: 'a', nodeid: 1, online: 'PRIVATE' }] },
      'data.0.online',
      () => writer.clusterStatus(),
    ],
    [{ data: [{ upid: 'PRIVATE' }] }, 'data.0.upid', () => writer.clusterTasks()],
    [{ data: null }, 'data', () => writer.clusterTasks()],
    [{ data: [], total: 'PRIVATE' }, 'data.total', () => writer.taskLog(UPID, { start: 0, limit: 5 })],
  ])('of the wrong shape %j names the field %s', async (body, field, call) => {
    pve.answer((_, response) => json(response, 200, body))
    const error = await failureOf(call())
    expect(error).toBeInstanceOf(BadReply)
    expect(error).toMatchObject({ field })
    expect(error.message).toContain(`: ${field}: `)
    expect(inspect(error)).not.toContain('PRIVATE')
  })

  test('with rows of kinds that are new to us is read without them', async () => {
    answers([
      { type: 'quantum', id: 'q' },
      { type: 'quorum', id: 'quorum', node: 'pve1', status: 'OK', quorate: '1' },
    ])
    await expect(writer.haStatus()).resolves.toEqual([
      { id: 'quorum', type: 'quorum', node: 'pve1', status: 'OK', quorate: true },
    ])
  })

  test.each([
    [0, false],
    [1, true],
    ['0', false],
    ['1', true],
    ['', false],
    [undefined, false],
  ])('takes %j for the boolean %s', async (wire, meant) => {
    answers([{ type: 'lxc', vmid: '200', node: 'pve1', template: wire }])
    const { guests } = await writer.resources()
    expect(guests).toMatchObject([{ vmid: 200, kind: 'lxc', name: 'CT 200', template: meant, status: 'unknown' }])
  })

  test('refused by a gateway leaves open what happened to a write', async () => {
    pve.answer(
      (_, response) => void response.writeHead(504, 'Gateway Timeout', { 'content-type': 'text/html' }).end('<html>'),
    )
    expect(await failureOf(writer.guestPower(guest, 'start'))).toMatchObject({
      status: 504,
      sent: true,
      text: 'Gateway Timeout',
    })
    expect(await failureOf(writer.version())).toMatchObject({ status: 504, sent: false })
  })

  test('of 595 to a write was not passed on, of 596 may have been', async () => {
    for (const [status, sent] of [
      [595, false],
      [596, true],
      [599, true],
    ] as const) {
      pve.answer((_, response) => void response.writeHead(status, 'No route to host').end())
      expect(await failureOf(writer.guestPower(guest, 'start'))).toMatchObject({ status, sent, nodeUnreachable: true })
    }
  })
})

describe('an endpoint', () => {
  test.each([
    ['https://10.0.0.1', 'https://10.0.0.1:8006'],
    ['https://pve1.example.org/', 'https://pve1.example.org:8006'],
    ['pve1', 'https://pve1:8006'],
    ['10.0.0.1:9000', 'https://10.0.0.1:9000'],
    ['https://proxy.example.org:443', 'https://proxy.example.org:443'],
    ['https://[fd00::1]', 'https://[fd00::1]:8006'],
    ['https://[fd00::1]:8007', 'https://[fd00::1]:8007'],
  ])('%s means %s', (given, meant) => {
    expect(endpointOrigin(given)).toBe(meant)
  })

  test.each(['http://pve1:8006', 'https://root:pw@pve1', 'https://pve1/api2', 'https://pve1?x', '', 'https://'])(
    '%j is refused, without being repeated',
    (given) => {
      expect(() => endpointOrigin(given)).toThrow('an endpoint is an address like https://10.0.0.1:8006')
    },
  )
})

describe('a client', () => {
  test('can be printed, and is not taken for a promise', async () => {
    expect(String(writer)).toBe('[object Object]')
    expect(`${writer}`).toBe('[object Object]')
    expect(await writer).toBe(writer)
  })

  test('is handed out by name', () => {
    const clusters = createClusters([writer])
    expect(clusters.names).toEqual(['main'])
    expect(clusters.get('main')).toBe(writer)
    expect(() => clusters.get('constructor')).toThrow(Refused)
    expect(() => clusters.get('other')).toThrow(expect.objectContaining({ code: 'unknown-cluster' }))
  })
})

describe('capabilities', () => {
  const release = (version: string) => answers({ version, release: version.slice(0, 3) })

  test.each([
    ['7.2-3', { haGroups: true, haRules: false }],
    ['8.4.1', { haGroups: true, haRules: false }],
    ['9.0.3', { haGroups: false, haRules: true }],
    ['9.2.11', { haGroups: false, haRules: true }],
    ['10.0.1', { haGroups: false, haRules: true }],
  ])('of %s', async (version, expected) => {
    nowMs += 3_600_000
    release(version)
    await expect(writer.capabilities()).resolves.toMatchObject({ ...expected, version: { version } })
  })

  test('are asked for once, and again after silence, after a call that is not there, and in time', async () => {
    nowMs += 3_600_000
    release('8.4.1')
    await Promise.all([writer.capabilities(), writer.capabilities()])
    await writer.capabilities()
    expect(pve.hits).toHaveLength(1)
    pve.answer((_, response) => json(response, 500, { data: null, message: 'VM is locked\n' }))
    await failureOf(writer.nodeTime('pve1'))
    release('9.2.11')
    await expect(writer.capabilities()).resolves.toMatchObject({ haRules: false })
    pve.answer((_, response) => json(response, 501, { data: null, message: "Method 'GET /x' not implemented" }))
    await failureOf(writer.nodeTime('pve1'))
    release('9.2.11')
    await expect(writer.capabilities()).resolves.toMatchObject({ haRules: true })
    pve.answer((hit) => void hit.socket.destroy())
    nowMs += 3_600_000
    await failureOf(writer.capabilities())
    release('9.2.11')
    await expect(writer.capabilities()).resolves.toMatchObject({ haRules: true })
  })
})

describe('a UPID', () => {
  test('is taken apart', () => {
    expect(parseUpid('UPID:pve1:0000040C:0005A145:6B035B01:imgdel:101@shared:ops@pve!l2:')).toEqual({
      node: 'pve1',
      pid: 0x40c,
      pstart: 0x5a145,
      starttime: 0x6b035b01,
      type: 'imgdel',
      id: '101@shared',
      user: 'ops@pve',
      tokenid: 'l2',
    })
    expect(parseUpid('UPID:pve2:000000EE:1000506B1:6B035975:clusterjoin::root@pam:')).toMatchObject({
      id: '',
      user: 'root@pam',
    })
  })

  test('goes there and back', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
    const parts = fc.record({
      node: fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
      pid: fc.nat(0xffffffff),
      pstart: fc.nat(0xffffffff),
      starttime: fc.nat(0xffffffff),
      type: word,
      id: fc.oneof(fc.constant(''), word),
      user: word.map((name) => `${name}@pam`),
    })
    fc.assert(
      fc.property(parts, fc.option(word, { nil: undefined }), (upid, tokenid) => {
        const whole = tokenid === undefined ? upid : { ...upid, tokenid }
        expect(parseUpid(formatUpid(whole))).toEqual(whole)
      }),
    )
  })

  test.each(['', 'UPID:', 'UPID:pve1:1:2:3:a:b:c:', `${UPID}x`, UPID.slice(0, -1), UPID.replace('pve1', '../x')])(
    '%j is none',
    (text) => {
      expect(() => parseUpid(text)).toThrow(TypeError)
    },
  )
})
