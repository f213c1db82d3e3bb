import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Order } from '../src/core/outbox.ts'
import { Gone, startDelivery, Throttled } from '../src/jobs/delivery.ts'
import { BullOutbox, CardStore } from '../src/jobs/outbox.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { Sheet } from './fixtures/sheet.ts'
import { until } from './until.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

const quiet = { warn: () => {}, error: () => {} }

/** An outbox, and as many delivering processes as a story starts. */
function office(on = ground) {
  const { redis, prefix } = on.plot()
  const outbox = new BullOutbox(redis, prefix)
  const cards = new CardStore(redis, prefix)
  const sheet = new Sheet()
  on.onClose(() => outbox.close())
  /** A process with connections of its own. `die` leaves everything as a crash would. */
  const deliver = (carrier = sheet) => {
    const own = on.connection()
    const worker = startDelivery({
      redis: own,
      prefix,
      cards: new CardStore(own, prefix),
      outbox: new BullOutbox(own, prefix),
      carrier,
      log: quiet,
    })
    on.onClose(() => worker.close(true))
    return { die: () => worker.close(true) }
  }
  const put = (key: string, title: string, more: { order?: number; thread?: string } = {}) =>
    outbox.put({
      key,
      target: 'toy:room',
      order: more.order ?? Order.waiting,
      message: { title, state: 'info' },
      ...(more.thread === undefined ? {} : { thread: more.thread }),
    })
  /** Ten seconds in a moment: what BullMQ does once the locks of a dead process have run out. */
  const locksRunOut = async () => {
    const queue = `${prefix}:deliver-toy`
    const active = await redis.lrange(`${queue}:active`, 0, -1)
    await redis.del(`${queue}:stalled-check`, ...active.map((id) => `${queue}:${id}:lock`))
    if (active.length > 0) await redis.sadd(`${queue}:stalled`, ...active)
  }
  return { redis, prefix, outbox, cards, sheet, deliver, put, locksRunOut }
}

