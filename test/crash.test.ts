import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chat, Crew, until } from './crew.ts'

const moments = 30
/** Until both jobs have ended undisturbed; later kills would prove nothing. */
const longestMs = 3500
/** Processes that start at the same time; more would only wait for each other on two cores. */
const startingAtOnce = 3
/** Simulated seconds a second: a machine is made in about half a second, so that kills fall into every step. */
const speed = 4

let crew: Crew

beforeAll(async () => {
  crew = await Crew.start({ speed })
})

afterAll(() => crew.close())

/** Lets so many through at a time. */
function turnstile(most: number) {
  let inside = 0
  const waiting: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    inside += 1
    try {
      return await work()
    } finally {
      inside -= 1
      waiting.shift()?.()
    }
  }
}

/** Numbers from 0 to 1 that are the same in each run, so that a failure can be looked at again. */
function* draws(seed: number) {
  let state = seed
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

/** The guests of that name, as the cluster itself has them. */
async function guests(name: string) {
  const state = (await (await fetch(`${crew.sim.control}/api/lab`)).json()) as {
    guests: { name: string; vmid: number }[]
  }
  return state.guests.filter((guest) => guest.name === name)
}

/** The bot's card of the job that makes this machine. */
const ended = (chat: Chat, name: string) =>
  chat.card(
    ({ state, title }) => (state === 'ok' || state === 'failed') && title.includes(name),
    `the end of ${name}`,
    'general',
    120_000,
  )

test(`kill -9 of the worker at ${moments} random moments of a create and a clone: one machine each, all ok`, async () => {
  const start = turnstile(startingAtOnce)
  const random = draws(7)
  const delays = Array.from({ length: moments }, () => (random.next().value as number) * longestMs)
  const stories = delays.map(async (delayMs, i) => {
    const prefix = `world-${i}`
    const names = [`made-${i}.test`, `cloned-${i}.test`] as const
    const [bot, first] = await start(async () => [await crew.bot(prefix), await crew.worker(prefix)] as const)
    await bot.say('operator', `vm create ${names[0]} node:pve2 disk:2G iso:debian-12.iso`)
    await bot.say('operator', `vm clone 9000 name:${names[1]} full:true`)
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    await first.kill9()
    const second = await start(() => crew.worker(prefix))
    const cards = await Promise.all(names.map((name) => ended(bot, name)))
    const machines = await Promise.all(names.map(async (name) => (await guests(name)).length))
    await Promise.all([second.stop(), bot.close()])
    return { delayMs, cards: cards.map(({ message: { state, error } }) => ({ state, error })), machines }
  })
  const ends = await Promise.all(stories)
  const wrong = ends.filter(
    ({ cards, machines }) => cards.some(({ state }) => state !== 'ok') || machines.some((n) => n !== 1),
  )
  expect(wrong).toEqual([])
}, 240_000)

test('Redis killed -9 and started again in the middle of a job: one machine, job and message ok', async () => {
  const bot = await crew.bot('redis-gone')
  const worker = await crew.worker('redis-gone')
  await bot.say('operator', 'vm create survivor node:pve1 disk:8G')
  await bot.card(({ progress }) => progress?.label !== undefined, 'the job to run')
  await crew.redis.kill9()
  const refused = await bot.post('/api/messages', { user: 'operator', channel: 'general', text: 'vm list' })
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ error: { code: 'redis-gone' } })
  await crew.redis.restart()
  await bot.card(({ state }) => state === 'ok', 'the job to end well', 'general', 90_000)
  expect(await guests('survivor')).toHaveLength(1)
  await until(
    async () => (await bot.messages()).filter(({ message }) => message.state === 'ok').length === 1,
    'one card',
  )
  await Promise.all([worker.stop(), bot.close()])
}, 120_000)
