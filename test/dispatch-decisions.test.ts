import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Ground } from './fixtures/ground.ts'
import { toyHouse } from './fixtures/toy-house.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

describe.concurrent('what endangers', () => {
  test('waits for its requester’s own confirmation, by any of that person’s accounts', async () => {
    const { say, click, message, jobOf, worker, ended } = toyHouse(ground)
    worker()
    const card = await say('web:ana', 'toy risk 100')
    expect(await message(card)).toMatchObject({
      state: 'waiting',
      title: 'endangers 100',
      actions: [{ id: 'confirm', style: 'primary' }, { id: 'cancel' }],
    })
    expect((await click('web:luis', card, 'confirm'))?.error?.code).toBe('not-yours')
    expect((await click('web:root', card, 'confirm'))?.error?.code).toBe('not-yours')
    expect((await click('web:ana', card, 'approve'))?.error?.code).toBe('not-a-decision')
    expect(await jobOf(card)).toBeUndefined()
    expect(await click('slack:U1', card, 'confirm')).toBeUndefined()
    expect(await ended((await jobOf(card))!.id)).toMatchObject({ state: 'ok' })
  })

  test('confirmed by two clicks at once is one job', async () => {
    const { say, click, jobOf, worker, ended, cluster, desk } = toyHouse(ground)
    worker()
    const card = await say('web:ana', 'toy risk 100')
    await Promise.all([1, 2, 3].map(() => click('web:ana', card, 'confirm')))
    const job = await jobOf(card)
    await ended(job!.id)
    expect(await desk.list({ most: 10 })).toHaveLength(1)
    expect(cluster.sent('guestPower')).toBe(1)
  })

  test('can be dropped by its requester and by an admin, and by nobody else', async () => {
    const { say, click, message, jobOf } = toyHouse(ground)
    const first = await say('web:ana', 'toy risk 100')
    expect((await click('web:luis', first, 'cancel'))?.error?.code).toBe('not-yours')
    await click('web:ana', first, 'cancel')
    expect(await message(first)).toMatchObject({ state: 'warning', text: expect.stringContaining('ana') })
    const second = await say('web:ana', 'toy risk 100')
    await click('web:root', second, 'cancel')
    expect(await message(second)).toMatchObject({ state: 'warning' })
    for (const card of [first, second]) {
      expect((await click('web:ana', card, 'confirm'))?.error?.code).toBe('nothing-waits')
      expect(await jobOf(card)).toBeUndefined()
    }
  })

  test('expires, and says so on its card', async () => {
    const { say, click, message, jobOf, clock } = toyHouse(ground)
    const card = await say('web:ana', 'toy risk 100')
    clock.aheadMs = 16 * 60_000
    expect((await click('web:ana', card, 'confirm'))?.error).toMatchObject({ code: 'expired', hint: 'toy risk 100' })
    expect(await message(card)).toMatchObject({ state: 'warning' })
    clock.aheadMs = 0
    expect((await click('web:ana', card, 'confirm'))?.error?.code).toBe('nothing-waits')
    expect(await jobOf(card)).toBeUndefined()
  })

  test('is asked anew when the cluster changed meanwhile, and refused when it cannot be done any more', async () => {
    const { say, click, message, jobOf, toys } = toyHouse(ground)
    const card = await say('web:ana', 'toy risk 100')
    toys.digest = 'd2'
    await click('web:ana', card, 'confirm')
    expect(await jobOf(card)).toBeUndefined()
    expect(await message(card)).toMatchObject({
      state: 'waiting',
      text: expect.stringContaining('changed'),
      fields: [{ name: 'Digest', value: 'd2' }, { name: 'Warning' }],
    })
    toys.digest = 'gone'
    expect((await click('web:ana', card, 'confirm'))?.error).toMatchObject({
      code: 'too-late',
      says: 'It is too late for 100.',
    })
    toys.digest = 'd2'
    await click('web:ana', card, 'confirm')
    expect(await jobOf(card)).toBeDefined()
  })

  test('needs the role at the click too', async () => {
    const { say, click, jobOf, grants } = toyHouse(ground)
    const card = await say('web:ana', 'toy risk 100')
    grants[0] = { role: 'viewer', who: ['ana'] }
    expect((await click('web:ana', card, 'confirm'))?.error?.code).toBe('not-allowed')
    expect(await jobOf(card)).toBeUndefined()
  })

  test('wants another person where the configuration says so', async () => {
    const { say, click, message, jobOf } = toyHouse(ground, { approvals: { endangers: 1 } })
    const card = await say('web:ana', 'toy risk 100')
    await click('web:ana', card, 'confirm')
    expect(await message(card)).toMatchObject({ actions: [{ id: 'approve' }, { id: 'reject' }, { id: 'cancel' }] })
    await click('web:luis', card, 'approve')
    expect(await jobOf(card)).toBeDefined()
  })
})

