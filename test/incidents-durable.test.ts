import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { words } from '../src/app.ts'
import type { AuditEntry } from '../src/core/audit.ts'
import { readerOf } from '../src/core/incident.ts'
import type { Outbox } from '../src/core/outbox.ts'
import { Access } from '../src/core/roles.ts'
import { act, pass, tell, wantsLook } from '../src/ha/acts.ts'
import type { ClusterEvent, EventKind } from '../src/ha/event.ts'
import { type SeenGuest, take } from '../src/ha/incident.ts'
import { severityOf } from '../src/ha/severity.ts'
import { EventLog } from '../src/jobs/event-log.ts'
import { cardKey } from '../src/jobs/incident-cards.ts'
import { IncidentKeeper } from '../src/jobs/incident-keeper.ts'
import { IncidentStore } from '../src/jobs/incident-store.ts'
import { RedisIncidents } from '../src/jobs/incidents.ts'
import { CardStore } from '../src/jobs/outbox.ts'
import type { Redis } from '../src/jobs/redis.ts'
import { Ground } from './fixtures/ground.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})
afterAll(() => ground.close())

const access = new Access([], [{ name: 'ana', ids: ['web:ana', 'slack:UANA'] }], { groupsOf: async () => [] })
const places = [
  ['web:general', 'en'],
  ['slack:C1', 'es'],
] as const
const posts = places.map(([target, language]) => ({
  target,
  reader: readerOf(words, access, { language, tz: 'America/Guayaquil' }),
}))
const keysOf = (id: string) => places.map(([target]) => cardKey(id, target))

type Plot = ReturnType<Ground['plot']>

/** A connection of a process that dies at its command number `at`, before Redis gets it or after it has done it. */
function dying(redis: Redis, at: number, when: 'before' | 'after'): Redis {
  let count = 0
  return new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function' || !/^[a-z]+$/.test(String(name)) || name === 'on') return value
      return async (...given: unknown[]) => {
        count += 1
        if (count > at || (count === at && when === 'before')) throw new Error('killed')
        const result: unknown = await (value as (...all: unknown[]) => unknown).apply(target, given)
        if (count === at) throw new Error('killed')
        return result
      }
    },
  })
}

/** One installation: the watcher's log, and as many processes as a story wants. */
class World {
  readonly plot: Plot = ground.plot()
  readonly audited: AuditEntry[] = []
  readonly log = new EventLog({ ...this.plot, subscriber: ground.connection(), cluster: 'main' })
  readonly cards = new CardStore(this.plot.redis, this.plot.prefix)
  now = Date.parse('2026-01-01T00:00:00Z')
  guests: SeenGuest[] = []
  #count = 0

  /** What the watcher tells. */
  async told(...events: [EventKind, Partial<ClusterEvent>][]): Promise<void> {
    const fence = await this.log.take('watcher', 60_000)
    const at = new Date(this.now).toISOString()
    const all = events.map(([kind, more]): ClusterEvent => {
      const severity = severityOf({ kind, ...more })
      return { kind, cluster: 'main', key: `k${++this.#count}`, severity, at, ...more }
    })
    expect(await this.log.append(fence!, await this.log.kept(), {}, all)).toBeDefined()
  }

  process(redis = this.plot.redis) {
    const { prefix, seal } = this.plot
    const store = new IncidentStore(redis, prefix, seal)
    const cards = new CardStore(redis, prefix)
    const outbox: Outbox = { put: async (card) => (await cards.put(card)).stored }
    const audit = async (entry: AuditEntry) => void this.audited.push(entry)
    const now = () => this.now
    const name = (value: unknown) => seal.name(value)
    const log = { warn: () => {}, error: () => {} }
    const keeper = new IncidentKeeper({
      cluster: 'main',
      store,
      events: this.log,
      rules: {
        take: (before, events, guests) => take(before, events, { now: this.now, severities: {}, guests, name }),
        pass,
        wantsLook,
      },
      outbox,
      posts,
      audit,
      windows: async () => [],
      look: async () => this.guests,
      pollMs: 2000,
      now,
      log,
    })
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
    return { keeper, incidents, store }
  }

