import { inspect } from 'node:util'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../src/core/secret.ts'
import { createProxmoxWriter, type ProxmoxOptions } from '../src/proxmox/client.ts'
import { PveError, TfaRequired } from '../src/proxmox/errors.ts'
import {
  type Authority,
  createAuthority,
  failureOf,
  type Hit,
  json,
  startNode,
  type TestNode,
} from './proxmox-server.ts'

const PASSWORD = 'hunter2-très;secret'
const TOKEN_SECRET = 'Upper-Case_and.not-a-UUID'
const UPID = 'UPID:pve1:000003A5:00059CF9:6B035AF6:qmstart:100:root@pam!bot:'
const guest = { node: 'pve1', kind: 'qemu', vmid: 100 } as const

let authority: Authority
let pve: TestNode
let nowMs: number
const open: { close(): Promise<void> }[] = []
beforeAll(async () => {
  authority = await createAuthority()
})
beforeEach(async () => {
  nowMs = 0
  pve = await startNode(authority)
  open.push(pve)
})
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close()
})

function client(auth: ProxmoxOptions['auth']) {
  const made = createProxmoxWriter({
    cluster: 'main',
    endpoints: [pve.url],
    auth,
    tls: { ca: authority.ca },
    now: () => nowMs,
  })
  open.push(made)
  return made
}

const byPassword = { root: { password: PASSWORD } }
const byToken = { token: { id: 'quorum@pve!bot', secret: TOKEN_SECRET } }

/** Gives tickets T1, T2… and takes those that `isGood` says are good. */
function ticketServer(o: { isGood?: (ticket: string) => boolean; grants?: (hit: Hit) => boolean } = {}) {
  let given = 0
  pve.answer((hit, response) => {
    if (hit.url === '/api2/json/access/ticket') {
      if (o.grants && !o.grants(hit)) return json(response, 401, { data: null, message: 'authentication failure\n' })
      given++
      return json(response, 200, {
        data: { ticket: `PVE:root@pam:T${given}::a+/=`, CSRFPreventionToken: `CSRF${given}`, username: 'root@pam' },
      })
    }
    const ticket = decodeURIComponent(/PVEAuthCookie=(\S+)/.exec(hit.headers.cookie ?? '')?.[1] ?? '')
    if (o.isGood && !o.isGood(ticket)) return void response.writeHead(401, 'Authentication failed!').end()
    if (hit.method === 'GET') return json(response, 200, { data: { version: '9.2.11', release: '9.2' } })
    json(response, 200, { data: UPID })
  })
}

const logins = () => pve.hits.filter((hit) => hit.url.endsWith('/access/ticket'))
const passwordOf = (hit: Hit | undefined) => new URLSearchParams(hit?.body).get('password')

describe('a token', () => {
  test('goes into its header, whatever its secret looks like', async () => {
    pve.answer((_, response) => json(response, 200, { data: UPID }))
    await client(byToken).guestPower(guest, 'start')
    expect(pve.hits[0]?.headers).toMatchObject({ authorization: `PVEAPIToken=quorum@pve!bot=${TOKEN_SECRET}` })
    expect(pve.hits[0]?.headers).not.toHaveProperty('csrfpreventiontoken')
    expect(client(byToken).identity).toEqual({ user: 'quorum@pve', tokenid: 'bot' })
  })

  test('that is refused is told, not tried again', async () => {
    pve.answer((_, response) => void response.writeHead(401, 'Authentication failed!').end())
    const error = await failureOf(client(byToken).version())
    expect(error).toMatchObject({ name: 'PveError', status: 401, text: 'Authentication failed!' })
    expect(pve.hits).toHaveLength(1)
  })

  test.each(['quorum@pve', 'quorum!bot', 'quorum@pve!', 'a b@pve!bot'])('is refused with the id %j', (id) => {
    expect(() => client({ token: { id, secret: 'x' } })).toThrow(/user@realm!name/)
  })
})