describe.concurrent('what destroys', () => {
  const confirmed = async (house: ReturnType<typeof toyHouse>) => {
    const card = await house.say('web:ana', 'toy destroy 100')
    await house.click('web:ana', card, 'confirm')
    return card
  }

  test('waits for another person’s approval: not for the requester’s second account, nor for one without the role', async () => {
    const house = toyHouse(ground)
    const { click, message, jobOf, desk } = house
    const card = await confirmed(house)
    expect(await message(card)).toMatchObject({
      state: 'waiting',
      actions: [{ id: 'approve', style: 'danger' }, { id: 'reject' }, { id: 'cancel' }],
    })
    expect((await message(card))?.text).toContain('luis')
    expect((await click('web:ana', card, 'approve'))?.error?.code).toBe('own-approval')
    expect((await click('slack:U1', card, 'approve'))?.error).toMatchObject({ code: 'own-approval' })
    expect((await click('web:eva', card, 'approve'))?.error?.code).toBe('not-allowed')
    expect((await click('web:eva', card, 'reject'))?.error?.code).toBe('not-allowed')
    expect((await click('web:luis', card, 'confirm'))?.error?.code).toBe('not-a-decision')
    expect(await jobOf(card)).toBeUndefined()
    expect(await click('web:luis', card, 'approve')).toBeUndefined()
    const job = await jobOf(card)
    expect(await desk.get(job!.id)).toMatchObject({ requester: 'web:ana' })
    expect((await message(card))?.fields).toContainEqual({ name: 'Approve', value: 'Approved by luis' })
  })

  test('approved by two people at once is one job', async () => {
    const house = toyHouse(ground)
    const card = await confirmed(house)
    await Promise.all(['web:luis', 'web:rosa'].map((who) => house.click(who, card, 'approve')))
    expect(await house.jobOf(card)).toBeDefined()
    expect(await house.desk.list({ most: 10 })).toHaveLength(1)
  })

  test('that wants two others wants two humans', async () => {
    const house = toyHouse(ground, { approvals: { destroys: 2 } })
    const { click, jobOf } = house
    const card = await confirmed(house)
    await click('web:luis', card, 'approve')
    await click('web:luis', card, 'approve')
    expect(await jobOf(card)).toBeUndefined()
    await click('web:rosa', card, 'approve')
    expect(await jobOf(card)).toBeDefined()
  })

  test('can be rejected, and then nobody can approve it', async () => {
    const house = toyHouse(ground)
    const { click, message, jobOf } = house
    const card = await confirmed(house)
    await click('web:luis', card, 'reject')
    expect(await message(card)).toMatchObject({ state: 'warning', text: expect.stringContaining('luis') })
    expect((await click('web:rosa', card, 'approve'))?.error?.code).toBe('nothing-waits')
    expect(await jobOf(card)).toBeUndefined()
  })

  test('is asked anew when the plan changed before the approval: the earlier one counts no more', async () => {
    const house = toyHouse(ground, { approvals: { destroys: 2 } })
    const { click, message, jobOf, toys } = house
    const card = await confirmed(house)
    await click('web:luis', card, 'approve')
    toys.digest = 'd2'
    await click('web:rosa', card, 'approve')
    expect(await message(card)).toMatchObject({ actions: [{ id: 'confirm' }, { id: 'cancel' }] })
    await click('web:ana', card, 'confirm')
    await click('web:rosa', card, 'approve')
    expect(await jobOf(card)).toBeUndefined()
    await click('web:luis', card, 'approve')
    expect(await jobOf(card)).toBeDefined()
  })

  test('is not lent a role: a requester who lost it gets nothing by another’s approval', async () => {
    const house = toyHouse(ground)
    const { click, jobOf, grants } = house
    const card = await confirmed(house)
    grants[0] = { role: 'operator', who: ['luis'] }
    expect((await click('web:luis', card, 'approve'))?.error?.code).toBe('not-allowed')
    expect(await jobOf(card)).toBeUndefined()
  })
})

