import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { words } from '../src/app.ts'
import { readerOf } from '../src/core/incident.ts'
import { incidentCard } from '../src/core/incident-card.ts'
import type { Incident } from '../src/core/incidents.ts'
import type { OncallPlan } from '../src/core/oncall.ts'
import type { Outbox } from '../src/core/outbox.ts'
import { Access } from '../src/core/roles.ts'
import { Secret } from '../src/core/secret.ts'
import { act, pass, tell } from '../src/ha/acts.ts'
import { take } from '../src/ha/incident.ts'
import { pagerDue, pagesDue } from '../src/ha/paging.ts'
import { pagerCall } from '../src/http/pager.ts'
import { type PagerSaid, pagerHook } from '../src/http/pager-hook.ts'
import { Heartbeat } from '../src/jobs/heartbeat.ts'
import { IncidentStore } from '../src/jobs/incident-store.ts'
import { RedisIncidents } from '../src/jobs/incidents.ts'
import { OncallBook } from '../src/jobs/oncall-book.ts'
import { OncallKeeper } from '../src/jobs/oncall-keeper.ts'
import { CardStore } from '../src/jobs/outbox.ts'
import { newestKey, PagerLine } from '../src/jobs/pager-line.ts'
import type { Redis } from '../src/jobs/redis.ts'
import { Ground } from './fixtures/ground.ts'
import { until } from './until.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})
afterAll(() => ground.close())

const people = [
  { name: 'ana', ids: ['slack:UANA', 'discord:7'] },
  { name: 'luis', ids: ['web:luis'] },
]
const access = new Access([], people, { groupsOf: async () => [] })
const reader = readerOf(words, access, { language: 'en', tz: 'UTC' })
const posts = [{ target: 'web:general', reader }]
const plan: OncallPlan = {
  tz: 'UTC',
  rotation: { everyone: ['ana', 'luis'], handoff: { weekday: 1, minute: 0 } },
  policy: {
    critical: [
      { afterMs: 0, notify: ['channel', 'person', 'pager'] },
      { afterMs: 300_000, notify: ['next'] },
    ],
    warning: [],
    info: [],
  },
}

