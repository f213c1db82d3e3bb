import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chat, Crew, until } from './crew.ts'

/** Worlds side by side, and how often the process with the workers of all is killed. */
const worlds = 10
const kills = 3
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

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

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
  const prefixes = Array.from({ length: worlds }, (_, world) => `world-${world}`)
  const bots = await Promise.all(prefixes.map((prefix) => crew.bot(prefix)))
  const names: string[][] = prefixes.map(() => [])
  let worker = await crew.workers(prefixes)
  for (let kill = 0; kill < kills; kill++) {
    const end = pause(longestMs)
    const said = bots.map(async (bot, world) => {
      const round = [`made-${world}-${kill}.test`, `cloned-${world}-${kill}.test`] as const
      names[world]!.push(...round)
      // The end comes for all at once, and finds each in another moment.
      await pause((random.next().value as number) * longestMs)
      await bot.say('operator', `vm create ${round[0]} node:pve2 disk:2G iso:debian-12.iso`)
      await bot.say('operator', `vm clone 9000 name:${round[1]} full:true`)
    })
    await Promise.all([end, ...said])
    await worker.kill9()
    // It takes up what its forerunner left, beside the next round, and may be killed in the middle of that too.
    worker = await crew.workers(prefixes)
  }
  // Nothing dies any more: what still waits for its turn at the template need not take its time.
  crew.sim.cluster.clock.setSpeed(100)
  const stories = bots.map(async (bot, world) => {
    const cards = await Promise.all(names[world]!.map((name) => ended(bot, name)))
    const machines = await Promise.all(names[world]!.map(async (name) => (await guests(name)).length))
    return names[world]!.map((name, i) => {
      const { state, error } = cards[i]!.message
      return { name, state, error, machines: machines[i] }
    })
  })
  const ends = (await Promise.all(stories)).flat()
  expect(ends).toHaveLength(worlds * kills * 2)
  expect(ends.filter(({ state, machines }) => state !== 'ok' || machines !== 1)).toEqual([])
  await Promise.all([worker.stop(), ...bots.map((bot) => bot.close())])
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
