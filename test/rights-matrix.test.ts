import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { loadCatalogue, words } from '../src/app.ts'
import { Chain } from '../src/audit/chain.ts'
import { Trail } from '../src/audit/trail.ts'
import { webChat } from '../src/chat/web/server.ts'
import type { AuditEntry } from '../src/core/audit.ts'
import type { Entry } from '../src/core/catalogue.ts'
import { approvalClasses } from '../src/core/command.ts'
import type { Pending } from '../src/core/desk.ts'
import { Dispatch } from '../src/core/dispatch.ts'
import { Refused, Unavailable } from '../src/core/errors.ts'
import type { Clicked, DispatchPorts, OrderedJob, Said } from '../src/core/events.ts'
import type { ActionId } from '../src/core/message.ts'
import type { Card } from '../src/core/outbox.ts'
import type { ProxmoxPort } from '../src/core/ports.ts'
import { Access, type Grant, holds, type Identity, type Role, roles } from '../src/core/roles.ts'
import { MemoryLog } from './fixtures/memory-log.ts'

const catalogue = await loadCatalogue()
const platforms = ['slack', 'discord', 'web'] as const
type Platform = (typeof platforms)[number]
const ids: Record<Platform, Record<Role | 'none' | 'second' | 'pool', string>> = {
  slack: { none: 'U0', viewer: 'U1', operator: 'U2', admin: 'U3', second: 'U4', pool: 'U5' },
  discord: { none: '10', viewer: '11', operator: '12', admin: '13', second: '14', pool: '15' },
  web: { none: 'no', viewer: 'vi', operator: 'op', admin: 'ad', second: 'se', pool: 'po' },
}
const targets: Record<Platform, string> = { slack: 'slack:C1', discord: 'discord:900', web: 'web:general' }
const as = (platform: Platform, who: keyof (typeof ids)['web']): Identity => `${platform}:${ids[platform][who]}`
const everywhere = (who: keyof (typeof ids)['web']) => platforms.map((platform) => as(platform, who))

const grants: Grant[] = [
  // The second account of each human is named in `people`, and nowhere here.
  ...roles.map((role) => ({ role, who: [...everywhere(role), `human ${role}`] })),
  { role: 'admin', who: everywhere('pool'), pools: ['web'] },
]
/** Somebody who operates in Slack and Discord under two accounts. */
const people = [{ name: 'human operator', ids: ['slack:U2', 'discord:14', 'web:se'] }]

/** A line that the command can take. */
function lineOf({ command, path, file }: Entry): string {
  const examples = command.examples.filter(({ refuses }) => refuses === undefined)
  return (examples.find(({ asks }) => !asks) ?? examples[0])?.say.replace(file, path) ?? path
}

/** The real dispatch over all commands, whose cluster tells only that somebody got as far as to it. */
function house() {
  const reached = new Refused('reached')
  const touch = () => Promise.reject(reached)
  const proxmox = new Proxy({} as ProxmoxPort, { get: () => touch })
  const cards = new Map<string, Card>()
  const desk = new Map<string, Pending>()
  const audited: AuditEntry[] = []
  const orders: OrderedJob[] = []
  const done: string[] = []
  const acted = <T>(what: string, result: T): T => {
    done.push(what)
    return result
  }
  const log = new MemoryLog(new Chain(randomBytes(32), 'matrix'))
  const known: Partial<DispatchPorts> = {
    installs: { url: undefined, list: () => [], open: async () => {}, close: async () => {} } as never,
    catalogue,
    access: new Access(grants, people, { groupsOf: async () => [] }),
    words,
    clusters: { names: ['main'], get: () => proxmox },
    hosts: [],
    channels: { clusterOf: () => 'main', languageOf: () => 'en', taken: () => undefined, posts: () => [] },
    preferences: {
      language: async () => undefined,
      setLanguage: async (who) => void done.push(`language ${who}`),
    },
    jobs: {
      list: async () => [],
      get: async () => undefined,
      ofCard: async () => undefined,
      log: async () => [],
      cancel: async () => acted('cancel', 'ended' as const),
      retry: async () => acted('retry', undefined),
    },
    enqueue: async (job) => ({ added: orders.push(job) > 0, position: 1 }),
    incidents: new Proxy({} as DispatchPorts['incidents'], {
      get: (_, name) => (name === 'ofCard' ? async () => undefined : touch),
    }),
    doctor: { examine: async () => acted('doctor', []), livesAt: async () => acted('doctor', []) },
    audit: async (entry) => void audited.push(entry),
    trail: new Trail(new Chain(randomBytes(32), 'matrix'), log, () => []),
    outbox: { put: async (card) => Boolean(cards.set(card.key, card)) },
    desk: {
      find: async (card) => desk.get(card),
      keep: async (card, pending) => Boolean(desk.set(card, pending)),
      take: async (card) => desk.delete(card),
    },
    approvals: (of) => (of === 'endangers' ? 0 : 1),
    explain: () => undefined,
    explainLine: () => undefined,
    report: (error) => `q-${String(error)}`,
    hash: (value) => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12),
    now: Date.now,
    defaultTz: 'UTC',
    decideWithinMs: 60_000,
  }
  // Whatever else the house has: to have got there is to have passed.
  const rest = new Proxy(touch, { get: () => touch })
  const ports = new Proxy(known, { get: (own, name) => own[name as keyof DispatchPorts] ?? rest })
  const dispatch = new Dispatch(ports as DispatchPorts)
  let events = 0
  async function say(identity: Identity, text: string, more: Partial<Said> = {}) {
    cards.clear()
    const target = targets[identity.split(':')[0] as Platform]
    await dispatch.say({ event: `e${++events}`, identity, target, text, locales: ['en'], ...more })
    return [...cards.values()].at(-1)!
  }
  async function click(identity: Identity, card: string, action: ActionId, more: Partial<Clicked> = {}) {
    cards.clear()
    const target = targets[identity.split(':')[0] as Platform]
    await dispatch.click({ event: `e${++events}`, identity, target, card, action, locales: ['en'], ...more })
    return [...cards.values()].find(({ key }) => key.startsWith('r-'))?.message.error?.code
  }
  return { say, click, cards, desk, audited, orders, done }
}

