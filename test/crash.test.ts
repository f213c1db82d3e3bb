import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chat, Crew, until } from './crew.ts'

/** Worlds side by side, and how often the worker of each is killed. */
const worlds = 6
const kills = 5
/** Until both jobs of a round have ended undisturbed; later kills would prove nothing. */
const longestMs = 3500
/** Simulated seconds a second: a machine is made in about half a second, so that kills fall into every step. */
const speed = 4

let crew: Crew

beforeAll(async () => {
  crew = await Crew.start({ speed })
})

afterAll(() => crew.close())

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

test(`kill -9 of the worker at ${worlds * kills} random moments of a create and a clone: one machine each, all ok`, async () => {
  const random = draws(7)
  const stories = Array.from({ length: worlds }, async (_, world) => {
    const prefix = `world-${world}`
    const names: string[] = []
    const bot = await crew.bot(prefix)
    let worker = await crew.worker(prefix)
    for (let kill = 0; kill < kills; kill++) {
      const round = [`made-${world}-${kill}.test`, `cloned-${world}-${kill}.test`] as const
      names.push(...round)
      await bot.say('operator', `vm create ${round[0]} node:pve2 disk:2G iso:debian-12.iso`)
      await bot.say('operator', `vm clone 9000 name:${round[1]} full:true`)
      await new Promise((resolve) => setTimeout(resolve, (random.next().value as number) * longestMs))
      await worker.kill9()
      // It takes up what its forerunner left, beside the next round, and may be killed in the middle of that too.
      worker = await crew.worker(prefix)
    }
    const cards = await Promise.all(names.map((name) => ended(bot, name)))
    const machines = await Promise.all(names.map(async (name) => (await guests(name)).length))
    await Promise.all([worker.stop(), bot.close()])
    return names.map((name, i) => {
      const { state, error } = cards[i]!.message
      return { name, state, error, machines: machines[i] }
    })
  })
  const ends = (await Promise.all(stories)).flat()
  expect(ends).toHaveLength(worlds * kills * 2)
  expect(ends.filter(({ state, machines }) => state !== 'ok' || machines !== 1)).toEqual([])
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
