import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Ground, gate } from './fixtures/ground.ts'
import { toyHouse } from './fixtures/toy-house.ts'
import { until } from './until.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

describe.concurrent('a line', () => {
  test('is answered, worked at, or refused, on one card each', async () => {
    const { say, message, worker, ended, jobOf } = toyHouse(ground)
    worker()
    expect(await message(await say('web:eva', 'toy read'))).toMatchObject({ title: 'read main', state: 'info' })
    expect(await message(await say('web:ana', 'toy act'))).toMatchObject({ title: 'acted 1', state: 'ok' })
    const card = await say('web:ana', '/pve toy change vmid:100')
    const job = await jobOf(card)
    expect(job).toMatchObject({ title: 'changes 100', requester: 'web:ana' })
    expect(await ended(job!.id)).toMatchObject({ state: 'ok' })
    expect(await message(card)).toMatchObject({
      state: 'ok',
      title: '100 runs',
      job: job!.id,
      fields: [
        { name: 'Digest', value: 'd1' },
        { name: 'Warning', value: 'careful' },
      ],
    })
    expect(await message(await say('web:ana', 'toy chagne 100'))).toMatchObject({
      state: 'refused',
      error: { code: 'unknown-command-near', hint: 'toy change 100' },
    })
  })

  test('needs its role, and says who may; without any role in the configuration it says that', async () => {
    const { say, message, jobOf, grants } = toyHouse(ground)
    const card = await say('web:eva', 'toy change 100')
    expect(await message(card)).toMatchObject({ state: 'refused', error: { code: 'not-allowed' } })
    expect((await message(card))?.error?.hint).toContain('ana')
    expect(await jobOf(card)).toBeUndefined()
    grants.length = 0
    expect((await message(await say('web:ana', 'toy read')))?.error).toMatchObject({ code: 'no-roles' })
  })

  test('that breaks us says where the log has it, and nothing of our inside', async () => {
    const { say, message, reported } = toyHouse(ground)
    const shown = await message(await say('web:ana', 'toy bug'))
    expect(shown).toMatchObject({ state: 'failed', error: { code: 'internal' } })
    expect(JSON.stringify(shown)).toContain('q-77')
    expect(JSON.stringify(shown)).not.toMatch(/TypeError|secret|toy-commands|at /)
    expect(reported).toHaveLength(1)
  })

  test('that takes long says so, and the answer takes its place', async () => {
    const { say, message, toys, cards, seal } = toyHouse(ground)
    const slow = gate()
    toys.before = slow.pass
    const said = say('web:ana', 'toy read', { event: 'slow' })
    const card = `c-${seal.name('slow')}`
    await until(async () => (await message(card))?.state === 'running', 'the interim card')
    expect((await message(card))?.text).toContain('main')
    slow.open()
    await said
    expect(await message(card)).toMatchObject({ title: 'read main', state: 'info' })
    expect((await cards.get(card))?.version).toBe(2)
  })

  test('with --explain does nothing, not even for what would ask first', async () => {
    const { say, message, jobOf, toys, click } = toyHouse(ground)
    for (const line of ['toy change 100 --explain', 'toy destroy 100 explain:true']) {
      const card = await say('web:ana', line)
      const shown = await message(card)
      expect(shown).toMatchObject({ state: 'info' })
      expect(shown?.fields).toContainEqual({ name: 'By hand, in a shell', value: 'qm start 100' })
      expect(await jobOf(card)).toBeUndefined()
      expect((await click('web:ana', card, 'confirm'))?.error?.code).toBe('nothing-waits')
    }
    await say('web:ana', 'toy act --explain')
    expect(toys.acts).toBe(0)
  })

  test('is taken where the configuration says, and always in the web chat', async () => {
    const { say, message } = toyHouse(ground, { channels: { taken: () => ['slack:C1'] } })
    const refused = await message(await say('slack:U1', 'toy read', { target: 'slack:C2' }))
    expect(refused?.error).toMatchObject({ code: 'wrong-channel', hint: expect.stringContaining('slack:C1') })
    expect((await message(await say('slack:U1', 'toy read', { target: 'slack:C1' })))?.state).toBe('info')
    expect((await message(await say('web:ana', 'toy read')))?.state).toBe('info')
  })

  test('goes to the cluster that it names, else to the channel’s, else it asks which', async () => {
    const { say, message } = toyHouse(ground, {
      clusters: ['north', 'south'],
      channels: { clusterOf: (target) => (target === 'web:south' ? 'south' : undefined) },
    })
    const title = async (line: string, target = 'web:room') => message(await say('web:ana', line, { target }))
    expect(await title('toy read cluster:north')).toMatchObject({ title: 'read north' })
    expect(await title('toy read', 'web:south')).toMatchObject({ title: 'read south' })
    expect(await title('toy read --cluster north', 'web:south')).toMatchObject({ title: 'read north' })
    expect((await title('toy read'))?.error).toMatchObject({ code: 'which-cluster', hint: 'toy read cluster:north' })
    expect((await title('toy read cluster:east'))?.error).toMatchObject({ code: 'unknown-cluster' })
    expect(await title('toy act')).toMatchObject({ title: 'acted 1' })
  })

  test('is answered in the language that its person set, else has in the configuration, the platform, the channel', async () => {
    const languageOf = (target: string) => (target === 'web:sala' ? ('es' as const) : undefined)
    const { say, message, redis, prefix } = toyHouse(ground, { channels: { languageOf } })
    const language = async (who: string, more: object) =>
      (await message(await say(who, 'toy read', more)))?.text?.split(' ')[2]
    expect(await language('web:rosa', {})).toBe('en')
    expect(await language('web:rosa', { target: 'web:sala' })).toBe('es')
    expect(await language('web:rosa', { target: 'web:sala', locales: ['fr', 'en-US'] })).toBe('en')
    expect(await language('web:luis', { locales: ['en-US'] })).toBe('es')
    await redis.hset(`${prefix}:languages`, 'person:luis', 'en')
    expect(await language('web:luis', { target: 'web:sala', locales: ['es-EC'] })).toBe('en')
    expect((await message(await say('web:rosa', 'toy', { locales: ['es'] })))?.error?.says).toMatch(/Quisiste|no es/)
  })

  test('in a thread is answered in it', async () => {
    const { say, message, cards } = toyHouse(ground)
    for (const line of ['toy read', 'toy nothing', 'toy change', 'toy destroy 100', 'toy change 100']) {
      const card = await say('web:ana', line, { thread: 'c-root' })
      expect(await cards.get(card)).toMatchObject({ thread: 'c-root', message: { thread: 'c-root' } })
      expect(await message(card)).toBeDefined()
    }
  })
})