const denied = ['not-allowed', 'no-roles']

describe.each(platforms)('on %s', (platform) => {
  test('each command is for who holds its role, and for nobody below; nothing comes of a refusal', async () => {
    const { say, audited, orders, done, desk } = house()
    for (const entry of catalogue.entries) {
      for (const who of ['none', ...roles] as const) {
        const mark = `${entry.path} by ${who}`
        audited.splice(0)
        done.splice(0)
        const card = await say(as(platform, who), lineOf(entry))
        const code = card.message.error?.code
        expect(code, mark).not.toBe('internal')
        if (holds(who === 'none' ? undefined : who, entry.command.role)) {
          expect(denied, mark).not.toContain(code)
        } else {
          expect(denied, mark).toContain(code)
          expect(card.onlyTo, mark).toBe(as(platform, who))
          expect(audited, mark).toMatchObject([{ kind: 'refused', who: as(platform, who), result: code }])
          expect([...done, ...orders, ...desk.values()], mark).toEqual([])
        }
        desk.clear()
      }
    }
  })

  test('a role limited to pools reaches no command that does not say how far', async () => {
    const { say, done, orders, desk } = house()
    for (const entry of catalogue.entries) {
      const card = await say(as(platform, 'pool'), lineOf(entry))
      const isFor = entry.command.role === 'anyone' || entry.command.pools !== undefined
      if (isFor) expect(denied, entry.path).not.toContain(card.message.error?.code)
      else {
        expect(denied, entry.path).toContain(card.message.error?.code)
        expect([...done, ...orders, ...desk.values()], entry.path).toEqual([])
      }
      done.splice(0)
      desk.clear()
    }
  })
})

