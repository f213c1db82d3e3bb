import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHouse, words } from '../src/app.ts'
import { loadConfig, parseRedisUrl, readEnvironment } from '../src/config.ts'
import type { DrillReport } from '../src/core/drills.ts'
import type { Language } from '../src/core/language.ts'
import { Order } from '../src/core/outbox.ts'
import { told } from '../src/drill/verdict.ts'
import { openDrillSchedules, openDrills } from '../src/drills.ts'
import { localMembership } from '../src/membership.ts'
import { Crew, until } from './crew.ts'
import { read, workspace } from './slack-crew.ts'
import { type DiscordStandIn, startDiscord, textOf } from './stand-ins/discord/index.ts'
import type { SlackStandIn } from './stand-ins/slack/index.ts'

let crew: Crew
let slack: SlackStandIn
let discord: DiscordStandIn
let bot: Awaited<ReturnType<Crew['bot']>>
let house: Awaited<ReturnType<typeof openHouse>>
let drills: ReturnType<typeof openDrills>
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  crew = await Crew.start({ speed: 0 })
  slack = await workspace()
  discord = await startDiscord({ users: [{ name: 'luis', locale: 'en-US' }], channels: [{ name: 'ops' }] })
  const settings = {
    chat: {
      slack: { botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl },
      discord: { token: discord.token, guilds: [discord.guildId], apiUrl: discord.apiUrl },
      web: { listen: '127.0.0.1:0', signIn: 'none' },
    },
  }
  bot = await crew.bot('pictures', settings)
  const env = await crew.environment('pictures', settings)
  const environment = { ...readEnvironment({ ...env, LOG_LEVEL: 'silent' }), redis: parseRedisUrl(crew.redis.url) }
  const config = loadConfig({ role: 'worker', env })
  const key = Buffer.from(env.QUORUM_KEY!, 'hex')
  house = await openHouse({ config, environment, key, name: 'test', membership: localMembership(true) })
  const schedules = openDrillSchedules(house)
  drills = openDrills(house, schedules, {})
  closers.push(
    () => schedules.close(),
    () => house.close(),
  )
})

afterAll(async () => {
  for (const close of closers) await close()
  await Promise.all([discord.close(), slack.close()])
  await crew.close()
})

const report: DrillReport = {
  ...{ id: 'j-1', cluster: 'main', node: 'pve1', kind: 'shutdown', by: 'web:ana', startedAt: 1_800_000_000 },
  ...{ endedAt: 1_800_000_240, verdict: 'passed', settled: true, lostAt: 1_800_000_070, backAt: 1_800_000_180 },
  timeline: [{ at: 1_800_000_070, what: 'pve1 offline' }],
  guests: [100, 101].map((vmid) => ({
    ...{ sid: `vm:${vmid}`, name: `Win${vmid}`, from: 'pve1', predicted: { outcome: 'moves', to: 'pve2' }, to: 'pve2' },
    ...{ downAt: 1_800_000_020, upAt: 1_800_000_090, downSeconds: 70, uncertaintySeconds: 2, verdict: 'as-predicted' },
  })),
}

/** What a drill that ends says in the thread of its card. */
async function ends(target: string, card: string, language: Language): Promise<void> {
  const own = { ...report, id: `j-${card}` }
  const message = { title: words[language].ha.drill.labels.drill, state: 'ok', job: own.id } as const
  await house.outbox.put({ key: card, target, message, language, order: Order.final })
  let count = 0
  const says = (name: string, line: object) => {
    const threaded = { ...line, title: (line as { title: string }).title, state: 'info', thread: card } as const
    const key = `${card}.${own.id}.${name}`
    return house.outbox.put({ key, target, thread: card, language, order: ++count, message: threaded })
  }
  await told({ says, words: words[language], job: { language }, drills } as unknown as Parameters<typeof told>[0], own)
}

/** A PNG of a node and two machines, twice as large as it is shown. */
function isPicture(png: Buffer): void {
  expect(png.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a')
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1920, 2 * (120 + 90 + 3 * 44)])
}

test('the picture of a drill stands in its thread on Slack', async () => {
  await ends(`slack:${slack.channels.ops}`, 'c-slack', 'es')
  const card = await slack.until(() => slack.messages('ops').find((one) => read(one).includes('Simulacro')), 20_000)
  const shown = await slack.until(() => card.replies.find(({ files }) => files.length === 1), 20_000)
  const [file] = shown.files as { url_private_download: string; title: string }[]
  expect(file!.title).toBe('Win100: 1 min 10 s; Win101: 1 min 10 s')
  isPicture(await slack.file(file!.url_private_download))
  await slack.until(() => card.replies.some((one) => read(one).includes('j-c-slack.json')), 20_000)
  expect(slack.violations).toEqual([])
})

test('on Discord', async () => {
  await ends(`discord:${discord.channels.ops}`, 'c-discord', 'en')
  const card = await discord.until(() => discord.messages('ops').find((one) => textOf(one).includes('Drill')), 20_000)
  const sent = await discord.until(() => discord.calls('create_message').find(({ files }) => files.length > 0), 20_000)
  expect(sent.params.channel_id).toBe(card.id)
  isPicture(sent.files[0]!)
  expect(JSON.stringify(sent.body)).toContain('Win100: 1 min 10 s; Win101: 1 min 10 s')
  expect(discord.violations).toEqual([])
})

test('in the web chat, as its own address; asked for again, the report brings it along, and the history its trend', async () => {
  await ends('web:ops', 'c-web', 'es')
  const isShown = ({ image, thread }: { image?: unknown; thread?: string }) => image !== undefined && thread === 'c-web'
  const line = await bot.card(isShown, 'the picture', 'ops')
  expect(line.message.image!.alt).toBe('Win100: 1 min 10 s; Win101: 1 min 10 s')
  isPicture(bytesOf(line.message.image!.url))
  await drills.keep(report)
  await bot.say('viewer', 'drill report', 'ops', 'es')
  const again = await bot.card(
    ({ title, image, thread }) => /^Simulacro j-1/.test(title) && !!image && !thread,
    'the report',
    'ops',
  )
  isPicture(bytesOf(again.message.image!.url))
  await bot.say('viewer', 'drill history', 'ops', 'es')
  const history = await bot.card(({ title }) => title === 'Simulacros: 1', 'the history', 'ops')
  expect(history.message.image!.alt).toMatch(/pve1 apagado ordenado: 70 s$/)
  expect(bytesOf(history.message.image!.url).subarray(1, 4).toString()).toBe('PNG')
  await until(
    async () => (await bot.messages('ops')).some(({ message }) => message.title === 'j-c-web.json (1)'),
    'the JSON',
  )
})

const bytesOf = (url: string) => Buffer.from(/^data:image\/png;base64,(.+)$/.exec(url)![1]!, 'base64')