/** A pager or a heartbeat's receiver that answers as it is told, the last answer again and again. */
class Receiver {
  readonly got: { event_action?: string; dedup_key?: string; routing_key?: string; payload?: { severity: string } }[] =
    []
  asked = 0
  answers: { status: number; after?: string }[] = [{ status: 202 }]
  #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<Receiver> {
    const server = createServer()
    const receiver = new Receiver(server)
    server.on('request', async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      receiver.asked += 1
      const { status, after } = receiver.answers.length > 1 ? receiver.answers.shift()! : receiver.answers[0]!
      if (status < 300) receiver.got.push(body === '' ? {} : JSON.parse(body))
      response.writeHead(status, after === undefined ? {} : { 'retry-after': after }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ground.onClose(async () => server.close())
    return receiver
  }

  get url() {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v2/enqueue`
  }
}

/** A connection of a process that dies at its writing number `at`. */
function dying(redis: Redis, at: number): Redis {
  let count = 0
  return new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function' || !/^[a-z]+$/.test(String(name)) || name === 'on') return value
      return (...given: unknown[]) => {
        count += 1
        if (count > at) throw new Error('killed')
        return (value as (...all: unknown[]) => unknown).apply(target, given)
      }
    },
  })
}

class World {
  readonly plot = ground.plot()
  readonly cards = new CardStore(this.plot.redis, this.plot.prefix)
  // 2026-01-05 is a Monday; whose week it is, the rotation says.
  now = Date.parse('2026-01-06T12:00:00Z')
  first = ''

  process(redis = this.plot.redis) {
    const { prefix, seal } = this.plot
    const now = () => this.now
    const store = new IncidentStore(redis, prefix, seal)
    const cards = new CardStore(redis, prefix)
    const outbox: Outbox = { put: async (card) => (await cards.put(card)).stored }
    const audit = async () => {}
    const samePerson = (a: string, b: string) => access.samePerson(a, b)
    const incidents = new RedisIncidents({
      store,
      acts: { act, tell },
      outbox,
      posts: () => posts,
      audit,
      samePerson,
      now,
    })
    const oncall = new OncallBook({ redis, prefix, seal, plan, audit, now })
    const reach = (person: string) => ({ ids: people.find(({ name }) => name === person)?.ids ?? [], reader })
    const log = { error: () => {} }
    const common = {
      redis,
      prefix,
      seal,
      incidents,
      oncall,
      outbox,
      cards,
      pagesDue,
      reach,
      posts: () => posts,
      now,
      log,
    }
    return { store, incidents, oncall, keeper: (more = {}) => new OncallKeeper({ ...common, ...more }) }
  }

  async begin(node = 'pve1'): Promise<Incident> {
    const at = new Date(this.now).toISOString()
    const event = { kind: 'node.lost', cluster: 'main', key: node, severity: 'critical', at, node } as const
    const context = { now: this.now, severities: {}, name: (value: unknown) => this.plot.seal.name(value) }
    const [incident] = take([], [event], context)
    expect(await this.process().store.commit('main', [{ before: undefined, after: incident! }], this.now)).toBe(true)
    return incident!
  }

  /** Keys of the messages that people and channels were sent because of being on call. */
  async pages(): Promise<string[]> {
    const start = `${this.plot.prefix}:card:`
    const keys = await this.plot.redis.keys(`${start}*`)
    const all = keys.map((key) => key.slice(start.length)).filter((key) => /^i-\w+\.\d+\./.test(key))
    return all.map((key) => key.replace(/^i-\w+\./, '')).sort()
  }

  async deliver(page: RegExp): Promise<void> {
    const start = `${this.plot.prefix}:card:`
    const key = (await this.plot.redis.keys(`${start}*`))
      .map((one) => one.slice(start.length))
      .find((one) => page.test(one))
    await this.cards.sent((await this.cards.get(key!))!, 'posted')
  }
}

/** Ana's week. */
async function world(): Promise<World> {
  const made = new World()
  const { chainAt } = await import('../src/ha/rotation.ts')
  while (chainAt(made.now, plan, [])[0] !== 'ana') made.now += 7 * 24 * 3600_000
  return made
}

describe('calling people', () => {
  test('unacknowledged: the second is called after the time, with proof on the card; an acknowledgement ends it', async () => {
    const w = await world()
    const { incidents, keeper } = w.process()
    const { id } = await w.begin()
    const [one, two] = [keeper(), keeper()]
    await Promise.all([one.tick(), two.tick()])
    expect(await w.pages()).toEqual(['1.0.ana.slack.UANA'])
    await w.deliver(/slack.UANA$/)
    w.now += 300_000
    await Promise.all([one.tick(), two.tick()])
    expect(await w.pages()).toEqual(['1.0.ana.slack.UANA', '1.1.luis.web.luis'])
    await w.deliver(/web.luis$/)
    await one.tick()
    const field = (card: ReturnType<typeof incidentCard>) => card.fields?.find(({ name }) => name === 'On call')?.value
    expect(field(incidentCard((await incidents.get(id))!, reader))).toBe(
      'ana (slack) was told (direct message): delivered\nluis (web) was told (direct message): delivered',
    )
    await incidents.act(id, { kind: 'ack', by: 'web:luis' }, {})
    w.now += 1_200_000
    await one.tick()
    expect(await w.pages()).toHaveLength(2)
    // What they were sent shows it too, and has no button to acknowledge any more.
    const sent = await w.cards.get(`${id}.1.0.ana.slack.UANA`)
    expect(sent!.message.actions?.map((action) => action.id)).toEqual(['note', 'resolve'])
  })

  test('a platform that takes nothing: the other one, and "NOT told" where that fails too', async () => {
    const w = await world()
    const { incidents, keeper } = w.process()
    const { id } = await w.begin()
    const one = keeper()
    for (let i = 0; i < 4; i++) {
      await one.tick()
      w.now += 30_000
    }
    expect(await w.pages()).toEqual(['1.0.ana.discord.7', '1.0.ana.slack.UANA'])
    const shown = async () => JSON.stringify(incidentCard((await incidents.get(id))!, reader).fields)
    expect(await shown()).toContain('ana was NOT told')
    await w.deliver(/discord.7$/)
    await one.tick()
    expect(await shown()).toContain('ana (discord) was told (direct message): delivered')
    expect(await shown()).not.toContain('NOT')
  })

  test('killed after any command: each message exists once, none is missing', async () => {
    for (let at = 0; at < 40; at += 3) {
      const w = await world()
      await w.begin()
      await w
        .process(dying(w.plot.redis, at))
        .keeper()
        .tick()
        .catch(() => {})
      w.now += 300_000
      await w
        .process(dying(w.plot.redis, at))
        .keeper()
        .tick()
        .catch(() => {})
      await w.process().keeper().tick()
      const pages = (await w.pages()).filter((key) => !key.endsWith('discord.7'))
      expect(pages, `killed at ${at}`).toEqual(['1.0.ana.slack.UANA', '1.1.luis.web.luis'])
    }
  })

  test('announced work calls nobody until it ends; forged announcements hold nothing back', async () => {
    const w = await world()
    const { oncall, keeper } = w.process()
    const { id } = await oncall.openWindow({
      cluster: 'main',
      node: 'pve1',
      from: w.now,
      until: w.now + 3_600_000,
      by: 'web:ana',
    })
    await w.begin()
    const one = keeper()
    await one.tick()
    expect(await w.pages()).toEqual([])
    w.now += 1000
    expect(await oncall.endWindow(id, 'web:ana')).toBe(true)
    const forged = JSON.stringify({ id: 'w-f', cluster: 'main', from: 0, until: w.now * 2, by: 'web:eve' })
    await w.plot.redis.hset(`${w.plot.prefix}:oncall:window`, 'w-f', `AAAA.${forged}`)
    await one.tick()
    expect(await w.pages()).toEqual(['1.0.ana.slack.UANA'])
  })
})

describe('the pager', () => {
  async function paged(answers: Receiver['answers']) {
    const w = await world()
    const receiver = await Receiver.start()
    receiver.answers = answers
    const call = pagerCall({ url: receiver.url, key: new Secret('PK') })
    const { incidents, keeper, store } = w.process()
    const line = new PagerLine({
      redis: w.plot.redis,
      prefix: w.plot.prefix,
      seal: w.plot.seal,
      incidents,
      due: pagerDue,
      context: async () => ({ now: w.now, plan, swaps: [], windows: [] }),
      tempo: 1000,
      call: (action, { id, cluster, severity, openedAt, kind }, key) =>
        call({
          action,
          dedupKey: key > 1 ? `${id}#${key}` : id,
          summary: id,
          source: cluster,
          severity,
          timestamp: openedAt,
          class: kind,
        }),
    })
    ground.onClose(() => line.close())
    const one = keeper({ pager: (incident: Incident, context: never) => line.wake(incident, context) })
    const { id } = await w.begin()
    const told = async (what: string) => {
      await one.tick()
      return (await incidents.get(id))!.timeline.some(({ told }) => told?.once === what)
    }
    return { w, receiver, incidents, store, id, told }
  }

  test('down for many attempts, then told once; acknowledged and resolved in chat, under one dedup key', async () => {
    const down = [500, 503, 500, 500, 502, 408, 500].map((status) => ({ status }))
    const { receiver, incidents, id, told } = await paged([...down, { status: 429, after: '2' }, { status: 202 }])
    await until(() => told('pager.1.trigger.delivered'), 'the pager to accept')
    expect(receiver.asked).toBe(9)
    expect(receiver.got).toMatchObject([
      { event_action: 'trigger', dedup_key: id, routing_key: 'PK', payload: { severity: 'critical' } },
    ])
    await incidents.act(id, { kind: 'ack', by: 'web:luis' }, {})
    await until(() => told('pager.1.acknowledge.delivered'), 'the acknowledgement')
    await incidents.act(id, { kind: 'resolve', by: 'web:luis' }, {})
    await until(() => told('pager.1.resolve.delivered'), 'the end')
    const actions = receiver.got.map(({ event_action, dedup_key }) => [event_action, dedup_key])
    expect(actions.slice(1)).toEqual([
      ['acknowledge', id],
      ['resolve', id],
    ])
  })

  test('an acknowledgement that runs out rings again, under a key of its own; one end for both', async () => {
    const { w, receiver, incidents, store, id, told } = await paged([{ status: 202 }])
    await until(() => told('pager.1.trigger.delivered'), 'the pager to accept')
    await incidents.act(id, { kind: 'ack', by: 'pager:PU1', forMs: 60_000 }, {})
    await until(() => told('pager.1.acknowledge.delivered'), 'the acknowledgement')
    w.now += 61_000
    const before = (await incidents.get(id))!
    const after = pass(before, { now: w.now })
    expect(await store.commit('main', [{ before, after }], w.now)).toBe(true)
    await until(() => told('pager.2.trigger.delivered'), 'the second call')
    expect(await newestKey(w.plot, id)).toBe(2)
    await incidents.act(id, { kind: 'resolve', by: 'web:luis' }, {})
    await until(() => told('pager.2.resolve.delivered'), 'the end')
    expect(receiver.got.map(({ event_action, dedup_key }) => `${event_action} ${dedup_key}`)).toEqual([
      `trigger ${id}`,
      `acknowledge ${id}`,
      `trigger ${id}#2`,
      `resolve ${id}`,
      `resolve ${id}#2`,
    ])
  })

  test('what the pager refuses is not said again, and the card says so', async () => {
    const { receiver, incidents, id, told } = await paged([{ status: 400 }])
    await until(() => told('pager.1.trigger.failed'), 'the refusal')
    await told('')
    expect(receiver.asked).toBe(1)
    const card = incidentCard((await incidents.get(id))!, reader)
    expect(JSON.stringify(card.fields)).toContain('pager was NOT told (pager): not delivered: trigger: HTTP 400')
  })

  test('its own word is taken when it is signed, and otherwise not', async () => {
    const said: PagerSaid[] = []
    const app = new Hono()
    pagerHook(app, new Secret('S'), async (what) => void said.push(what))
    const event = (event_type: string, type = 'user_reference') => ({
      event: {
        event_type,
        occurred_at: '2026-01-06T12:00:00Z',
        agent: { id: 'PU1', type },
        data: { incident_key: 'k' },
      },
    })
    const send = async (body: string, secret: string | undefined) => {
      const signature = `v1=${createHmac('sha256', secret ?? '')
        .update(body)
        .digest('hex')}`
      const headers = secret === undefined ? {} : { 'x-pagerduty-signature': `v1=00,${signature}` }
      return (await app.request('/hooks/pager', { method: 'POST', body, headers: headers as Record<string, string> }))
        .status
    }
    const ack = JSON.stringify(event('incident.acknowledged'))
    expect([await send(ack, undefined), await send(ack, 'X')]).toEqual([401, 401])
    expect(said).toEqual([])
    expect(await send(ack, 'S')).toBe(202)
    expect(await send(JSON.stringify(event('incident.resolved', 'service_reference')), 'S')).toBe(202)
    expect(await send('{', 'S')).toBe(202)
    expect(await send(' '.repeat(70_000), 'S')).toBe(413)
    expect(said).toEqual([{ kind: 'ack', key: 'k', by: 'pager:PU1', at: Date.parse('2026-01-06T12:00:00Z') }])
  })
})