describe('a ticket', () => {
  test('is fetched once for twenty calls that begin together', async () => {
    ticketServer()
    const root = client(byPassword)
    await Promise.all(Array.from({ length: 20 }, () => root.version()))
    expect(logins()).toHaveLength(1)
    expect(new URLSearchParams(logins()[0]?.body).get('username')).toBe('root@pam')
    expect(passwordOf(logins()[0])).toBe(PASSWORD)
    expect(pve.hits).toHaveLength(21)
    expect(root.identity).toEqual({ user: 'root@pam' })
  })

  test('goes into a cookie, and its CSRF token only with writes', async () => {
    ticketServer()
    const root = client(byPassword)
    await root.version()
    await root.guestPower(guest, 'start')
    const [, read, write] = pve.hits
    expect(read?.headers.cookie).toBe('PVEAuthCookie=PVE%3Aroot%40pam%3AT1%3A%3Aa%2B%2F%3D')
    expect(read?.headers.csrfpreventiontoken).toBeUndefined()
    expect(write?.headers.csrfpreventiontoken).toBe('CSRF1')
  })

  test('is renewed with itself while it is good, long before its two hours are over', async () => {
    ticketServer()
    const root = client(byPassword)
    for (const minutes of [0, 59, 61, 119]) {
      nowMs = minutes * 60_000
      await root.version()
    }
    expect(logins().map(passwordOf)).toEqual([PASSWORD, 'PVE:root@pam:T1::a+/='])
  })

  test('is fetched by password when it is too old, or when its renewal is refused', async () => {
    ticketServer({ grants: (hit) => passwordOf(hit) === PASSWORD })
    const root = client(byPassword)
    for (const minutes of [0, 90, 90 + 121]) {
      nowMs = minutes * 60_000
      await root.version()
    }
    expect(logins().map(passwordOf)).toEqual([PASSWORD, 'PVE:root@pam:T1::a+/=', PASSWORD, PASSWORD])
  })

  test('that is no longer taken is replaced, once, also for a write', async () => {
    let best = 'T1'
    ticketServer({ isGood: (ticket) => ticket.includes(best) })
    const root = client(byPassword)
    await root.version()
    best = 'T2'
    await expect(root.guestPower(guest, 'start')).resolves.toBe(UPID)
    best = 'T9'
    expect(await failureOf(root.guestPower(guest, 'start'))).toMatchObject({ status: 401 })
    expect(logins()).toHaveLength(3)
  })

  test('whose CSRF token is no longer taken is replaced', async () => {
    let isFirst = true
    pve.answer((hit, response) => {
      if (hit.url.endsWith('/ticket')) {
        return json(response, 200, { data: { ticket: 'PVE:root@pam:T::s', CSRFPreventionToken: 'C' } })
      }
      if (!isFirst) return json(response, 200, { data: UPID })
      isFirst = false
      response.writeHead(401, 'Permission denied - invalid csrf token').end()
    })
    await expect(client(byPassword).guestPower(guest, 'start')).resolves.toBe(UPID)
    expect(logins()).toHaveLength(2)
  })

  test('is not given for a wrong password, and the next call asks anew', async () => {
    ticketServer({ grants: () => logins().length > 1 })
    const root = client(byPassword)
    expect(await failureOf(root.version())).toMatchObject({
      status: 401,
      text: 'authentication failure',
      path: '/access/ticket',
    })
    await expect(root.version()).resolves.toBeDefined()
  })

  test('that wants a second factor is refused with a reason', async () => {
    pve.answer((_, response) =>
      json(response, 200, { data: { NeedTFA: 1, ticket: 'PVE:!tfa!%7B%7D:T::s', username: 'root@pam' } }),
    )
    const error = await failureOf(client(byPassword).version())
    expect(error).toBeInstanceOf(TfaRequired)
    expect(error.message).toMatch(/root@pam has two-factor authentication; use an API token/)
    expect(pve.hits).toHaveLength(1)
  })

  test('a caller who gives up does not take the login away from the others', async () => {
    let answerLogin = () => {}
    pve.answer((hit, response) => {
      if (!hit.url.endsWith('/ticket')) return json(response, 200, { data: { version: '9.2.11', release: '9.2' } })
      answerLogin = () => json(response, 200, { data: { ticket: 'PVE:root@pam:T::s', CSRFPreventionToken: 'C' } })
    })
    const root = client(byPassword)
    const controller = new AbortController()
    const first = failureOf(root.version({ signal: controller.signal }))
    const second = root.version()
    await pve.reached(1)
    controller.abort(new Error('gone'))
    expect((await first).message).toBe('gone')
    answerLogin()
    await expect(second).resolves.toBeDefined()
    expect(logins()).toHaveLength(1)
  })
})