describe.concurrent('what belongs to a class of approvals', () => {
  test('waits for another person by the safe defaults, whatever its risk, and as many as are configured', async () => {
    const { say, click, message, jobOf } = toyHouse(ground)
    for (const line of ['toy drill 100', 'toy access 100']) {
      const card = await say('web:ana', line)
      expect(await message(card)).toMatchObject({ actions: [{ id: 'confirm', style: 'danger' }, { id: 'cancel' }] })
      await click('web:ana', card, 'confirm')
      expect((await click('slack:U1', card, 'approve'))?.error?.code).toBe('own-approval')
      expect(await jobOf(card)).toBeUndefined()
      await click('web:luis', card, 'approve')
      expect(await jobOf(card)).toBeDefined()
    }
    const two = toyHouse(ground, { approvals: { access: 2, drill: 0 } })
    const access = await two.say('web:ana', 'toy access 100')
    await two.click('web:ana', access, 'confirm')
    await two.click('web:luis', access, 'approve')
    expect(await two.jobOf(access)).toBeUndefined()
    const drill = await two.say('web:ana', 'toy drill 100')
    await two.click('web:ana', drill, 'confirm')
    expect(await two.jobOf(drill)).toBeDefined()
  })

  test('is not started again by Retry: what was decided held for one run', async () => {
    const { say, click, jobOf, cluster, worker, ended } = toyHouse(ground, { approvals: { access: 0 } })
    cluster.after = () => cluster.end(cluster.taskList.at(-1)!, 'got timeout')
    worker()
    const card = await say('web:ana', 'toy access 100')
    await click('web:ana', card, 'confirm')
    expect(await ended((await jobOf(card))!.id)).toMatchObject({ state: 'failed' })
    expect((await click('web:ana', card, 'retry'))?.error?.code).toBe('decide-again')
  })
})

describe.concurrent('a wish for an approval', () => {
  const posts = () => ['web:room', 'discord:77']
  const other = async (house: ReturnType<typeof toyHouse>, card: string) => {
    const [, key] = (await house.redis.keys(`${house.prefix}:card:${card}~*`))[0]?.split(`${house.prefix}:card:`) ?? []
    return key!
  }

  test('stands in the cluster’s other channels too, and is decided there', async () => {
    const house = toyHouse(ground, { channels: { posts } })
    const { say, click, message, jobOf, runs } = house
    const card = await say('web:ana', 'toy destroy 100')
    await click('web:ana', card, 'confirm')
    const there = await other(house, card)
    expect(await house.cards.get(there)).toMatchObject({ target: 'discord:77' })
    expect(await message(there)).toMatchObject({ state: 'waiting', actions: [{ id: 'approve' }, { id: 'reject' }] })
    const at = { target: 'discord:77' }
    expect((await click('slack:U1', there, 'approve', at))?.error?.code).toBe('own-approval')
    expect(await click('web:luis', there, 'approve', at)).toBeUndefined()
    const job = (await jobOf(card))!
    expect(await runs.record(job.id)).toMatchObject({
      approvedBy: ['web:luis'],
      approvedIn: { 'web:luis': 'discord:77' },
    })
    expect(await message(there)).toMatchObject({ state: 'info', text: 'Approved by luis' })
    expect((await message(there))?.actions).toBeUndefined()
    expect((await click('web:rosa', there, 'reject', at))?.error?.code).toBe('not-a-decision')
  })

  test('loses its buttons everywhere when it is dropped, and asks with a new card when the plan has changed', async () => {
    const house = toyHouse(ground, { channels: { posts } })
    const { say, click, message, toys } = house
    const card = await say('web:ana', 'toy destroy 100')
    await click('web:ana', card, 'confirm')
    const first = await other(house, card)
    toys.digest = 'd2'
    await click('web:luis', first, 'approve', { target: 'discord:77' })
    expect(await message(first)).toMatchObject({ state: 'warning', text: expect.stringContaining('changed') })
    await click('web:ana', card, 'confirm')
    const keys = await house.redis.keys(`${house.prefix}:card:${card}~*`)
    expect(keys).toHaveLength(2)
    await click('web:ana', card, 'cancel')
    for (const key of keys) expect((await message(key.split(':card:')[1]!))?.actions).toBeUndefined()
  })
})

