import { Queue } from 'bullmq'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Said } from '../src/core/events.ts'
import { Inbox, startInbox } from '../src/jobs/inbox.ts'
import { Seal } from '../src/jobs/seal.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { toyHouse } from './fixtures/toy-house.ts'
import { until } from './until.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

/** A house whose events come through the inbox. */
function withInbox() {
  const house = toyHouse(ground)
  const { redis, prefix, seal, audit, dispatch } = house
  const inbox = new Inbox(redis, prefix, seal)
  const open = () => {
    const worker = startInbox({ redis: ground.connection(), prefix, seal, audit, dispatch, log: { error: () => {} } })
    ground.onClose(() => worker.close(true))
  }
  const queue = new Queue('inbox', { connection: redis as never, prefix })
  ground.onClose(() => inbox.close())
  ground.onClose(() => queue.close())
  const said = (event: string, text: string): Said => ({
    event,
    identity: 'web:ana',
    target: 'web:room',
    text,
    locales: [],
  })
  return { ...house, inbox, open, queue, line: said, cardOf: (event: string) => `c-${seal.name(event)}` }
}

describe.concurrent('an event delivered twice', () => {
  test('is one, through the inbox, whatever it does', async () => {
    const { inbox, open, line, toys, message, cardOf } = withInbox()
    await inbox.said(line('e1', 'toy act'))
    await inbox.said(line('e1', 'toy act'))
    open()
    await until(async () => (await message(cardOf('e1')))?.state === 'ok', 'the act')
    await inbox.said(line('e1', 'toy act'))
    await inbox.said(line('e2', 'toy read'))
    await until(async () => message(cardOf('e2')), 'the line after it')
    expect(toys.acts).toBe(1)
  })

  test('again and again, since it kills every bot that takes it up, is let go of', async () => {
    const { inbox, open, line, queue, redis, prefix, seal, toys } = withInbox()
    for (const crashes of [4, 5]) {
      const event = `killed ${crashes}`
      await inbox.said(line(event, 'toy act'))
      await redis.hset(`${prefix}:inbox:i-${seal.name(event)}`, 'stc', crashes)
    }
    open()
    await until(async () => (await queue.getJobCounts('completed')).completed === 2, 'both to be dealt with')
    expect(toys.acts).toBe(1)
  })

  test('makes no second job, while it runs and after it has ended', async () => {
    const house = toyHouse(ground)
    const { say, jobOf, worker, ended, cluster, message, desk } = house
    const again = () => say('web:ana', 'toy change 100', { event: 'e1' })
    await Promise.all([again(), again()])
    const card = await again()
    worker()
    await ended((await jobOf(card))!.id)
    await again()
    expect(await message(card)).toMatchObject({ state: 'ok' })
    expect(await desk.list({ most: 10 })).toHaveLength(1)
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('does not bring back a question that was decided', async () => {
    const { say, click, message, jobOf } = toyHouse(ground)
    for (const [line, drop] of [
      ['toy risk 100', 'cancel'],
      ['toy change', 'form.cancel'],
    ] as const) {
      const again = () => say('web:ana', line, { event: line })
      const card = await again()
      await click('web:ana', card, drop)
      await again()
      expect(await message(card)).toMatchObject({ state: 'warning' })
      const late = await click('web:ana', card, drop === 'cancel' ? 'confirm' : 'form.submit', {
        values: { vmid: '1' },
      })
      expect(late?.error?.code).toBe('nothing-waits')
      expect(await jobOf(card)).toBeUndefined()
    }
  })

  test('that died between storing what waits and showing it is made whole', async () => {
    const { say, click, message, jobOf, cards, redis, prefix } = toyHouse(ground)
    const card = await say('web:ana', 'toy destroy 100', { event: 'e1' })
    const asked = await redis.hgetall(`${prefix}:card:${card}`)
    await click('web:ana', card, 'confirm', { event: 'c1' })
    await redis.hset(`${prefix}:card:${card}`, asked)
    expect(await message(card)).toMatchObject({ actions: [{ id: 'confirm' }, { id: 'cancel' }] })
    expect(await click('web:ana', card, 'confirm', { event: 'c1' })).toBeUndefined()
    expect(await message(card)).toMatchObject({ actions: [{ id: 'approve' }, { id: 'reject' }, { id: 'cancel' }] })
    expect((await cards.get(card))?.order).toBe(0)
    expect(await jobOf(card)).toBeUndefined()
  })

  test('does not take a card back that waits for its approval by now', async () => {
    const { say, click, message, jobOf } = toyHouse(ground)
    const again = () => say('web:ana', 'toy destroy 100', { event: 'e1' })
    const card = await again()
    await click('web:ana', card, 'confirm', { event: 'c1' })
    await again()
    await click('web:ana', card, 'confirm', { event: 'c1' })
    expect(await message(card)).toMatchObject({ actions: [{ id: 'approve' }, { id: 'reject' }, { id: 'cancel' }] })
    await click('web:luis', card, 'approve', { event: 'a1' })
    await click('web:luis', card, 'approve', { event: 'a1' })
    expect(await jobOf(card)).toBeDefined()
  })

  test('that is a click on Retry makes one run, also when that one has failed by then', async () => {
    const { say, click, jobOf, worker, ended, cluster } = toyHouse(ground)
    cluster.after = () => cluster.end(cluster.taskList.at(-1)!, 'got timeout')
    worker()
    const card = await say('web:ana', 'toy change 100')
    const first = (await jobOf(card))!.id
    await ended(first)
    await click('web:ana', card, 'retry', { event: 'r1' })
    await ended(`${first}-r1`)
    await click('web:ana', card, 'retry', { event: 'r1' })
    expect((await jobOf(card))?.id).toBe(`${first}-r1`)
    await click('web:ana', card, 'retry', { event: 'r2' })
    await ended(`${first}-r2`)
    expect(cluster.sent('guestPower')).toBe(3)
  })
})

describe.concurrent('whoever can write to Redis', () => {
  test('cannot order a job: without our seal, altered, or copied from another', async () => {
    const { say, jobOf, redis, prefix, desk, runs, worker, ended, cluster } = toyHouse(ground)
    const [altered, model, last] = await Promise.all(
      [100, 101, 102].map(async (vmid) => (await jobOf(await say('web:ana', `toy change ${vmid}`)))!.id),
    )
    const at = (id: string) => `${prefix}:run:${id}`
    const sealed = (await redis.hget(at(altered!), 'record'))!
    await redis.hset(at(altered!), 'record', sealed.replace('"vmid":100', '"vmid":666'))
    await redis.hset(at('j-copied'), 'record', (await redis.hget(at(model!), 'record'))!)
    await redis.hset(at('j-plain'), 'record', JSON.stringify(await runs.record(model!)))
    for (const id of ['j-copied', 'j-plain', 'j-nothing']) await desk.queue.add('start', {}, { jobId: id })
    worker()
    await ended(last!)
    await ended(model!)
    const forged = ['j-copied', 'j-plain', 'j-nothing', altered!]
    await until(async () => {
      const states = await Promise.all(forged.map(async (id) => (await desk.queue.getJob(id))?.getState()))
      return states.every((state) => state === 'failed')
    }, 'the forged ones to be thrown out')
    expect(cluster.writes.map(({ vmid }) => vmid).sort()).toEqual([101, 102])
  })

  test('cannot say anything for anybody: a forged, altered or moved event is not heard', async () => {
    const { inbox, open, queue, line, seal, toys, message, cardOf } = withInbox()
    await inbox.said(line('real', 'toy read'))
    const real = (await queue.getJobs(['waiting'])).find(({ name }) => name === 'said')!
    const sealed = (real.data as { sealed: string }).sealed
    const forged = { kind: 'said', event: line('f', 'toy act'), at: Date.now() }
    await queue.add('said', { sealed: sealed.replace('toy read', 'toy act') }, { jobId: 'i-altered' })
    await queue.add('said', { sealed }, { jobId: 'i-moved' })
    await queue.add('said', { sealed: `x.${JSON.stringify(forged)}` }, { jobId: 'i-forged' })
    await queue.add('said', { sealed: seal.wrap('record', 'i-other', forged) }, { jobId: 'i-other' })
    await queue.add('clicked', {}, { jobId: 'i-empty' })
    open()
    await until(async () => message(cardOf('real')), 'the real one')
    await until(async () => (await queue.getJobCounts('waiting', 'active', 'delayed')).waiting === 0, 'all to be read')
    await inbox.said(line('last', 'toy read'))
    await until(async () => message(cardOf('last')), 'the last one')
    expect(toys.acts).toBe(0)
    expect(await message(cardOf('f'))).toBeUndefined()
  })

  test('cannot confirm or approve: a waiting entry that was altered or copied to another card is not found', async () => {
    const { say, click, redis, prefix, jobOf } = toyHouse(ground)
    const card = await say('web:ana', 'toy destroy 100')
    const other = await say('web:luis', 'toy risk 200')
    const entry = (key: string) => `${prefix}:pending:${key}`
    const mine = await redis.hgetall(entry(card))
    await redis.hset(entry(card), 'sealed', mine.sealed!.replace('"kind":"confirm"', '"kind":"approve"'))
    expect((await click('web:luis', card, 'approve'))?.error?.code).toBe('nothing-waits')
    await redis.hset(entry(other), mine)
    expect((await click('web:ana', other, 'confirm'))?.error?.code).toBe('nothing-waits')
    await redis.hset(entry('c-made-up'), mine)
    expect((await click('web:ana', 'c-made-up', 'confirm'))?.error?.code).toBe('nothing-waits')
    expect(await jobOf(card)).toBeUndefined()
    expect(await jobOf(other)).toBeUndefined()
  })

  test('cannot bring in what another installation has signed: no approval, no order, no event', async () => {
    const house = withInbox()
    const { say, click, redis, prefix, jobOf, desk, worker, runs, queue, open, line, toys, audit, trail } = house
    await audit({ kind: 'asked' })
    const stranger = new Seal(Buffer.alloc(32, 1))
    const card = await say('web:ana', 'toy destroy 100')
    const entry = `${prefix}:pending:${card}`
    const pending = JSON.parse((await redis.hget(entry, 'sealed'))!.replace(/^[^.]*\./, '')) as object
    const approved = { ...pending, kind: 'approve', approvedBy: ['web:luis'] }
    await redis.hset(entry, 'sealed', stranger.wrap('pending', card, approved))
    for (const who of ['web:luis', 'web:rosa', 'web:root']) {
      expect((await click(who, card, 'approve'))?.error?.code).toBe('nothing-waits')
    }
    expect(await jobOf(card)).toBeUndefined()
    const model = (await runs.record((await jobOf(await say('web:ana', 'toy change 100')))!.id))!
    const id = 'j-strange'
    await redis.hset(`${prefix}:run:${id}`, 'record', stranger.wrap('record', id, { ...model, id }))
    await redis.set(`${prefix}:card-job:c-strange`, id)
    await desk.queue.add('start', {}, { jobId: id })
    const event = { kind: 'said', event: line('s', 'toy act'), at: Date.now() }
    await queue.add('said', { sealed: stranger.wrap('inbox', 'i-s', event) }, { jobId: 'i-s' })
    worker()
    open()
    await until(async () => {
      const forged = await trail.list(({ kind }) => kind === 'forged', 10)
      return forged.length >= 2
    }, 'both to be noticed')
    expect((await click('web:ana', 'c-strange', 'log'))?.error?.code).toBe('nothing-waits')
    expect(toys.acts).toBe(0)
    expect((await house.ended(model.id)).state).toBe('ok')
    expect(house.cluster.sent('guestPower')).toBe(1)
  })

  test('cannot make a card stand for another job', async () => {
    const { say, click, redis, prefix, jobOf } = toyHouse(ground)
    const [card, other] = [await say('web:ana', 'toy change 100'), await say('web:ana', 'toy change 200')]
    const job = (await jobOf(other))!.id
    await redis.set(`${prefix}:card-job:${card}`, job)
    expect((await click('web:ana', card, 'cancel'))?.error?.code).toBe('nothing-waits')
    expect((await jobOf(other))?.state).toBe('queued')
  })

  test('cannot tell a job what it has done: an altered step is done again, an altered task is looked for', async () => {
    const looks: number[] = []
    const dying = gate()
    const house = toyHouse(ground, {
      between: {
        look: (vmid) => void looks.push(vmid),
        check: () => (looks.length > 1 ? undefined : dying.pass()),
      },
    })
    const { say, jobOf, worker, ended, cluster, redis, prefix, locksRunOut, runs } = house
    const first = worker()
    const job = (await jobOf(await say('web:ana', 'toy change 100')))!.id
    await dying.arrived
    await first.die()
    const run = `${prefix}:run:${job}`
    const upid = cluster.taskList[0]!.upid
    await redis.hset(run, 'step:look', (await redis.hget(run, 'step:look'))!.replace('true', 'null'))
    await redis.hset(run, 'upid:act', (await redis.hget(run, 'upid:act'))!.replace(':qmstart:', ':qmstop:'))
    await redis.hset(run, 'step:check', (await redis.hget(run, 'step:look'))!)
    await locksRunOut(job)
    worker()
    expect(await ended(job)).toMatchObject({ state: 'ok' })
    expect(looks).toEqual([100, 100])
    expect(cluster.sent('guestPower')).toBe(1)
    expect(await runs.upids(job)).toEqual([upid])
  })
})