describe('secrets', () => {
  const everything = (thing: unknown) =>
    [
      inspect(thing, { depth: Infinity, showHidden: true }),
      JSON.stringify(thing),
      String(thing),
      thing instanceof Error ? thing.stack : '',
    ].join('\n')

  test('do not show in a client, in its options or in its errors, even if the server sends them back', async () => {
    pve.answer((hit, response) => {
      const echo = `no: ${hit.headers.authorization ?? ''} ${decodeURIComponent(hit.headers.cookie ?? '')} ${hit.body}`
      const isLogin = hit.url.endsWith('/ticket') && !hit.body.includes('echo')
      if (isLogin)
        return json(response, 200, { data: { ticket: 'PVE:root@pam:TICKETTEXT', CSRFPreventionToken: 'CSRFTEXT' } })
      json(response, 400, { data: null, message: echo, errors: { name: echo } }, 'Parameter verification failed.')
    })
    const options = { token: { id: 'quorum@pve!bot', secret: new Secret(TOKEN_SECRET) } }
    const seen: unknown[] = [options]
    for (const auth of [byPassword, options]) {
      const made = client(auth)
      seen.push(made, await failureOf(made.version()), await failureOf(made.guestPower(guest, 'start')))
    }
    pve.answer((hit) => void hit.socket.destroy())
    seen.push(await failureOf(client(byToken).version()), await failureOf(client(byToken).guestPower(guest, 'start')))
    expect(seen.filter((thing) => thing instanceof PveError)).toHaveLength(4)
    for (const thing of seen) {
      for (const secret of [TOKEN_SECRET, PASSWORD, 'TICKETTEXT', 'CSRFTEXT'])
        expect(everything(thing)).not.toContain(secret)
    }
  })

  test('in parameters show in no error', async () => {
    pve.answer((_, response) => json(response, 500, { data: null, message: 'no space left\n' }))
    const writer = client(byToken)
    const errors = [
      await failureOf(writer.createGuest('pve1', 'lxc', { vmid: 100, password: PASSWORD })),
      await failureOf(writer.deleteGuest(guest, { 'some-password': PASSWORD })),
    ]
    expect(pve.hits.map((hit) => hit.url)).toEqual([
      '/api2/json/nodes/pve1/lxc',
      expect.stringContaining('/api2/json/nodes/pve1/qemu/100?some-password='),
    ])
    for (const error of errors) expect(everything(error)).not.toMatch(/hunter2|some-password/)
    expect(errors[1]?.message).toBe('DELETE /nodes/pve1/qemu/100 500: no space left')
  })

  test('are boxed', () => {
    const secret = new Secret('abc')
    expect([`${secret}`, JSON.stringify({ secret }), inspect(secret), secret.reveal()]).toEqual([
      '[secret]',
      '{"secret":"[secret]"}',
      '[secret]',
      'abc',
    ])
    for (const bad of ['', 'a\nb', 'a\r']) expect(() => new Secret(bad)).toThrow(TypeError)
  })
})