  /** Everything that people would see, by the key of its card. */
  async seen(): Promise<Record<string, string>> {
    const { redis, prefix } = this.plot
    const start = `${prefix}:card:`
    const keys = (await redis.keys(`${start}*`)).map((key) => key.slice(start.length)).sort()
    const all = await Promise.all(keys.map(async (key) => [key, await this.cards.get(key)] as const))
    return Object.fromEntries(all.map(([key, card]) => [key, `${card!.message.state} ${card!.message.title}`]))
  }
}

const failover: [EventKind, Partial<ClusterEvent>][] = [
  ['node.lost', { node: 'pve1' }],
  ['node.fencing', { node: 'pve1' }],
  ['guest.recovered', { guest: 'vm:100', from: 'pve1', to: 'pve2' }],
]
const win11: SeenGuest = { guest: 'vm:100', name: 'Win11', node: 'pve1', running: true, haState: 'started' }

test('what the watcher tells is one card in every channel of the cluster, in its language, with a line for each event', async () => {
  const world = new World()
  world.guests = [win11]
  const { keeper, incidents } = world.process()
  await world.told(...failover)
  await keeper.read()
  const [incident] = await incidents.list({ most: 5 })
  const [english, spanish] = keysOf(incident!.id)
  expect(await world.seen()).toEqual({
    [english!]: 'failed pve1 is gone: 1 machine affected',
    [`${english}.1`]: 'failed pve1 is gone',
    [`${english}.2`]: 'failed pve1 is being fenced',
    [`${english}.3`]: 'warning vm:100 (Win11) is recovered: HA starts it on pve2',
    [spanish!]: 'failed pve1 no está: 1 máquina afectada',
    [`${spanish}.1`]: 'failed pve1 no está',
    [`${spanish}.2`]: 'failed pve1 está siendo aislado (fencing)',
    [`${spanish}.3`]: 'warning vm:100 (Win11) fue recuperada: la HA la enciende en pve2',
  })
  const card = (await world.cards.get(english!))!.message
  expect(card).toMatchObject({
    incident: incident!.id,
    event: { kind: 'node.lost', cluster: 'main', severity: 'critical', node: 'pve1', at: '2026-01-01T00:00:00.000Z' },
    actions: [{ id: 'ack' }, { id: 'note' }, { id: 'resolve' }],
  })
  expect((await world.cards.get(`${english}.3`))!.message).toMatchObject({
    thread: english,
    incident: incident!.id,
    event: { kind: 'guest.recovered', guest: 'vm:100', from: 'pve1', to: 'pve2', at: '2026-01-01T00:00:00.000Z' },
  })
})

test('that machines run again is said in words, with no `event`: the list of kinds has none for it', async () => {
  const world = new World()
  const win12: SeenGuest = { ...win11, guest: 'vm:101', name: 'Win12' }
  world.guests = [win11, win12]
  const { keeper, incidents } = world.process()
  const lines = async () => {
    const [incident] = await incidents.list({ most: 1 })
    const [english] = keysOf(incident!.id)
    const found = incident!.timeline.filter(({ event }) => event?.kind === 'guest.running')
    return Promise.all(found.map(async ({ line }) => (await world.cards.get(`${english}.${line}`))!.message))
  }
  const running = (one: SeenGuest): [EventKind, Partial<ClusterEvent>] => [
    'guest.running',
    { guest: one.guest, node: 'pve2', downSeconds: 124, uncertaintySeconds: 2 },
  ]
  await world.told(...failover, running(win11))
  await keeper.read()
  const [alone] = await lines()
  expect(alone).toMatchObject({ title: 'vm:100 (Win11) runs again on pve2, down 2 min 4 s (± 2 s)', state: 'ok' })
  expect(alone).not.toHaveProperty('event')
  await world.told(running(win12))
  await keeper.read()
  const both = await lines()
  expect(both).toHaveLength(2)
  for (const line of both) expect(line).not.toHaveProperty('event')
})

test('many workers read the same log; each event is told once', async () => {
  const world = new World()
  const processes = Array.from({ length: 4 }, () => world.process())
  await world.told(...failover)
  await Promise.all(processes.map(({ keeper }) => keeper.read()))
  await world.told(['node.back', { node: 'pve1' }])
  await Promise.all(processes.map(({ keeper }) => keeper.read()))
  const incidents = await processes[0]!.incidents.list({ most: 5 })
  expect(incidents).toHaveLength(1)
  const kinds = incidents[0]!.timeline.flatMap(({ event }) => event?.kind ?? [])
  expect(kinds).toEqual(['node.lost', 'node.fencing', 'guest.recovered', 'node.back'])
})