describe('what waits for a decision', () => {
  const deciding = catalogue.entries.filter(({ command }) => approvalClasses(command).length > 0)
  const clicks: ActionId[] = [
    'confirm',
    'approve',
    'reject',
    'cancel',
    'form.submit',
    'form.cancel',
    'retry',
    'log',
    'ack',
  ]

  const waiting = ({ path, command }: Entry, kind: Pending['kind']): Pending => ({
    kind,
    path,
    values: Object.fromEntries(Object.keys(command.args.shape).map((name) => [name, '100'])),
    line: path,
    cluster: 'main',
    explain: false,
    requester: 'slack:U2',
    target: 'slack:C1',
    language: 'en',
    tz: 'UTC',
    plan: 'the plan that was agreed to',
    approvedBy: [],
    expiresAt: Date.now() + 60_000,
    version: 1,
  })

  /** Who may do what, said once more by itself: own accounts decide their own, others who hold the role approve. */
  function may({ command }: Entry, kind: Pending['kind'], action: ActionId, who: Identity): boolean {
    const isOwn = ['slack:U2', 'discord:14', 'web:se'].includes(who)
    const role: Role | undefined = isOwn ? 'operator' : roles.find((one) => everywhere(one).includes(who))
    if (!holds(role, command.role)) return false
    if (action === 'cancel') return kind !== 'form' && (isOwn || role === 'admin')
    if (action === 'form.cancel') return kind === 'form' && (isOwn || role === 'admin')
    if (action === 'form.submit') return kind === 'form' && isOwn
    if (action === 'confirm') return kind !== 'form' && isOwn
    if (action === 'reject') return kind === 'approve'
    // An approval lends no role: who asked for it must hold that one too.
    return action === 'approve' && kind === 'approve' && !isOwn && holds('operator', command.role)
  }

  test.each(['form', 'confirm', 'approve'] as const)(
    'as a %s is decided by those alone whom it is for',
    async (kind) => {
      const { click, desk, audited, orders, done } = house()
      const everybody = platforms.flatMap((platform) =>
        (['none', ...roles, 'second', 'pool'] as const).map((who) => as(platform, who)),
      )
      expect(deciding.length).toBeGreaterThan(3)
      for (const entry of deciding) {
        for (const who of everybody) {
          for (const action of clicks) {
            const mark = `${entry.path}: ${action} by ${who}`
            const before = waiting(entry, kind)
            desk.set('c-1', before)
            audited.splice(0)
            const code = await click(who, 'c-1', action)
            expect(code, mark).not.toBe('internal')
            if (may(entry, kind, action, who)) {
              // As far as the cluster, or done: dropped and rejected.
              expect(
                code === undefined || !['not-yours', 'own-approval', 'not-a-decision', ...denied].includes(code),
                mark,
              ).toBe(true)
            } else {
              expect(['not-yours', 'own-approval', 'not-a-decision', ...denied], mark).toContain(code)
              expect(desk.get('c-1'), mark).toBe(before)
              expect(
                audited.map((one) => one.kind),
                mark,
              ).toEqual(['refused'])
            }
            expect([...orders, ...done], mark).toEqual([])
          }
        }
      }
    },
  )
})

describe('bad input from any platform', () => {
  const long = 'x'.repeat(10_000)
  const lines = [
    '',
    '   ',
    '/pve',
    '\u0000\u0007',
    `vm start ${long}`,
    `vm create name:${long} node:${long}`,
    `${long} ${long}`,
    'vm start "unclosed',
    'vm start guest:',
    'vm start --guest',
    'vm start a b c d e',
    'vm start __proto__:1',
    'vm start constructor',
    '```/pve vm delete 100```',
    '`@Quorum vm delete 100`',
    '<@U123> vm start <@U999>',
    '<!channel> <!everyone> @everyone',
    'vm\nstart\n100\nvm delete 100',
    'vm start \u202e001',
    'vm start 😀😀😀',
    'cluster:other vm list',
    'vm list cluster:other',
  ]

  test.each(platforms)('on %s gets one clear refusal, and brings nothing about', async (platform) => {
    const { say, orders, done, desk } = house()
    for (const line of lines) {
      const { message, onlyTo } = await say(as(platform, 'admin'), line)
      const { code } = message.error ?? {}
      expect(['internal', undefined], line).not.toContain(code)
      expect(onlyTo, line).toBe(as(platform, 'admin'))
      expect(message.title.length, line).toBeLessThan(300)
      expect(JSON.stringify(message).length, line).toBeLessThan(4000)
      expect([...orders, ...done, ...desk.values()], line).toEqual([])
    }
  })

  test('clicks on cards that are none, of other installations or other shapes, find nothing', async () => {
    const { click, orders, done } = house()
    for (const card of [
      '',
      'c-1',
      'c-1~x',
      '~',
      '__proto__',
      long,
      'c-\u0000',
      'secret-s-1',
      'solo-1',
      'T999:C999:1.2',
    ]) {
      for (const action of ['confirm', 'approve', 'retry', 'log'] as const) {
        expect(await click('slack:U3', card, action), card).toBe('nothing-waits')
      }
    }
    expect([...orders, ...done]).toEqual([])
  })
})