describe.concurrent('a form', () => {
  test('opens for what is missing, stays open at a wrong value, and goes on when it is right', async () => {
    const { say, click, message, jobOf } = toyHouse(ground)
    const card = await say('web:ana', 'toy change node:pve2')
    expect(await message(card)).toMatchObject({
      state: 'waiting',
      form: {
        id: card,
        fields: [
          { name: 'vmid', label: 'VMID', required: true },
          { name: 'node', label: 'Node', required: false, value: 'pve2' },
        ],
      },
      actions: [{ id: 'form.submit' }, { id: 'form.cancel' }],
    })
    const wrong = await click('web:ana', card, 'form.submit', { values: { vmid: 'abc' } })
    expect(wrong).toMatchObject({ state: 'refused', error: { code: 'bad-argument' } })
    expect((await click('web:ana', card, 'form.submit', { values: {} }))?.error?.code).toBe('missing-argument')
    expect((await click('web:ana', card, 'form.submit', { values: { vmid: '100', evil: '1' } }))?.error).toBeDefined()
    expect((await click('web:luis', card, 'form.submit', { values: { vmid: '100' } }))?.error?.code).toBe('not-yours')
    expect(await message(card)).toMatchObject({ state: 'waiting' })
    expect(await click('web:ana', card, 'form.submit', { values: { vmid: '100' } })).toBeUndefined()
    expect(await jobOf(card)).toMatchObject({ title: 'changes 100' })
    expect(await message(card)).toMatchObject({ state: 'queued' })
    expect((await click('web:ana', card, 'form.submit', { values: { vmid: '101' } }))?.error).toBeDefined()
    expect(await jobOf(card)).toMatchObject({ title: 'changes 100' })
  })

  test('of a command that endangers leads to its confirmation, and a second submit does not take it back', async () => {
    const { say, click, message, jobOf } = toyHouse(ground)
    const card = await say('web:ana', 'toy risk')
    const submit = () => click('web:ana', card, 'form.submit', { values: { vmid: '100' } })
    await Promise.all([submit(), submit()])
    expect(await message(card)).toMatchObject({ state: 'waiting', actions: [{ id: 'confirm' }, { id: 'cancel' }] })
    expect(await jobOf(card)).toBeUndefined()
    expect((await submit())?.error?.code).toBe('not-a-decision')
    await click('web:ana', card, 'confirm')
    expect(await jobOf(card)).toBeDefined()
  })

  test('can be dropped, and then nothing waits any more', async () => {
    const { say, click, message } = toyHouse(ground)
    const card = await say('web:ana', 'toy change')
    expect(await click('web:ana', card, 'form.cancel')).toBeUndefined()
    expect(await message(card)).toMatchObject({ state: 'warning', title: expect.stringContaining('Dropped') })
    expect((await click('web:ana', card, 'form.submit', { values: { vmid: '1' } }))?.error?.code).toBe('nothing-waits')
  })
})