test('a worker that is killed at any of its commands loses nothing and repeats nothing', async () => {
  const whole = await lived()
  const count = Object.keys(whole).length
  expect(count).toBeGreaterThan(8)
  const tries = Array.from({ length: 40 }, (_, i) => i + 1)
  const ends = await Promise.all(
    tries.flatMap((at) => (['before', 'after'] as const).map((when) => lived({ at, when }))),
  )
  for (const end of ends) expect(Object.values(end)).toEqual(Object.values(whole))
})

/** A story told in two parts, the first by a process that is killed; what is there in the end. */
async function lived(killed?: { at: number; when: 'before' | 'after' }) {
  const world = new World()
  world.guests = [win11]
  const first = world.process(killed ? dying(world.plot.redis, killed.at, killed.when) : undefined)
  await world.told(...failover)
  await first.keeper.read().catch(() => {})
  await world.told(['guest.running', { guest: 'vm:100', node: 'pve2', downSeconds: 124, uncertaintySeconds: 2 }])
  await first.keeper.read().catch(() => {})
  await first.keeper.tick().catch(() => {})
  const second = world.process()
  await second.keeper.read()
  world.now += 10_000
  await second.keeper.tick()
  await second.keeper.tick()
  return world.seen()
}

describe('people', () => {
  test('of many who acknowledge at once one wins, and every card shows who', async () => {
    const world = new World()
    const { keeper } = world.process()
    await world.told(failover[0]!)
    await keeper.read()
    const people = ['web:ana', 'slack:UANA', 'web:luis', 'web:eva', 'discord:7']
    const [first] = await world.process().incidents.list({ most: 1 })
    const where = { target: 'web:general' }
    const done = await Promise.all(
      people.map((by) => world.process().incidents.act(first!.id, { kind: 'ack', by }, where)),
    )
    const { incidents } = world.process()
    const holder = (await incidents.get(first!.id))!.ack!.by
    for (const [i, acted] of done.entries()) {
      expect(acted.done, people[i]).toBe(access.samePerson(people[i]!, holder))
      if (acted.done) continue
      expect(acted.why).toBe('acknowledged')
      expect('incident' in acted && access.samePerson(acted.incident.ack!.by, holder)).toBe(true)
    }
    for (const key of keysOf(first!.id)) {
      const { message } = (await world.cards.get(key))!
      expect(message.state).toBe('waiting')
      expect(message.fields?.[0]?.value).toContain(access.person(holder)?.name ?? holder)
      expect(message.actions?.map(({ id }) => id)).toEqual(['note', 'resolve'])
    }
    expect(world.audited.map(({ kind }) => kind)).toEqual(people.map(() => 'acknowledged'))
  })

  test('a click that a killed bot takes up again is one act, and another click of the same person another', async () => {
    const world = new World()
    const { keeper, incidents } = world.process()
    await world.told(failover[0]!)
    await keeper.read()
    const [incident] = await incidents.list({ most: 1 })
    const acts = async (once: string) => {
      for (const kind of ['ack', 'note'] as const) {
        const what = { kind, by: 'web:ana', text: 'on my way', once: `${once}-${kind}` }
        expect((await incidents.act(incident!.id, what, {})).done).toBe(true)
        world.now += 60_000
      }
      const { timeline, version } = (await incidents.get(incident!.id))!
      return { acts: timeline.flatMap(({ act: done }) => done?.kind ?? []), version }
    }
    const once = await acts('first')
    expect(once.acts).toEqual(['ack', 'note'])
    expect(await acts('first')).toEqual(once)
    expect((await acts('second')).acts).toEqual(['ack', 'note', 'ack', 'note'])
  })

  test('nothing is done that cannot be written down', async () => {
    const world = new World()
    const { keeper, store } = world.process()
    await world.told(failover[0]!)
    await keeper.read()
    const outbox = { put: async () => true }
    const deaf = new RedisIncidents({
      store,
      acts: { act, tell },
      outbox,
      posts: () => [],
      audit: async () => Promise.reject(new Error('audit-gone')),
      samePerson: () => false,
      now: () => world.now,
    })
    const [incident] = await deaf.list({ most: 1 })
    await expect(deaf.act(incident!.id, { kind: 'resolve', by: 'web:ana' }, {})).rejects.toThrow('audit-gone')
    expect((await deaf.get(incident!.id))!.state).toBe('open')
  })

  test('what has changed is told in order, each in its newest state, and who was told is told once', async () => {
    const world = new World()
    const { keeper, incidents } = world.process()
    await world.told(
      failover[0]!,
      ['storage.lost', { storage: 'nas', node: 'pve2' }],
      ['maintenance.on', { node: 'pve9' }],
    )
    await keeper.read()
    const first = await incidents.changed(0, 10)
    expect(first.incidents.map(({ subject }) => subject)).toEqual(['node pve1', 'storage nas'])
    const id = first.incidents[0]!.id
    const told = { how: 'pager', to: 'the pager', result: 'delivered', once: 'a1' } as const
    expect(await incidents.tell(id, told)).toBe(true)
    expect(await incidents.tell(id, told)).toBe(true)
    expect(await incidents.tell('i-none', told)).toBe(false)
    const second = await incidents.changed(first.seq, 10)
    expect(second.incidents).toMatchObject([{ id, version: 2 }])
    expect(await incidents.changed(second.seq, 10)).toEqual({ seq: second.seq, incidents: [] })
    expect((await world.seen())[`${keysOf(id)[0]}.2`]).toBe('info the pager was told (pager): delivered')
  })
})