describe.concurrent('somebody who has nobody to ask', () => {
  const minute = 60_000
  const alone = (options: Parameters<typeof toyHouse>[1] = {}) => {
    const house = toyHouse(ground, { soloMs: 5 * minute, ...options })
    house.grants.splice(
      0,
      house.grants.length,
      { role: 'operator', who: ['ana'] },
      { role: 'viewer', who: ['web:eva'] },
    )
    return house
  }
  const announced = async ({ redis, prefix, message }: ReturnType<typeof toyHouse>) =>
    Promise.all((await redis.keys(`${prefix}:card:solo-*`)).map((key) => message(key.split(':card:')[1]!)))

  test('confirms twice, that far apart, and everybody is told before', async () => {
    const house = alone({ channels: { posts: () => ['web:room', 'discord:77'] } })
    const { say, click, message, jobOf, clock, trail } = house
    const card = await say('web:ana', 'toy destroy 100')
    await click('web:ana', card, 'confirm', { event: 'first' })
    expect(await announced(house)).toHaveLength(2)
    expect((await announced(house))[0]).toMatchObject({ title: 'destroys 100', text: expect.stringContaining('ana') })
    expect(await message(card)).toMatchObject({ actions: [{ id: 'confirm', style: 'danger' }, { id: 'cancel' }] })
    expect((await click('slack:U1', card, 'confirm'))?.error?.code).toBe('solo-too-early')
    expect((await click('web:ana', card, 'approve'))?.error?.code).toBe('own-approval')
    expect((await click('web:eva', card, 'confirm'))?.error?.code).toBe('not-a-decision')
    clock.aheadMs = 5 * minute + 1000
    // The first click once more, late: it is the same confirmation.
    await click('web:ana', card, 'confirm', { event: 'first' })
    expect(await jobOf(card)).toBeUndefined()
    await click('web:ana', card, 'confirm')
    expect(await jobOf(card)).toBeDefined()
    expect((await message(card))?.fields).toContainEqual({
      name: 'Approve',
      value: expect.stringContaining('twice by ana'),
    })
    const kinds = (await trail.list(() => true, 50)).map(({ record }) => [record?.kind, record?.result])
    expect(kinds).toContainEqual(['confirmed', 'alone'])
    expect(await announced(house)).toHaveLength(2)
  })

  test('begins again when the plan changes, and waits no longer than it says', async () => {
    const { say, click, message, jobOf, clock, toys } = alone()
    const card = await say('web:ana', 'toy destroy 100')
    await click('web:ana', card, 'confirm')
    clock.aheadMs = 6 * minute
    toys.digest = 'd2'
    await click('web:ana', card, 'confirm')
    expect(await message(card)).toMatchObject({ text: expect.stringContaining('changed') })
    await click('web:ana', card, 'confirm')
    expect((await click('web:ana', card, 'confirm'))?.error?.code).toBe('solo-too-early')
    clock.aheadMs = 60 * minute
    expect((await click('web:ana', card, 'confirm'))?.error?.code).toBe('expired')
    expect(await jobOf(card)).toBeUndefined()
  })

  test('is not alone when somebody else has the role by then, nor where it is off, nor beside a group', async () => {
    const house = alone()
    const card = await house.say('web:ana', 'toy destroy 100')
    await house.click('web:ana', card, 'confirm')
    house.clock.aheadMs = 6 * minute
    house.grants.push({ role: 'admin', who: ['web:root'] })
    expect((await house.click('web:ana', card, 'confirm'))?.error?.code).toBe('solo-no-more')
    await house.click('web:root', card, 'approve')
    expect(await house.jobOf(card)).toBeDefined()
    for (const [options, who] of [
      [{ soloMs: undefined }, 'web:nobody'],
      [{ soloMs: minute }, 'slack:group:S1'],
    ] as const) {
      const other = toyHouse(ground, options as never)
      other.grants.splice(0, other.grants.length, { role: 'operator', who: ['ana', ...(options.soloMs ? [who] : [])] })
      const asks = await other.say('web:ana', 'toy destroy 100')
      await other.click('web:ana', asks, 'confirm')
      expect(await other.message(asks)).toMatchObject({
        actions: [{ id: 'approve' }, { id: 'reject' }, { id: 'cancel' }],
      })
      other.clock.aheadMs = 6 * minute
      await other.click('web:ana', asks, 'confirm')
      expect(await other.jobOf(asks)).toBeUndefined()
    }
  })
})