describe('the web chat', () => {
  const app = (options: { signIn?: 'link' | 'none'; fails?: unknown } = {}) => {
    const said: (Said | Clicked)[] = []
    const reported: unknown[] = []
    const take = async (event: Said | Clicked) => {
      if (options.fails) throw options.fails
      said.push(event)
    }
    const session = { identity: 'web:ana', until: Date.now() + 60_000 }
    const chat = webChat({
      inbox: { said: take, clicked: take },
      channels: { write: async () => {}, after: async () => [], listen: () => () => {} },
      channelOf: async () => 'general',
      complete: async () => [],
      labControl: undefined,
      signIn: options.signIn ?? 'none',
      sessions: {
        look: async () => 'gone',
        redeem: async () => 'gone',
        who: async (cookie) => (cookie === 'good' ? session : undefined),
        end: async () => {},
      },
      newId: () => randomBytes(8).toString('hex'),
      explain: (error) => (error instanceof Unavailable ? error : undefined),
      report: (error) => `q-${reported.push(error)}`,
    })
    const ask = (path: string, init: { headers?: Record<string, string>; body?: unknown; method?: string } = {}) =>
      chat.request(`http://127.0.0.1:8484${path}`, {
        method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
        headers: { host: '127.0.0.1:8484', 'content-type': 'application/json', ...init.headers },
        ...(init.body === undefined
          ? {}
          : { body: typeof init.body === 'string' ? init.body : JSON.stringify(init.body) }),
      })
    return { ask, said, reported }
  }
  const calls = [
    ['/api/messages', { user: 'root', channel: 'general', text: '/pve vm delete 100' }],
    ['/api/actions', { user: 'root', messageId: 'c-1', actionId: 'approve' }],
    ['/api/messages?channel=general', undefined],
    ['/api/complete?user=root&channel=general&text=v', undefined],
    ['/api/stream?channel=general', undefined],
    ['/api/me', undefined],
  ] as const
  const attacks: [name: string, headers: Record<string, string>, status: number, code: string][] = [
    ['DNS rebinding', { host: 'evil.example:8484' }, 403, 'wrong-host'],
    ['another site', { origin: 'https://evil.example' }, 403, 'wrong-origin'],
    ['a sandboxed page', { origin: 'null' }, 403, 'wrong-origin'],
    ['another port of this machine', { origin: 'http://127.0.0.1:9999' }, 403, 'wrong-origin'],
  ]

  test.each(attacks)('refuses %s on every path, signed in or not', async (_, headers, status, code) => {
    for (const signIn of ['none', 'link'] as const) {
      const { ask, said } = app({ signIn })
      for (const [path, body] of calls) {
        const reply = await ask(path, { headers: { cookie: 'quorum=good', ...headers }, body })
        expect([path, reply.status, ((await reply.json()) as { error: { code: string } }).error.code]).toEqual([
          path,
          status,
          code,
        ])
        expect(reply.headers.get('access-control-allow-origin')).toBeNull()
      }
      expect(said).toEqual([])
    }
  })

  test('takes no body that a form of another site could send, nor one without a session', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'text/plain; application/json',
      '',
    ]) {
      const { ask, said } = app()
      for (const [path, body] of calls.slice(0, 2)) {
        expect((await ask(path, { headers: { 'content-type': type }, body })).status, type).toBe(415)
      }
      expect(said).toEqual([])
    }
    for (const cookie of ['', 'quorum=bad', 'quorum=', '__Host-quorum=bad; quorum=good', 'other=good']) {
      const { ask, said } = app({ signIn: 'link' })
      for (const [path, body] of calls)
        expect((await ask(path, { headers: { cookie }, body })).status, cookie).toBe(401)
      expect(said).toEqual([])
    }
  })

  test('speaks for whom the session is, whatever `user` the body forges', async () => {
    const { ask, said } = app({ signIn: 'link' })
    for (const [path, body] of calls.slice(0, 2)) {
      for (const user of ['root', 'web:root', 'slack:U3', 7, null, undefined]) {
        const reply = await ask(path, { headers: { cookie: 'quorum=good' }, body: { ...(body as object), user } })
        expect(reply.status).toBe(202)
      }
    }
    expect(new Set(said.map(({ identity }) => identity))).toEqual(new Set(['web:ana']))
  })

  test('never lets a name of another platform in, where the name in the body counts', async () => {
    const { ask, said } = app()
    for (const user of [
      'slack:U3',
      'discord:13',
      'web:slack:U3',
      'web:web:root',
      'group:S1',
      '*',
      'web:*',
      ' ',
      '../root',
      'a b',
      'x'.repeat(65),
    ]) {
      const reply = await ask('/api/messages', { body: { user, channel: 'general', text: 'vm list' } })
      expect([user, reply.status]).toEqual([user, 400])
    }
    expect(said).toEqual([])
  })

  test('tells a fault of ours, under which the log has it, from Redis that is away', async () => {
    const secret = new TypeError('Cannot read properties of undefined (reading "secret")')
    const { ask, reported } = app({ fails: secret })
    for (const [path, body] of calls.slice(0, 2)) {
      const reply = await ask(path, { body })
      expect(reply.status).toBe(500)
      const text = await reply.text()
      expect(JSON.parse(text)).toMatchObject({
        error: { code: 'internal', hint: expect.stringContaining(`q-${reported.length}`) },
      })
      expect(text).not.toContain('undefined')
    }
    expect(reported).toEqual([secret, secret])
    const away = app({ fails: new Unavailable('redis-gone', { service: 'Redis' }) })
    const reply = await away.ask(...([calls[0][0], { body: calls[0][1] }] as const))
    expect([reply.status, await reply.json()]).toMatchObject([503, { error: { code: 'redis-gone' } }])
    expect(away.reported).toEqual([])
  })
})
