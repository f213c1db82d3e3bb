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