describe('whoever can write to Redis', () => {
  test('begins no incident, ends none, and does not choose what is read', async () => {
    const world = new World()
    const { keeper, incidents, store } = world.process()
    await world.told(failover[0]!)
    await keeper.read()
    const [incident] = await incidents.list({ most: 1 })
    const { redis, prefix } = world.plot
    const base = `${prefix}:incidents`
    const whole = (await redis.hget(`${base}:one:${incident!.id}`, 'sealed'))!
    await redis.hset(`${base}:one:${incident!.id}`, 'sealed', whole.replace('"open"', '"resolved"'))
    expect(await incidents.get(incident!.id)).toBeUndefined()
    await redis.hset(`${base}:one:i-other`, 'sealed', whole, 'version', 1)
    await redis.sadd(`${base}:live:main`, 'i-other')
    expect(await store.live('main')).toEqual([])
    await redis.hset(`${base}:one:${incident!.id}`, 'sealed', whole)
    await redis.set(`${base}:cursor:main`, 'x.{"cursor":0}')
    await keeper.read()
    expect(world.audited).toMatchObject([{ kind: 'forged', result: 'forged-incident-cursor' }])
    expect(await store.place('main')).toMatchObject({ cursor: 1 })
    await redis.del(`${base}:cursor:main`)
    await keeper.read()
    expect((await incidents.list({ most: 5 })).map(({ version }) => version)).toEqual([1])
  })
})

test('while the cluster is not seen its cards say so, and none of them is over', async () => {
  const world = new World()
  world.guests = []
  const { keeper, incidents } = world.process()
  await world.told(['node.lost', { node: 'pve1' }], ['guest.frozen', { guest: 'vm:5', node: 'pve2' }])
  await keeper.read()
  const fence = (await world.log.take('watcher', 60_000))!
  const since = new Date(world.now).toISOString()
  await world.log.beat(fence, { at: world.now, steady: 0, view: { state: 'unseen', since } })
  world.now += 3_600_000
  await keeper.tick()
  const [one, two] = await incidents.list({ most: 5 })
  for (const incident of [one!, two!]) {
    expect(incident).toMatchObject({ state: 'open', staleSince: since })
    expect((await world.cards.get(keysOf(incident.id)[0]!))!.message.state).toBe('stale')
  }
  await world.log.beat(fence, {
    at: world.now,
    steady: 0,
    view: { state: 'fresh', since, clock: new Date(world.now).toISOString() },
  })
  await keeper.tick()
  expect((await incidents.list({ most: 5 })).map(({ staleSince }) => staleSince)).toEqual([undefined, undefined])
})