describe('the heartbeat', () => {
  test('is sent while all is well, once a period, and never when a watcher or the delivery is dead', async () => {
    const w = await world()
    const { cards } = w
    const polled = { at: w.now as number | undefined }
    let beats = 0
    const beat = async () => {
      beats += 1
    }
    const parts = {
      redis: w.plot.redis,
      prefix: w.plot.prefix,
      cards,
      outbox: { put: async (card: Parameters<CardStore['put']>[0]) => (await cards.put(card)).stored },
      everyMs: 60_000,
      watched: async () => [{ polledAt: polled.at, pollMs: 2000 }],
      beat,
      now: () => w.now,
      log: { warn: () => {} },
    }
    const [one, two] = [new Heartbeat(parts), new Heartbeat(parts)]
    const deliver = async () => {
      const card = (await cards.get('heartbeat'))!
      await cards.sent(card, 'delivered')
    }
    expect(await one.turn()).toBe(false)
    await deliver()
    expect([await one.turn(), await two.turn(), beats]).toEqual([true, false, 1])
    await deliver()
    w.now += 31_000
    expect(await one.isWell(), 'a watcher that is late').toBe(false)
    polled.at = w.now
    expect(await one.isWell()).toBe(true)
    polled.at = undefined
    expect(await one.isWell(), 'a watcher that never looked').toBe(false)
    polled.at = w.now
    await one.turn()
    w.now += 31_000
    polled.at = w.now
    expect(await one.isWell(), 'nobody delivers').toBe(false)
  })
})