describe.concurrent('the outbox', () => {
  test('stores before it sends: what was said while no chat was connected is shown when one is', async () => {
    const { put, cards, deliver, sheet } = office()
    expect(await put('a', 'said early')).toBe(true)
    expect(await cards.get('a')).toMatchObject({
      version: 1,
      sent: 0,
      posting: false,
      message: { title: 'said early' },
    })
    deliver()
    await until(() => sheet.titles().includes('said early'), 'the card')
    await until(async () => (await cards.get('a'))?.sent === 1, 'the id to be noted')
    expect(await cards.get('a')).toMatchObject({ posted: 'ts-1', posting: false })
    await until(async () => (await cards.lanes('toy')).length === 0, 'the empty lane to be forgotten')
  })

  test('only the newest state is sent: 100 states while the platform is slow are a few sends, the last one final', async () => {
    const { put, deliver, sheet } = office()
    const slow = gate()
    sheet.before = () => slow.pass()
    deliver()
    await put('a', 'state 0', { order: Order.running })
    await slow.arrived
    for (let i = 1; i < 100; i++) await put('a', `state ${i}`, { order: Order.running })
    await put('a', 'the end', { order: Order.final })
    slow.open()
    await until(() => sheet.titles()[0] === 'the end', 'the end')
    expect(sheet.sends.length).toBeLessThanOrEqual(3)
    expect(sheet.shown.size).toBe(1)
  })

  test('a late state never takes a card back, before and after the final one was sent', async () => {
    const { put, deliver, sheet, cards } = office()
    expect(await put('a', 'the end', { order: Order.final })).toBe(true)
    expect(await put('a', 'half', { order: Order.running })).toBe(false)
    deliver()
    await until(async () => (await cards.get('a'))?.sent === 1, 'the end to be sent')
    expect(await put('a', 'half', { order: Order.running })).toBe(false)
    await put('b', 'after it', { thread: 'a' })
    await until(() => sheet.titles().includes('after it'), 'the line after it')
    expect(sheet.sends.map(({ title }) => title)).toEqual(['the end', 'after it'])
  })

  test('the same content twice is sent once', async () => {
    const { put, deliver, sheet, outbox } = office()
    deliver()
    await put('a', 'same')
    await until(() => sheet.shown.size === 1, 'the card')
    expect(await put('a', 'same')).toBe(true)
    expect(await put('a', 'same', { order: Order.final })).toBe(true)
    await outbox.wake('toy:room|a')
    await put('b', 'after it', { thread: 'a' })
    await until(() => sheet.shown.size === 2, 'the line after it')
    expect(sheet.sends.map(({ title }) => title)).toEqual(['same', 'after it'])
  })

  test('a thread is shown in its order, also when a line in the middle fails at first', async () => {
    const { put, deliver, sheet } = office()
    let failures = 1
    sheet.before = ({ key }) => {
      if (key === 'line 2' && failures-- > 0) throw new Error('hiccup')
    }
    await put('root', 'root')
    for (let i = 1; i <= 5; i++) await put(`line ${i}`, `line ${i}`, { thread: 'root' })
    deliver()
    await until(() => sheet.shown.size === 6, 'the whole thread')
    expect(sheet.titles()).toEqual(['root', 'line 1', 'line 2', 'line 3', 'line 4', 'line 5'])
  })

  test('a line waits for the id of its root', async () => {
    const { put, deliver, sheet } = office()
    const slow = gate()
    sheet.before = ({ key }) => (key === 'root' ? slow.pass() : undefined)
    deliver()
    await put('root', 'root')
    await slow.arrived
    await put('line', 'line', { thread: 'root' })
    await put('other', 'elsewhere')
    await until(() => sheet.titles().includes('elsewhere'), 'another lane')
    expect(sheet.titles()).toEqual(['elsewhere'])
    slow.open()
    await until(() => sheet.titles().includes('line'), 'the line')
    const root = [...sheet.shown].find(([, { key }]) => key === 'root')![0]
    expect(sheet.sends.find(({ key }) => key === 'line')).toMatchObject({ how: 'post', root })
  })

  test('a platform that wants us to wait is obeyed, and only its lane waits', async () => {
    const { put, deliver, sheet } = office()
    const waitMs = 1200
    let throttled = 0
    sheet.before = ({ key }) => {
      if (key !== 'a' || throttled > 0) return
      throttled = Date.now()
      throw new Throttled(waitMs)
    }
    deliver()
    await put('a', 'first')
    await until(() => throttled > 0, 'the platform to refuse')
    await put('a', 'second', { order: Order.running })
    await put('b', 'elsewhere')
    await until(() => sheet.titles().includes('elsewhere'), 'the other lane')
    expect(sheet.titles()).toEqual(['elsewhere'])
    await until(() => sheet.titles().includes('second'), 'the throttled card')
    const sends = sheet.sends.filter(({ key }) => key === 'a')
    expect(sends).toHaveLength(2)
    expect(sends[1]!.at - throttled).toBeGreaterThanOrEqual(waitMs - 20)
  })

  test('a message that nobody can see any more is left out, and its lane goes on', async () => {
    const { put, deliver, sheet, cards } = office()
    deliver()
    await put('root', 'root')
    await until(async () => (await cards.get('root'))?.sent === 1, 'the root')
    sheet.before = ({ key }) => {
      if (key === 'root') throw new Gone('message_not_found')
    }
    await put('root', 'root, edited', { order: Order.running })
    await put('line', 'line', { thread: 'root' })
    await until(() => sheet.titles().includes('line'), 'the line')
    expect(sheet.sends.filter(({ key }) => key === 'root')).toHaveLength(2)
  })

  test('a card that Redis no longer has does not hold up those behind it', async () => {
    const { redis, prefix, put, deliver, sheet } = office()
    await put('root', 'root')
    await put('line', 'line', { thread: 'root' })
    await redis.del(`${prefix}:card:root`)
    deliver()
    await until(() => sheet.titles().includes('line'), 'the line')
  })

  test('a platform that is down for a while gets everything afterwards, once, in its newest state', async () => {
    const { put, deliver, sheet } = office()
    let failures = 2
    sheet.before = () => {
      if (failures-- > 0) throw new Error('503')
    }
    deliver()
    await put('a', 'old', { order: Order.running })
    await until(() => sheet.sends.length > 0, 'a first try')
    await put('a', 'new', { order: Order.final })
    await until(() => sheet.shown.size === 1, 'the card')
    await put('b', 'after it', { thread: 'a' })
    await until(() => sheet.shown.size === 2, 'the line after it')
    expect(sheet.titles()).toEqual(['new', 'after it'])
  })

  test('an answer that was lost after the message was shown: it is looked for, not posted again', async () => {
    const { put, deliver, sheet, cards } = office()
    let lost = 1
    sheet.after = () => {
      if (lost-- > 0) throw new Error('socket hang up')
    }
    deliver()
    await put('a', 'once')
    await until(async () => (await cards.get('a'))?.sent === 1, 'the card to be noted')
    expect(sheet.sends.map(({ again }) => again)).toEqual([false, true])
    expect(sheet.titles()).toEqual(['once'])
  })

  test('a crash between posting and noting the id: the next process looks for it, and one message is there', async () => {
    const { put, deliver, sheet, cards, locksRunOut } = office()
    const dying = gate()
    sheet.after = ({ again }) => (again ? undefined : dying.pass())
    const first = deliver()
    await put('a', 'once')
    await dying.arrived
    expect(await cards.get('a')).toMatchObject({ posting: true, sent: 0 })
    await first.die()
    await locksRunOut()
    deliver()
    await until(async () => (await cards.get('a'))?.sent === 1, 'the card to be noted')
    expect(sheet.sends.map(({ how, again }) => ({ how, again }))).toEqual([
      { how: 'post', again: false },
      { how: 'post', again: true },
    ])
    expect(sheet.titles()).toEqual(['once'])
  })

  test('a crash between storing and waking is swept up', async () => {
    const { cards, deliver, sheet, put } = office()
    deliver()
    await put('a', 'delivery runs')
    await until(() => sheet.shown.size === 1, 'the first card')
    const card = { key: 'b', target: 'toy:room', order: 0, message: { title: 'left', state: 'info' as const } }
    expect(await cards.put(card)).toEqual({ stored: true, lane: 'toy:room|b' })
    await until(() => sheet.titles().includes('left'), 'the sweep')
  })

  test('two processes deliver side by side, but never one lane at once, and each lane in order', async () => {
    const { put, deliver, sheet, redis } = office()
    const awhile = async () => void (await redis.ping())
    sheet.before = awhile
    sheet.after = awhile
    deliver()
    deliver()
    const lanes = Array.from({ length: 8 }, (_, i) => `lane ${i}`)
    await Promise.all(
      lanes.map(async (lane) => {
        for (let i = 0; i < 25; i++) await put(lane, `${i}`, { order: i })
      }),
    )
    await until(() => sheet.titles().filter((title) => title === '24').length === lanes.length, 'all lanes')
    expect(sheet.mostAtOnce).toBe(1)
    expect(sheet.shown.size).toBe(lanes.length)
    for (const lane of lanes) {
      const states = sheet.sends.filter(({ key }) => key === lane).map(({ title }) => Number(title))
      expect(states).toEqual([...states].sort((a, b) => a - b))
    }
  })
})

test('Redis is killed and started again in the middle: nothing is lost, nothing is shown twice', async () => {
  const shaky = await Ground.start()
  try {
    const { put, deliver, sheet, cards } = office(shaky)
    const slow = gate()
    sheet.before = ({ title }) => (title === 'before' ? slow.pass() : undefined)
    deliver()
    await put('a', 'before')
    await slow.arrived
    await shaky.redis.kill9()
    slow.open()
    await shaky.redis.restart()
    await put('a', 'after', { order: Order.final })
    await put('b', 'line', { thread: 'a' })
    await until(() => sheet.titles().includes('line'), 'the line')
    expect(sheet.titles()).toEqual(['after', 'line'])
    await until(async () => (await cards.lanes('toy')).length === 0, 'empty lanes')
  } finally {
    await shaky.close()
  }
})
